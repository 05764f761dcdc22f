"""The project's own drift gate: the committed pairs score as the committed baseline says, until a library changes."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy.ndimage import gaussian_filter1d
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize
from typer.testing import CliRunner

from eegbench.backbones import resize as resizing
from eegbench.benchmark.judging import Judging
from eegbench.checks import drift
from eegbench.checks.drift import Comparison, Entry
from eegbench.cli import app
from eegbench.files import write_text
from eegbench.metrics import pixel
from eegbench.pairs.score import score_folders

GOLDEN = Path(__file__).parent / "golden"
METRICS = ("pixcorr", "ssim", "ssim_columns", "alexnet2", "effnet")  # a judge each, and quick


def scores(folder: Path) -> Path:
    """What `eegbench score --json` writes of the pairs."""
    judging = Judging("micro", "sal512", "cpu", METRICS)
    sheet = score_folders(GOLDEN / "pairs/truth", GOLDEN / "pairs/reconstructions", judging).sheet
    write_text(folder / "scores.json", sheet.to_json())
    return folder / "scores.json"


def baseline() -> list[Entry]:
    """The committed baseline, of these metrics."""
    entries = drift.read_baseline(GOLDEN / "baseline.json")
    kept = [{name: known for name, known in entry.metrics.items() if name in METRICS} for entry in entries]
    return [dataclasses.replace(entry, metrics=metrics) for entry, metrics in zip(entries, kept, strict=True)]


def checked(folder: Path) -> dict[str, Comparison]:
    return {finding.metric: finding for finding in drift.comparisons(drift.read_scores(scores(folder)), baseline())}


@pytest.fixture(autouse=True)
def _no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features, and resized pictures, from before a patch would hide it."""
    monkeypatch.setenv("EEGBENCH_CACHE", str(tmp_path / "cache"))
    resizing._brought.cache_clear()


def test_the_pairs_score_as_the_baseline_says(tmp_path: Path) -> None:
    found = checked(tmp_path)
    assert {name: (one.state, one.stage) for name, one in found.items()} == dict.fromkeys(
        METRICS, ("same", "identical")
    )


@pytest.mark.parametrize(
    "changed",
    [
        lambda x, size, *_, **__: resize(x, size, InterpolationMode.BILINEAR, antialias=False),
        lambda x, size, *_, **__: resize(x, size, InterpolationMode.BICUBIC, antialias=True),
    ],
    ids=["no antialias", "bicubic"],
)
def test_another_resize_filter_turns_the_gate_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: Callable[..., Any]
) -> None:
    monkeypatch.setattr(resizing, "_resize", changed)
    moved = {name for name, one in checked(tmp_path).items() if one.state == "moved"}
    assert {"pixcorr", "ssim", "ssim_columns", "effnet"} <= moved


def test_another_ssim_turns_the_gate_red_and_no_other_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixel, "gaussian_filter1d", functools.partial(wider, gaussian_filter1d))
    moved = {name for name, one in checked(tmp_path).items() if one.failed}
    assert moved == {"ssim", "ssim_columns"}


def wider(filtered: Callable[..., Any], *given: Any, **options: Any) -> Any:
    """The window of SSIM as a library might change it: cut off at four deviations."""
    return filtered(*given, **(options | {"truncate": 4.0}))


def verb(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["check", *map(str, words)])
    return done.exit_code, done.stdout + done.stderr


def test_the_verb_fails_by_name_and_passes_with_a_notice_once_the_version_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "baseline.json", drift.to_json(baseline()))
    monkeypatch.setattr(pixel, "gaussian_filter1d", functools.partial(wider, gaussian_filter1d))
    code, said = verb(scores(tmp_path), "--baseline", tmp_path / "baseline.json")
    assert code == 1 and "MOVED" in said and "ssim: " in said and "without a new version" in said
    monkeypatch.setattr("eegbench.benchmark.score.chosen", functools.partial(risen, METRICS))
    code, said = verb(scores(tmp_path), "--baseline", tmp_path / "baseline.json")
    assert code == 0 and "not comparable" in said and "version 1, now 2" in said and "MOVED" not in said


def risen(names: Sequence[str], metrics: tuple[str, ...] | None) -> tuple[Any, ...]:
    from eegbench.plugins import registry

    found = [registry.find("metric", name) for name in metrics or names]
    return tuple(dataclasses.replace(m, version=2) if m.id.startswith("ssim") else m for m in found)
