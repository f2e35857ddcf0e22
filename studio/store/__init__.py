"""What is kept: rows in the database, files in content-addressed folders."""
