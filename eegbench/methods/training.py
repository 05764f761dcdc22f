"""The one training loop of every stage of every method: a killed fit goes on where it was, and ends the same.

Step k of a stage draws its batch and its noise from (seed, stage, k) alone. A checkpoint holds the trained weights,
the optimiser and the loss curve; it is safetensors with JSON in its header, so that loading it runs nothing.
"""

import json
import math
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from eegbench import seeds
from eegbench.backbones.weights import read_header, read_tensors
from eegbench.contracts import EVERYBODY, Fit, Method, Progress, TrainingSet
from eegbench.errors import InputError
from eegbench.files import write_text, writing
from eegbench.methods.storage import write_arrays
from eegbench.methods.tuning_settings import Epochs, Numerics

EVERY = 20.0  # seconds between checkpoints
POINTS = 100  # of a loss curve without validation
JUDGED = 512  # held-out items that are judged at once, at most
HEADER = "step,loss,validation,rate"
FACTS = ("step", "done", "least", "waited", "rows", "losses")

Loss = Callable[[int, np.random.Generator], torch.Tensor]
Rate = Callable[[int], float]

NUMERICS = Numerics()

_most: ContextVar[int | None] = ContextVar("most steps of a stage", default=None)


@contextmanager
def at_most(steps: int) -> Iterator[None]:
    """Every stage that is trained inside ends after `steps` steps of its own, as a rehearsal wants."""
    token = _most.set(steps)
    try:
        yield
    finally:
        _most.reset(token)


@dataclass(frozen=True)
class Validation:
    """How good a module is on training concepts that were held out, every so many steps; less is better.

    The weights of the best value are kept. With `patience`, that many judgements without a better one end the stage.
    """

    judge: Callable[[], float]
    every: int
    patience: int = 0


