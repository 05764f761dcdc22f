"""Arguments that say who is trained on and what of the EEG is seen, as options of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eegbench.api.arguments import whole, word
from eegbench.configuration import build
from eegbench.datasets.views import Cut, View, channels_of, window_of
from eegbench.errors import UsageError, short


@dataclass(frozen=True)
class ViewSettings:
    """The settings view.KEY. window: samples outside it become 0, or are cut off."""

    window: Cut = "mask"


def people_of(*, train_on: object, calibration: object, others: object, scale: object) -> dict[str, Any]:
    """The fields of Options that say who is trained on; raises UsageError for a value of another type."""
    return {
        "train_on": word("train_on", train_on),
        "calibration": whole("calibration", calibration),
        "others": whole("others", others),
        "scale": word("scale", scale),
    }


def view_of(table: Mapping[str, object], *, window: object, channels: object, train_stimuli: object) -> View:
    """What of the EEG is seen, from the words of the command or from values: (0, .2) s, ["O1", "O2"], 400.

    table: the settings view.KEY. Raises UsageError for what cannot be.
    """
    return View(
        window=None if window is None else window_of(window if isinstance(window, str) else _joined(":", window)),
        channels=() if channels is None else channels_of(_listed("channels", channels)),
        train_stimuli=None if train_stimuli is None else whole("train_stimuli", train_stimuli),
        cut=build(ViewSettings, table).window,
    )


def recorded_of(*, train_repetitions: object, sessions: object) -> dict[str, object]:
    """The settings of a data set that say which recorded trials are taken, from 2, "1,2,3:4" or [1, 2]."""
    settings: dict[str, object] = {}
    if train_repetitions is not None:
        settings["train_repetitions"] = whole("train_repetitions", train_repetitions)
    if sessions is not None:
        trained, colon, tested = _listed("sessions", sessions).partition(":")
        settings["sessions"] = trained
        if colon:
            settings["test_sessions"] = tested
    return settings


def _joined(sign: str, values: object) -> str:
    if not isinstance(values, Sequence):
        raise UsageError(f"window is {short(values)}; wanted two times in s, as (0, 0.2)")
    return sign.join(map(str, values))


def _listed(name: str, values: object) -> str:
    if isinstance(values, str):
        return values
    if not isinstance(values, Sequence):
        raise UsageError(f"{name} is {short(values)}; wanted words with commas between them, or a list")
    return ",".join(map(str, values))
