"""Two folders of images, and `eegbench score` of them with pixels for a judge."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner, Result

from eegbench import backbones
from eegbench.cli import app
from eegbench.contracts import Backbone

Sides = tuple[Path, Path]

NAMES = tuple(f"{i:05d}_thing/thing_{i}" for i in range(1, 7))


class Pixels(Backbone):
    name = "pixels"
    digest = ""
    provides = ("pixels425",)

    def embed(self, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        return {"pixels425": images.astype(np.float32) / np.float32(255)}


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], prog_name="eegbench")


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(256, size=(8, 8, 3)).astype(np.uint8))


def put(root: Path, *names: str, seed: int = 0, **options: Any) -> Path:
    for i, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        picture(seed + i).save(root / name, **options)
    return root


def link(at: Path, to: Path) -> None:
    at.symlink_to(to, target_is_directory=True)


def make_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sides:
    """Six true images and as many reconstructions, of the same names."""
    monkeypatch.setattr(backbones, "suite", lambda *_, **__: backbones.Suite("micro", "sal512", (Pixels(),)))
    names = [f"{name}.png" for name in NAMES]
    return put(tmp_path / "true", *names), put(tmp_path / "made", *names, seed=100)


def score(sides: Sides, *words: object) -> Result:
    return run("score", "--truth", sides[0], "--reconstructions", sides[1], "--metrics", "pixcorr", *words)


def sheet(sides: Sides, *words: object) -> dict[str, Any]:
    done = score(sides, "--json", "-", *words)
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def refused(done: Result, *words: str) -> None:
    """Exit code 2, nothing on stdout, and one line that has all these words."""
    errors = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert (done.exit_code, done.stdout, len(errors)) == (2, "", 1), done.stderr
    assert [word for word in words if word not in errors[0]] == [], errors[0]
