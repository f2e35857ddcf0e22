"""How far a project is: what is drawn, by whom, and when."""
