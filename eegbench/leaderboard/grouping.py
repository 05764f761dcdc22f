"""Which runs share a table: those of one setting, and the floors and ceilings that belong beside them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields

from eegbench.files import canonical
from eegbench.leaderboard.cells import Setting
from eegbench.runs.folder import Run
from eegbench.runs.record import of_floor

# In what a run may differ from the setting of a table and still stand in it. A floor is made once and serves all runs
# on a subject, whatever their samples and whoever they are trained on; a ceiling is told the answer, so that neither
# track nor EEG concern it.
SEEN = frozenset({"train_on", "calibration", "others", "scale", "view"})
FREE: Mapping[str, frozenset[str]] = {
    "method": frozenset(),
    "floor": frozenset({"samples", "selection", "track"}) | SEEN,
    "ceiling": frozenset({"samples", "selection", "track", "average"}) | SEEN,
}
NOT_SCORED = frozenset({"suite", "protocol"})  # unknown as yet: it belongs wherever its scores could
NAMES = tuple(field.name for field in fields(Setting))


def setting_of(run: Run) -> Setting:
    """The setting in which a run was made and scored."""
    spec, sheet = run.record.spec, run.sheet
    return Setting(
        dataset=spec.dataset,
        revision=spec.revision,
        track=spec.track,
        suite=sheet.suite if sheet else "",
        protocol=sheet.protocol if sheet else "",
        options=canonical(spec.dataset_configuration),
        average=str(spec.average),
        samples=spec.samples,
        selection=spec.selection,
        simulated=run.record.simulated,
        train_on=spec.train_on,
        calibration=spec.calibration,
        others=spec.others,
        scale=spec.scale,
        view=canonical(spec.view),
    )


def grouped(runs: Sequence[Run]) -> dict[Setting, list[Run]]:
    """Runs by the setting of their table: each scored method's setting makes one, and so does what fits in none."""
    own = {id(run): setting_of(run) for run in runs}
    homes = sorted({own[id(run)] for run in runs if run.sheet is not None and run.record.role == "method"})
    floors = {_floor(run, own[id(run)], own[id(run)].track) for run in runs if run.record.role == "floor"}
    groups: dict[Setting, list[Run]] = {home: [] for home in homes}
    for run in runs:
        fitting = [home for home in homes if _belongs(run, own[id(run)], home, floors)]
        for setting in fitting or [own[id(run)]]:
            groups.setdefault(setting, []).append(run)
    return groups


def _belongs(run: Run, own: Setting, home: Setting, floors: set[tuple[str, ...]]) -> bool:
    role = run.record.role
    free = FREE[role] | (NOT_SCORED if run.sheet is None else frozenset())
    if any(getattr(own, name) != getattr(home, name) for name in NAMES if name not in free):
        return False
    if role == "floor" and own.view != canonical(of_floor(json.loads(home.view))):
        return False
    # A floor sees no more than the EEG, so it is one for the oracle track too, unless it was run there itself.
    lent = own.track == "eeg" and _floor(run, own, home.track) not in floors
    return role != "floor" or own.track == home.track or lent


def _floor(run: Run, own: Setting, track: str) -> tuple[str, ...]:
    return run.record.spec.method, own.dataset, own.revision, own.options, own.average, track
