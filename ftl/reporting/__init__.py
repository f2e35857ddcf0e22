"""Reports on paper: the model card of a network and the report of a sweep, as HTML and as PDF."""
