"""The gallery of a table: small pictures of its runs. This room opens no image; `eegbench.studies.gallery` does."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Thumbnail:
    """A small copy of an image. `run`: a run's path, "" for the truth; `kind`: image, control or saliency; `data`: a
    data URI."""

    run: str
    kind: str
    data: str


@dataclass(frozen=True)
class Exhibit:
    """A stimulus, its concept ("" where the data set is not here), the truth's pictures first and then each run's."""

    stimulus: str
    concept: str
    pictures: Sequence[Thumbnail]


@dataclass(frozen=True)
class Gallery:
    """The stimuli that are shown, of how many, and what could not be shown."""

    shown: Sequence[Exhibit]
    of: int
    notes: Sequence[str] = ()
