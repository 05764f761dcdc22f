"""The second stage: a fitted method, from the package, from the user's cache, or fitted now."""

import dataclasses
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import eegbench
from eegbench.backbones.telling import telling
from eegbench.benchmark import people
from eegbench.benchmark.curves import draw_curves
from eegbench.benchmark.people import TrainedOn
from eegbench.benchmark.plan import Plan, describe
from eegbench.contracts import Method, Progress, Reconstructor, TrainingSet
from eegbench.errors import InputError, short
from eegbench.files import Json, alone, digest, file_digest, read_json, temporary_name, user_cache, write_text, writing
from eegbench.guards.limits import NamedValues, Sha256
from eegbench.plugins.authors import author_of

POOLING = 2  # rises when, and only when, a fit on several people comes out otherwise: cached ones then miss
WAITING = "wait for another process that makes this fit"
CURVES = "curves"  # of the loss: a CSV for each stage, and a picture of all
PERSONAL = ("subject", "people", "pooling", "calibration")  # of what shaped a fit: whose data it was given
CARD = "fit.json"  # what shaped the fit, and the sha256 of every file of it


@dataclass(frozen=True)
class Fitted:
    """A fitted method, the digest of all that shaped it, its source (shipped, cached or fitted), and its seconds.

    content: digest of its files, which may be the same for two subjects. trained_on: on several people, who they are.
    """

    reconstructor: Reconstructor
    digest: str
    source: str
    seconds: float
    content: str
    trained_on: TrainedOn = TrainedOn()


def fit(plan: Plan, *, progress: Progress) -> Fitted:
    """The fitted method of a plan. A new fit is written to the cache and read from there.

    A fit that was killed goes on from its checkpoints in the cache.
    Raises InputError naming the file of a fit that is damaged, UsageError where the cache cannot be written.
    """
    shaped_by = shape(plan)
    key = digest(shaped_by)
    since = time.perf_counter()
    if (place := stored_place(plan)) is None:
        mend = "set EEGBENCH_CACHE to a folder that can be"
        with alone(user_cache("fitting") / f"{key}.lock", waiting=lambda: progress.bar(WAITING, 1), mend=mend):
            if (place := stored_place(plan)) is None:  # or another process has made it meanwhile
                make(plan, shaped_by, user_cache("fitted") / key, progress=progress)
    source, folder = place or ("fitted", user_cache("fitted") / key)
    with telling(progress):
        reconstructor = for_subject(plan, load(folder, plan.method, plan.device))
    content = digest(read_json(folder / CARD)["files"])
    return Fitted(reconstructor, key, source, time.perf_counter() - since, content, TrainedOn.read(folder))


def stored_place(plan: Plan) -> tuple[str, Path] | None:
    """Where the fit of a plan lies: "shipped" or "cached", and its folder; None where it is still to be made."""
    key = digest(shape(plan))
    roots = {"shipped": shipped_folder(), "cached": user_cache("fitted")}
    return next(((source, root / key) for source, root in roots.items() if (root / key / CARD).is_file()), None)


def make(plan: Plan, shaped_by: Json, folder: Path, *, progress: Progress) -> None:
    """Fit, and keep the fit in `folder` with its loss curves."""
    with progress.bar("training data", 1) as advance:
        train, trained_on = plan.training()
        advance(1)
    working = user_cache("fitting") / digest(shaped_by)
    fresh = fresh_fit(plan, train, working, progress=progress)
    with progress.bar("save the fit", 1) as advance, author_of("method", plan.method.name, fresh, "save"):
        keep(fresh, shaped_by, folder, curves=sorted(working.glob("*.csv")), trained_on=trained_on)
        advance(1)
    shutil.rmtree(working, ignore_errors=True)


def fresh_fit(plan: Plan, train: TrainingSet, working: Path | None, *, progress: Progress) -> Reconstructor:
    """The result of the method's `fit`; raises InputError where it is no fit of this method, or AuthorError."""
    with telling(progress), author_of("method", plan.method.name, plan.method, "fit"):
        fresh = plan.method.fit(train, seed=plan.spec.seed, progress=progress, device=plan.device, folder=working)
    _check_fitted(plan.method, fresh, "fit")
    return cast(Reconstructor, fresh)


def for_subject(plan: Plan, fitted: Reconstructor) -> Reconstructor:
    """A fit for the EEG of the run's subject; raises as `fresh_fit`."""
    with author_of("method", plan.method.name, fitted, "for_subject"):
        own: Reconstructor = fitted.for_subject(plan.spec.subject)
    _check_fitted(plan.method, own, "for_subject")
    return own


def configured(method: Method[Any], stored: Reconstructor) -> Reconstructor:
    """A fit with the method's reconstruct-stage fields; raises as `fresh_fit`."""
    with author_of("method", method.name, method, "configure"):
        reconstructor: Reconstructor = method.configure(stored)
    _check_fitted(method, reconstructor, "configure")
    return reconstructor


