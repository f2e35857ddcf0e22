"""Several people on one project: who is where, who does what, who judges it, and what was done."""
