"""The photographs of a project."""
