"""Preload of a nanny, `dask worker --preload-nanny ftl.sweeping.forked_workers`: its workers are forked, not spawned.

They are forked from one process that has imported PyTorch and what a sweep's tasks need and computed nothing, which
saves each worker, and each that takes the place of one that died, seconds and a few hundred megabytes. Needs Dask's
setting `distributed.worker.multiprocessing-method: forkserver`.
"""

from __future__ import annotations

import os
from multiprocessing import forkserver

import dask
import distributed  # noqa: F401  # its settings

# Dask sets these before it starts a worker; PyTorch and BLAS read them when they are imported
os.environ.update({name: str(value) for name, value in dask.config.get("distributed.nanny.pre-spawn-environ").items()})
forkserver.set_forkserver_preload(["distributed.nanny", "ftl.sweeping.worker"])
forkserver.ensure_running()
