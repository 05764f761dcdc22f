"""The configurations that come along: one file for each method and scale, over the same class."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from eegbench.configuration import SHIPPED, build, keys, read_tables, shipped
from eegbench.contracts import Method
from eegbench.errors import UsageError
from eegbench.methods.atm import Atm
from eegbench.methods.llm_caption import LlmCaption
from eegbench.methods.neuroimagen import NeuroImagen
from eegbench.methods.saliency_controlnet import SaliencyControlNet

CLASSES: list[type[Method[Any]]] = [SaliencyControlNet, Atm, NeuroImagen, LlmCaption]


def table(kind: type[Method[Any]], scale: str) -> dict[str, Any]:
    return read_tables(shipped(Path(scale), kind.name), [])["method"]


def flat(nested: Mapping[str, Any], path: str = "") -> set[str]:
    found: set[str] = set()
    for key, value in nested.items():
        found |= flat(value, f"{path}{key}.") if isinstance(value, Mapping) else {path + key}
    return found


def test_there_are_two_files_for_each_method_and_no_other() -> None:
    wanted = {f"{kind.name}.{scale}.toml" for kind in CLASSES for scale in ("micro", "paper")}
    assert {path.name for path in SHIPPED.iterdir()} == wanted


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.name)
@pytest.mark.parametrize("scale", ["micro", "paper"])
def test_a_file_spells_every_key_of_its_class(kind: type[Method[Any]], scale: str) -> None:
    assert flat(table(kind, scale)) == set(keys(kind))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.name)
def test_the_micro_file_is_what_the_class_has_by_default(kind: type[Method[Any]]) -> None:
    assert build(kind, table(kind, "micro")) == kind()


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.name)
def test_the_paper_file_builds_a_method_that_needs_nothing_of_the_pack(kind: type[Method[Any]]) -> None:
    built = build(kind, table(kind, "paper"))
    assert built != kind()
    assert not [value for value in vars(built).values() if isinstance(value, str) and value.startswith("pack:")]


def test_published_values_are_the_published_ones() -> None:
    saliency, atm = (build(kind, table(kind, "paper")) for kind in (SaliencyControlNet, Atm))
    lora, controlnet = saliency.lora, saliency.controlnet
    assert (saliency.rank, saliency.alpha, lora.steps, lora.batch, lora.rate) == (128, 256, 212_000, 8, 2e-3)
    assert (lora.restart, lora.least_rate, lora.precision) == (5000, 1e-6, "float16")
    assert (controlnet.steps, controlnet.batch, controlnet.accumulate) == (65_000, 2, 4)
    assert (controlnet.rate, controlnet.least_rate, controlnet.precision) == (1e-4, 1e-5, "float32")
    assert (saliency.sampling.sampler, saliency.sampling.guidance) == ("pndm", 2.0)
    assert (atm.encoder.keep, atm.encoder.rate, atm.encoder.epochs, atm.encoder.batch) == ("subject", 3e-4, 40, 64)
    assert (atm.prior.warm_up, atm.prior.guidance, atm.prior.clip_range) == (500, 5.0, 1.0)
    assert (atm.sampling.steps, atm.sampling.guidance, atm.size, atm.half) == (4, 0.0, 512, True)


def test_a_word_is_a_shipped_file_unless_a_file_has_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shipped(Path("paper"), "atm") == SHIPPED / "atm.paper.toml"
    (tmp_path / "paper").write_text("")
    assert shipped(Path("paper"), "atm") == Path("paper")
    assert shipped(None, "atm") is None
    for path in (Path("nowhere.toml"), tmp_path / "nowhere"):
        assert shipped(path, "atm") == path  # whoever reads it says that it is not there


def test_an_unknown_word_lists_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"unknown configuration of atm 'papr'; did you mean 'paper'\? .*micro, paper"):
        shipped(Path("papr"), "atm")
    with pytest.raises(UsageError, match="none comes along for mean_image"):
        shipped(Path("paper"), "mean_image")
