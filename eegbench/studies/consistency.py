"""How alike are the pictures that different brains give of one stimulus, against those of different stimuli?

For each pair of people whom one method was run on, alike in everything else, the reconstructions of one are compared
with those of the other by the judges that scored them. No true picture is looked at.

That pictures of one stimulus are alike does not yet speak of brains: the seed of an image depends on its stimulus, so
that a method which paints by the seed alone gives everybody the same picture. The control shares the seed (and the
hint, on the track `oracle`) and not the stimulus: one person's picture beside the other's from permuted EEG, which the
audit made. Two pictures from permuted EEG would be no control: all runs on the same stimuli are permuted alike, and
both brains would again have seen one stimulus.
"""

import dataclasses
import json
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eegbench.benchmark.permuting import stands
from eegbench.contracts import Metric
from eegbench.errors import InputError, Notice
from eegbench.files import Json, canonical
from eegbench.guards.walking import few
from eegbench.runs.folder import Run
from eegbench.runs.protocol import words_of
from eegbench.runs.search import Unreadable, check_read, find_runs, read_found
from eegbench.studies import compare
from eegbench.studies.likened import Judges, Judging, likened, similarity_of
from eegbench.studies.likeness import Added, Alike

FEWEST = 3  # stimuli: each needs a rival of another stimulus and another seed


@dataclass(frozen=True)
class Likened:
    """One metric of one group. similarity: what `same` and `other` are of. stimuli: on how many it has a value.

    permuted: of one person's images and the other's from permuted EEG; added: what `eeg` has more. Both are None where
    a run has no images from permuted EEG.
    """

    version: int
    higher_is_better: bool
    similarity: str
    bounds: tuple[float, float]
    stimuli: int
    eeg: Alike
    permuted: Alike | None
    added: Added | None


@dataclass(frozen=True)
class Group:
    """Runs that differ in their subject alone. trained: what of their protocol is not the usual, in words."""

    dataset: str
    track: str
    method: str
    configuration: Json
    seed: int
    samples: int
    trained: tuple[str, ...]
    suite: str
    protocol: str
    simulated: bool
    caution: str
    subjects: tuple[int, ...]
    pairs: int
    stimuli: int
    runs: tuple[str, ...]
    metrics: dict[str, Likened]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Consistency:
    """Everything that `eegbench consistency` says. notes: which runs are left out, and why."""

    groups: tuple[Group, ...]
    notes: tuple[str, ...]
    unreadable: tuple[Unreadable, ...] = ()
    read: int = 0
    schema_version: int = 1

    def check_whole(self) -> None:
        """Raises CheckFailed where runs cannot be read and so do not count."""
        check_read(self.unreadable, self.read, "do not count")

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True, allow_nan=False) + "\n"


def consistency(folder: Path, judging: Judging) -> Consistency:
    """The likeness across people of every method below a folder that has runs of two or more; the same runs give the
    same bytes.

    Runs that differ in anything but their subject are in groups of their own. Raises InputError where no method has
    runs of two people, and for changed images; what `Judging.check` and `Judges.of` raise. Warns with a Notice of each
    run that cannot be read.
    """
    judging.check()
    every, unreadable = read_found(find_runs(folder))
    for broken in unreadable:
        warnings.warn(broken.line(), Notice, stacklevel=2)
    scored = [run for run in every if run.sheet is not None and run.record.role == "method"]
    if not scored:
        raise InputError(f"{folder}: no scored run of a method lies below it; run `eegbench evaluate` first")
    groups = _groups(scored)
    alone = [f"{_title(group[0])}, subject {group[0].record.spec.subject}" for group in groups if len(group) < 2]
    several = [group for group in groups if len(group) > 1]
    if not several:
        raise InputError(
            f"{folder}: no two runs are of two subjects and alike in all else ({few(alone)}); run `eegbench "
            "evaluate` on another subject"
        )
    notes = (f"left out, one subject alone: {few(alone)}",) if alone else ()
    return Consistency(tuple(_group(group, judging) for group in several), notes, tuple(unreadable), len(every))


