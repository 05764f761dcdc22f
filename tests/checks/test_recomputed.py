"""A score says nothing of its metric that the metric does not declare."""

from dataclasses import replace

from eegbench.checks import recomputed
from eegbench.runs.metric_facts import MetricFacts
from eegbench.runs.sheet import Score

MADE = Score("mine", 1, 0.5, None, True, bounds=(0.0, 1.0), facts=MetricFacts(per_item=True, rivals=True))


def test_forged_facts_of_a_metric_are_found() -> None:
    forged = replace(MADE, facts=MetricFacts(per_item=True, rivals=False, grain="classes", column=0))
    assert [problem.split(" is ")[0] for problem in recomputed._score(forged, MADE, 200)] == [
        "scores.json: facts of mine"
    ]
    assert list(recomputed._score(MADE, MADE, 200)) == []


def test_a_score_of_an_older_release_declares_no_facts() -> None:
    assert list(recomputed._score(replace(MADE, facts=None), MADE, 200)) == []
