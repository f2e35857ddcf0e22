"""A network run over many or large photographs."""
