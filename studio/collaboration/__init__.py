"""Several people on one project: assignment, presence, review, comments, agreement, progress."""
