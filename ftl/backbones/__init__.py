"""Networks to prune: by name, or from a file."""
