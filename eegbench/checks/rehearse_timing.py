"""The timed part of a rehearsal: a method goes through every stage of a fit and a reconstruction, on simulated noise.

On a CPU a step of full size takes minutes, so there the batch is 1, every stage has one step, and the products of
training are of float32: most CPUs compute float16 slowly or not at all. What a user sets wins.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from eegbench import configuration, seeds
from eegbench.arrays import EEGInfo
from eegbench.backbones.telling import telling
from eegbench.contracts import CAPTION_LEVELS, Method, Progress, TrainingSet
from eegbench.errors import MissingError, out_of_memory
from eegbench.methods.rehearsal.parts import Fitting, Sizes
from eegbench.methods.training import at_most
from eegbench.methods.validation import SHARE

SIDE = 500  # px of a simulated image
STEPS = 4  # of a training stage on a GPU; the first one warms up
DRAWN = 4  # images of a reconstruction on a GPU
ON_CPU: dict[str, object] = {"batch": 1, "accumulate": 1, "precision": "float32"}  # by a key's last word
DRAWING = ("steps of the sampler", "latents to pictures")  # bars of a generator


@dataclass(frozen=True)
class Brief:
    """A method as it is timed in a rehearsal. steps: those that a reconstruction's sampler makes.

    drawing, words: in words, what a reconstruction and the stages of a fit leave out.
    """

    method: Any
    sizes: Sizes
    steps: int
    drawing: str
    words: str


def brief(
    kind: type[Method[Any]], table: Mapping[str, object], chosen: Mapping[str, object], device: str, steps: int | None
) -> Brief:
    """The method of `table` as it is timed on `device`. chosen: the user's values, which win over all others."""
    on_cpu = device.partition(":")[0] == "cpu"
    keys, given = list(configuration.keys(kind)), configuration.flat(chosen)
    whole = configuration.build(kind, {**configuration.flat(table), **given})
    triplets = {f"{stage.field}.{key}": 2 for stage in _of_triplets(whole) for key in ("concepts", "each")}
    least = 2 if triplets else 1  # that a triplet loss can compare
    held = least if on_cpu else 2
    small = {key: ON_CPU[word] for key in keys if (word := key.rpartition(".")[2]) in ON_CPU} | triplets
    changed = {key: held for key in keys if key.endswith("validation_concepts")}
    method = configuration.build(kind, {**configuration.flat(table), **(small if on_cpu else {}), **given, **changed})
    sampler_steps = 1 if on_cpu and steps is None else steps
    if sampler_steps is not None and "sampling.steps" in keys and "sampling.steps" not in given:
        method = dataclasses.replace(method, sampling=_shortened(method, sampler_steps))
    sizes = _fewest(method, given, least, steps or 1) if on_cpu else Sizes(10, held, 8, steps or STEPS, DRAWN)
    reached, all_of_them = (_sampler_steps(m) if "sampling.steps" in keys else 1 for m in (method, whole))
    part = "all its steps" if reached == all_of_them else f"{reached} of its {all_of_them} steps"
    return Brief(method, sizes, reached, f"reconstruction, {part}", _words(method, on_cpu, sizes, given))


def _fewest(method: Any, given: Mapping[str, object], least: int, steps: int) -> Sizes:
    """The fewest items that fill every batch that the user set. A stage without epochs draws an item more than once."""
    triplets = [stage.settings for stage in _of_triplets(method)]
    wanted = max([least, *(settings.concepts for settings in triplets)])
    concepts = max(wanted, 2, (SHARE - 1) * least if least > 1 else 0)  # so that as many as `least` are held out
    stages = [stage for stage in method.rehearse().fitting if f"{stage.field}.batch" in given and stage.draws != "anew"]
    batches = [stage.settings.batch for stage in stages]
    batches += [concepts * stage.settings.each for stage in _of_triplets(method) if f"{stage.field}.each" in given]
    return Sizes(concepts, least, math.ceil(max([1, *batches]) / concepts), steps, 1)


def _words(method: Any, on_cpu: bool, sizes: Sizes, given: Mapping[str, object]) -> str:
    length = f"{sizes.steps} step{'s' if sizes.steps > 1 else ''} of every stage"
    if not on_cpu:
        return f"{length}, in batches as configured"
    half = ", the generator's weights in bfloat16 in the place of float16" if getattr(method, "half", False) else ""
    set_values = ", ".join(f"{key}={value}" for key, value in given.items())
    more = " (of a triplet loss two trials of two concepts)" if _of_triplets(method) else ""
    return f"{length}, batch 1{more}, in float32{half}{f'; {set_values} as set' if set_values else ''}"


