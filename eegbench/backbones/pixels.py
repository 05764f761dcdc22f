"""The judge without a network: the picture itself at 425 px."""

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import Images
from eegbench.backbones.resize import embed_in_chunks
from eegbench.contracts import ImageJudge
from eegbench.runs.sheet import BASES


class Pixels(ImageJudge):
    """provides "pixels425": float32 (n, 425, 425, 3) in [0, 1]."""

    name, digest, provides = "pixels", "", ("pixels425",)

    def __init__(self, protocol: str, device: str) -> None:
        self._base, self._device = BASES[protocol], device

    def embed(self, images: Images) -> dict[str, NDArray[np.float32]]:
        return embed_in_chunks(
            images, lambda x: {"pixels425": x.permute(0, 2, 3, 1)}, base=self._base, size=425, device=self._device
        )
