"""`eegbench.score` and `eegbench.Judge`: the numbers of the command, from folders and from memory."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import eegbench
from door_images import Pictures, pictures, write
from eegbench.cli import app
from small_world import Lab


def stacked(images: Pictures) -> Any:
    return np.stack(list(images.values()))


def test_folders_are_scored_as_by_the_command_to_the_byte(
    lab: Lab, truths: Pictures, made: Pictures, tmp_path: Path
) -> None:
    true, own = write(tmp_path / "true", truths), write(tmp_path / "made", made)
    words = ["--truth", str(true), "--reconstructions", str(own), "--json", str(tmp_path / "scores.json")]
    assert CliRunner().invoke(app, ["score", *words]).exit_code == 0
    assert eegbench.score(own, str(true)).to_json() == (tmp_path / "scores.json").read_text()


def test_images_in_memory_have_the_scores_of_their_files(
    lab: Lab, truths: Pictures, made: Pictures, tmp_path: Path
) -> None:
    folder = write(tmp_path / "made", made)
    files = eegbench.score(folder, write(tmp_path / "true", truths))
    backwards = dict(reversed(list(made.items())))
    tensor = torch.from_numpy(stacked(made)).permute(0, 3, 1, 2)
    for images in (made, backwards, stacked(made), tensor, folder):
        assert eegbench.score(images, truths).record.metrics == files.record.metrics


def test_arrays_in_one_order_need_no_ids(lab: Lab, truths: Pictures, made: Pictures) -> None:
    sheet = eegbench.score(stacked(made), stacked(truths), metrics=["pixcorr", "top1"])
    assert list(sheet.items.index[:2]) == ["00000", "00001"] and list(sheet.items) == ["pixcorr", "top1"]
    assert sheet["pixcorr"] == pytest.approx(sheet.items["pixcorr"].mean()) and sheet["top1"] == 1


def test_the_frame_of_a_sheet_has_values_intervals_chance_and_reasons(
    lab: Lab, truths: Pictures, made: Pictures
) -> None:
    frame = eegbench.score(made, truths).frame().set_index("metric")
    row = frame.loc["pixcorr"]
    assert row["low"] < row["value"] < row["high"] and row["items"] == 6 and row["higher_is_better"]
    assert frame.loc["top1", "chance"] == 1 / 6
    assert math.isnan(frame.loc["unseen", "value"]) and "swav" in frame.loc["unseen", "reason"]
    with pytest.raises(eegbench.UsageError, match="unknown metric 'pixcor'; did you mean 'pixcorr'"):
        eegbench.score(made, truths)["pixcor"]


def test_a_sheet_is_saved_as_the_command_writes_it(lab: Lab, truths: Pictures, made: Pictures, tmp_path: Path) -> None:
    sheet = eegbench.score(made, truths)
    assert sheet.save(tmp_path / "new/scores.json").read_text() == sheet.to_json()
    (tmp_path / "file").write_text("")
    with pytest.raises(eegbench.UsageError, match="cannot be written"):
        sheet.save(tmp_path / "file/scores.json")


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a suite": ({"suite": "mikro"}, eegbench.UsageError, "unknown suite 'mikro'; did you mean 'micro'"),
    "a protocol": ({"protocol": "sal51"}, eegbench.UsageError, "unknown protocol 'sal51'"),
    "a metric": ({"metrics": ["pixcor"]}, eegbench.UsageError, "unknown metric 'pixcor'"),
    "metrics in a word": ({"metrics": "pixcorr"}, eegbench.UsageError, "wanted a list of names"),
    "no metric": ({"metrics": []}, eegbench.UsageError, "metrics names none"),
    "a device": ({"device": "tpu9"}, eegbench.UsageError, "device 'tpu9'"),
    "pairs of what is no folder": ({"pairs": "pairs.csv"}, eegbench.UsageError, "are for two folders"),
    "a folder that is not there": ({"truths": "nowhere"}, eegbench.InputError, "nowhere: no such folder"),
    "a stimulus too few": ({"truths": pictures(1, 7)}, eegbench.InputError, "no image of stimulus '06_thing/thing_6'"),
    "several samples of the truth": (
        {"truths": {"a": np.zeros((4, 4, 3), np.uint8), "a.sample-1": np.zeros((4, 4, 3), np.uint8)}},
        eegbench.InputError,
        "of the truth there is one image",
    ),
}


def test_links_that_lead_out_are_followed_by_an_argument_that_the_error_names(
    lab: Lab, truths: Pictures, made: Pictures, tmp_path: Path
) -> None:
    true, own = write(tmp_path / "true", truths), write(tmp_path / "made", made)
    name = next(iter(made))
    file = own / f"{name}.png"
    file.rename(tmp_path / "away.png")
    file.symlink_to(tmp_path / "away.png")
    told = pytest.warns(eegbench.Notice, match="leads out of the folder")
    with told, pytest.raises(eegbench.InputError, match="in Python follow_links=True"):
        eegbench.score(own, true, metrics=["pixcorr"])
    assert len(eegbench.score(own, true, metrics=["pixcorr"], follow_links=True).items) == len(truths)


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_scored_is_refused_in_one_line(case: str, lab: Lab, truths: Pictures, made: Pictures) -> None:
    changes, error, message = WRONG[case]
    with pytest.raises(error, match=message) as raised:
        eegbench.score(made, **{"truths": truths, **changes})
    assert "\n" not in str(raised.value)


def test_a_judge_gives_the_sheet_of_score(lab: Lab, truths: Pictures, made: Pictures) -> None:
    judge = eegbench.Judge(truths)
    for images in (made, pictures(3)):
        assert judge(images).to_json() == eegbench.score(images, truths).to_json()


def test_a_judges_values_and_items_are_those_of_its_sheet(lab: Lab, truths: Pictures, made: Pictures) -> None:
    judge = eegbench.Judge(truths)
    sheet, values = judge(made), judge.values(made)
    assert list(values) == list(sheet.record.metrics)
    assert all(value == sheet[name] or math.isnan(value) for name, value in values.items())
    assert {name for name, value in values.items() if math.isnan(value)} == {"retrieval", "unseen"}
    assert judge.items(made).equals(sheet.items)


def test_a_judge_looks_at_the_truths_once(lab: Lab, truths: Pictures, made: Pictures) -> None:
    judge = eegbench.Judge(truths)
    lab.judge.seen.clear()
    judge.values(made)
    judge.values(pictures(3))
    assert sum(lab.judge.seen) == 2 * (6 + 6)  # the images: for features, and a few at a time for pixels


def test_what_a_caller_does_with_the_truths_later_changes_nothing(lab: Lab, truths: Pictures, made: Pictures) -> None:
    own = stacked(truths)
    judge = eegbench.Judge(own)
    before = judge(stacked(made)).to_json()
    own[:] = 0
    assert judge(stacked(made)).to_json() == before


def test_a_judge_takes_images_without_ids_in_the_order_of_its_stimuli(
    lab: Lab, truths: Pictures, made: Pictures, tmp_path: Path
) -> None:
    judge = eegbench.Judge(write(tmp_path, dict(reversed(list(truths.items())))), metrics=["pixcorr"])
    assert judge.stimuli == tuple(sorted(truths))
    assert judge.values([made[name] for name in judge.stimuli]) == judge.values(made)
    with pytest.raises(eegbench.InputError, match="5 images came; wanted 6"):
        judge.values(list(made.values())[:5])


def test_judging_leaves_random_states_and_streams_alone(
    lab: Lab, truths: Pictures, made: Pictures, capfd: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1]  # type: ignore[index]  # noqa: NPY002
    with torch.no_grad():
        eegbench.Judge(truths)(made)
    after = torch.get_rng_state(), np.random.get_state()[1]  # type: ignore[index]  # noqa: NPY002
    assert all((one == other).all() for one, other in zip(before, after, strict=True))
    assert capfd.readouterr() == ("", "")


def test_progress_is_shown_on_stderr_when_it_is_asked_for(
    lab: Lab, truths: Pictures, made: Pictures, capfd: pytest.CaptureFixture[str]
) -> None:
    eegbench.score(made, truths, progress=True)
    shown = capfd.readouterr()
    assert shown.out == "" and "true features" in shown.err
