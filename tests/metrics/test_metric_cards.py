"""Every metric has its card, and the page made of them is the one that is committed."""

import importlib.util
from pathlib import Path

import pytest

from eegbench.metrics import METRICS
from eegbench.metrics.cards import CARDS, render

ROOT = Path(__file__).parents[2]


def test_every_metric_has_a_card_in_the_order_of_the_table() -> None:
    assert list(CARDS) == list(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_a_card_says_what_the_metric_says_of_itself(name: str) -> None:
    text = render(METRICS[name])
    assert text.startswith(f"## {name}: ")
    assert f"- Better: {'up' if METRICS[name].higher_is_better else 'down'}\n" in text
    assert f"- Needs: `{METRICS[name].needs}`\n" in text and "- Formula: " in text and "- Source: " in text


def test_the_page_of_cards_is_up_to_date() -> None:
    place = importlib.util.spec_from_file_location("write_docs", ROOT / "scripts" / "write_docs.py")
    assert place and place.loader
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    for name, text in module.pages().items():
        assert (ROOT / "docs" / name).read_text() == text, "run: python scripts/write_docs.py"
