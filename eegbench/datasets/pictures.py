"""The images of a data set, decoded once: uint8 arrays that are memory-mapped, and what tells two images alike."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

from eegbench.contracts import Progress
from eegbench.datasets.images import Picture, read_image
from eegbench.datasets.prepared import CsvRows, Prepared, preparing, read_table
from eegbench.errors import InputError, MissingError
from eegbench.files import digest, file_digest

HEADER = ("stimulus", "concept", "sha256", "hash")  # of the decoded image; perceptual
NEAR = 6  # of 64 bits: so few differ between two sizes or qualities of one photograph

StimulusImage = tuple[str, str, Path]  # a stimulus, its concept, its image file


def prepare_pictures(
    folder: Path,
    splits: Mapping[str, Sequence[StimulusImage]],
    side: int,
    *,
    crop: bool,
    progress: Progress,
    remedy: str,
) -> Prepared:
    """Write `<split>.npy`, (n, side, side, 3), and `<split>.csv` for each split, in the order given.

    With `crop`, for photographs of all sizes such as ImageNet's, the largest square in the middle is resized to `side`,
    and CMYK is taken; without, another size is an InputError.
    Raises MissingError for a file that is not there, InputError for one that is no image, and for two stimuli of
    different splits with one and the same image.
    """
    for _, _, path in (entry for shown in splits.values() for entry in shown):
        if not path.is_file():
            raise MissingError(f"{path}: no such image; see `eegbench datasets fetch`")
    named = {split: [(s, concept, file_digest(path)) for s, concept, path in shown] for split, shown in splits.items()}
    with preparing(folder, {"side": side, "crop": crop, "images": digest(named)}) as preparation:
        preparation.facts = {"stimuli": stimuli_digest(splits)}
        for split, shown in splits.items():
            if preparation.lacks(f"{split}.csv") or preparation.lacks(f"{split}.npy"):
                table = []
                with (
                    preparation.array(f"{split}.npy", (len(shown), side, side, 3), np.uint8) as rows,
                    progress.bar(f"images, {split}", len(shown)) as advance,
                ):
                    for stimulus, concept, path in shown:
                        image = read_image(path, cmyk=crop)
                        rows.add(_square(path, image, side, crop)[None])
                        same = sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()
                        table.append((stimulus, concept, same, f"{perceptual_hash(image):016x}"))
                        advance(1)
                preparation.table(f"{split}.csv", HEADER, table)
        _check_apart({split: read_table(folder / f"{split}.csv") for split in splits})
    return Prepared.read(folder, remedy=remedy)


def stimuli_digest(splits: Mapping[str, Sequence[StimulusImage]]) -> str:
    """The digest of each split's ids in their order; arrays that are joined by position must have the same."""
    return digest({split: [stimulus for stimulus, _, _ in shown] for split, shown in splits.items()})


def perceptual_hash(image: Picture) -> int:
    """64 bits: which of the 8 x 8 lowest frequencies of the grey image at 32 px are above their median (DCT)."""
    small = np.asarray(Image.fromarray(image).convert("L").resize((32, 32), Image.Resampling.LANCZOS), np.float64)
    low = dctn(small, norm="ortho")[:8, :8].ravel()
    bits = low > np.median(low[1:])  # the first is the mean brightness
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def alike(first: CsvRows, second: CsvRows) -> list[tuple[str, str, int]]:
    """Pairs of stimuli of `first` and `second` whose perceptual hashes differ in at most NEAR bits; and in how many.

    A stimulus beside itself does not count.
    """
    hashes, near = np.array([int(row["hash"], 16) for row in second], np.uint64), []
    for mine in first:
        apart = np.bitwise_count(np.uint64(int(mine["hash"], 16)) ^ hashes)
        pairs = ((second[j]["stimulus"], int(apart[j])) for j in np.flatnonzero(apart <= NEAR))
        near += [(mine["stimulus"], theirs, bits) for theirs, bits in pairs if theirs != mine["stimulus"]]
    return near


def _check_apart(tables: Mapping[str, CsvRows]) -> None:
    first: dict[str, tuple[str, str]] = {}
    for split, table in tables.items():
        for row in table:
            before, known = first.setdefault(row["sha256"], (split, row["stimulus"]))
            if before != split:
                raise InputError(
                    f"{known} ({before}) and {row['stimulus']} ({split}) are one and the same image: a model would be "
                    "tested on what it was trained on; get the published images again"
                )


def _square(path: Path, image: NDArray[np.uint8], side: int, crop: bool) -> Picture:
    height, width = image.shape[:2]
    if (height, width) == (side, side):
        return image
    if not crop:
        raise InputError(f"{path}: {width} x {height} pixels; the published images have {side} x {side}")
    least = min(height, width)
    top, left = (height - least) // 2, (width - least) // 2
    square = Image.fromarray(image[top : top + least, left : left + least])
    return np.asarray(square.resize((side, side), Image.Resampling.BICUBIC))
