"""
Score inside a training loop
============================

A judge looks at the true images once and keeps its networks loaded; each call then scores one set of images. Here a
linear layer learns a coarse grid of colours from **simulated** EEG, and answers with the training image that is nearest
to it. A judge says every other epoch how far it has come, on stimuli that training never sees.
"""

import matplotlib.pyplot as plt
import torch

import eegbench

torch.manual_seed(0)
data = eegbench.dataset("sim-things", train_images=3)
train, queries, answers = data.train(8), data.queries(8), data.answers(8)
images = torch.from_numpy(train.images).permute(0, 3, 1, 2)


def standardised(eeg: torch.Tensor) -> torch.Tensor:
    return (eeg - eeg.mean(dim=0)) / eeg.std(dim=0)


eeg, unseen = (standardised(torch.from_numpy(part.eeg)) for part in (train, queries))
grids = torch.nn.functional.avg_pool2d(images.float() / 255, 8).flatten(1)  # 8 x 8 colours of each training image
grids -= grids.mean(dim=0)

# %%
# A judge of the 200 test images, for two metrics. It takes uint8 images, as arrays (n, h, w, 3) or as tensors
# (n, 3, h, w).

judge = eegbench.Judge(answers.images, metrics=["alexnet2", "clip"])
layer = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.5), torch.nn.Linear(eeg[0].numel(), grids.shape[1]))
optimiser = torch.optim.AdamW(layer.parameters(), lr=1e-3, weight_decay=1.0)


@torch.no_grad()
def answered(eeg: torch.Tensor) -> torch.Tensor:
    nearest = torch.cdist(layer.eval()(eeg), grids).argmin(dim=1)
    layer.train()
    return images[nearest]


curve = []
for epoch in range(17):
    if epoch % 2 == 0:
        curve.append({"epoch": epoch, **judge.values(answered(unseen))})
    for batch in torch.randperm(len(eeg)).split(64):
        loss = torch.nn.functional.mse_loss(layer(eeg[batch]), grids[train.shown[batch]])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

# %%
# ``judge.values`` gives the values alone, as a dictionary. ``judge(images)`` gives a sheet with intervals and chance:
# once, at the end.

print(judge(answered(unseen)))

figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
for name in ("alexnet2", "clip"):
    axis.plot([point["epoch"] for point in curve], [point[name] for point in curve], "o-", label=name)
axis.axhline(0.5, color="grey", linewidth=0.8, linestyle="dashed", label="chance")
axis.set(xlabel="epoch", ylabel="two-way identification", title="unseen stimuli, simulated subject 8")
axis.legend()

# %%
# The truth, and what the layer answers after the last epoch.

figure, axes = plt.subplots(2, 8, figsize=(8, 2.2), layout="constrained")
for row, shown in zip(axes, (answers.images, answered(unseen).permute(0, 2, 3, 1).numpy()), strict=True):
    for axis, image in zip(row, shown[::25], strict=True):
        axis.imshow(image)
        axis.axis("off")
