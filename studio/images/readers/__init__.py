"""Masks as other programs write them, one module a form."""
