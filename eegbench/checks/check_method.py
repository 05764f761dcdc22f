"""Checks that a method keeps its contract, on four items; each way to break a clause has a message of its own."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from eegbench.arrays import Maps
from eegbench.benchmark import fit as fits
from eegbench.benchmark.paint import seed_of
from eegbench.benchmark.plan import Plan
from eegbench.checks import check_protocols
from eegbench.checks.findings import Finding, Findings, closed
from eegbench.contracts import CONCEPT_PROMPT, Progress, Queries, Reconstructor, TrainingSet
from eegbench.plugins import outputs
from eegbench.plugins.authors import author_of
from eegbench.plugins.outputs import CLAUSES, OUTPUTS, Asking, Given

ITEMS, TRAINING = 4, 64  # items asked about; trials to fit on where no fit is at hand
SAFE = {".safetensors", ".json", ".csv", ".png", ".txt", ".toml"}
ANSWERS_ASKED = "the method asked the data set for the answers; it may see training data and queries alone"
TOGETHER = "no image depends on a batch as large as a run's"
RETRIEVED = "a method with embed has embed_images too"
STORED = "what is saved is safe to load, and gives the same outputs"


def check(plan: Plan, *, progress: Progress) -> list[Finding]:
    """The findings on every clause, in order; those after a failed fit are left out.

    The fit is the shipped or cached one; where there is none, the method is fitted on 64 training trials.
    """
    queries = plan.queries
    findings = Findings()
    fitted: list[Reconstructor] = []

    def take(clause: str, ask: Callable[[], str | None]) -> bool:
        with closed(type(plan.dataset), "answers", ANSWERS_ASKED):
            return findings.take(clause, ask)

    if not take(
        "fit gives the method's reconstructor, without asking for answers",
        lambda: fitted.append(_fitted(plan, progress)),
    ):
        return findings
    items = range(min(ITEMS, len(queries.eeg)))
    asking = Asking(plan.method.name, fitted[0], _given(plan, queries), items, transductive=plan.method.transductive)
    first, *later_clauses = CLAUSES
    if not take(first, partial(CLAUSES[first], asking)):
        return findings
    for clause in later_clauses:
        take(clause, partial(CLAUSES[clause], asking))
    take(TOGETHER, lambda: _together(asking, plan.batch_size))
    if "embeddings" in asking.first and "target embeddings" not in asking.first:
        findings.warn(RETRIEVED, lambda: "embed_images gives None: retrieval is not scored")
    take(STORED, partial(_stored, asking, plan))
    with closed(type(plan.dataset), "answers", ANSWERS_ASKED):
        check_protocols.check(plan, _part(plan.train(), TRAINING), findings, progress=progress)
    return findings


def _together(asking: Asking, count: int) -> str:
    if asking.transductive:
        return ""
    others = [i for i in range(len(asking.queries.eeg)) if i not in asking.items][: max(0, count - len(asking.items))]
    images = outputs.pictures(asking.method, asking.fitted, asking.queries.part([*asking.items, *others]))
    among_others, alone = images[: len(asking.items)], asking.first[outputs.IMAGES.name]
    problem = outputs.differing(asking.method, outputs.IMAGES, among_others, alone, f"made {len(images)} at once")
    return f"{problem}: {outputs.ALONE}" if problem else ""


def _given(plan: Plan, queries: Queries) -> Given:
    seeds = [seed_of(plan.spec.seed, stimulus, 0) for stimulus in queries.stimuli]
    maps = _maps(len(queries.eeg)) if plan.spec.track == "oracle" else None
    texts = tuple(CONCEPT_PROMPT.format(f"thing {number}") for number in range(len(queries.eeg)))
    return Given(queries.eeg, seeds, None if maps is None else dict.fromkeys(plan.method.hints, maps), texts=texts)


def _stored(asking: Asking, plan: Plan) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with author_of("method", plan.method.name, asking.fitted, "save"):
            asking.fitted.save(folder)
        unsafe = sorted(f.name for f in folder.rglob("*") if f.is_file() and f.suffix not in SAFE)
        if unsafe:
            return f"save wrote {unsafe[0]}; wanted safetensors and JSON, which run nothing when they are loaded"
        with author_of("method", plan.method.name, asking.fitted, "load"):
            stored = type(asking.fitted).load(folder, device=plan.device)
        reloaded = fits.configured(plan.method, stored)
        problems = (asking.again(output, asking.every, "saved and loaded", by=reloaded) for output in OUTPUTS)
        return next(filter(None, problems), "")


def _fitted(plan: Plan, progress: Progress) -> Reconstructor:
    if (place := fits.stored_place(plan)) is not None:
        return fits.load(place[1], plan.method, plan.device)
    train = _part(plan.train(), TRAINING)
    return fits.configured(plan.method, fits.fresh_fit(plan, train, None, progress=progress))


def _part(train: TrainingSet, count: int) -> TrainingSet:
    """About `count` trials, spread over the whole so that many concepts are there, each at least twice."""
    pairs = np.unique(np.linspace(0, len(train.eeg) - 2, min(count, len(train.eeg)) // 2).astype(int))
    chosen = np.unique(np.concatenate([pairs, pairs + 1]))
    return train.part(chosen.tolist())


def _maps(count: int) -> Maps:
    """Hints of no image: a bright square that moves from item to item."""
    maps = np.zeros((count, 64, 64), np.uint8)
    for i in range(count):
        top = 8 * (i % ITEMS)
        maps[i, top : top + 24, 16:40] = 255
    return maps
