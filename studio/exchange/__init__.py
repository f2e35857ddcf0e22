"""Masks out of the studio, in the forms that other programs read."""
