"""The workers of a Dask cluster, of whatever kind it is."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from eegbench.benchmark.code import code
from eegbench.errors import MissingError, in_words, short
from eegbench.studies.engine.outcome import Outcome
from eegbench.studies.engine.tasks import Task

AT_ONCE = 2000  # tasks that the cluster knows of; more would only fill its memory
ANSWER = 20.0  # s in which a scheduler answers
EXTRA = "python -m pip install 'eegbench[cluster]'"


class Cluster:
    """An engine: the workers that a `distributed.Client` reaches. They must see the same folder of runs.

    threads: of a task; by default the cores that its Dask worker may use, shared among its threads.
    """

    slots = AT_ONCE

    def __init__(self, client: Any, threads: int | None = None) -> None:
        self._client, self._threads, self._code = client, threads, code()
        self._tries = itertools.count()
        # One that nobody holds is forgotten by the cluster; and who waits for it.
        self._futures: dict[int, tuple[Any, Callable[[Outcome], None]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._futures:
            self._client.cancel([future for future, _ in self._futures.values()], force=True)

    def without_workers(self, why: str) -> None:
        """Give up where no worker is there, and none will come."""
        if not self._client.scheduler_info()["workers"]:
            for _, ended in list(self._futures.values()):
                ended(Outcome(why, refused=True))

    def begin(self, task: Task, rank: int, ended: Callable[[Outcome], None]) -> None:
        from eegbench.studies.engine.remote import on_worker  # here, for it imports Dask

        attempt = next(self._tries)
        future = self._client.submit(
            on_worker,
            task.to_json(),
            self._code,
            self._threads,
            key=(task.kind, task.key, attempt),  # the first word makes groups, which wait at the scheduler
            pure=False,
            priority=-rank,
        )
        self._futures[attempt] = future, ended

        def over(done: Any) -> None:
            if self._futures.pop(attempt, None) is not None:
                ended(_outcome(done))

        future.add_done_callback(over)


@contextmanager
def reached(client: Any, told: Callable[[str], None]) -> Iterator[Cluster]:
    """The engine of a client, or of the Dask scheduler at an address; told: hears the address of Dask's dashboard.

    Raises MissingError where no scheduler answers there, and where Dask is not installed.
    """
    with ExitStack() as stack:
        if isinstance(client, str):
            address, distributed = client, imported()
            try:
                client = stack.enter_context(distributed.Client(address, timeout=ANSWER, set_as_default=False))
            except (OSError, ValueError) as error:  # a TimeoutError is an OSError
                raise MissingError(f"no Dask scheduler answers at {short(address)}: {in_words(error)}") from None
        told(f"Dask's dashboard: {client.dashboard_link}")
        yield stack.enter_context(Cluster(client))


def imported() -> Any:
    """Dask's `distributed`; raises MissingError where it is not installed."""
    try:
        import distributed
    except ImportError as error:
        raise MissingError(f"a cluster needs Dask ({error}); {EXTRA} installs it") from None
    return distributed


def _outcome(future: Any) -> Outcome:
    """What came of a future: its outcome, a worker's death, or the end of the cluster."""
    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    if future.status == "error":
        error = future.exception()
        lost = type(error).__name__ == "KilledWorker"
        return Outcome(f"its worker failed: {in_words(error)}", lost=lost)
    return Outcome("the scheduler is gone; run the same command again, it goes on from the files", refused=True)
