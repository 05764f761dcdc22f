"""One budget for all readers: memory and steps in proportion to a file's size."""

from pathlib import Path

import pytest

from eegbench.errors import InputError
from eegbench.guards.budget import STEPS_A_SECOND, Budget, most_memory, most_seconds


def test_a_larger_file_may_take_more() -> None:
    assert most_memory(0) > 0 and most_memory(10**9) - most_memory(0) >= 2 * 10**9
    assert most_seconds(10**9) > most_seconds(0) > 0


def test_what_is_within_the_budget_passes_and_one_more_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    budget = Budget.of(tmp_path / "a")
    budget.memory(most_memory(3))
    budget.steps(int(most_seconds(3) * STEPS_A_SECOND))
    with pytest.raises(InputError, match=r"a: asks for [\d,]+ MB of memory; a file of 3 bytes may take [\d,]+ MB$"):
        budget.memory(1)
    with pytest.raises(InputError, match=r"a: asks for [\d.]+ s of work; a file of 3 bytes may take [\d.]+ s$"):
        budget.steps()


@pytest.mark.parametrize("text", ['{"a": [1, 2, {}], "b": null}', b'{"a": [1, 2, {}], "b": null}'])
def test_values_of_json_are_counted_by_their_signs(text: str | bytes) -> None:
    budget = Budget("a", 0)
    budget.json(text)
    assert Budget("a", 0).steps_left - budget.steps_left == 8  # two objects, a list, three commas, two colons
