"""A sweep: its folders, its steps and their results, computed here or on a Dask cluster."""
