"""The application: it knows the database and the users; the numbers come from `ftl`."""
