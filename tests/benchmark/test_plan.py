"""What a plan refuses, and what it resolves."""

from typing import Any

import pytest

from eegbench.benchmark.plan import plan
from eegbench.errors import UsageError
from eegbench.runs import layout


@pytest.mark.parametrize(
    ("method", "subject", "changes", "words"),
    [
        ("uses-egg", 8, {}, "unknown method 'uses-egg'; did you mean 'uses-eeg'?"),
        ("uses-eeg", 8, {"dataset": "drown"}, "unknown data set 'drown'"),
        ("uses-eeg", 3, {}, "unknown subject '3'.*1, 8"),
        ("uses-eeg", 8, {"track": "oracel"}, "unknown track 'oracel'.*oracle"),
        ("uses-eeg", 8, {"suite": "macro"}, "unknown suite 'macro'.*micro"),
        ("uses-eeg", 8, {"protocol": "sal51"}, "unknown protocol 'sal51'.*sal512"),
        ("ignores-eeg", 8, {"track": "oracle"}, "'ignores-eeg' does not run on the track 'oracle'; it runs on: eeg"),
        ("uses-eeg", 8, {"seed": -1}, "seed -1; wanted 0 or more"),
        ("uses-eeg", 8, {"samples": 0}, "samples 0; wanted 1 or more"),
        ("uses-eeg", 8, {"average": "0"}, "average is '0'; wanted 'all' or a whole number from 1"),
        ("uses-eeg", 8, {"average": "most"}, "average is 'most'; wanted 'all' or a whole number from 1"),
        ("uses-eeg", 8, {"batch_size": 0}, "batch size 0; wanted 1 or more"),
        ("uses-eeg", 8, {"seed": 2**64}, r"seed 18446744073709551616; wanted 0 or more, below 2\^64"),
        ("uses-eeg", 8, {"samples": 10**29}, "samples 10*; wanted 1 or more, 100000 at most"),
        ("uses-eeg", 8, {"average": "1" * 5000}, r"average is '1+\.\.\.; wanted 'all' or a whole number"),
    ],
)
def test_a_plan_refuses_what_does_not_exist_and_says_what_does(
    lab: Any, method: str, subject: int, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        plan(method, subject, lab.options(**changes), device="cpu")


def test_a_run_of_more_images_than_a_record_names_is_refused_before_any_is_made(lab: Any) -> None:
    planned = plan("uses-eeg", 8, lab.options(samples=100_000), device="cpu")
    with pytest.raises(UsageError, match=r"100000 samples make .* images; a run has 100000 at most"):
        planned.queries  # noqa: B018


def test_an_average_over_some_repetitions_is_part_of_what_is_run(lab: Any) -> None:
    every, four = (plan("uses-eeg", 8, lab.options(average=average), device="cpu").spec for average in ("all", "4"))
    assert (every.average, four.average) == ("all", 4) and every.key != four.key


def test_planning_computes_and_writes_nothing(lab: Any) -> None:
    planned = lab.plan()
    assert planned.dataset.calls == [] and planned.method.fits == [] and not lab.runs.exists()


def test_auto_takes_the_micro_suite_for_simulated_data_alone(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lab.plan().suite == "micro"
    monkeypatch.setattr(type(lab.plan().dataset), "simulated", False)
    assert lab.plan().suite == "reference"


def test_where_the_data_lie_is_no_part_of_the_specification(lab: Any) -> None:
    here, there = lab.plan(dataset_table={"root": lab.runs}), lab.plan()
    assert here.spec.key == there.spec.key
    assert lab.plan(dataset_table={"noise": 0.5}).spec.key != there.spec.key


def test_the_folder_of_a_run_is_named_by_what_it_is(lab: Any) -> None:
    folder = layout.place(lab.runs, lab.plan(seed=3).spec, {})
    assert folder == lab.runs / "drawn" / "eeg" / "uses-eeg" / "sub-08" / "seed-3"
