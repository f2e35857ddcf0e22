"""Work that outlives tabs and restarts: a queue in the database, done by a worker process."""
