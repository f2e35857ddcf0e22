"""The drawing surface: the adapter to its package, what the browser sends of it, and its scripts."""
