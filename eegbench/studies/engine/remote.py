"""What a Dask worker does with a task. It stays light: what is heavy is loaded in the processes below the worker."""

import threading

import distributed

from eegbench.benchmark.code import code, named
from eegbench.files import Json
from eegbench.studies.engine.outcome import Outcome
from eegbench.studies.engine.worker import Worker, cores

_mine = threading.local()  # of a thread of the Dask worker: its Worker


def on_worker(task: Json, wanted: Json, threads: int | None) -> Outcome:
    """Do a task in a process below a Dask worker; refused where the code here is not the study's."""
    here, dask = code(), distributed.get_worker()
    if (here["eegbench"], here["sources"]) != (wanted["eegbench"], wanted["sources"]):
        words = f"the worker {dask.address} has {named(here)}, this study {named(wanted)}; give both the same"
        return Outcome(words, refused=True)
    if not hasattr(_mine, "worker"):
        _mine.worker = Worker({"OMP_NUM_THREADS": str(threads or max(1, cores() // dask.state.nthreads))})
    worker: Worker = _mine.worker
    return worker.do(task)
