"""What can put ten captions to an image: a model behind an endpoint, or one in a folder."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from eegbench.files import Json


class Captioner(ABC):
    """`model`: its name in a captions file. `identity`: what decides its captions, beside model and image.

    `parallel`: images that it is asked about at once. `note`: what a user should know of how its levels come about.
    """

    model: str
    identity: Json
    parallel: int = 1
    note: str = ""

    @abstractmethod
    def captions(self, image: NDArray[np.uint8]) -> tuple[str, ...]:
        """Ten captions of a uint8 image (h, w, 3), in the order of CAPTION_LEVELS.

        Raises InputError where this image alone got none; any other error where no image would.
        """
