"""How much memory Python and numpy may take meanwhile; and a small value that is large when it is written out."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

FEW = 2**23  # bytes


@contextmanager
def at_most(size: int = FEW) -> Iterator[None]:
    """AssertionError if more than `size` bytes were held at once."""
    tracemalloc.start()
    try:
        yield
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < size, f"{most} bytes, wanted less than {size}"


def laughs(value: Any, depth: int = 7) -> Any:
    """A list that holds one list ten times, which holds one list ten times, ...: 10**depth values in a small file."""
    for _ in range(depth):
        value = [value] * 10
    return value
