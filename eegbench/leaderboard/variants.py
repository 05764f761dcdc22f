"""What sets configurations apart from one another, in a few words: labels of rows, headings of tables."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from eegbench.files import canonical, digest
from eegbench.leaderboard import wording
from eegbench.leaderboard.cells import Setting

LONGEST = 60  # characters of a configuration's value


def differences(configurations: Sequence[Mapping[str, Any]], sign: str) -> list[list[str]]:
    """By configuration its values under the names in which not all agree: ["snr=0.5", "size unset"] with `sign` "="."""
    names = [name for name in sorted(set().union(*configurations)) if _varies(name, configurations)]
    return [
        [f"{name}{sign}{_short(configuration[name])}" for name in names if name in configuration]
        + [f"{name} unset" for name in names if name not in configuration]
        for configuration in configurations
    ]


def variants(settings: Sequence[Setting]) -> dict[Setting, tuple[str, ...]]:
    """What sets each setting apart from others with the same heading; () where there is none."""
    alike: dict[str, list[Setting]] = defaultdict(list)
    for setting in settings:
        alike[wording.heading(setting)].append(setting)
    by_setting: dict[Setting, tuple[str, ...]] = {}
    for same in alike.values():
        words = differences([_details(setting) for setting in same], " ")
        for setting, own in zip(same, words, strict=True):
            repeated = words.count(own) > 1  # values that differ only past where they are cut
            by_setting[setting] = (*own, f"#{digest(_details(setting))[:8]}") if repeated else tuple(own)
    return by_setting


def _details(setting: Setting) -> dict[str, Any]:
    """What a heading does not say of a setting."""
    unsaid = {name: getattr(setting, name) for name in ("average", "samples", "selection", "simulated")}
    options: dict[str, Any] = json.loads(setting.options)
    return unsaid | options


def _varies(name: str, configurations: Sequence[Mapping[str, Any]]) -> bool:
    return (
        len({canonical(configuration[name]) if name in configuration else None for configuration in configurations}) > 1
    )


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
