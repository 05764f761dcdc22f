"""Which runs share a table: those of one setting, and the floors and ceilings that belong beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

from eegbench.leaderboard.cells import Setting
from eegbench.leaderboard.runs import Run

# In what a run may differ from the setting of a table and still stand in it. A floor is made once and serves all runs
# on a subject, whatever their samples; a ceiling is told the answer, so that neither track nor EEG concern it.
FREE: Mapping[str, frozenset[str]] = {
    "method": frozenset(),
    "floor": frozenset({"samples", "selection", "track"}),
    "ceiling": frozenset({"samples", "selection", "track", "average"}),
}
NOT_SCORED = frozenset({"suite", "protocol"})  # unknown as yet: it belongs wherever its scores could
NAMES = tuple(field.name for field in fields(Setting))


def grouped(runs: Sequence[Run]) -> dict[Setting, list[Run]]:
    """Runs by the setting of their table: each scored method's setting makes one, and so does what fits in none."""
    homes = sorted({run.setting for run in runs if run.sheet is not None and run.record.role == "method"})
    floors = {_floor(run, run.setting.track) for run in runs if run.record.role == "floor"}
    groups: dict[Setting, list[Run]] = {home: [] for home in homes}
    for run in runs:
        own = run.setting
        for setting in [home for home in homes if _belongs(run, own, home, floors)] or [own]:
            groups.setdefault(setting, []).append(run)
    return groups


def _belongs(run: Run, own: Setting, home: Setting, floors: set[tuple[str, ...]]) -> bool:
    role = run.record.role
    free = FREE[role] | (NOT_SCORED if run.sheet is None else frozenset())
    if any(getattr(own, name) != getattr(home, name) for name in NAMES if name not in free):
        return False
    # A floor sees no more than the EEG, so it is one for the oracle track too, unless it was run there itself.
    lent = own.track == "eeg" and _floor(run, home.track) not in floors
    return role != "floor" or own.track == home.track or lent


def _floor(run: Run, track: str) -> tuple[str, ...]:
    own = run.setting
    return run.record.spec.method, own.dataset, own.revision, own.options, own.average, track
