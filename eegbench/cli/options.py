"""Options that mean the same in every verb, and the functions that read their values."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from eegbench.benchmark.options import Options
from eegbench.cli.output import notes
from eegbench.errors import UsageError, unknown

DEFAULT_SUBJECT = 8  # the subject where none is named: the one that comes fitted
SEEDS = 2**64 - 1  # the largest: a record holds no longer number
SUBJECTS = 10**6 - 1
MANY = 100_000  # the most images: as many as a record may name


def choice(kind: str, *known: str, about: str, names: tuple[str, ...] = ()) -> Any:
    """An option whose value is one of the `known` words. about: its help. names: by default that of the parameter."""
    return typer.Option(*names, metavar="|".join(known), callback=_one_of(kind, known), help=about)


def _one_of(kind: str, known: tuple[str, ...]) -> Callable[[str | None], str | None]:
    def check(value: str | None) -> str | None:
        if value is not None and value not in known:
            raise unknown(kind, value, known)
        return value

    return check


def _named(ctx: typer.Context, subject: int) -> int:
    if str(getattr(ctx.get_parameter_source("subject"), "name", "")) == "DEFAULT":
        default_subject()
    return subject


def default_subject() -> int:
    notes.add(f"no --subject was given: taking {DEFAULT_SUBJECT}; name it")
    return DEFAULT_SUBJECT


Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda|cuda:N|mps", help="Where networks run.")]
Protocol = Annotated[str, choice("protocol", "sal512", "me256", about="How images reach the judges.")]
Suite = Annotated[
    str, choice("suite", "auto", "micro", "reference", about="The judges; auto: those that fit the data, else micro.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")]
Offline = Annotated[bool, typer.Option("--offline", help="Open no connection.")]
Unverified = Annotated[
    bool, typer.Option("--allow-unverified-weights", help="Use weights of unknown digest; their numbers are marked.")
]
Half = Annotated[bool, typer.Option("--half", help="Judges in half precision: the numbers' versions say so.")]
AllowPlugins = Annotated[
    bool,
    typer.Option("--allow-plugins", help="Import plug-ins that are not named on this line, which runs their code."),
]
NwayJudge = Annotated[
    str | None,
    choice("n-way judge", "vit_h_14", "vit_b_16", about="vit_h_14, as published, or vit_b_16: another metric, marked."),
]
FollowLinks = Annotated[bool, typer.Option("--follow-links", help="Also links that lead out of the folder.")]
Form = Annotated[str, choice("format", "md", "csv", "json", "html", names=("--format",), about="How it is written.")]
MethodName = Annotated[str, typer.Option("--method", metavar="NAME", help="A name of `eegbench list methods`.")]
Subject = Annotated[int, typer.Option(min=0, max=SUBJECTS, metavar="N", callback=_named, help="The subject's number.")]
DataSet = Annotated[str, typer.Option(metavar="NAME", help="A name of `eegbench list datasets`.")]
Track = Annotated[
    str, choice("track", "eeg", "oracle", about="eeg: EEG alone; oracle: a hint from the true image too.")
]
Also = Annotated[
    str | None, typer.Option(metavar="NAME,NAME", help="Metrics beside the usual ones, as retrieval50_top1.")
]
Audit = Annotated[
    bool,
    typer.Option(
        "--audit/--no-audit",
        help="Test whether the EEG contributes, also with permuted EEG. A run that was audited stays so.",
    ),
]
Average = Annotated[str, typer.Option(metavar="all|N", help="Repetitions of test EEG that are averaged.")]
TrainOn = Annotated[
    str,
    choice("train-on", "own", "others", "all", about="Whose training data: the subject's own, all others', or all."),
]
Calibration = Annotated[
    int,
    typer.Option(min=0, max=MANY, metavar="N", help="With others: so many of the subject's own training stimuli too."),
]
Others = Annotated[
    int, typer.Option(min=0, max=MANY, metavar="N", help="With others: so many of them, drawn by seed; 0: all.")
]
Scale = Annotated[
    str,
    choice(
        "scale",
        "training",
        "test",
        about="By what a stranger's EEG is standardised; test: by their own, which is transductive.",
    ),
]
Window = Annotated[
    str | None,
    typer.Option(metavar="FROM:TO", help="EEG of these s alone; --set view.window=crop shortens the trials."),
]
Channels = Annotated[
    str | None, typer.Option(metavar="NAME,NAME", help="These electrodes alone, or regions, as occipital.")
]
TrainStimuli = Annotated[
    int | None, typer.Option(min=1, max=MANY, metavar="N", help="So many training stimuli, drawn by seed.")
]
TrainRepetitions = Annotated[
    int | None, typer.Option(min=1, max=MANY, metavar="N", help="So many repetitions of a training stimulus.")
]
Sessions = Annotated[
    str | None, typer.Option(metavar="N,N[:N]", help="These sessions; after a colon those that are tested on.")
]
Seed = Annotated[int, typer.Option(min=0, max=SEEDS, metavar="N", help="Decides all that is drawn by lot.")]
Runs = Annotated[Path, typer.Option(metavar="FOLDER", help="The folder of runs, where new ones go.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to this file, not to stdout.")
]
CaptionsFile = Annotated[
    Path | None,
    typer.Option("--captions", metavar="FILE", help="Train on this file's captions, not the data set's own."),
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="micro|paper|FILE", help="A configuration: FILE is TOML with tables [method] and [dataset]."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A setting, again for more: rank=8 of a method, dataset.snr=0 of a data set, whose `dataset.` may be left "
        "out where no method is meant.",
    ),
]
DataSettings = Settings


def run_options(method: str, config: Path | None, settings: list[str] | None, options: Options) -> Options:
    """The options of a run of `method` with the tables of its configuration."""
    from eegbench.configuration import read_tables, shipped

    tables = read_tables(shipped(config, method), settings or [])
    check_no_view(tables)
    return replace(options, method_table=tables["method"], dataset_table=tables["dataset"])


def check_no_view(tables: Mapping[str, Mapping[str, object]]) -> None:
    """Raises UsageError for settings view.KEY in a verb that sees all of the EEG."""
    if tables["view"]:
        raise UsageError(f"view.{next(iter(tables['view']))} goes with --window, of evaluate and curve; leave it out")


def built_dataset(name: str, settings: list[str] | None) -> Any:
    """The data set of this name with its settings."""
    from eegbench.plugins import registry

    return registry.built("dataset", name, data_table(settings))


def data_table(settings: list[str] | None) -> dict[str, object]:
    """The data set's table from settings, whose keys need no `dataset.` here, where no method is meant."""
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
