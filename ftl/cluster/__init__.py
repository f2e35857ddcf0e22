"""A sweep on a cluster of Dask workers: other processes of this machine, or any number of machines."""
