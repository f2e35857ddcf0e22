"""The Home and Projects pages."""
