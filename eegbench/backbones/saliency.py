"""Saliency maps of images: what a control map and the saliency metrics are made of."""

import numpy as np
import torch

from eegbench.arrays import Images, Maps
from eegbench.backbones import weights
from eegbench.backbones.micro import networks
from eegbench.backbones.micro.judges import SIZE, stretch
from eegbench.backbones.resize import chunks, resize, to_float


class SaliencyNetwork:
    """A network that says where people look. `name`: "pack:judges/saliency.safetensors"."""

    def __init__(self, name: str, device: str = "cpu") -> None:
        self.name, self.device = name, device
        network = networks.Saliency()
        weights.fill(network, weights.PACK / name.removeprefix("pack:"))
        weights.digests(name)
        self.network = network.to(device)

    @property
    def digest(self) -> str:
        return weights.combined(self.name)

    def maps(self, images: Images) -> Maps:
        """Maps (n, 64, 64), each stretched to 0..255."""
        with torch.inference_mode():
            parts = [
                stretch(self.network(resize(to_float(some).to(self.device), SIZE) * 2 - 1).sigmoid()).cpu().numpy()
                for some in chunks(images, 64)
            ]
        return np.concatenate(parts)
