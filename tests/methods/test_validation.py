"""Which training concepts are held out, and how many of few."""

import warnings

import pytest

from eegbench.errors import InputError
from eegbench.methods.validation import held_out


@pytest.mark.parametrize(("concepts", "most", "held"), [(3, 20, 1), (2, 1, 1), (12, 2, 2), (40, 20, 10), (200, 20, 20)])
def test_at_most_a_quarter_of_the_concepts_is_held_out(concepts: int, most: int, held: int) -> None:
    names = [f"thing {i // 2}" for i in range(2 * concepts)]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = held_out(names, most, seed=0)
    assert len({name for name, kept in zip(names, found, strict=True) if kept}) == held and found.sum() == 2 * held
    assert [str(one.message) for one in told] == (
        [f"the data set has {concepts} training concepts: {held} of them held out for validation, not {most}"]
        if held < most
        else []
    )


def test_one_concept_alone_is_refused_with_the_key() -> None:
    with pytest.raises(InputError, match=r"20 validation concepts of 1; wanted 1 or more.*set validation_concepts"):
        held_out(("cat", "cat"), 20, seed=0)
