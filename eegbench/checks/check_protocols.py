"""Whether a method runs under every protocol: fitted on several people, and on fewer channels.

Each is tried on a few trials, with one step of every stage of our own training loop. A method may refuse a protocol: by
an error of `eegbench.errors` that says why, in one line. That is a warning; anything else that goes wrong is a fault.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from eegbench.arrays import EEG
from eegbench.benchmark import fit as fits
from eegbench.benchmark.paint import seed_of
from eegbench.benchmark.plan import Plan
from eegbench.checks.findings import Finding, Findings
from eegbench.contracts import Progress, TrainingSet
from eegbench.datasets.pooled import pooled
from eegbench.datasets.views import View
from eegbench.errors import AuthorError, InputError, UsageError
from eegbench.methods.training import at_most
from eegbench.plugins import outputs
from eegbench.plugins.outputs import Given

SEVERAL = "it is fitted on several people, and takes the EEG of one of them and of a stranger"
FEWER = "it is fitted on half of the channels"
ASKED = 2  # test trials that each fit is asked about

Tried = Callable[[Plan, TrainingSet, Progress], str]


def check(plan: Plan, train: TrainingSet, findings: Findings, *, progress: Progress) -> None:
    """Add the finding on each protocol. train: a few trials, of several concepts; of embeddings nothing is asked."""
    if train.info.unit == "embedding":
        return
    for clause, tried in ((SEVERAL, _several), (FEWER, _fewer)):
        refusals: list[str] = []
        kept = findings.take(clause, partial(_kept, tried, plan, train, refusals, progress))
        if kept and refusals:
            findings[-1] = Finding(clause, warning=f"refused: {refusals[0]}")


def _kept(tried: Tried, plan: Plan, train: TrainingSet, refusals: list[str], progress: Progress) -> None:
    refusals += filter(None, [tried(plan, train, progress)])


def _several(plan: Plan, train: TrainingSet, progress: Progress) -> str:
    known, other, stranger = (plan.spec.subject + number for number in range(3))
    trials = np.arange(len(train.eeg))
    halves = ((known, trials[::2]), (other, trials[1::2]))
    several, scales = pooled(_as_of(train.part(chosen.tolist()), subject) for subject, chosen in halves)
    given = {subject: scales.of(subject).standardised(plan.queries.eeg[:ASKED]) for subject in (known, stranger)}
    return _asked(plan, several, given, progress)


def _fewer(plan: Plan, train: TrainingSet, progress: Progress) -> str:
    names = train.info.channels
    view = View(channels=names[: max(1, len(names) // 2)])
    eeg = view.of_queries(plan.queries).eeg[:ASKED]
    return _asked(plan, view.of_training(train, plan.spec.seed), {plan.spec.subject: eeg}, progress)


def _asked(plan: Plan, train: TrainingSet, given: Mapping[int, EEG], progress: Progress) -> str:
    """Why the method refuses to be fitted on `train`; "" where it is fitted, and gives images of each subject's EEG."""
    try:
        with at_most(1):
            fresh = fits.configured(plan.method, fits.fresh_fit(plan, train, None, progress=progress))
    except AuthorError:
        raise
    except (UsageError, InputError) as error:
        return " ".join(str(error).split())
    seeds = [seed_of(plan.spec.seed, stimulus, 0) for stimulus in plan.queries.stimuli[:ASKED]]
    for subject, eeg in given.items():
        own = fits.for_subject(replace(plan, spec=replace(plan.spec, subject=subject)), fresh)
        outputs.pictures(plan.method.name, own, Given(eeg, seeds, None))
    return ""


def _as_of(train: TrainingSet, subject: int) -> TrainingSet:
    return replace(train, subject=subject, subjects=np.full(len(train.eeg), subject, np.int64))