def _of_triplets(method: Any) -> list[Fitting]:
    return [stage for stage in method.rehearse().fitting if stage.draws == "triplets"]


def _sampler_steps(method: Any) -> int:
    """How many steps a reconstruction makes with its sampler."""
    return int(method.sampling.steps * method.rehearse().reached)


def _shortened(method: Any, steps: int) -> Any:
    """The sampling that makes `steps` steps, or all that there are."""
    named = math.ceil(steps / method.rehearse().reached)
    return dataclasses.replace(method.sampling, steps=min(named, method.sampling.steps))


class Stopwatch(Progress):
    """A Progress that passes everything on to another one, and keeps the seconds of every step by label."""

    def __init__(self, inner: Progress) -> None:
        self.inner, self.steps = inner, dict[str, list[float]]()

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        seconds = self.steps.setdefault(label, [])
        with self.inner.bar(label, total) as advance:
            since = time.perf_counter()

            def tick(count: int) -> None:
                nonlocal since
                now = time.perf_counter()
                seconds.extend([(now - since) / max(count, 1)] * count)
                since = now
                advance(count)

            yield tick

    @property
    def building(self) -> float:
        """Seconds in which networks were built."""
        return sum(sum(seconds) for label, seconds in self.steps.items() if label.startswith("build "))


def timed(short: Brief, info: EEGInfo, device: str, progress: Progress) -> list[dict[str, object]]:
    """Seconds per image of a training step of each stage, the slowest after the first, and of a reconstruction.

    The building of networks is in none of them.
    """
    method, sizes, watch = short.method, short.sizes, Stopwatch(progress)
    train = noise(info, sizes)
    try:
        with telling(watch), at_most(sizes.steps):
            fitted = method.fit(train, seed=0, progress=watch, device=device)
            for count in [sizes.drawn] if sizes.drawn == 1 else [1, sizes.drawn]:  # the first one warms up
                built = watch.building
                with watch.bar(short.drawing, count) as advance:
                    fitted.reconstruct(train.eeg[:count], seeds=range(count))
                    advance(count)
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        raise MissingError(f"{method.name}: {device} has not enough memory; --device meta runs shapes alone") from error
    drawn = watch.steps[short.drawing][-1] - (watch.building - built) / sizes.drawn
    whole = {"step": short.drawing, "items": sizes.drawn, "steps": short.steps, "per image": drawn}
    return [*_parts(short, watch, device), whole]


def _parts(short: Brief, watch: Stopwatch, device: str) -> Iterator[dict[str, object]]:
    """A row for each stage of a fit and, on a CPU, for the parts of a reconstruction, which a GPU does not wait for."""
    fitting = {stage.label: stage for stage in short.method.rehearse().fitting}
    for label, seconds in watch.steps.items():
        row: dict[str, object] = {}
        if label in fitting:
            row = {"step": f"training: {label}", "items": fitting[label].items(short.sizes)}
        elif label in DRAWING and device.partition(":")[0] == "cpu":
            row = {"step": f"reconstruction: {label}", "items": short.sizes.drawn}
        if row:
            per_image = max(seconds[1:] or seconds) / int(str(row["items"]))
            yield row | {"steps": len(seconds), "per image": per_image}


def noise(info: EEGInfo, sizes: Sizes) -> TrainingSet:
    """A simulated training set: noise in the place of EEG and images, and captions that say nothing."""
    rng, n = seeds.generator("rehearsal"), sizes.items
    captions = tuple(tuple(f"caption {j} of picture {i}" for j in range(len(CAPTION_LEVELS))) for i in range(n))
    return TrainingSet(
        eeg=rng.standard_normal((n, len(info.channels), info.times)).astype(np.float32),
        info=info,
        shown=np.arange(n),
        stimuli=tuple(f"simulated_{i:03d}" for i in range(n)),
        images=rng.integers(0, 256, (n, SIDE, SIDE, 3), dtype=np.uint8),
        concepts=tuple(f"concept_{i % (sizes.fitted + sizes.held):02d}" for i in range(n)),
        captions=captions,
        subject=1,
    )
