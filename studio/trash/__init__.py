"""What was deleted: kept for thirty days, out of sight, and then removed for good."""
