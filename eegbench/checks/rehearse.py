"""Rehearses a method at full size without its weights: do its parts fit, how large are they, how long is a step?"""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eegbench import configuration
from eegbench.arrays import EEGInfo
from eegbench.backbones import published_configs
from eegbench.backbones.batch import peak
from eegbench.backbones.blank import PREFIX
from eegbench.backbones.environment import free_memory, resolve_device
from eegbench.benchmark.embedded import INFO as EMBEDDINGS
from eegbench.checks.rehearse_timing import brief, timed
from eegbench.contracts import Progress
from eegbench.datasets.eegcvpr.source import INFO as EEGCVPR
from eegbench.errors import CheckFailed, InputError, MissingError, UsageError, short, unknown
from eegbench.methods.encoders.checkpoints import RECORDING
from eegbench.methods.rehearsal import META, Network, Parts, Rehearsal
from eegbench.methods.rehearsal.files import compare
from eegbench.plugins import registry
from eegbench.plugins.authors import author_of
from eegbench.tables import of_rows

ADAM = 3  # beside each trained parameter its gradient and two moments

# Of each recording that a rehearsal may have: the numbers that decide a network's size.
RECORDINGS: dict[str, EEGInfo] = {
    "things-eeg2": RECORDING,
    "eegcvpr": EEGCVPR,
    "sim-things": EEGInfo(tuple(f"electrode {i}" for i in range(1, 18)), 100.0, -0.2, 100),
}


@dataclass(frozen=True)
class Report:
    """The outcome of a rehearsal. note: on what device and how far it ran; where nothing was timed, why.

    wall: seconds of the timed part. peak_bytes: the most bytes in use, on a CPU by the whole process. Both are 0 where
    nothing is timed.
    """

    method: str
    recording: str
    note: str
    networks: list[dict[str, object]]
    stages: list[dict[str, object]]
    seconds: list[dict[str, object]]
    wall: float = 0.0
    peak_bytes: int = 0


def rehearse(
    name: str,
    table: Mapping[str, object],
    *,
    device: str,
    progress: Progress,
    settings: Mapping[str, object] | None = None,
    steps: int | None = None,
    recording: str | None = None,
    checkpoint: Path | None = None,
) -> Report:
    """The report on a method whose networks are built with random weights, and whose stages are run and timed.

    table: the method's configuration. settings: values of it that also hold on a CPU, where a rehearsal is shortened to
    one step of batch 1 of every stage. steps: of every stage and of the sampler. checkpoint: a weight file; only the
    network that it belongs to is reported, with how far the file's keys agree, and nothing is timed. device: with
    "auto" a GPU times the stages; without a GPU, or with too small a one, nothing is timed.

    Raises UsageError for unknown names, CheckFailed where parts do not fit together or are not as published, InputError
    for a file that is no checkpoint of this method or of another size, MissingError for a device without the memory.
    """
    chosen = settings or {}
    method = _blank(registry.built("method", name, configuration.flat(table) | configuration.flat(chosen)))
    rehearsal = _rehearsal(method)
    size = recording or rehearsal.recording
    if size not in RECORDINGS:
        raise unknown("recording", size, RECORDINGS)
    info = EMBEDDINGS if rehearsal.embedded else RECORDINGS[size]
    parts = _built(method, rehearsal, info, progress)
    target, note = _where(name, META if checkpoint else device, parts.networks)
    networks = [_row(network) for network in parts.networks]
    if checkpoint is not None:
        owner, problems = compare(checkpoint, parts.networks)
        networks = [row | {"checkpoint": _agreement(problems)} for row in networks if row["network"] == owner.name]
    stages: list[dict[str, object]] = []
    with progress.bar(f"{name}: shapes through its stages", len(parts.stages)) as advance:
        for stage in parts.stages:
            stages.append({"stage": stage.name, "items": stage.items, "gives": _words(stage.checked())})
            advance(1)
    if target == META:
        return Report(name, size, note, networks, stages, [])
    del parts
    timing, since = brief(type(method), table, chosen, target, steps), time.perf_counter()
    timing = dataclasses.replace(timing, method=_blank(timing.method))
    seconds = timed(timing, info, target, progress)
    wall = time.perf_counter() - since
    return Report(name, size, f"{note} {timing.words}.", networks, stages, seconds, wall, peak(target))


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
    parts += [of_rows(networks), of_rows(report.stages)]
    if report.seconds:
        parts.append(of_rows([row | {"per image": f"{row['per image']:.3g} s"} for row in report.seconds]))
        parts.append(f"{report.wall:.0f} s in all, of which the steps above; at most {_size(report.peak_bytes)} in use")
    return "\n".join([*parts, *compared]).rstrip("\n") + "\n"


