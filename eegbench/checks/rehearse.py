"""A method at full size without its weights: do the parts fit, how large are they, how long does a step take?"""

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
    """A rehearsal's outcome. `note` says on what device and how far it ran, and why it timed nothing where it did not.

    `wall` seconds of the timed part, and the most bytes in use, on a CPU by the whole process; 0 where nothing is
    timed.
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
    """Build every network of method `name` with random weights, run shapes through every stage, time what can be.

    `table` is the method's configuration, and `settings` are values of it that stay also where a rehearsal is shorter:
    on a CPU, where it takes one step of batch 1 of every stage. `steps` of every stage and of the sampler.
    With `checkpoint`, only the network that a weight file belongs to is reported, with how far the file's keys agree;
    nothing is timed. On "auto" a GPU times the stages, and where there is none, or too small a one, nothing is timed.

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
    known = _built(method, rehearsal, info, progress)
    target, note = _where(name, META if checkpoint else device, known.networks)
    networks = [_row(network) for network in known.networks]
    if checkpoint is not None:
        owner, problems = compare(checkpoint, known.networks)
        networks = [row | {"checkpoint": _agreement(problems)} for row in networks if row["network"] == owner.name]
    stages: list[dict[str, object]] = []
    with progress.bar(f"{name}: shapes through its stages", len(known.stages)) as advance:
        for stage in known.stages:
            stages.append({"stage": stage.name, "items": stage.items, "gives": _words(stage.checked())})
            advance(1)
    if target == META:
        return Report(name, size, note, networks, stages, [])
    del known
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
    """What the method says of itself; UsageError for one that has no rehearsal."""
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
                known = rehearsal.parts(info)
            advance(1)
            return known
    except (RuntimeError, ValueError, TypeError) as error:
        problem = " ".join(str(error).split())[:200]
        raise CheckFailed(f"{method.name}: its networks cannot be built ({problem})") from error


def _where(name: str, device: str, networks: Sequence[Network]) -> tuple[str, str]:
    """The device that times the stages, META for none, and a line about it; MissingError for one without the room."""
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
    """Bytes of what is there at once, at the least: CLIP alone, or all other networks and the optimiser's state, in
    float32, of the largest that is fitted; LoRA lies on a UNet that is counted already."""
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
