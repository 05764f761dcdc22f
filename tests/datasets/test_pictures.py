"""Images decoded once, and what tells two of them alike."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eegbench.contracts import Silent
from eegbench.datasets.images import Picture
from eegbench.datasets.pictures import NEAR, StimulusImage, alike, perceptual_hash, prepare_pictures
from eegbench.errors import InputError, MissingError


def photograph(seed: int, width: int = 96, height: int = 96) -> Picture:
    """Smooth in the large, and different from any other seed's."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def bits(one: Picture, other: Picture) -> int:
    return (perceptual_hash(one) ^ perceptual_hash(other)).bit_count()


def test_a_photograph_is_near_itself_in_another_size_quality_or_light_and_far_from_others(tmp_path: Path) -> None:
    one = photograph(0)
    small = np.asarray(Image.fromarray(one).resize((60, 60)))
    Image.fromarray(one).save(tmp_path / "a.jpg", quality=40)
    dark = (one * 0.7).astype(np.uint8)
    for other in (small, np.asarray(Image.open(tmp_path / "a.jpg")), dark):
        assert bits(one, other) <= NEAR
    assert min(bits(photograph(i), photograph(j)) for i in range(30) for j in range(i)) > NEAR


def shown(folder: Path, images: dict[str, Picture]) -> list[StimulusImage]:
    for name, image in images.items():
        Image.fromarray(image).save(folder / f"{name}.png")
    return [(name, "a thing", folder / f"{name}.png") for name in images]


def prepare(
    folder: Path, splits: dict[str, list[StimulusImage]], *, crop: bool = False, side: int = 96
) -> dict[str, Picture]:
    found = prepare_pictures(folder / "p", splits, side, crop=crop, progress=Silent(), remedy="prepare")
    return {split: found.array(f"{split}.npy") for split in splits}


def test_images_stand_in_the_order_that_was_given(tmp_path: Path) -> None:
    splits = {"train": shown(tmp_path, {"b": photograph(1), "a": photograph(2)})}
    arrays = prepare(tmp_path, splits)
    np.testing.assert_array_equal(arrays["train"], [photograph(1), photograph(2)])
    assert arrays["train"].dtype == np.uint8


def test_the_largest_square_in_the_middle_is_kept(tmp_path: Path) -> None:
    wide = np.zeros((20, 40, 3), np.uint8)
    wide[:, 10:30] = 200
    (image,) = prepare(tmp_path, {"all": shown(tmp_path, {"a": wide})}, crop=True, side=10)["all"]
    assert image.shape == (10, 10, 3) and (image == 200).all()
    with pytest.raises(InputError, match=r"a.png: 40 x 20 pixels; the published images have 96 x 96"):
        prepare(tmp_path, {"all": shown(tmp_path, {"a": wide})})


def test_an_image_in_two_parts_is_refused_even_after_an_interruption(tmp_path: Path) -> None:
    splits = {"train": shown(tmp_path, {"a": photograph(1)}), "test": shown(tmp_path, {"b": photograph(1)})}
    for _ in range(2):
        with pytest.raises(InputError, match=r"a \(train\) and b \(test\) are one and the same image"):
            prepare(tmp_path, splits)


def test_pairs_that_look_alike_are_found_with_their_distance() -> None:
    def row(name: str, number: int) -> dict[str, str]:
        return {"stimulus": name, "hash": f"{number:016x}"}

    one = [row("a", 0), row("b", 2**64 - 1)]
    other = [row("c", 0b111), row("d", 2**63), row("a", 0), row("e", 0xFFFF)]
    assert alike(one, other) == [("a", "c", 3), ("a", "d", 1)]


def test_images_that_are_not_there_are_named_before_any_is_read(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"b.png: no such image; see `eegbench datasets fetch`"):
        prepare(tmp_path, {"all": [*shown(tmp_path, {"a": photograph(1)}), ("b", "a thing", tmp_path / "b.png")]})
    assert not (tmp_path / "p").exists()
