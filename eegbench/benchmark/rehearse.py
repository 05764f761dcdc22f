"""A method at full size without its weights: do the parts fit, how large are they, how long does a step take?"""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eegbench import configuration, seeds
from eegbench.arrays import EEGInfo
from eegbench.backbones import published_configs
from eegbench.backbones.blank import PREFIX
from eegbench.backbones.environment import free_memory, resolve_device
from eegbench.benchmark import catalogue
from eegbench.benchmark.embedded import INFO as EMBEDDINGS
from eegbench.contracts import CAPTION_LEVELS, Method, Progress, TrainingSet
from eegbench.datasets.eegcvpr.source import INFO as EEGCVPR
from eegbench.errors import CheckFailed, MissingError, unknown
from eegbench.methods.encoders.checkpoints import RECORDING
from eegbench.methods.rehearsal.parts import Network, compare
from eegbench.methods.rehearsal.stages import STAGES, rehearsal_of
from eegbench.methods.tuning_settings import Epochs

META = "meta"
ADAM = 3  # beside each trained parameter its gradient and two moments

# Of each recording that a rehearsal may have: the numbers that decide a network's size.
RECORDINGS: dict[str, EEGInfo] = {
    "things-eeg2": RECORDING,
    "eegcvpr": EEGCVPR,
    "sim-things": EEGInfo(tuple(f"electrode {i}" for i in range(1, 18)), 100.0, -0.2, 100),
}
PUBLISHED_ON = {
    "saliency_controlnet": "things-eeg2",
    "atm": "things-eeg2",
    "neuroimagen": "eegcvpr",
    "llm_caption": "eegcvpr",
}

# A timed rehearsal goes through every stage of a fit, each for a few steps, on simulated noise.
ITEMS, CONCEPTS, HELD, SIDE = 96, 12, 2, 500
FITTED = ITEMS - ITEMS // CONCEPTS * HELD  # items that are not held out
BRIEF: dict[str, dict[str, object]] = {
    "saliency_controlnet": {
        "encoder.epochs": 1, "encoder.validation_concepts": HELD, "lora.steps": 4, "controlnet.steps": 4,
        "head_epochs": 1,
    },
    "atm": {
        "encoder.epochs": 1, "encoder.validation_concepts": HELD, "prior.epochs": 2, "low_level_settings.epochs": 1,
    },
    "neuroimagen": {"features.epochs": 2, "gan.steps": 8, "regressor.epochs": 1, "validation_concepts": HELD},
    "llm_caption": {"captions.epochs": 2, "captions.validation_concepts": HELD},
}  # fmt: skip
ITEMS_OF: dict[str, Callable[[Any], int]] = {  # how many images one step of the optimiser sees
    "fit EEG encoder": lambda method: min(method.encoder.batch, FITTED) * method.encoder.accumulate,
    "fit LoRA": lambda method: method.lora.batch * method.lora.accumulate,
    "fit ControlNet": lambda method: method.controlnet.batch * method.controlnet.accumulate,
    "fit saliency head": lambda method: min(Epochs().batch, FITTED),
    "fit prior": lambda method: min(method.prior.batch, ITEMS),
    "fit low level": lambda method: min(method.low_level_settings.batch, FITTED) * method.low_level_settings.accumulate,
    "fit EEG features": lambda method: min(method.features.concepts, CONCEPTS - HELD) * method.features.each,
    "fit GAN": lambda method: method.gan.batch,
    "fit caption regressor": lambda method: min(method.regressor.batch, FITTED) * method.regressor.accumulate,
    "fit caption heads": lambda method: min(method.captions.batch, FITTED) * method.captions.accumulate,
}


@dataclass(frozen=True)
class Report:
    """What a rehearsal found. `note` says on what device it ran, and why it timed nothing where it did not."""

    method: str
    recording: str
    note: str
    networks: list[dict[str, object]]
    stages: list[dict[str, object]]
    seconds: list[dict[str, object]]


def rehearse(
    name: str,
    table: Mapping[str, object],
    *,
    device: str,
    progress: Progress,
    recording: str | None = None,
    checkpoint: Path | None = None,
) -> Report:
    """Build every network of method `name` with random weights, run shapes through every stage, time what can be.

    With `checkpoint`, only the network that a weight file belongs to is reported, with how far the file's keys agree;
    nothing is timed. On "auto" a GPU times the stages, and where there is none nothing is timed.

    Raises UsageError for unknown names, CheckFailed where parts do not fit together or are not as published, InputError
    for a file that is no checkpoint of this method or of another size.
    """
    kinds = {kind.name: kind for kind in STAGES}
    if name not in kinds:
        raise unknown("method", name, kinds)
    chosen = recording or PUBLISHED_ON[name]
    if chosen not in RECORDINGS:
        raise unknown("recording", chosen, RECORDINGS)
    method = _blank(configuration.build(kinds[name], table))
    info = EMBEDDINGS if _precomputed(method) else RECORDINGS[chosen]
    try:
        known = rehearsal_of(method, info)
    except (RuntimeError, ValueError, TypeError) as error:
        problem = " ".join(str(error).split())[:200]
        raise CheckFailed(f"{name}: its networks cannot be built ({problem})") from error
    networks = [_row(network) for network in known.networks]
    if checkpoint is not None:
        owner, problems = compare(checkpoint, known.networks)
        networks = [row | {"checkpoint": _agreement(problems)} for row in networks if row["network"] == owner.name]
    stages: list[dict[str, object]] = [
        {"stage": stage.name, "items": stage.items, "gives": _words(stage.checked())} for stage in known.stages
    ]
    target, note = _where(META if checkpoint else device, known.networks)
    if target == META:
        return Report(name, chosen, note, networks, stages, [])
    brief = _blank(configuration.build(kinds[name], {**table, **BRIEF[name]}))
    return Report(name, chosen, note, networks, stages, _timed(brief, info, target, progress))


