"""Projects, their members, their classes and their audit log."""
