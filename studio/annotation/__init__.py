"""Masks: a log of strokes, folded to an index mask."""
