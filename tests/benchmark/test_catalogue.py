"""The cards: what a method is, where it comes from, and what its paper left open."""

import pytest

from eegbench.assets import catalogue
from eegbench.errors import UsageError
from eegbench.plugins import registry

PUBLISHED = ("saliency_controlnet", "atm", "neuroimagen", "llm_caption")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_method_s_card_has_both_configurations_and_marks_its_choices(name: str) -> None:
    card = catalogue.card("methods", name)
    assert card.startswith(f"# {name}\n") and registry.find("method", name).paper in card
    assert "### --config micro" in card and "# choice" in card.split("### --config paper")[1]


def test_a_method_without_configurations_lists_its_keys() -> None:
    assert "- `encoder.epochs`\n" in catalogue.card("methods", "nearest_train_image")
    assert catalogue.card("methods", "mean_image").endswith("Nothing can be set.\n")


def test_what_has_no_card_is_said() -> None:
    with pytest.raises(UsageError, match="datasets have no cards; metrics and methods have"):
        catalogue.card("datasets", "sim-things")
    with pytest.raises(UsageError, match="unknown method 'atn'; did you mean 'atm'"):
        catalogue.card("methods", "atn")
