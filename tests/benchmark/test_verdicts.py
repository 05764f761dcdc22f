"""The audit's verdict says what was measured, in words that boards can count."""

import dataclasses

import pytest

from eegbench.benchmark.verdicts import too_few, verdict
from eegbench.runs.sheet import Audited
from eegbench.tables import p_is

VISIBLE = {"pixcorr": 0.0123, "clip": 0.0214, "ssim": 0.5}
FOUND = Audited("pairing", 0.001, 200, ("clip", "alexnet5", "inception", "ssim", "cc"), VISIBLE, 0.43)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "EEG contributes (p = .001): seen in clip, alexnet5, inception and 2 more"),
        ({"carried_by": ("clip", "ssim", "cc")}, "EEG contributes (p = .001): seen in clip, ssim and cc"),
        ({"carried_by": ("ssim", "cc")}, "EEG contributes (p = .001): seen in ssim and cc"),
        ({"carried_by": ("cc",), "p": 0.05}, "EEG contributes (p = .050): seen in cc"),
        ({"carried_by": (), "p": 0.0001}, "EEG contributes (p < .001): seen in the mean over 3 metrics"),
    ],
)
def test_a_contribution_names_the_metrics_that_carry_it(changes: dict[str, object], words: str) -> None:
    assert verdict(dataclasses.replace(FOUND, **changes)) == words  # type: ignore[arg-type]


def test_no_sign_says_what_would_have_been_seen() -> None:
    no = dataclasses.replace(FOUND, p=0.431, carried_by=())
    seen = "with 200 stimuli, a contribution of {} would be seen in 4 of 5 cases"
    expected = f"no sign that the EEG contributes (p = .43): {seen}"
    assert verdict(no) == expected.format(".021 to clip alone")
    for visible in ({"ssim": 0.5, "cc": 0.1}, {"cc": 0.1, "ssim": 0.5}):  # a file has its keys in another order
        assert verdict(dataclasses.replace(no, visible=visible)) == expected.format(".100 to cc alone")
    others = ".021 to clip and as many standard errors to each other metric"
    assert verdict(dataclasses.replace(no, rule="regenerated")) == expected.format(others)


def test_a_leak_takes_the_verdict_away_whatever_p_is() -> None:
    for p in (0.001, 0.6):
        words = verdict(dataclasses.replace(FOUND, p=p, leak_p=0.01))
        assert words.startswith(
            "cannot tell: images made from another stimulus's EEG still match their stimulus (p = .010)"
        )
    assert verdict(dataclasses.replace(FOUND, leak_p=0.011)).startswith("EEG contributes")


def test_few_stimuli_are_counted() -> None:
    assert too_few(8) == "cannot tell: 8 stimuli are too few; 30 or more are wanted"


@pytest.mark.parametrize(
    ("p", "words"),
    [(0.001, "p = .001"), (0.0004, "p < .001"), (0.0996, "p = .10"), (0.431, "p = .43"), (1, "p = 1.00")],
)
def test_p_has_no_zero_before_its_point(p: float, words: str) -> None:
    assert p_is(p) == words