def shape(plan: Plan) -> Json:
    """Everything that decides a fit, as JSON; its digest names the fit's folder.

    Fields of the method and of the data set whose metadata say {"stage": "reconstruct"} are left out. A fit on several
    people is one for all whom they serve: it depends on the test subject by the calibration alone.
    """
    data = people.digests(plan.dataset, plan.spec)
    return impersonal(plan) | personal(plan) | ({"data": data} if data else {}) | {"seed": plan.spec.seed}


def personal(plan: Plan) -> Json:
    """Whose data a fit is given."""
    own, calibration = plan.spec.train_on == "own", plan.spec.calibration
    several: Json = {"people": list(people.people(plan.dataset, plan.spec)), "pooling": POOLING}
    whose: Json = {"subject": plan.spec.subject} if own else several
    return whose | ({"calibration": {"subject": plan.spec.subject, "stimuli": calibration}} if calibration else {})


def impersonal(plan: Plan) -> Json:
    """What decides a fit beside the people whose data it is given, and the seed."""
    given: Json = {} if plan.captions is None else {"captions_file": plan.captions.sha256}
    if plan.spec.view:
        given["view"] = plan.spec.view
    return given | {
        "method": plan.method.name,
        "fit_version": plan.method.fit_version,
        "configuration": describe(plan.method, without_stage="reconstruct"),
        "dataset": f"{plan.spec.dataset}@{plan.spec.revision}",
        "dataset_configuration": describe(plan.dataset, without_stage="reconstruct"),
        "weights": weights_of(plan.method),
    }


def weights_of(method: Method[Any]) -> dict[str, str]:
    """sha256 of each pretrained file that a method uses, by name."""
    with author_of("method", method.name, method, "weights"):
        weights: object = method.weights()
    words = isinstance(weights, dict) and all(isinstance(word, str) for pair in weights.items() for word in pair)
    if isinstance(weights, dict) and words and not NamedValues(Sha256()).problem(weights):
        return weights
    raise InputError(f"method {method.name!r}: weights gave {short(weights)}; wanted a sha256, or '', by name")


def stored() -> Iterator[Json]:
    """What shaped each fit that is there, shipped or cached; a card that cannot be read is passed over."""
    for root in (shipped_folder(), user_cache("fitted")):
        for card in sorted(root.glob(f"*/{CARD}")):
            with suppress(InputError):
                shaped_by = read_json(card).get("shape")
                if isinstance(shaped_by, dict):
                    yield shaped_by


def shipped_folder() -> Path:
    """The fits that come with the package."""
    return Path(eegbench.__file__).parent / "fitted"


def keep(
    fitted: Reconstructor,
    shaped_by: Json,
    folder: Path,
    *,
    curves: Sequence[Path] = (),
    trained_on: TrainedOn | None = None,
) -> None:
    """Save a fit with its card into `folder`, whole or not at all; a fit that is there already stays."""
    temporary = temporary_name(folder)
    with writing(folder, mend="set EEGBENCH_CACHE to a folder that can be"):
        temporary.mkdir(parents=True)
        try:
            fitted.save(temporary)
            (trained_on or TrainedOn()).write(temporary)
            if curves:
                draw_curves(curves, temporary / CURVES)
            files = {f.relative_to(temporary).as_posix(): file_digest(f) for f in _files(temporary)}
            card = json.dumps({"shape": shaped_by, "files": files}, indent=1, sort_keys=True)
            write_text(temporary / CARD, card + "\n")
            if not (folder / CARD).is_file():  # another process may have been faster; its fit is the same
                shutil.rmtree(folder, ignore_errors=True)
                temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def load(folder: Path, method: Method[Any], device: str) -> Reconstructor:
    """The fit in `folder`, checked file by file, with the method's reconstruct-stage fields."""
    mend = f"delete the folder {folder} to fit again"
    listed = read_json(folder / CARD).get("files")
    if not isinstance(listed, dict):
        raise InputError(f"{folder / CARD}: names no files; {mend}")
    for name, wanted in listed.items():
        file = folder / name
        if not file.is_file():
            raise InputError(f"{file}: is missing from a stored fit; {mend}")
        if file_digest(file) != wanted:
            raise InputError(f"{file}: is not what was stored (sha256 differs); {mend}")
    _check_configurable(method)
    with author_of("method", method.name, method, "load"):
        stored = method.reconstructor.load(folder, device=device)
    return configured(method, stored)


def _check_fitted(method: Method[Any], fitted: object, call: str) -> None:
    if not isinstance(fitted, method.reconstructor):
        wanted = method.reconstructor.__name__
        raise InputError(f"method {method.name!r}: {call} gave {short(fitted)}; wanted a {wanted}, its reconstructor")


def _check_configurable(method: Method[Any]) -> None:
    hyperparameters: Any = method  # a frozen dataclass by contract
    late = [f.name for f in dataclasses.fields(hyperparameters) if f.metadata.get("stage") == "reconstruct"]
    if late and type(method).configure is Method.configure:
        raise InputError(
            f"method {method.name!r}: fields {', '.join(late)} never reach a stored fit; define `configure`"
        )


def _files(folder: Path) -> list[Path]:
    return sorted(f for f in folder.rglob("*") if f.is_file())
