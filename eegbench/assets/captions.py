"""Makes and checks captions files: a model's captions of each training image."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eegbench.backbones.captioners import Captioner
from eegbench.backbones.captioners.endpoint import Endpoint
from eegbench.backbones.captioners.local import Local
from eegbench.backbones.environment import resolve_device
from eegbench.benchmark.features import content
from eegbench.benchmark.images import ImageSet, from_array
from eegbench.contracts import Dataset, Progress
from eegbench.datasets.captions import Captions, CaptionsFile, check_stimuli, read, taken_up
from eegbench.errors import EegbenchError, InputError, UsageError, unknown
from eegbench.files import digest, read_json, user_cache, write_text, writing
from eegbench.guards.fields import read_fields
from eegbench.guards.walking import Note, form, unheard
from eegbench.pairs.folders import from_folder
from eegbench.plugins import entering

PATIENCE = 3  # images in a row without captions, after which no more are asked for
DAY = 86400  # s


@dataclass(frozen=True)
class Made:
    """What became of a captions file. images: how many it holds; new: how many of them were added now."""

    images: int
    new: int


def training_images(
    dataset: Dataset, subject: int, folder: Path | None, *, follow_links: bool = False, note: Note = unheard
) -> ImageSet:
    """The images to caption: a subject's training images, never the test images; or those of a folder.

    note: called with each line on what was not read in the folder.
    """
    if folder is not None:
        return from_folder(folder, follow_links=follow_links, note=note)[0]
    if subject not in dataset.subjects:
        raise unknown("subject", str(subject), dataset.subjects)
    train = entering.train(dataset, subject)
    return from_array(train.stimuli, train.images)


def captioner(
    *,
    endpoint: str | None,
    model: str | None,
    api_key_env: str | None,
    local: Path | None,
    parallel: int,
    timeout: float,
    device: str,
    offline: bool,
) -> Captioner:
    """The captioner that the options name; raises UsageError where they name none, two, or one incompletely."""
    if (endpoint is None) == (local is None):
        raise UsageError("who is to write the captions? Give --endpoint URL with --model NAME, or --local FOLDER")
    if local is not None:
        if model is not None or api_key_env is not None:
            raise UsageError("--model and --api-key-env go with --endpoint; --local needs neither")
        return Local(local, resolve_device(device))
    if not (model and model.strip()):
        raise UsageError("--endpoint needs --model: the name by which it knows the model")
    if not (0 < timeout <= DAY and parallel > 0):
        raise UsageError(f"--timeout {timeout:g}, --parallel {parallel}; wanted seconds up to {DAY}, and 1 or more")
    key = os.environ.get(api_key_env, "").strip() if api_key_env else ""
    if api_key_env and not key:
        raise UsageError(f"--api-key-env {api_key_env}: no such variable is set, or it is empty")
    return Endpoint(str(endpoint), model, key=key, parallel=parallel, timeout=timeout, offline=offline)


def check(
    path: Path,
    dataset: Dataset,
    subject: int,
    folder: Path | None,
    *,
    follow_links: bool = False,
    note: Note = unheard,
) -> CaptionsFile:
    """The captions file; InputError where it is unsound, or has not captions of all training images and no others."""
    captions_file = read(path)
    images = training_images(dataset, subject, folder, follow_links=follow_links, note=note)
    check_stimuli(path, captions_file.entries, images.stimuli)
    return captions_file


def make(images: ImageSet, path: Path, writer: Captioner, *, progress: Progress) -> Made:
    """How many images a captions file holds, after captions of those that it lacked were added.

    Each image's line is written before the next images are asked about. One image without captions does not stop the
    work; PATIENCE of them in a row do. Raises InputError naming such an image, or where the file holds other images,
    UsageError where it holds another model's captions, and what the captioner raises. Whatever is raised, the lines
    that were written stay.
    """
    with taken_up(path) as (entries, add):
        check_stimuli(path, entries, images.stimuli, complete=False)
        _check_model(path, {entry.model for entry in entries.values()}, writer.model)
        lacking = [i for i, stimulus in enumerate(images.stimuli) if form(stimulus) not in entries]
        try:
            with progress.bar("captions", len(lacking)) as advance:
                failed = _add_all(images, lacking, writer, add, advance)
        except EegbenchError as error:
            raise type(error)(f"{error}; {_kept(path, len(entries), images)}") from None
        if failed:
            stimulus, reason = next(iter(failed.items()))
            raise InputError(
                f"{len(failed)} images got no captions; the first, {stimulus!r}: {reason}; "
                f"{_kept(path, len(entries), images)}"
            )
    return Made(len(images.stimuli), len(lacking))


def _add_all(
    images: ImageSet,
    lacking: Sequence[int],
    writer: Captioner,
    add: Callable[[Captions], None],
    advance: Callable[[int], None],
) -> dict[str, InputError]:
    """The images that got no captions, and why; raises InputError after PATIENCE of them in a row."""
    failed: dict[str, InputError] = {}
    in_a_row = 0
    for stimulus, answer in _answers(images, lacking, writer):
        if isinstance(answer, InputError):
            failed[stimulus] = answer
            in_a_row += 1
        else:
            add(answer)
            in_a_row = 0
        advance(1)
        if in_a_row == PATIENCE:
            raise InputError(f"{PATIENCE} images in a row got no captions, the last, {stimulus!r}: {answer}")
    return failed


def _answers(images: ImageSet, items: Sequence[int], writer: Captioner) -> Iterator[tuple[str, Captions | InputError]]:
    """Each item's stimulus id with its captions, or with the error; in order, `writer.parallel` of them at once."""
    with ThreadPoolExecutor(writer.parallel) as pool:
        for start in range(0, len(items), writer.parallel):
            chunk = items[start : start + writer.parallel]
            names = [images.stimuli[i] for i in chunk]
            yield from zip(names, pool.map(_answer, names, images.load(chunk), [writer] * len(chunk)), strict=True)


def _answer(stimulus: str, image: NDArray[np.uint8], writer: Captioner) -> Captions | InputError:
    """An image's captions, from the cache where it has them; else from the captioner, and then kept in the cache."""
    key = digest({"model": writer.model, "captioner": writer.identity, "image": content(image)})
    file = user_cache("captions") / f"{key}.json"
    try:
        return read_fields(Captions, {**read_json(file), "stimulus": stimulus}, "captions")
    except InputError:
        pass  # not there, or damaged: it is asked for
    try:
        captions = Captions(stimulus, writer.model, writer.captions(image))
    except InputError as error:
        return error
    with writing(file, mend="set EEGBENCH_CACHE to a folder that can be"):
        write_text(file, json.dumps({"model": captions.model, "captions": captions.captions}) + "\n")
    return captions


def _check_model(path: Path, models: set[str], model: str) -> None:
    if others := sorted(models - {model}):
        raise UsageError(
            f"{path}: holds captions by {others[0]!r}, and {model!r} is to write; choose another file with -o"
        )


def _kept(path: Path, done: int, images: ImageSet) -> str:
    return f"{done} of {len(images.stimuli)} images are in {path}, and the same command asks for the rest"
