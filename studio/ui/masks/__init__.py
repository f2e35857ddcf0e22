"""Networks that draw masks, on the Choose page and on the Try page."""