def text(report: Report) -> str:
    """The report as tables."""
    networks = [
        {
            "network": row["network"],
            "parameters": f"{row['parameters']:,}",
            "trained": f"{row['trained']:,}" if row["trained"] else "-",
            "fp32": _size(row["fp32_bytes"]),
            "fp16": _size(row["fp16_bytes"]),
            "built on": row["device"],
            "known of the real file": row["checked"],
        }
        for row in report.networks
    ]
    compared = [f"{row['network']}: the file {row['checkpoint']}" for row in report.networks if "checkpoint" in row]
    parts = [f"{report.method} on recordings of the size of {report.recording}, random weights", report.note, ""]
    parts += [catalogue.text(networks), catalogue.text(report.stages)]
    if report.seconds:
        parts.append(catalogue.text([row | {"per image": f"{row['per image']:.3g} s"} for row in report.seconds]))
    return "\n".join([*parts, *compared]).rstrip("\n") + "\n"


class Stopwatch(Progress):
    """Says what another progress says, and keeps the seconds of every step by label."""

    def __init__(self, inner: Progress) -> None:
        self.inner, self.steps = inner, dict[str, list[float]]()

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        taken = self.steps.setdefault(label, [])
        with self.inner.bar(label, total) as advance:
            since = time.perf_counter()

            def tick(count: int) -> None:
                nonlocal since
                now = time.perf_counter()
                taken.extend([(now - since) / max(count, 1)] * count)
                since = now
                advance(count)

            yield tick


def _timed(method: Method[Any], info: EEGInfo, device: str, progress: Progress) -> list[dict[str, object]]:
    """Seconds per image of a training step of each stage, the slowest after the first, and of a reconstruction."""
    train, watch, count = _noise(info), Stopwatch(progress), 4
    try:
        fitted = method.fit(train, seed=0, progress=watch, device=device)
        fitted.reconstruct(train.eeg[:1], seeds=[0])  # the first one warms up
        since = time.perf_counter()
        fitted.reconstruct(train.eeg[:count], seeds=range(count))
        drawn = time.perf_counter() - since
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":
            raise
        raise MissingError(f"{method.name}: {device} has not enough memory; --device meta runs shapes alone") from error
    rows: list[dict[str, object]] = []
    for label, seconds in watch.steps.items():
        items = ITEMS_OF[label](method)
        rows.append({"step": f"training: {label}", "items": items, "per image": max(seconds[1:] or seconds) / items})
    return [*rows, {"step": "reconstruction, all its steps", "items": count, "per image": drawn / count}]


def _noise(info: EEGInfo) -> TrainingSet:
    """Simulated: noise in the place of EEG and images, and captions that say nothing."""
    rng = seeds.generator("rehearsal")
    said = tuple(tuple(f"caption {j} of picture {i}" for j in range(len(CAPTION_LEVELS))) for i in range(ITEMS))
    return TrainingSet(
        eeg=rng.standard_normal((ITEMS, len(info.channels), info.times)).astype(np.float32),
        info=info,
        shown=np.arange(ITEMS),
        stimuli=tuple(f"simulated_{i:03d}" for i in range(ITEMS)),
        images=rng.integers(0, 256, (ITEMS, SIDE, SIDE, 3), dtype=np.uint8),
        concepts=tuple(f"concept_{i % CONCEPTS:02d}" for i in range(ITEMS)),
        captions=said,
        subject=1,
    )


def _blank(method: Any) -> Any:
    """`method` with random weights in the place of published ones; parts of the pack stay what they are."""
    named = {f.name: getattr(method, f.name) for f in dataclasses.fields(method)}
    found = {
        name: PREFIX + value
        for name, value in named.items()
        if isinstance(value, str) and value in published_configs.names()
    }
    return dataclasses.replace(method, **found)


def _precomputed(method: Any) -> bool:
    return getattr(getattr(method, "encoder", None), "kind", "") == "precomputed"


def _where(device: str, networks: Sequence[Network]) -> tuple[str, str]:
    """The device that times the stages, META for none, and a line about it."""
    alone = "shapes alone, on torch's meta device; nothing was timed"
    if device == META:
        return META, alone[0].upper() + alone[1:] + "."
    found = resolve_device(device)
    if device == "auto" and found == "cpu":
        return META, f"No GPU is here: {alone} (--device cpu does, slowly)."
    needed = sum(4 * (network.count + ADAM * network.learning) for network in networks)
    if needed > (free := free_memory(found)):
        return META, f"{found} has {_size(free)} free, and weights and optimiser need {_size(needed)}: {alone}."
    return found, f"Timed on {found}, on noise; weights and optimiser need {_size(needed)}, activations come on top."


def _row(network: Network) -> dict[str, object]:
    return {
        "network": network.name,
        "class": type(network.module).__name__,
        "parameters": network.count,
        "trained": network.learning,
        "fp32_bytes": 4 * network.count,
        "fp16_bytes": 2 * network.count,
        "device": network.device,
        "checked": network.checked(),
    }


def _agreement(problems: list[str]) -> str:
    if not problems:
        return "has every key and no other"
    shown = "; ".join(problems[:5])
    return f"differs in {len(problems)} keys: {shown}" + ("; ..." if len(problems) > 5 else "")


def _words(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) if shape else "one number"


def _size(count: object) -> str:
    value = float(str(count))
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.1f} MB"
