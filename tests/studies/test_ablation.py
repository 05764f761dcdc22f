"""The rows of a paper's own ablation, and what is said where there are none."""

import pytest

from eegbench.contracts import Silent
from eegbench.errors import UsageError
from eegbench.metrics import METRICS
from eegbench.studies import ablation
from small_world import Lab


def test_an_ablation_has_the_paper_s_rows(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(lab.plan().method), "ablation", {"none": {"weight": 0.0}, "all": {"weight": 1.0}})
    points = ablation.ablate("uses-eeg", 8, lab.options(), Silent())
    assert [p.label for p in points] == ["none", "all"]
    values = [p.sheet.metrics["pixcorr"].value for p in points]
    assert values[0] is not None and values[1] is not None and values[0] < values[1]


def test_a_method_without_an_ablation_says_so(lab: Lab) -> None:
    with pytest.raises(UsageError, match="method 'uses-eeg' names no ablation; these do: "):
        ablation.ablate("uses-eeg", 8, lab.options(), Silent())


def test_neither_floors_nor_audits_are_run(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(lab.plan().method), "ablation", {"all": {"weight": 1.0}})
    ablation.ablate("uses-eeg", 8, lab.options(), Silent())
    assert lab.fits == ["uses-eeg"]


def test_metrics_on_request_are_there_for_every_row(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(lab.plan().method), "ablation", {"none": {"weight": 0.0}, "all": {"weight": 1.0}})
    lab.laws["retrieval4_top1"] = METRICS["retrieval4_top1"]  # type: ignore[assignment]
    points = ablation.ablate("uses-eeg", 8, lab.options(also=("retrieval4_top1",)), Silent())
    assert ["retrieval4_top1" in point.sheet.metrics for point in points] == [True, True]
