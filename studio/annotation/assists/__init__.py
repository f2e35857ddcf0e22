"""Assists: masks proposed from a few clicks or strokes."""
