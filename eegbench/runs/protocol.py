"""Who was trained on and what of the EEG was seen, in words: nothing where it is the usual."""

from collections.abc import Mapping
from typing import Protocol as PyProtocol

LONGEST = 100  # characters of a value of a view, which may be a stranger's


def in_words(
    *, train_on: str, calibration: int, others: int, scale: str, average: int | str, view: Mapping[str, object]
) -> list[str]:
    """A phrase for each part of the protocol that departs from the usual, as "trained on all others"."""
    people = {"own": [], "others": [f"trained on {others or 'all'} others"], "all": ["trained on all subjects"]}
    words: list[str] = people[train_on]
    if calibration:
        words.append(f"calibrated on {calibration} of the subject's own training stimuli")
    if scale == "test":
        words.append("scaled by the subject's own test EEG (transductive)")
    if average != "all":
        words.append(f"{average} repetitions averaged")
    return words + [f"{name} {value}" for name, value in seen_words(view).items()]


def seen_words(view: Mapping[str, object]) -> dict[str, str]:
    """What of the EEG was seen, by name: {"window": "0:0.2 s"}; a view may be a stranger's."""
    return {name.replace("_", " "): _value(name, value) for name, value in sorted(view.items())}


class Protocol(PyProtocol):
    """What a run's specification and the options of a run both have."""

    @property
    def train_on(self) -> str: ...
    @property
    def calibration(self) -> int: ...
    @property
    def others(self) -> int: ...
    @property
    def scale(self) -> str: ...
    @property
    def average(self) -> int | str: ...
    @property
    def view(self) -> Mapping[str, object]: ...


def words_of(spec: Protocol) -> list[str]:
    """The phrases of a run, from its specification or its options."""
    return in_words(
        train_on=spec.train_on,
        calibration=spec.calibration,
        others=spec.others,
        scale=spec.scale,
        average=spec.average,
        view=spec.view,
    )


def _value(name: str, value: object) -> str:
    if isinstance(value, list):
        sign, unit = (":", " s") if name == "window" else (" ", "")
        text = sign.join(f"{entry:g}" if isinstance(entry, float | int) else str(entry) for entry in value) + unit
    else:
        text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
