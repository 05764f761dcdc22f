"""How a tuning runs, apart from what it tunes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TuningSettings:
    """Steps of AdamW at `rate`, cosine to `least_rate` over `restart` steps (0: over all of them)."""

    steps: int
    batch: int
    rate: float
    least_rate: float = 1e-6
    restart: int = 0
    weight_decay: float = 0.01
    null_rate: float = 0.1
