"""Choose a network: what a sweep measured, drawn and put in order."""
