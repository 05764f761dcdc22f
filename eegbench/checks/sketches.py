"""Two numbers that say whether values by stimulus are the same, up to the rounding of another machine.

A digest would move with the last digit, and a mean stays where values change places. Two weighted means do neither, for
their weights follow from the stimuli's ids: values that were turned round, or taken from some stimuli and given to
others, move them. Who knows the weights can forge a table that moves neither: this notices accidents, and no fraud.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from eegbench.guards.walking import form
from eegbench.runs.items import ItemValues


def sketches(values: ItemValues | None) -> dict[str, tuple[float, float]]:
    """The `sketch` of each metric that a run has values by stimulus of."""
    if values is None:
        return {}
    weights = np.array([_weights(stimulus) for stimulus in values.stimuli]).reshape(-1, 2)
    return {metric: sketch(items, weights) for (metric, _), items in values.metrics.items()}


def sketch(items: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    """Two weighted means of a metric's values (n,), with weights (n, 2) that follow from the stimuli's ids.

    The weights lie within -1 and 1, so that neither moves further than the values do on average. A value that is not
    defined counts for nothing.
    """
    known = np.isfinite(items)
    first, second = items[known] @ weights[known] / max(1, known.sum())
    return float(f"{first:.12g}"), float(f"{second:.12g}")


def _weights(stimulus: str) -> tuple[float, float]:
    """Two numbers from -1 to 1, the same for the same id on every machine."""
    sha256 = hashlib.sha256(form(stimulus).encode()).digest()
    first, second = (int.from_bytes(part) / 2**63 - 1 for part in (sha256[:8], sha256[8:16]))
    return first, second
