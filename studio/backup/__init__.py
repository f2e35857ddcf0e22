"""A whole project as one zip, with its log, and back."""
