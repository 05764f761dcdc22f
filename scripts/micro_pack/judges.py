"""The judges: classifiers of what is in a scene, a self-supervised network, a saliency network."""

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from eegbench.backbones.micro import networks
from eegbench.datasets.sim_things.concepts import CONCEPTS
from micro_pack.clip import disturb
from micro_pack.loop import train
from micro_pack.pool import Pool, to_tensor

CLASSIFIERS = {
    "alexnet": networks.AlexNet,
    "inception": networks.Inception,
    "effnet": networks.EfficientNet,
    "nway": networks.ResNet,
}
STEPS = {"alexnet": 1200, "inception": 800, "effnet": 700, "nway": 800}


def build(name: str) -> nn.Module:
    """An untrained judge."""
    if name == "saliency":
        return networks.Saliency()
    if name == "swav":
        return networks.ResNet(128)
    return CLASSIFIERS[name](len(CONCEPTS))


def shift(images: torch.Tensor, most: int = 4) -> torch.Tensor:
    """The batch moved by up to `most` pixels, edges repeated."""
    dx, dy = torch.randint(0, 2 * most + 1, (2,)).tolist()
    return F.pad(images, (most,) * 4, mode="replicate")[..., dy : dy + 64, dx : dx + 64]


def fit_classifier(name: str, pool: Pool, folder: Path, batch: int = 96) -> nn.Module:
    """A classifier of the 300 concepts, on disturbed scenes."""
    torch.manual_seed(sum(name.encode()))
    network = build(name)

    def loss(rng: np.random.Generator) -> torch.Tensor:
        chosen, images = pool.batch(rng, batch)
        return F.cross_entropy(network(shift(disturb(images))), torch.from_numpy(pool.concepts[chosen]))

    train(name, network, loss, steps=STEPS[name], peak_rate=3e-3, folder=folder, weight_decay=0.05)
    return network


def fit_swav(pool: Pool, folder: Path, steps: int = 600, batch: int = 96) -> nn.Module:
    """A ResNet that knows no labels: two disturbed views of a scene agree, dimensions stay apart (VICReg)."""
    torch.manual_seed(11)
    network = build("swav")

    def loss(rng: np.random.Generator) -> torch.Tensor:
        _, images = pool.batch(rng, batch)
        views = [network(shift(disturb(images), 8) * (0.8 + 0.4 * torch.rand(batch, 1, 1, 1))) for _ in range(2)]
        total = 25 * F.mse_loss(*views)
        for view in views:
            centred = view - view.mean(0)
            spread = (centred.var(0) + 1e-4).sqrt()
            covariance = centred.T @ centred / (batch - 1)
            total = total + 25 * F.relu(1 - spread).mean() / 2
            total = total + (covariance.square().sum() - covariance.diagonal().square().sum()) / 128
        return total

    train("swav", network, loss, steps=steps, peak_rate=2e-3, folder=folder)
    return network


def fit_saliency(pool: Pool, folder: Path, steps: int = 900, batch: int = 48) -> nn.Module:
    """Predicts the object's mask, softened: people look at objects, and at their middle more than at their rim."""
    torch.manual_seed(12)
    network = build("saliency")

    def loss(rng: np.random.Generator) -> torch.Tensor:
        chosen, images = pool.batch(rng, batch)
        masks = torch.from_numpy(pool.masks[chosen]).float()[:, None] / 255
        target = F.avg_pool2d(F.pad(masks, (3,) * 4, mode="replicate"), 7, 1)[:, 0]
        return F.binary_cross_entropy_with_logits(network(disturb(images)), target)

    train("saliency", network, loss, steps=steps, peak_rate=3e-3, folder=folder)
    return network


@torch.no_grad()
def accuracy(network: nn.Module, pool: Pool) -> float:
    """Top-1 over the 300 concepts."""
    hits = []
    for i in range(0, len(pool.images), 256):
        hits.append(network(to_tensor(pool.images[i : i + 256])).argmax(1).numpy() == pool.concepts[i : i + 256])
    return float(np.concatenate(hits).mean())


@torch.no_grad()
def mask_correlation(network: nn.Module, pool: Pool) -> float:
    """Mean Pearson r between the predicted map and the object's mask."""
    predicted = network(to_tensor(pool.images)).sigmoid().flatten(1).numpy()
    masks = pool.masks.reshape(len(pool.masks), -1)
    return float(np.mean([np.corrcoef(p, m)[0, 1] for p, m in zip(predicted, masks, strict=True)]))
