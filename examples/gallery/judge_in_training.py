"""
Score inside a training loop
============================

A judge looks at the true images once and keeps its networks loaded; each call then scores one set of images. Here a
linear layer learns to paint coarse images from **simulated** EEG, and a judge says every third epoch how far it has
come, on stimuli that training never sees.
"""

import matplotlib.pyplot as plt
import torch

import eegbench

torch.manual_seed(0)
data = eegbench.dataset("sim-things", train_images=3)
train, queries, answers = data.train(8), data.queries(8), data.answers(8)


def standardised(eeg: torch.Tensor) -> torch.Tensor:
    return (eeg - eeg.mean(dim=0)) / eeg.std(dim=0)


def pixels(images: torch.Tensor) -> torch.Tensor:
    """A coarse grid of colours, (n, 3, 16, 16) from 0 to 1."""
    channels = images.permute(0, 3, 1, 2).float() / 255
    return torch.nn.functional.avg_pool2d(channels, channels.shape[-1] // 16)


eeg, unseen = (standardised(torch.from_numpy(part.eeg)) for part in (train, queries))
target = pixels(torch.from_numpy(train.images))[torch.from_numpy(train.shown)]

# %%
# A judge of the 200 test images, for three metrics. It takes uint8 images, as arrays or as tensors.

judge = eegbench.Judge(answers.images, metrics=["alexnet2", "alexnet5", "clip"])
painter = torch.nn.Sequential(
    torch.nn.Flatten(), torch.nn.Dropout(0.5), torch.nn.Linear(eeg[0].numel(), 768), torch.nn.Unflatten(1, (3, 16, 16))
)
optimiser = torch.optim.AdamW(painter.parameters(), lr=1e-3, weight_decay=1.0)


@torch.no_grad()
def painted(eeg: torch.Tensor) -> torch.Tensor:
    images = torch.nn.functional.interpolate(painter.eval()(eeg), size=64, mode="bilinear")
    painter.train()
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)


epochs, curve = 24, []
for epoch in range(epochs + 1):
    if epoch % 3 == 0:
        curve.append({"epoch": epoch, **judge.values(painted(unseen))})
    for batch in torch.randperm(len(eeg)).split(64):
        loss = torch.nn.functional.mse_loss(painter(eeg[batch]), target[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

# %%
# ``judge.values`` gives the values alone, as a dictionary. ``judge(images)`` gives a sheet with intervals and chance,
# which takes longer: once, at the end.

sheet = judge(painted(unseen))
print(sheet)

figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
for name in curve[0].keys() - {"epoch"}:
    axis.plot([point["epoch"] for point in curve], [point[name] for point in curve], "o-", label=name)
axis.set(xlabel="epoch", ylabel="value on unseen stimuli", ylim=(0, 1), title="simulated subject 8")
axis.legend()

# %%
# The truth, and what was painted last.

figure, axes = plt.subplots(2, 8, figsize=(8, 2.2), layout="constrained")
shown = painted(unseen).permute(0, 2, 3, 1).numpy()
for row, images in zip(axes, (answers.images, shown), strict=True):
    for axis, image in zip(row, images[::25], strict=True):
        axis.imshow(image)
        axis.axis("off")
