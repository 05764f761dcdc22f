"""Options that mean the same wherever they appear, and what is made of them."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from eegbench.errors import UsageError

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:<number> or mps.")]
Protocol = Annotated[str, typer.Option(help="How images reach the judges: sal512 or me256.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")]
Offline = Annotated[bool, typer.Option("--offline", help="Open no connection.")]
Unverified = Annotated[
    bool, typer.Option("--allow-unverified-weights", help="Use weights of unknown digest; their numbers are marked.")
]
Half = Annotated[bool, typer.Option("--half", help="Judges in half precision: the numbers' versions say so.")]
NwayJudge = Annotated[str | None, typer.Option(help="vit_h_14, as published, or vit_b_16: another metric, marked.")]
MethodName = Annotated[str, typer.Option("--method", help="A name of `eegbench list methods`.")]
Subject = Annotated[int, typer.Option(help="The subject's number.")]
DataSet = Annotated[str, typer.Option(help="A name of `eegbench list datasets`.")]
Track = Annotated[str, typer.Option(help="eeg: EEG alone; oracle: a hint from the true image too.")]
Seed = Annotated[int, typer.Option(help="Decides all that is drawn by lot.")]
Runs = Annotated[Path, typer.Option(help="Where run folders go.")]
CaptionsFile = Annotated[
    Path | None, typer.Option("--captions", help="Train on this file's captions, not the data set's own.")
]
FollowLinks = Annotated[bool, typer.Option("--follow-links", help="Also links that lead out of the folder.")]
Config = Annotated[Path | None, typer.Option(help="paper, micro, or a TOML file with tables [method] and [dataset].")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="As rank=8 or dataset.snr=0.")]
DataSettings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="As snr=0.")]


def run_options(method: str, config: Path | None, settings: list[str] | None, **chosen: Any) -> Any:
    """The options of a run of `method`: `chosen`, and the tables of its configuration."""
    from eegbench.benchmark.plan import Options
    from eegbench.configuration import read_tables, shipped

    tables = read_tables(shipped(config, method), settings or [])
    return Options(method_table=tables["method"], dataset_table=tables["dataset"], **chosen)


def built_dataset(name: str, settings: list[str] | None) -> Any:
    """A data set with its options."""
    from eegbench.benchmark import plugins

    return plugins.built("dataset", name, data_table(settings))


def data_table(settings: list[str] | None) -> dict[str, object]:
    """Keys of a data set, which need no `dataset.` before them where there is no method."""
    from eegbench.configuration import read_tables

    keys = [word if word.startswith("dataset.") else f"dataset.{word}" for word in settings or []]
    return read_tables(None, keys)["dataset"]


def go_offline(offline: bool) -> None:
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"  # read by the hub's client when it is imported, further below


def words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def metric_names(names: str | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    chosen = tuple(name.strip() for name in names.split(",") if name.strip())
    if not chosen:
        raise UsageError("--metrics names no metric; leave it out for all of them")
    return chosen
