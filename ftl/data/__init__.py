"""Photographs, masks and data sets from disk, and what may be split from what."""
