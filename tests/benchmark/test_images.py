"""Reading images that nobody vouches for, and joining sets of them."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eegbench.benchmark.images import from_array
from eegbench.datasets import images
from eegbench.datasets.images import read_image
from eegbench.errors import InputError
from eegbench.pairs.folders import from_folder

GREY = np.arange(0, 255, 4, dtype=np.uint8).reshape(8, 8)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "LA", "RGBA"])
def test_kinds_of_png_that_hold_the_same_become_the_same_rgb(tmp_path: Path, mode: str) -> None:
    Image.fromarray(GREY).convert(mode).save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png") == np.repeat(GREY[..., None], 3, axis=2)).all()


OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "a.webp": ("RGB", {"lossless": True}),
    "a.bmp": ("RGB", {}),
    "b.bmp": ("P", {}),
    "a.tif": ("RGB", {"compression": "tiff_lzw"}),
    "b.tif": ("L", {}),
    "c.tiff": ("P", {"compression": "tiff_deflate"}),
    "d.tif": ("RGBA", {}),
    "e.webp": ("RGBA", {"lossless": True}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_kinds_become_the_same_rgb_as_their_png(tmp_path: Path, name: str) -> None:
    mode, options = OTHERS[name]
    Image.fromarray(GREY).convert(mode).save(tmp_path / name, **options)
    assert (read_image(tmp_path / name) == np.repeat(GREY[..., None], 3, axis=2)).all()


def see_through() -> Image.Image:
    image = Image.fromarray(GREY).convert("RGBA")
    image.putpixel((0, 3), (7, 7, 7, 0))  # a hidden colour
    return image


def see_through_palette() -> Image.Image:
    image = Image.fromarray(GREY).convert("P")
    image.info["transparency"] = 0
    return image


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Image.fromarray(GREY.astype(np.uint16) * 257), "mode I;16; wanted 8-bit"),
        (see_through, "see-through"),
        (see_through_palette, "see-through"),
        (lambda: Image.fromarray(GREY[:1, :1]), "1 x 1 pixels; at least 2"),
    ],
    ids=["16-bit", "alpha", "palette with alpha", "1x1"],
)
def test_what_becomes_rgb_by_choice_alone_is_refused(
    tmp_path: Path, make: Callable[[], Image.Image], words: str
) -> None:
    make().save(tmp_path / "a.png")
    with pytest.raises(InputError, match=rf"a\.png: .*{words}"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("name", "mode", "options", "words"),
    [
        ("a.tif", "CMYK", {}, "mode CMYK; wanted 8-bit"),
        ("a.tif", "F", {}, "mode F; wanted 8-bit"),
        ("a.tif", "I;16", {}, "mode I;16; wanted 8-bit"),
        ("a.tif", "LAB", {}, "mode LAB; wanted 8-bit"),
        ("a.tif", "RGB", {"tiffinfo": {274: 6}}, r"stored turned \(orientation 6\)"),
        ("a.tif", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (8, 8))]}, "several images in one file"),
        ("a.webp", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (8, 8))]}, "animation of 2 frames"),
    ],
)
def test_what_other_kinds_hold_beside_one_8_bit_image_is_refused(
    tmp_path: Path, name: str, mode: str, options: dict[str, Any], words: str
) -> None:
    grey = Image.fromarray(GREY)
    made = Image.fromarray(GREY.astype(np.uint16) * 257) if mode == "I;16" else grey.convert("RGB").convert(mode)
    made.save(tmp_path / name, **options)
    with pytest.raises(InputError, match=rf"{name}: .*{words}"):
        read_image(tmp_path / name)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff(*tags: tuple[int, int]) -> bytes:
    """A TIFF of 4 x 4 zeros in three colours, with these tags beside or in place of the usual ones."""
    usual = {256: 4, 257: 4, 258: 8, 259: 1, 262: 2, 273: 200, 277: 3, 278: 4, 279: 96}
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted({**usual, **dict(tags)}.items())]
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + bytes(4)
    return head.ljust(200, b"\0") + bytes(200)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0))
         + chunk(b"IDAT", zlib.compress(bytes(2 * 13))) + chunk(b"IEND", b""), "has 16 bits a colour"),
        ("a.tif", tiff((256, 100_000), (257, 100_000)), "image"),
        ("a.tif", tiff((322, 65_536), (323, 65_536)), "tiles of 65536 x 65536 pixels; at most"),
    ],
    ids=["16-bit RGB PNG", "bomb", "bomb of tiles"],
)  # fmt: skip
def test_what_would_be_cut_or_would_fill_memory_is_refused(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=rf"{name}: .*{words}"):
        read_image(tmp_path / name)


def test_a_pipe_with_the_name_of_an_image_is_refused_unopened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InputError, match="a pipe, a socket or a device"):
        read_image(tmp_path / "a.png")


def test_a_cmyk_jpeg_is_refused(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="mode CMYK; wanted 8-bit RGB or grey"):
        read_image(tmp_path / "a.jpg")


def test_a_truncated_png_is_refused(tmp_path: Path) -> None:
    Image.effect_noise((64, 64), 50).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"a\.png: cannot be read as an image"):
        read_image(tmp_path / "a.png")


def test_a_folder_names_the_first_bad_images_and_their_number(tmp_path: Path) -> None:
    folder_of(tmp_path, "good.png")
    for name in "abcd":
        (tmp_path / f"{name}.png").write_bytes(b"no image")
    (tmp_path / "e.png").mkdir()
    with pytest.raises(InputError, match=r"5 of 6 images cannot be used: .*/a\.png: .*/c\.png: .*; and 2 more$"):
        from_folder(tmp_path)
    (tmp_path / "a.png").unlink()
    with pytest.raises(InputError, match=r"e\.png: a folder with the name of an image; rename it"):
        read_image(tmp_path / "e.png")


def bomb() -> bytes:
    """A PNG of 300 bytes that claims 100000 x 100000 pixels."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def animation(path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a PNG, JPEG, WebP, BMP or TIFF image"),
        (b"<html>not found</html>", "not a PNG, JPEG, WebP, BMP or TIFF image"),
        (b"GIF89a" + bytes(30), "not a PNG, JPEG, WebP, BMP or TIFF image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "cannot be read as an image"),
        (bomb(), "image"),
    ],
    ids=["empty", "html", "gif", "broken", "bomb"],
)
def test_what_is_no_image_is_refused_by_name(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InputError, match=rf"a\.png: .*{words}"):
        read_image(tmp_path / "a.png")


