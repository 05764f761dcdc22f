"""Seeds depend on their words alone."""

import numpy as np
import pytest

from eegbench import seeds


def test_seed_is_the_same_on_every_machine() -> None:
    # First 8 bytes of sha256 over the words joined by the unit separator, shifted right by one bit.
    assert seeds.seed("run", 8, "00001_aardvark/aardvark_01b") == 2333093636876398670


@pytest.mark.parametrize("words", [("a", "bc"), ("ab", "c"), ("abc",), ("a", "b", "c"), ("c", "b", "a"), ()])
def test_seed_tells_words_apart_by_where_they_end_and_stand(words: tuple[str, ...]) -> None:
    others = {("a", "bc"), ("ab", "c"), ("abc",), ("a", "b", "c"), ("c", "b", "a"), ()} - {words}
    assert seeds.seed(*words) not in {seeds.seed(*other) for other in others}


def test_seed_fits_a_signed_integer_of_64_bits() -> None:
    values = [seeds.seed("x", i) for i in range(1000)]
    assert min(values) >= 0
    assert 2**62 < max(values) < 2**63


def test_generator_repeats_itself_for_the_same_words_only() -> None:
    first, again, other = (seeds.generator("run", i).random(4) for i in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).all()


@pytest.mark.parametrize("n", [2, 3, 10, 201])
def test_derangement_moves_every_item(n: int) -> None:
    for i in range(20):
        order = seeds.derangement(n, seeds.generator("test", i))
        assert sorted(order) == list(range(n))
        assert (order != np.arange(n)).all()


@pytest.mark.parametrize("n", [0, 1])
def test_derangement_of_fewer_than_two_items_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        seeds.derangement(n, seeds.generator("test"))
