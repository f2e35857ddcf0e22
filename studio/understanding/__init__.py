"""Understand a network: what went, what its filters see, why it answers as it does."""
