"""Plug-ins that were written for an earlier release keep their own fields, whatever the contract has got since."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eegbench.contracts import Metric
from eegbench.plugins import facts
from eegbench.plugins.authors import owner_of
from small_plugins import Small


@dataclass(frozen=True)
class Lab(Small):
    owner: str = "Miller"


@dataclass(frozen=True)
class Own(Metric):
    facts: str = "colour"
    id: str = "own"
    version: int = 1
    higher_is_better: bool = True
    chance: float | str | None = 0.5
    bounds: tuple[float, float] = (0.0, 1.0)
    needs: str = "clip"
    per_item: bool = True
    jackknife: float | None = 0
    most_paired: int = 0  # type: ignore[misc]

    def compute(self, reconstructions: NDArray[np.generic], truths: NDArray[np.generic]) -> Any:
        return np.ones(len(truths))


def test_a_data_set_may_have_a_field_owner() -> None:
    lab = Lab(owner="Smith")
    assert facts.problem("dataset", lab.name, Lab) == "" and owner_of(lab) is lab and lab.owner == "Smith"


def test_a_metric_may_have_a_field_facts_and_no_pairs() -> None:
    metric = Own()
    assert facts.problem("metric", "own", metric) == "" and metric.facts == "colour"
    assert facts.declared_facts(metric).per_item


@pytest.mark.parametrize("most", [-1, 2.5, True])
def test_a_number_of_paired_stimuli_is_a_whole_number(most: Any) -> None:
    assert "most_paired" in facts.problem("metric", "own", Own(most_paired=most))
