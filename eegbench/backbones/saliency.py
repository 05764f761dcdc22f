"""Saliency maps of images: what a control map is made of."""

from typing import Any

import numpy as np
import torch
from PIL import Image

from eegbench.arrays import Images, Maps
from eegbench.backbones import blank, published, telling, weights
from eegbench.backbones.micro import networks
from eegbench.backbones.micro.judges import SIZE, stretch
from eegbench.backbones.published_configs import EML_NET
from eegbench.backbones.reference import eml_net
from eegbench.backbones.reference.judges import load_eml_net
from eegbench.backbones.resize import chunks, resize, to_float
from eegbench.files import digest


class SaliencyNetwork:
    """A network that says where people look.

    `name`: "eml_net", the published EML-Net, whose maps are 480 x 640; "blank:eml_net" for one with random weights; or
    "pack:judges/saliency.safetensors", the small one, whose maps are 64 x 64. `size` is (h, w) of what it looks at and
    of its maps.
    """

    def __init__(self, name: str, device: str = "cpu") -> None:
        self.name, self.device = name, device
        self.network: Any
        if name == EML_NET:
            files = {part: published.require(part) for part in EML_NET_FILES}
            with telling.loading("saliency network", name):
                self.network = load_eml_net({part: file.path for part, file in files.items()}, device)
            self.size = (eml_net.HEIGHT, eml_net.WIDTH)
        elif blank.is_blank(name):
            blank.behind(name)
            with blank.building("saliency network", name, 0, device), torch.device(device):
                self.network = eml_net.EmlNet().eval().requires_grad_(False)
            self.size = (eml_net.HEIGHT, eml_net.WIDTH)
        else:
            network = networks.Saliency()
            weights.fill(network, weights.PACK / name.removeprefix("pack:"))
            weights.digests(name)
            self.network = network.to(device)
            self.size = (SIZE, SIZE)

    def maps(self, images: Images) -> Maps:
        """Maps (n, h, w), each stretched to 0..255."""
        look, at_once = (self._eml_net, 8) if self.name.endswith(EML_NET) else (self._small, 64)
        maps = np.empty((len(images), *self.size), np.uint8)
        batches = telling.followed("saliency maps of images", chunks(images, at_once), len(images))
        with torch.inference_mode():
            for batch, place in zip(batches, chunks(maps, at_once), strict=True):
                place[:] = look(batch)
        return maps

    def _small(self, images: Images) -> Maps:
        seen = self.network(resize(to_float(images).to(self.device), SIZE) * 2 - 1)
        return stretch(seen.sigmoid()).cpu().numpy()

    def _eml_net(self, images: Images) -> Maps:
        return eml_net.finish(self.network(eml_net.pictures([Image.fromarray(image) for image in images], self.device)))


EML_NET_FILES = tuple(f"{EML_NET}_{part}" for part in ("imagenet", "places", "decoder"))


def digest_of(name: str) -> str:
    """One sha256 of the files behind a name of SaliencyNetwork; MissingError where EML-Net's are not here."""
    if name == EML_NET:
        return digest({part: published.require(part).sha256 for part in EML_NET_FILES})
    return weights.combined(name)