class Training:
    """Runs the stages of one fit. `folder` keeps checkpoints and curves; without one, a kill loses the fit.

    each: of a fit on several people, how many trials the one has who has most; 0 of a fit on one.
    """

    def __init__(
        self,
        seed: int,
        progress: Progress,
        *,
        device: str = "cpu",
        folder: Path | None = None,
        every: float = EVERY,
        each: int = 0,
    ) -> None:
        self.seed, self.progress, self.device, self.folder, self.every = seed, progress, device, folder, every
        self.each = each

    def per_epoch(self, items: int, people: int) -> int:
        """How many of some items an epoch takes: at most the trials of so many people, where several are trained on."""
        return min(items, people * self.each or items)

    def run(
        self,
        label: str,
        module: nn.Module,
        loss: Loss,
        *,
        steps: int,
        optimiser: torch.optim.Optimizer,
        rate: Rate,
        clip: float = 0.0,
        validation: Validation | None = None,
        numerics: Numerics = NUMERICS,
    ) -> None:
        """Train what of `module` requires a gradient, in place, and set it to inference.

        `loss(batch, rng)` is the loss of batch number `batch`, `rate(step)` the optimiser's rate; `clip` bounds the
        norm of the gradient where it is not 0. Raises InputError if the loss is no number, or a checkpoint is damaged.
        """
        steps = min(steps, _most.get() or steps)
        stage = _Stage(self, label, module, optimiser, steps, validation)
        stage.restore()
        kind = getattr(torch, numerics.precision)
        scaler = torch.amp.GradScaler(stage.accelerator, enabled=kind is torch.float16)
        module.train()
        kept = time.monotonic()
        with self.progress.bar(label, steps) as advance:
            advance(stage.step)
            while stage.step < steps and not stage.done:
                for group in optimiser.param_groups:
                    group["lr"] = rate(stage.step)
                optimiser.zero_grad()
                total = 0.0
                for part in range(numerics.accumulate):
                    batch = stage.step * numerics.accumulate + part
                    rng = seeds.generator(self.seed, label, batch)
                    torch.manual_seed(int(rng.integers(2**62)))
                    with torch.autocast(stage.accelerator, kind, enabled=kind is not torch.float32):
                        value = loss(batch, rng) / numerics.accumulate
                    scaler.scale(value).backward()
                    total += float(value.detach())
                if not math.isfinite(total):
                    raise InputError(f"{label}: the loss is {total} at step {stage.step}; lower the rate")
                if clip:
                    scaler.unscale_(optimiser)
                    nn.utils.clip_grad_norm_([p for p in module.parameters() if p.requires_grad], clip)
                scaler.step(optimiser)
                scaler.update()
                stage.count(total, rate(stage.step))
                advance(1)
                if time.monotonic() - kept > self.every:
                    stage.write()
                    kept = time.monotonic()
        stage.finish()

    def run_epochs(
        self,
        label: str,
        module: nn.Module,
        loss: Callable[[torch.Tensor, np.random.Generator], torch.Tensor],
        held: NDArray[np.bool_],
        settings: Epochs,
        *,
        clip: float = 0.0,
    ) -> None:
        """Train on the items that are not `held`, every one once an epoch, and keep the epoch best on those that are.

        Of a fit on several people an epoch may take fewer (`Epochs`); the next ones then take the others.
        `loss(items, rng)` is the loss of some items; held ones are judged with the same draws each time. Up to 512 are
        judged all at once; more in equal parts of at most 512, for which publications have no rule. The mean over
        parts, weighted by size, is not the loss of all at once where it depends on the batch, as a contrastive one
        does: with fewer items to confuse it is lower. The parts stay the same, so that epochs can be compared.
        """
        fitted, kept = np.flatnonzero(~held), torch.from_numpy(np.flatnonzero(held))
        if len(fitted) < 2:
            raise InputError(f"{label}: {len(fitted)} trial to fit on, beside those held out; wanted 2 or more")
        per_epoch = batches(self.per_epoch(len(fitted), settings.people_per_epoch), settings.batch)
        chosen = shuffled(fitted, settings.batch, self.seed, label)
        steps = settings.epochs * per_epoch
        falling = cosine(settings.rate, steps, least=settings.least_rate)
        rate = falling if settings.schedule == "cosine" else constant(settings.rate)
        parts = kept.tensor_split(max(1, -(-len(kept) // JUDGED)))

        def judge() -> float:
            rng = seeds.generator(self.seed, label, "validation")  # one after the other, the parts draw from it
            return sum(float(loss(part, rng)) * (len(part) / max(1, len(kept))) for part in parts)

        self.run(
            label,
            module,
            lambda batch, rng: loss(chosen(batch), rng),
            steps=steps,
            optimiser=torch.optim.AdamW(module.parameters(), lr=settings.rate, weight_decay=settings.weight_decay),
            rate=rate,
            clip=clip,
            validation=Validation(judge, per_epoch, settings.patience),
            numerics=settings,
        )
        module.requires_grad_(False)


class TrainedMethod(Method[Fit]):
    """A method whose `fit` is stages of training, which share one `Training`."""

    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> Fit:
        several = train.subject == EVERYBODY
        each = int(np.unique(train.subjects, return_counts=True)[1].max()) if several else 0
        training = Training(seed, progress, device=device, folder=folder, each=each)
        return self.configure(self.fit_stages(train, training))

    @abstractmethod
    def fit_stages(self, train: TrainingSet, training: Training) -> Fit:
        """The fitted method, on `training.device`; each stage runs by `training.run` or `training.run_epochs`."""


class _Stage:
    """Where one stage is: everything that a checkpoint holds."""

    def __init__(
        self,
        training: Training,
        label: str,
        module: nn.Module,
        optimiser: torch.optim.Optimizer,
        steps: int,
        validation: Validation | None,
    ) -> None:
        self.module, self.optimiser, self.steps, self.validation = module, optimiser, steps, validation
        self.path = None if training.folder is None else training.folder / f"{label.replace(' ', '-')}.safetensors"
        self.accelerator = training.device.split(":")[0]
        self.step, self.done = 0, False
        self.least, self.waited = math.inf, 0
        self.best: dict[str, torch.Tensor] = {}
        self.rows: list[list[float | None]] = []  # of the loss curve
        self.losses: list[float] = []  # since its last row

    def count(self, loss: float, rate: float) -> None:
        """One step is made; judge the module and add to the curve where it is time to."""
        self.step += 1
        self.losses.append(loss)
        every = self.validation.every if self.validation else max(1, self.steps // POINTS)
        if self.step % every and self.step != self.steps:
            return
        value = self._judge(self.validation) if self.validation else None
        self.rows.append([self.step, sum(self.losses) / len(self.losses), value, rate])
        self.losses = []

    def _judge(self, validation: Validation) -> float:
        self.module.eval()
        with torch.no_grad():
            value = float(validation.judge())
        self.module.train()
        self.waited += 1
        if value < self.least:
            self.least, self.waited = value, 0
            self.best = {name: tensor.clone() for name, tensor in learned(self.module).items()}
        self.done = bool(validation.patience) and self.waited >= validation.patience
        return value

    def finish(self) -> None:
        """The best weights, set to inference; the last checkpoint says that the stage is done."""
        if self.best:
            self.module.load_state_dict(self.best, strict=False)
            self.best = {}
        self.done = True
        self.write()
        self.module.eval()

    def write(self) -> None:
        """The checkpoint and the curve, under a temporary name first."""
        if self.path is None:
            return
        tensors = {f"module.{name}": tensor for name, tensor in learned(self.module).items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        optimiser = self.optimiser.state_dict()
        for place, kept in optimiser["state"].items():
            tensors |= {f"optimiser.{place}.{name}": torch.as_tensor(value) for name, value in kept.items()}
        facts = {name: getattr(self, name) for name in FACTS} | {"groups": optimiser["param_groups"]}
        lines = [HEADER, *(",".join("" if v is None else repr(v) for v in row) for row in self.rows)]
        with writing(self.path, mend="set EEGBENCH_CACHE to a folder that can be"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_arrays(self.path, tensors, header={"stage": json.dumps(facts)})
            write_text(self.path.with_suffix(".csv"), "\n".join(lines) + "\n")

    def restore(self) -> None:
        """Take up what `write` wrote, if anything."""
        if self.path is None or not self.path.is_file():
            return
        tensors, header = read_tensors(self.path), read_header(self.path)
        try:
            facts = json.loads(header["stage"])
            parts: dict[str, dict[str, torch.Tensor]] = {"module": {}, "best": {}, "optimiser": {}}
            for key, tensor in tensors.items():
                part, _, name = key.partition(".")
                parts[part][name] = tensor
            state: dict[int, dict[str, torch.Tensor]] = {}
            for key, tensor in parts["optimiser"].items():
                place, _, name = key.partition(".")
                state.setdefault(int(place), {})[name] = tensor
            outcome = self.module.load_state_dict(parts["module"], strict=False)
            if outcome.unexpected_keys or set(parts["module"]) != set(learned(self.module)):
                raise ValueError("its weights are another module's")
            self.optimiser.load_state_dict({"state": state, "param_groups": facts.pop("groups")})
            for name in FACTS:
                setattr(self, name, facts[name])
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            problem = str(error).splitlines()[0]
            raise InputError(
                f"{self.path}: not a checkpoint of this stage ({problem}); delete it to begin anew"
            ) from None
        self.best = parts["best"]


def learned(module: nn.Module) -> dict[str, torch.Tensor]:
    """What training changes: parameters that require a gradient, and buffers."""
    frozen = {name for name, p in module.named_parameters() if not p.requires_grad}
    return {name: value.detach() for name, value in module.state_dict().items() if name not in frozen}


def batches(count: int, batch: int) -> int:
    """How many batches an epoch has; the last one may be smaller, but never a single item's (BatchNorm)."""
    return max(1, -(-(count - 1) // batch)) if count % batch == 1 else -(-count // batch)


def shuffled(items: NDArray[np.int64], batch: int, seed: int, label: str) -> Callable[[int], torch.Tensor]:
    """The items of batch number `step`, of epochs in which every item comes once, in an order of the epoch's own."""
    per_epoch = batches(len(items), batch)

    def chosen(step: int) -> torch.Tensor:
        epoch, part = divmod(step, per_epoch)
        order = seeds.generator(seed, label, "order", epoch).permutation(items)
        return torch.from_numpy(order[part * batch : (part + 1) * batch])

    return chosen


def constant(rate: float) -> Rate:
    return lambda step: rate


def cosine(peak: float, steps: int, *, warm_up: int = 0, least: float = 0.0, restart: int = 0) -> Rate:
    """A linear rise over `warm_up` steps, then a cosine from `peak` to `least`, again after each `restart`."""
    cycle = restart or max(1, steps - warm_up)

    def rate(step: int) -> float:
        if step < warm_up:
            return peak * (step + 1) / (warm_up + 1)
        share = ((step - warm_up) % cycle) / cycle
        return least + (peak - least) * (1 + math.cos(math.pi * share)) / 2

    return rate
