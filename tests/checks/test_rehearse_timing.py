"""How a rehearsal is made short, and how its steps are timed."""

from typing import Any

from eegbench.checks.rehearse_timing import Stopwatch, brief
from eegbench.contracts import Silent
from eegbench.methods.atm import Atm
from eegbench.methods.neuroimagen import NeuroImagen
from eegbench.methods.saliency_controlnet import SaliencyControlNet


def test_a_stopwatch_keeps_every_step_and_passes_it_on() -> None:
    watch = Stopwatch(Silent())
    with watch.bar("fit", 3) as advance:
        for count in (0, 1, 2):
            advance(count)
    assert len(watch.steps["fit"]) == 3 and min(watch.steps["fit"]) >= 0


def saliency(device: str, steps: int | None = None, **told: object) -> Any:
    table = {"lora.batch": 8, "lora.precision": "float16", "controlnet.accumulate": 4, "sampling.steps": 100}
    return brief(
        SaliencyControlNet, table, {key.replace("__", "."): value for key, value in told.items()}, device, steps
    )


def test_on_a_cpu_batches_are_of_one_in_float32_and_what_is_told_stays() -> None:
    method = saliency("cpu").method
    assert (method.lora.batch, method.lora.precision, method.controlnet.accumulate) == (1, "float32", 1)
    told = saliency("cpu", lora={"batch": "4"}, controlnet__precision="bfloat16").method
    assert (told.lora.batch, told.controlnet.batch, told.controlnet.precision) == (4, 1, "bfloat16")


def test_on_a_gpu_batches_and_the_sampler_are_as_configured() -> None:
    short = saliency("cuda:1")
    assert (short.method.lora.batch, short.method.lora.precision) == (8, "float16")
    assert (short.sizes.steps, short.drawing) == (4, "reconstruction, all its steps")


def test_a_number_of_steps_is_of_every_stage_and_of_the_sampler_on_any_device() -> None:
    for device in ("cpu", "cuda"):
        short = saliency(device, 7)
        assert (short.sizes.steps, short.steps, short.drawing) == (7, 7, "reconstruction, 7 of its 100 steps")
    assert saliency("cpu", 2, sampling__steps="50").steps == 50
    assert saliency("cpu", 1000).steps == 100


def test_where_a_reconstruction_starts_from_a_picture_as_many_steps_are_made() -> None:
    for kind, strength in ((Atm, 0.5), (NeuroImagen, 0.8)):
        table = {"strength": strength, "sampling.steps": 50}
        for steps in (1, 2, 3):
            assert brief(kind, table, {}, "cpu", steps).steps == steps


def test_there_are_as_few_items_as_fill_the_batches_that_are_told() -> None:
    assert saliency("cpu", lora__batch=8).sizes.items == 3  # one held out; drawn anew from all, an item may come twice
    assert saliency("cpu", encoder__batch=6).sizes.fitted_items == 6
    triplets: Any = brief(NeuroImagen, {}, {"features.concepts": 3}, "cpu", None)
    assert (triplets.sizes.fitted, triplets.method.features.each) == (6, 2)  # a quarter is held out: 2
