"""A cluster file: what the jobs of a queue are asked for, and how many may run at once.

    kind = "slurm"             # or pbs, sge, lsf, htcondor, oar
    queue = "gpu"              # "" takes the cluster's own default
    jobs = 8                   # at once, at most
    cores = 4
    memory = "16 GB"
    walltime = "02:00:00"
    directives = ["--gres=gpu:1"]         # lines of the job's head, without #SBATCH
    prologue = ["source env/bin/activate"]  # lines of shell before the worker starts
    options = { account = "lab" }         # anything else that dask-jobqueue's class takes

A job is one worker, which does one task at a time. It takes no more tasks when its walltime comes near, and ends; what
it had begun goes on in another job, from the checkpoints. Jobs are submitted while there is work, and end without.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from eegbench.configuration import read_toml
from eegbench.errors import MissingError, UsageError, in_words, short, unknown
from eegbench.files import writing
from eegbench.studies.engine.cluster import EXTRA, Cluster, imported

KINDS = {
    "slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster", "lsf": "LSFCluster",
    "htcondor": "HTCondorCluster", "oar": "OARCluster",
}  # fmt: skip
KEYS = {
    "kind": str, "queue": str, "jobs": int, "cores": int, "memory": str, "walltime": str, "directives": list,
    "prologue": list, "options": dict,
}  # fmt: skip
NEEDED = ("kind", "queue", "jobs", "cores", "memory", "walltime")
_WALLTIME = re.compile(r"(?:(\d{1,3})-)?(\d{1,3}):(\d\d)(?::(\d\d))?")  # [days-]hours:minutes[:seconds]
SHARE, LONGEST = 0.1, 600.0  # of the walltime, and in s: what is kept free at its end
STAGGER = 0.5  # of that, by which workers differ, so that not all end together


def read(file: Path) -> dict[str, Any]:
    """The keys of a cluster file, checked; raises UsageError naming the key, InputError for a file that is no TOML."""
    table = read_toml(file, "cluster")
    for name, value in table.items():
        if name not in KEYS:
            raise unknown(f"key of the cluster file {file}", name, tuple(KEYS))
        if not isinstance(value, KEYS[name]) or isinstance(value, bool):
            raise UsageError(f"{file}: {name} is {short(value)}; wanted {KEYS[name].__name__}")
    for name in NEEDED:
        if name not in table:
            raise UsageError(f"{file}: names no {name}; a cluster file has {', '.join(NEEDED)}")
    if table["kind"] not in KINDS:
        raise unknown("kind of cluster", table["kind"], tuple(KINDS))
    for name in ("jobs", "cores"):
        if table[name] < 1:
            raise UsageError(f"{file}: {name} is {table[name]}; wanted 1 or more")
    seconds(table["walltime"])
    return table


def seconds(walltime: str) -> float:
    """A walltime [days-]hours:minutes[:seconds] in s; raises UsageError."""
    if (found := _WALLTIME.fullmatch(walltime)) is None:
        raise UsageError(f"walltime is {short(walltime)}; wanted hours:minutes:seconds, such as 02:00:00")
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60.0 + rest


@contextmanager
def jobs(table: Mapping[str, Any], logs: Path, told: Callable[[str], None]) -> Iterator[Cluster]:
    """The engine of a cluster file's jobs; afterwards the jobs are gone.

    logs: the folder for what jobs print. told: hears the address of Dask's dashboard. Raises MissingError without
    dask-jobqueue or the queue's commands.
    """
    distributed = imported()
    try:
        import dask_jobqueue
    except ImportError as error:
        raise MissingError(f"a queue needs dask-jobqueue ({error}); {EXTRA} installs it") from None
    with writing(logs):
        logs.mkdir(parents=True, exist_ok=True)
    kind = getattr(dask_jobqueue, KINDS[table["kind"]])
    refusals: list[Callable[[str], None]] = []
    base: Any = kind.job_cls

    class Told(base):  # type: ignore[misc]  # dask-jobqueue has no types
        """A job that says so where the queue does not take it; dask-jobqueue itself would go on without a word."""

        async def start(self) -> None:
            try:
                await super().start()
            except Exception as error:
                for refused in refusals:
                    refused(f"the queue did not take a job: {in_words(error)}")
                raise

    try:
        cluster = kind(job_cls=Told, **arguments(table, logs))
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise MissingError(f"the jobs of {table['kind']} cannot be set up: {in_words(error)}") from None
    with (
        _quiet("tornado.application"),
        _closing(cluster),
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        told(f"Dask's dashboard: {client.dashboard_link}")
        with Cluster(client, table["cores"]) as engine:
            refusals.append(engine.without_workers)
            cluster.adapt(minimum_jobs=0, maximum_jobs=table["jobs"], interval="5s", wait_count=6)
            yield engine


@contextmanager
def _closing(cluster: Any) -> Iterator[None]:
    """Afterwards the cluster is closed; it does not close well while a job waits that was never taken."""
    try:
        yield
    finally:
        with suppress(AssertionError, RuntimeError, OSError):
            cluster.close()


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Within it a library's log says nothing: what it would say of a job, the job has told."""
    log = logging.getLogger(name)
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)


def arguments(table: Mapping[str, Any], logs: Path) -> dict[str, Any]:
    """What dask-jobqueue's class is given."""
    kept = min(LONGEST, SHARE * seconds(table["walltime"]))
    life = seconds(table["walltime"]) - (1 + STAGGER) * kept
    worker = {
        "nthreads": "1",
        "memory-limit": "0",
        "lifetime": f"{life:.0f}s",
        "lifetime-stagger": f"{STAGGER * kept:.0f}s",
    }
    return {
        "job_name": "eegbench",
        "queue": table["queue"] or None,
        "cores": table["cores"],
        "processes": 1,
        "memory": table["memory"],
        "walltime": table["walltime"],
        "job_extra_directives": list(table.get("directives", ())),
        "job_script_prologue": list(table.get("prologue", ())),
        "worker_extra_args": [word for name, value in worker.items() for word in (f"--{name}", value)],
        "log_directory": str(logs.absolute()),
        **dict(table.get("options", {})),
    }
