"""EML-Net: two ResNet-50 streams and a decoder that say where people look.

Jia and Bruce 2020, EML-NET: An Expandable Multi-Layer NETwork for Saliency Prediction. The published weight files
`res_imagenet.pth`, `res_places.pth` and `res_decoder.pth` load into these modules under their own keys.
"""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torchvision.models.resnet import Bottleneck, ResNet

from eegbench.arrays import Maps

HEIGHT, WIDTH = 480, 640  # px, what the networks look at, whatever an image's shape
TAPS = (64, 256, 512, 1024, 2048)  # channels after the first convolution and after each of the four stages
BLUR = 5.0  # px, deviation of the gaussian over the finished map


def _readout(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, 1, 3, padding=1), nn.BatchNorm2d(1), nn.ReLU())


class Stream(ResNet):
    """A ResNet-50 read out at five depths, each as one map (n, 1, h, w) of that depth's own size."""

    def __init__(self) -> None:
        super().__init__(Bottleneck, [3, 4, 6, 3])
        del self.fc, self.avgpool
        for depth, channels in enumerate(TAPS):
            self.add_module(f"output{depth}", _readout(channels))
        self.combined = nn.Sequential(nn.Conv2d(len(TAPS), 1, 3, padding=1), nn.BatchNorm2d(1), nn.Sigmoid())

    def taps(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """The five maps of pictures (n, 3, h, w) in [0, 1]; no mean is subtracted."""
        x = self.relu(self.bn1(self.conv1(pictures)))
        depths = [self.output0(x)]
        x = self.maxpool(x)
        for depth in range(1, len(TAPS)):
            x = self.get_submodule(f"layer{depth}")(x)
            depths.append(self.get_submodule(f"output{depth}")(x))
        return depths

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The map of this stream alone, (n, 1, h, w) in [0, 1]."""
        first, *others = self.taps(pictures)
        enlarged = [F.interpolate(tap, first.shape[-2:]) for tap in others]
        return F.interpolate(self.combined(torch.cat([first, *enlarged], 1)), pictures.shape[-2:])


class Decoder(nn.Module):
    """What joins the maps of two streams."""

    def __init__(self) -> None:
        super().__init__()
        self.img_model = nn.ModuleList(_readout(1) for _ in TAPS)
        self.pla_model = nn.ModuleList(_readout(1) for _ in TAPS)
        self.combined = nn.Sequential(nn.Conv2d(2 * len(TAPS), 1, 3, padding=1), nn.BatchNorm2d(1), nn.Sigmoid())

    def forward(self, objects: list[torch.Tensor], places: list[torch.Tensor]) -> torch.Tensor:
        readouts = zip([*self.img_model, *self.pla_model], [*objects, *places], strict=True)
        enlarged = [F.interpolate(readout(tap), (HEIGHT, WIDTH)) for readout, tap in readouts]
        joined: torch.Tensor = self.combined(torch.cat(enlarged, 1))
        return joined


class EmlNet(nn.Module):
    """The two-stream network: pictures (n, 3, 480, 640) in [0, 1] to maps (n, 480, 640) in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.imagenet, self.places, self.decoder = Stream(), Stream(), Decoder()

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        joined: torch.Tensor = self.decoder(self.imagenet.taps(pictures), self.places.taps(pictures))
        return joined[:, 0]


def pictures(images: Sequence[Image.Image], device: str) -> torch.Tensor:
    """Images of any shape as the networks look at them: (n, 3, 480, 640) in [0, 1]."""
    seen = np.stack([np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)) for image in images])
    return torch.from_numpy(seen).permute(0, 3, 1, 2).to(device).float() / 255


def finish(maps: torch.Tensor) -> Maps:
    """The published post-processing: gaussian, each map stretched to 0..255, cut off to uint8; a constant map is 0."""
    from skimage.filters import gaussian

    finished = []
    for saliency in maps.cpu().numpy():
        smooth = gaussian(saliency, sigma=BLUR)
        low, high = smooth.min(), smooth.max()
        stretched = (smooth - low) / (high - low) if high > low else np.zeros_like(smooth)
        finished.append((stretched * 255).astype(np.uint8))
    return np.stack(finished)
