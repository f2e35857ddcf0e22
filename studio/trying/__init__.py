"""Try a network on photographs, large ones in tiles."""
