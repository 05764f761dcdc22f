"""One training loop: checkpoints, resumption, a progress bar; step k sees the same batch whenever it runs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn


def train(
    name: str,
    module: nn.Module,
    loss: Callable[[np.random.Generator], torch.Tensor],
    *,
    steps: int,
    peak_rate: float,
    folder: Path,
    seed: int = 0,
    weight_decay: float = 0.01,
    every: int = 100,
    cycle: int | None = None,
    cooldown: int = 0,
) -> None:
    """Train `module` in place for `steps` steps of AdamW at a one-cycle rate, resuming from `folder`/`name`.pt.

    The rate follows a cycle of `cycle` steps (all of them, if not given); its last `cooldown` steps before
    `steps` are also scaled linearly to zero, so that a cycle can be cut short once the part is good enough.
    `loss` draws its batch and its noise from the generator it is given, which depends on (seed, name, step)
    alone: an interrupted training repeats nothing and skips nothing.
    """
    trained = [p for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=peak_rate, betas=(0.9, 0.99), weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peak_rate, total_steps=cycle or steps, pct_start=0.1)
    path = folder / f"{name}.pt"
    start = 0
    if path.exists():
        state = torch.load(path, weights_only=True)
        module.load_state_dict(state["module"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        start = state["step"]
    module.train()
    began, mean = time.monotonic(), 0.0
    for step in range(start, steps):
        rng = np.random.default_rng([seed, *name.encode(), step])
        torch.manual_seed(int(rng.integers(2**62)))
        if step >= steps - cooldown:
            for group in optimiser.param_groups:
                group["lr"] *= (steps - step) / cooldown
        value = loss(rng)
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        schedule.step()
        mean += float(value.detach())
        if (step + 1) % every == 0 or step + 1 == steps:
            pace = (time.monotonic() - began) / (step + 1 - start)
            print(f"{name} {step + 1}/{steps} loss {mean / every:.4f} {pace:.2f} s a step", flush=True)
            mean = 0.0
            state = {
                "module": module.state_dict(),
                "optimiser": optimiser.state_dict(),
                "schedule": schedule.state_dict(),
                "step": step + 1,
            }
            torch.save(state, path.with_suffix(".tmp"))
            path.with_suffix(".tmp").replace(path)
    module.eval()


def restored(module: Any, name: str, folder: Path) -> Any:
    """`module` with the weights that training `name` left in `folder`, set to inference."""
    state = torch.load(folder / f"{name}.pt", weights_only=True)
    module.load_state_dict(state["module"])
    return module.eval().requires_grad_(False)