def _blank(method: Any) -> Any:
    """`method` with random weights in the place of published ones; parts of the pack stay what they are."""
    named = {f.name: getattr(method, f.name) for f in dataclasses.fields(method)}
    blank = {
        name: PREFIX + value
        for name, value in named.items()
        if isinstance(value, str) and value in published_configs.names()
    }
    return dataclasses.replace(method, **blank)


def _rehearsal(method: Any) -> Rehearsal:
    """What the method says of its networks and stages; UsageError for a method that has no rehearsal."""
    with author_of("method", method.name, method, "rehearse"):
        rehearsal: object = method.rehearse()
    if rehearsal is None:
        raise UsageError(f"method {method.name!r} has no rehearsal: its class does not list its networks (`rehearse`)")
    if not isinstance(rehearsal, Rehearsal):
        raise InputError(f"method {method.name!r}: rehearse gave {short(rehearsal)}; wanted a Rehearsal, or None")
    return rehearsal


def _built(method: Any, rehearsal: Rehearsal, info: EEGInfo, progress: Progress) -> Parts:
    """The networks for recordings of this size; CheckFailed where they cannot be built."""
    try:
        with progress.bar(f"{method.name}: shapes of its networks", 1) as advance:
            with author_of("method", method.name, method, "rehearse"):
                parts = rehearsal.parts(info)
            advance(1)
            return parts
    except (RuntimeError, ValueError, TypeError) as error:
        problem = " ".join(str(error).split())[:200]
        raise CheckFailed(f"{method.name}: its networks cannot be built ({problem})") from error


def _where(name: str, device: str, networks: Sequence[Network]) -> tuple[str, str]:
    """The device that times the stages, META for none, and a line about it; MissingError where memory is too small."""
    alone = "shapes alone, on torch's meta device; nothing was timed"
    if device == META:
        return META, alone[0].upper() + alone[1:] + "."
    target = resolve_device(device)
    if device == "auto" and target == "cpu":
        return META, f"No GPU is here: {alone} (--device cpu does, slowly)."
    needed, free = _needed(networks), free_memory(target)
    wanted = f"weights and optimiser need {_size(needed)}"
    if needed <= free:
        return target, f"Timed on {target}, on noise; {wanted}, activations come on top."
    if device == "auto":
        return META, f"{target} has {_size(free)} free, and {wanted}: {alone}."
    raise MissingError(
        f"{name}: {wanted}, and {target} has {_size(free)} free; free some, or --device meta: shapes alone"
    )


def _needed(networks: Sequence[Network]) -> int:
    """The least bytes in memory at once, in float32: CLIP alone, or all other networks and one optimiser's state.

    The optimiser's state is that of the largest network that is fitted. LoRA belongs to a UNet that is counted already.
    """
    sizes = [4 * network.learning if network.trained == "LoRA" else network.bytes for network in networks]
    clip = sum(size for network, size in zip(networks, sizes, strict=True) if network.name == "CLIP")
    return max(clip, sum(sizes) - clip + 4 * ADAM * max([0, *(network.learning for network in networks)]))


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
