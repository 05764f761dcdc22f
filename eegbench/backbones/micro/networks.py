"""The pack's judges: small networks with the outline, and the node names, of the ones they stand in for."""

import torch
from torch import nn
from torch.nn import functional as F


def _unit(inputs: int, outputs: int, stride: int = 1, kernel: int = 3, groups: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class AlexNet(nn.Module):
    """Five convolutions in AlexNet's order: node 4 of `features` is the second, node 11 the fifth, after ReLU."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 24, 5, 2, 2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(24, 64, 5, 1, 2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 96, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(96, 96, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(96, 64, 3, 1, 1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(64 * 16, 256), nn.ReLU(), nn.Linear(256, classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classifier(self.features(images))
        return logits

    def nodes(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        second = self.features[:5](images)
        return {"alexnet2": second, "alexnet5": self.features[5:12](second)}


class _InceptionBlock(nn.Module):
    """Parallel 1x1, 3x3, double 3x3 and pooled branches, a quarter of the outputs each."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        quarter = outputs // 4
        self.one = _unit(inputs, quarter, kernel=1)
        self.three = nn.Sequential(_unit(inputs, quarter, kernel=1), _unit(quarter, quarter))
        self.five = nn.Sequential(_unit(inputs, quarter, kernel=1), _unit(quarter, quarter), _unit(quarter, quarter))
        self.pool = nn.Sequential(nn.AvgPool2d(3, 1, 1), _unit(inputs, quarter, kernel=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1)


class _Pooled(nn.Module):
    """A convolutional body, a global average pool, a linear head."""

    body: nn.Sequential
    fc: nn.Linear

    def pool(self, images: torch.Tensor) -> torch.Tensor:
        pooled: torch.Tensor = self.body(images).mean((2, 3))
        return pooled

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.fc(self.pool(images))
        return logits


class Inception(_Pooled):
    """A stem, four inception blocks, a global average pool of 256 values and a linear classifier."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _unit(3, 16, 2),
            _unit(16, 32),
            nn.MaxPool2d(2),
            _InceptionBlock(32, 96),
            _InceptionBlock(96, 128),
            nn.MaxPool2d(2),
            _InceptionBlock(128, 192),
            _InceptionBlock(192, 256),
        )
        self.fc = nn.Linear(256, classes)


class _Residual(nn.Module):
    """ResNet's basic block."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = _unit(inputs, outputs, stride)
        self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.short = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.second(self.first(x)) + self.short(x))


class ResNet(_Pooled):
    """A small ResNet: 256 pooled values, and a linear head of `classes` outputs."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _unit(3, 24, 2), _Residual(24, 48, 2), _Residual(48, 96, 2), _Residual(96, 160, 2), _Residual(160, 256, 1)
        )
        self.fc = nn.Linear(256, classes)


class _Inverted(nn.Module):
    """EfficientNet's inverted bottleneck: expand, depthwise, project."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        wide = 3 * inputs
        self.body = nn.Sequential(
            _unit(inputs, wide, kernel=1),
            _unit(wide, wide, stride, groups=wide),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.same = inputs == outputs and stride == 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.body(x)
        return x + y if self.same else y


class EfficientNet(_Pooled):
    """Inverted bottlenecks, 192 pooled values, and a linear classifier."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _unit(3, 24, 2), _Inverted(24, 32, 2), _Inverted(32, 32, 1), _Inverted(32, 64, 2), _Inverted(64, 64, 1),
            _Inverted(64, 96, 2), _unit(96, 192, kernel=1),
        )  # fmt: skip
        self.fc = nn.Linear(192, classes)


class Saliency(nn.Module):
    """An encoder and decoder with skips; forward gives the logit of being looked at, (n, h, w)."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([_unit(3, 16, 2), _unit(16, 32, 2), _unit(32, 64, 2), _unit(64, 96, 2)])
        self.up = nn.ModuleList([_unit(96 + 64, 48), _unit(48 + 32, 24), _unit(24 + 16, 16)])
        self.last = nn.Conv2d(16, 1, 3, 1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        taps = [images]
        for block in self.down:
            taps.append(block(taps[-1]))
        x = taps[-1]
        for block, skip in zip(self.up, reversed(taps[1:-1]), strict=True):
            x = block(torch.cat([F.interpolate(x, scale_factor=2.0), skip], 1))
        logits: torch.Tensor = F.interpolate(self.last(x), scale_factor=2.0, mode="bilinear")[:, 0]
        return logits
