"""Every metric has its card, and the page made of them is the one that is committed."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from eegbench.contracts import Card
from eegbench.metrics import METRICS
from eegbench.metrics.cards import render

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", METRICS)
def test_a_card_says_what_the_metric_says_of_itself(name: str) -> None:
    text, card = render(METRICS[name]), METRICS[name].card
    assert card and text.startswith(f"## {name}: {card.title}\n")
    assert f"- Better: {'up' if METRICS[name].higher_is_better else 'down'}\n" in text
    assert f"- Needs: `{METRICS[name].needs}`\n" in text and "- Formula: " in text and "- Source: " in text


def test_the_page_of_cards_is_up_to_date() -> None:
    place = importlib.util.spec_from_file_location("write_docs", ROOT / "scripts" / "write_docs.py")
    assert place and place.loader
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    for name, text in module.pages().items():
        assert (ROOT / "docs" / name).read_text() == text, "run: python scripts/write_docs.py"


def test_a_metric_of_anybody_brings_its_own_card() -> None:
    card = Card("Mine", "the mean", "nobody", "as it comes", traps=("It is mine.",))
    text = render(replace(METRICS["ssim"], id="mine", card=card))  # type: ignore[type-var]
    assert text.startswith("## mine: Mine\n") and "- Formula: the mean\n" in text and "- It is mine.\n" in text
    assert render(replace(METRICS["ssim"], id="mine", card=None)).startswith("## mine\n")  # type: ignore[type-var]