def test_an_animation_is_refused(tmp_path: Path) -> None:
    animation(tmp_path / "a.png")
    with pytest.raises(InputError, match="animation of 2 frames"):
        read_image(tmp_path / "a.png")


def test_more_pixels_than_the_limit_are_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (10, 11)).save(tmp_path / "a.png")
    monkeypatch.setattr(images, "MAX_PIXELS", 109)
    with pytest.raises(InputError, match="10 x 11 pixels; at most 109"):
        read_image(tmp_path / "a.png")


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(root / name, format="JPEG" if "j" in name[-4:].lower() else "PNG")
    return root


def test_a_folder_is_read_at_any_depth_and_ids_are_paths_without_suffix(tmp_path: Path) -> None:
    folder_of(tmp_path, "b.JPG", "a/c.d.png", "a/e.jpeg")
    (tmp_path / "readme.txt").write_text("no image")
    (only,) = from_folder(tmp_path)
    assert only.stimuli == ("a/c.d", "a/e", "b")


def test_samples_in_a_folder_become_sets_of_their_own(tmp_path: Path) -> None:
    first, second = from_folder(folder_of(tmp_path, "a.png", "b.png", "a.sample-1.png", "b.sample-1.png"))
    assert first.stimuli == second.stimuli == ("a", "b")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "holds no PNG, JPEG, WebP, BMP or TIFF image"),
        (["a.png", "a.jpg"], r"both stimulus 'a'; keep one"),
        (["a.png", "b.png", "a.sample-1.png"], "no image of stimulus 'b'"),
        (["a.png", "a.sample-999999999999.png"], "counted from 1 on without gaps"),
    ],
)
def test_a_folder_that_cannot_be_joined_is_refused(tmp_path: Path, names: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        from_folder(folder_of(tmp_path, *names))


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        from_folder(tmp_path / "none")


def test_a_set_is_joined_by_id_and_not_by_position() -> None:
    values = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    ordered = from_array(["c", "a", "b"], values).ordered(["a", "b", "c"])
    assert [int(image[0, 0, 0]) for image in ordered.load([0, 1, 2])] == [1, 2, 0]


@pytest.mark.parametrize(
    ("have", "words"),
    [
        (["a"], "no image of stimulus 'b'"),
        (["a", "b", "z"], "an image of stimulus 'z'"),
        (["a", "b", "a"], "'a' comes twice"),
    ],
)
def test_a_set_that_does_not_fit_is_refused_by_name(have: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        from_array(have, np.zeros((len(have), 2, 2, 3), np.uint8)).ordered(["a", "b"])


def test_cmyk_is_taken_where_it_is_asked_for(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=95)
    with pytest.raises(InputError, match="has the mode CMYK"):
        read_image(tmp_path / "red.jpg")
    red = read_image(tmp_path / "red.jpg", cmyk=True)
    assert red.shape == (8, 8, 3) and red[..., 0].min() > 240 and red[..., 1:].max() < 15


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA", "LA"])
def test_an_image_is_the_same_converted_band_by_band(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (37, 20, 3), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(tmp_path / "a.png")
    whole = read_image(tmp_path / "a.png")
    monkeypatch.setattr(images, "BAND", 100)
    assert whole.shape == (37, 20, 3) and np.array_equal(read_image(tmp_path / "a.png"), whole)
    assert np.array_equal(whole, np.asarray(Image.open(tmp_path / "a.png").convert("RGB")))
