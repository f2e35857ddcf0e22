"""Assists: what to mark, worked out from a few clicks or strokes, and shown before it is taken."""
