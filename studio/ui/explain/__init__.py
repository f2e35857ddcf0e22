"""The Understand page: which filters stayed, what they respond to, and why a network predicts what it does."""
