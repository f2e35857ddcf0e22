"""Mutated files of every kind that the studio takes, through what it does with them, in a running server.

`python -m tests.fuzz --count 500 [--kind zip] [--seed 1]`: see `tests.fuzz.__main__`.
"""