def _groups(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs that differ in their subject alone, one of each: the first by its path, for a copy adds nothing."""
    groups: dict[str, dict[int, Run]] = defaultdict(dict)
    for run in sorted(runs, key=lambda run: (run.record.spec.subject, run.path)):
        spec = run.record.spec
        shared = compare.settings(run.record, run.scores) | {"samples": spec.samples, "selection": spec.selection}
        shared |= {"method": spec.method, "configuration": canonical(spec.configuration), "seed": spec.seed}
        key = canonical({name: value for name, value in shared.items() if name != "subject"})
        groups[key].setdefault(spec.subject, run)
    return [list(group.values()) for _, group in sorted(groups.items())]


def _title(run: Run) -> str:
    spec = run.record.spec
    return ", ".join([spec.method, f"track {spec.track}", *words_of(spec), f"seed {spec.seed}"])


def _group(runs: Sequence[Run], judging: Judging) -> Group:
    record, sheet, spec = runs[0].record, runs[0].scores, runs[0].record.spec
    judges = Judges.of(runs, judging)
    whole = [dataclasses.replace(Run.open(run.folder), path=run.path) for run in runs]  # with the rows of their images
    stimuli, notes = _shared(whole)
    notes += [f"not computed: {name}: {why}" for name, why in judges.missing.items()]
    if lost := [run.path for run in whole if not stands(run)]:
        notes.append(f"no control, for these have no images from permuted EEG: {few(lost)}")
    metrics: dict[str, Likened] = {}
    for metric in judges.metrics:
        found = _likened(metric, whole, stimuli, judges)
        if found is None:
            notes.append(f"not computed: {metric.id}: it has a value on no stimulus")
        else:
            metrics[metric.id] = found
    return Group(
        dataset=spec.dataset,
        track=spec.track,
        method=spec.method,
        configuration=spec.configuration,
        seed=spec.seed,
        samples=spec.samples,
        trained=tuple(words_of(spec)),
        suite=sheet.suite,
        protocol=sheet.protocol,
        simulated=record.simulated,
        caution=" ".join(dict.fromkeys(run.record.caution for run in runs if run.record.caution)),
        subjects=tuple(run.record.spec.subject for run in runs),
        pairs=len(runs) * (len(runs) - 1) // 2,
        stimuli=len(stimuli),
        runs=tuple(run.path for run in runs),
        metrics=metrics,
        notes=tuple(notes),
    )


def _shared(runs: Sequence[Run]) -> tuple[list[str], list[str]]:
    """The stimuli that all runs have, and what is to be said of others; raises InputError for too few, or others."""
    stimuli = sorted(frozenset.intersection(*(run.stimuli for run in runs)))
    if len(stimuli) < FEWEST:
        raise InputError(f"{few([run.path for run in runs])}: share {len(stimuli)} stimuli; wanted {FEWEST} or more")
    truths = {run.scores.truths for run in runs if len(run.stimuli) == len(stimuli)} - {""}
    if len(truths) > 1:
        raise InputError(f"{few([run.path for run in runs])}: show other true images under the same stimulus ids")
    most = max(len(run.stimuli) for run in runs)
    return stimuli, [f"over the {len(stimuli)} stimuli that all share, of {most}"] if most > len(stimuli) else []


def _likened(metric: Metric, runs: Sequence[Run], stimuli: Sequence[str], judges: Judges) -> Likened | None:
    """The numbers of one metric; None where it has a value on no stimulus."""
    eeg, control = likened(metric, runs, stimuli, judges)
    known = eeg.known if control is None else eeg.known & control.known
    if not known.any():
        return None
    similarity, bounds = similarity_of(metric)
    return Likened(
        version=metric.version,
        higher_is_better=eeg.sign > 0,
        similarity=similarity,
        bounds=bounds,
        stimuli=int(known.sum()),
        eeg=eeg.alike(),
        permuted=None if control is None else control.alike(),
        added=None if control is None else eeg.beyond(control),
    )
