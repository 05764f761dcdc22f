"""When a fit is made, when it is found again, and when it is refused."""

from pathlib import Path
from typing import Any

import pytest

from eegbench.benchmark import fit as fitting
from eegbench.benchmark.curves import columns
from eegbench.benchmark.fit import fit, keep, load, shape
from eegbench.benchmark.plan import Options, plan
from eegbench.contracts import Method, Silent
from eegbench.errors import InputError, UsageError
from eegbench.files import digest


def test_a_fit_is_made_once_and_then_found_in_the_cache(lab: Any) -> None:
    sources = [fit(lab.plan(), progress=Silent()).source for _ in range(2)]
    assert sources == ["fitted", "cached"] and lab.plan().method.fits == ["uses-eeg"]


def test_a_fit_says_what_it_does_before_its_first_step_and_after_its_last(heard: Any) -> None:
    options = Options(method_table={"encoder.epochs": 1}, dataset_table={"train_images": 1})
    fit(plan("nearest_train_image", 3, options, device="cpu"), progress=heard)
    assert heard.labels == ["training data", "CLIP embeddings of images", "fit EEG encoder", "save the fit"]
    assert heard.done == heard.totals and heard.totals[1] == 200


@pytest.mark.parametrize(
    "changes", [{"seed": 1}, {"method_table": {"weight": 0.5}}, {"dataset_table": {"noise": 0.1}}], ids=str
)
def test_what_shapes_a_fit_changes_its_digest(lab: Any, changes: dict[str, Any]) -> None:
    assert digest(shape(lab.plan(**changes))) != digest(shape(lab.plan()))


@pytest.mark.parametrize("attribute", ["fit_version", "weights"])
def test_new_code_or_weights_change_the_digest(lab: Any, monkeypatch: pytest.MonkeyPatch, attribute: str) -> None:
    before = digest(shape(lab.plan()))
    changed = {"fit_version": 2, "weights": lambda self: {"vae": "ab" * 32}}[attribute]
    monkeypatch.setattr(type(lab.plan().method), attribute, changed)
    assert digest(shape(lab.plan())) != before


def test_a_field_of_the_reconstruct_stage_reuses_the_fit_and_reaches_it(lab: Any) -> None:
    fit(lab.plan(), progress=Silent())
    again = fit(lab.plan(method_table={"steps": 20}), progress=Silent())
    assert again.source == "cached" and vars(again.reconstructor)["steps"] == 20
    assert lab.plan(method_table={"steps": 20}).spec.key != lab.plan().spec.key  # but the run is another one


def test_a_late_field_that_never_reaches_a_stored_fit_is_refused(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(lab.plan().method), "configure", Method.configure)
    with pytest.raises(InputError, match="steps never reach a stored fit"):
        fit(lab.plan(), progress=Silent())


def test_a_shipped_fit_comes_before_the_cache(lab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = lab.plan()
    fit(planned, progress=Silent())
    (tmp_path / "cache" / "fitted").rename(tmp_path / "shipped")
    monkeypatch.setattr(fitting, "shipped_folder", lambda: tmp_path / "shipped")
    assert fit(planned, progress=Silent()).source == "shipped"


@pytest.mark.parametrize(("harm", "words"), [("alter", "sha256 differs"), ("remove", "is missing from a stored fit")])
def test_a_damaged_fit_is_refused_by_name(lab: Any, tmp_path: Path, harm: str, words: str) -> None:
    fit(lab.plan(), progress=Silent())
    (file,) = (tmp_path / "cache").rglob("weight.txt")
    file.write_text("0.1") if harm == "alter" else file.unlink()
    with pytest.raises(InputError, match=rf"weight\.txt: .*{words}.*delete the folder"):
        fit(lab.plan(), progress=Silent())


def test_a_fit_that_failed_half_way_leaves_nothing_behind(
    lab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = fit(lab.plan(), progress=Silent()).reconstructor
    monkeypatch.setattr(fitted, "save", lambda folder: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        keep(fitted, {}, tmp_path / "fits" / "one")
    assert list((tmp_path / "fits").iterdir()) == []


def test_of_two_processes_that_save_the_same_fit_the_first_stays(lab: Any, tmp_path: Path) -> None:
    planned = lab.plan()
    fitted = fit(planned, progress=Silent()).reconstructor
    for shaped_by in ({"by": "first"}, {"by": "second"}):
        keep(fitted, shaped_by, tmp_path / "one")
    assert '"first"' in (tmp_path / "one" / "fit.json").read_text()
    assert vars(load(tmp_path / "one", planned.method, "cpu"))["weight"] == 0.8


def test_a_cache_that_cannot_be_written_is_said_in_one_line(lab: Any, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands where the folder should be")
    with pytest.raises(UsageError, match=r"cannot be written \(.*EEGBENCH_CACHE"):
        fit(lab.plan(), progress=Silent())


def test_loss_curves_are_kept_with_the_fit_and_checkpoints_are_not(
    lab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(lab.plan().method)
    plain = kind.fit

    def with_curve(self: Any, *args: Any, folder: Path, **options: Any) -> Any:
        folder.mkdir(parents=True)
        (folder / "fit-encoder.csv").write_text("step,loss,validation,rate\n1,0.5,,0.1\n2,0.25,0.75,0.1\n")
        (folder / "fit-encoder.safetensors").write_bytes(b"a checkpoint")
        return plain(self, *args, folder=folder, **options)

    monkeypatch.setattr(kind, "fit", with_curve)
    fit(lab.plan(), progress=Silent())
    kept = {f.name for f in (tmp_path / "cache").rglob("*") if f.is_file()}
    assert kept == {"fit.json", "weight.txt", "fit-encoder.csv", "curves.png"}


def test_curves_have_the_points_that_the_table_has(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("step,loss,validation,rate\n1,0.5,,0.1\n2,0.25,0.75,0.1\n")
    assert columns(tmp_path / "a.csv") == {"loss": [(1, 0.5), (2, 0.25)], "validation": [(2, 0.75)]}


def test_weights_whose_digest_is_none_are_refused_with_the_method(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = lab.plan()
    monkeypatch.setattr(type(planned.method), "weights", lambda self: {"vae": "version 2"})
    with pytest.raises(InputError, match=r"method 'uses-eeg': weights gave {'vae': 'version 2'}; wanted a sha256"):
        fit(planned, progress=Silent())
