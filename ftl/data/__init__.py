"""Images, masks and data sets from disk, and splits without leakage."""
