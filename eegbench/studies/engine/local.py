"""The workers of this machine."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Self

from eegbench.backbones.environment import free_memory, gpus
from eegbench.studies.engine.outcome import Outcome
from eegbench.studies.engine.tasks import Task
from eegbench.studies.engine.worker import Worker, cores

MEMORY = 4e9  # bytes that a worker on a CPU is thought to want
CORES = 4  # and as many cores

Environment = Mapping[str, str]  # of a worker's processes


def environments(workers: int | None, device: str) -> list[Environment]:
    """What the processes of each worker are told: one worker a GPU, or as many as cores and memory allow.

    The cores are shared out, so that the threads of one do not fight another's.
    """
    there, cards = cores(), gpus(device)
    usual = cards or max(1, min(there // CORES, int(free_memory("cpu") // MEMORY)))
    many = workers or usual
    threads = {"OMP_NUM_THREADS": str(max(1, there // many))}
    return [threads | ({"CUDA_VISIBLE_DEVICES": str(number % cards)} if cards else {}) for number in range(many)]


class Local:
    """An engine: processes of this machine."""

    def __init__(self, workers: Sequence[Environment]) -> None:
        self.slots = len(workers)
        self._all = [Worker(environment) for environment in workers]
        self._free: SimpleQueue[Worker] = SimpleQueue()
        self._pool = ThreadPoolExecutor(self.slots)
        for worker in self._all:
            self._free.put(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._all:
            worker.close()
        self._pool.shutdown(cancel_futures=True)

    def begin(self, task: Task, rank: int, ended: Callable[[Outcome], None]) -> None:
        self._pool.submit(self._do, task, ended)

    def _do(self, task: Task, ended: Callable[[Outcome], None]) -> None:
        worker = self._free.get()
        try:
            outcome = worker.do(task.to_json())
        except Exception as error:  # of starting a process
            outcome = Outcome(f"its worker cannot begin: {error}")
        finally:
            self._free.put(worker)
        ended(outcome)
