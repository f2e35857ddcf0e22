"""Ratios against a bound or a peer, each measured side by side in one run. Nothing else should be running."""
