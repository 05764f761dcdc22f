"""A number that makes no sense is refused by its key before anything is fitted."""

import pytest

from eegbench.configuration import build
from eegbench.errors import UsageError
from eegbench.plugins import registry

OUT_OF_RANGE: tuple[tuple[str, str, object, str], ...] = (
    ("atm", "strength", "3", "0.1 to 1"),
    ("atm", "strength", "0.05", "0.1 to 1, so that one of 10 steps is made"),
    ("atm", "size", "-8", "0 or more"),
    ("atm", "sampling.steps", "0", "1 or more"),
    ("atm", "sampling.guidance", "-1", "0 or more"),
    ("atm", "sampling.sampler", "dpn", "did you mean 'dpm'"),
    ("atm", "encoder.accumulate", "0", "1 or more"),
    ("atm", "encoder.epochs", "0", "1 or more"),
    ("atm", "encoder.regression", "1.5", "0 to 1"),
    ("atm", "encoder.window.stride", "0", "1 or more"),
    ("atm", "prior.steps", "0", "1 or more"),
    ("atm", "prior.widths", [], "wanted one or more"),
    ("atm", "prior.null_rate", "2", "0 to 1"),
    ("atm", "low_level_settings.values", "0", "1 or more"),
    ("atm", "low_level_settings.widths", "8,1", "wanted a channel count of 2 or more"),
    ("atm", "caption.most_tokens", "0", "1 or more"),
    ("llm_caption", "each", "0", "1 or more"),
    ("llm_caption", "heads", "ThemeTag,ObjectSnip", "did you mean 'ObjectSnap'"),
    ("llm_caption", "heads", [], "names none"),
    ("llm_caption", "encoder.patch", "0", "1 or more"),
    ("llm_caption", "encoder.heads", "3", "wanted a multiple of heads, 3"),
    ("llm_caption", "captions.batch", "0", "1 or more"),
    ("llm_caption", "captions.temperature", "0", "0.001 to 1000"),
    ("neuroimagen", "strength", "-0.1", "0.1 to 1"),
    ("neuroimagen", "template", "a thing", "where the concept goes"),
    ("neuroimagen", "gan.size", "15", "power of two"),
    ("neuroimagen", "features.each", "1", "2 or more"),
    ("neuroimagen", "regressor.dropout", "1.1", "0 to 1"),
    ("saliency_controlnet", "control_channels", [], "names none"),
    ("saliency_controlnet", "rank", "0", "1 or more"),
    ("saliency_controlnet", "lora.steps", "0", "1 or more"),
    ("saliency_controlnet", "controlnet.null_rate", "-1", "0 to 1"),
)


@pytest.mark.parametrize(("method", "key", "value", "wanted"), OUT_OF_RANGE)
def test_it_is_refused_by_its_key(method: str, key: str, value: object, wanted: str) -> None:
    with pytest.raises(UsageError) as raised:
        build(registry.find("method", method), {key: value})
    group, _, name = key.rpartition(".")
    said = str(raised.value)
    assert said.startswith(f"{group}: " if group else "") and name.rstrip("s") in said and wanted in said
