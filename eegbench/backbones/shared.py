"""Networks that are loaded once and used by all of a run, until they are let go."""

import functools
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

Network = TypeVar("Network")
_caches: list["functools._lru_cache_wrapper[object]"] = []


def shared(count: int) -> Callable[[Callable[..., Network]], "functools._lru_cache_wrapper[Network]"]:
    """Decorates what loads a network: the last `count` networks stay in memory, by the arguments of the call."""

    def keeping(load: Callable[..., Network]) -> "functools._lru_cache_wrapper[Network]":
        cached = functools.lru_cache(maxsize=count)(load)
        _caches.append(cached)  # type: ignore[arg-type]  # what it keeps is of no matter to `let_go`
        return cached

    return keeping


@contextmanager
def let_go() -> Iterator[None]:
    """After it no shared network is kept, and what they held of a GPU is free for others."""
    try:
        yield
    finally:
        if any(cache.cache_info().currsize for cache in _caches):
            for cache in _caches:
                cache.cache_clear()
            gc.collect()  # pipelines hold themselves in circles
            if torch.cuda.is_initialized():
                torch.cuda.empty_cache()
