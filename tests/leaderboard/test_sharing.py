"""Whom a table ranks: the largest set of methods that share a run."""

import pytest

from eegbench.leaderboard.cells import Pair
from eegbench.leaderboard.sharing import shared_runs


@pytest.mark.parametrize(
    ("having", "ranked", "shared"),
    [
        ([{(8, 0)}, {(8, 0), (1, 0)}, {(1, 0)}], [1, 2], {(1, 0)}),  # as many: the lowest subject
        ([{(1, 0), (2, 0), (3, 0)}, {(2, 0), (3, 0)}, {(1, 0)}], [0, 1], {(2, 0), (3, 0)}),  # those that share more
        ([{(1, 0)}, {(1, 1)}, {(1, 1)}], [1, 2], {(1, 1)}),  # the larger set, whatever its seed
        ([set(), set()], [], set()),
        ([], [], set()),
    ],
)
def test_the_largest_set_that_shares_most_is_ranked(
    having: list[set[Pair]], ranked: list[int], shared: set[Pair]
) -> None:
    assert shared_runs([frozenset(pairs) for pairs in having]) == (ranked, frozenset(shared))
