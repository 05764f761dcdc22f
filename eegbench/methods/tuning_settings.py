"""How a training runs, apart from what it trains."""

from dataclasses import dataclass, field
from typing import Literal

from eegbench.errors import ANY, SHARE, SOME, check_range


@dataclass(frozen=True, kw_only=True)
class Numerics:
    """Precision of the products (weights stay float32), and how many batches make one step of the optimiser."""

    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    accumulate: int = 1

    def __post_init__(self) -> None:
        check_range(self, accumulate=SOME)


@dataclass(frozen=True, kw_only=True)
class Epochs(Numerics):
    """Epochs of AdamW over what is not held out; `patience` epochs without a better validation end them, 0: never.

    `least_rate` is where a cosine ends. `people_per_epoch`: of a fit on several people an epoch takes so many trials as
    that number of them have, 0: all.
    """

    epochs: int = 30
    batch: int = 64
    rate: float = 1e-3
    least_rate: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    weight_decay: float = 0.01
    patience: int = 0
    people_per_epoch: int = field(default=3, metadata={"later": True})

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, epochs=SOME, batch=SOME, rate=ANY, least_rate=ANY, weight_decay=ANY, patience=ANY)
        check_range(self, people_per_epoch=ANY)


@dataclass(frozen=True, kw_only=True)
class TuningSettings(Numerics):
    """Steps of AdamW at `rate`, cosine to `least_rate` over `restart` steps (0: over all of them)."""

    steps: int
    batch: int
    rate: float
    least_rate: float = 1e-6
    restart: int = 0
    weight_decay: float = 0.01
    null_rate: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, steps=SOME, batch=SOME, rate=ANY, least_rate=ANY, restart=ANY, weight_decay=ANY)
        check_range(self, null_rate=SHARE)
