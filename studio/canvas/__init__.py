"""The drawing surface: its component, the adapter to the package that is its pen, and its scripts."""
