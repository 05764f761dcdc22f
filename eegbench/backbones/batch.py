"""How many images a large network looks at at once: what the machine's memory allows, found out by one probe."""

import ctypes
import sys
from collections.abc import Callable
from typing import TypeVar

import torch

from eegbench.errors import MissingError, out_of_memory

MOST_CPU, MOST_GPU = 4, 32  # images: a CPU is slower with more, whose features leave its caches
PROBE = MOST_CPU  # where memory allows, all batches on a CPU then have one size, and round alike
SHARE = 0.5  # of the memory that is free

Result = TypeVar("Result")


class Batch:
    """Size of a network's batches: PROBE images at first; after them what fits, at most as many as are worth it.

    A batch that does not fit after all is halved and run again.
    """

    def __init__(self, device: str) -> None:
        self.size, self._device, self._probed = PROBE, device, False
        self._most = MOST_CPU if device == "cpu" else MOST_GPU

    def run(self, network: Callable[[int], Result], left: int) -> tuple[Result, int]:
        """`network` of the next images, at most `left`, and how many they were.

        Raises MissingError where memory does not hold one image.
        """
        while True:
            count = min(self.size, left)
            before = used(self._device)
            try:
                features = network(count)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                if count == 1:
                    raise MissingError(
                        f"out of memory on {self._device!r} with one image at a time; free some, choose fewer "
                        "metrics at once, or another device"
                    ) from None
                self.size, self._probed = count // 2, True
                continue
            if not self._probed:
                self._settle((peak(self._device) - before) / count)
            return features, count

    def _settle(self, each: float) -> None:
        room = SHARE * free(self._device)
        self.size = max(1, min(self._most, int(room / max(each, 1.0))))
        self._probed = True


def used(device: str) -> int:
    """Bytes in use now; on a GPU the next `peak` is counted from here on."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
        return int(torch.cuda.memory_allocated(device))
    import psutil

    return int(psutil.Process().memory_info().rss)


def peak(device: str) -> int:
    """The most bytes that were in use; on the CPU since the process began, which errs on the safe side."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def give_back() -> None:
    """Hand freed memory back to the system: glibc keeps it in pieces, which the next network may not fit."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def free(device: str) -> int:
    """Bytes that can still be had."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return int(psutil.virtual_memory().available)
