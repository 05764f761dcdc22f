"""The training loop: a killed stage ends as an undisturbed one does, keeps its best weights, and says what is wrong."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from eegbench.contracts import Silent
from eegbench.errors import InputError, MissingError, UsageError
from eegbench.methods import training as room
from eegbench.methods.training import Training, Validation, batches, constant, cosine, shuffled
from eegbench.methods.tuning_settings import Epochs, Numerics

X = torch.linspace(-1, 1, 40).reshape(20, 2)
Y = X.sum(1, keepdim=True) ** 2


class Stop(Exception):
    """Stands for whatever ends a process."""


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 1))


def run(
    folder: Path | None, *, steps: int = 30, stop_at: int = -1, every: float = 0.0, patience: int = 0, worst: int = 99
) -> nn.Sequential:
    """One stage on the parabola; it ends in Stop at batch `stop_at`; from step `worst` on, validation gets worse."""
    module = network()
    optimiser = torch.optim.AdamW(module.parameters(), lr=0.05)
    seen = 0

    def loss(batch: int, rng: np.random.Generator) -> torch.Tensor:
        nonlocal seen
        seen = batch
        if batch == stop_at:
            raise Stop
        some = torch.from_numpy(rng.integers(20, size=8))
        return F.mse_loss(module(X[some]), Y[some])

    def judge() -> float:
        return float(seen) if seen >= worst else -float(seen)

    Training(3, Silent(), folder=folder, every=every).run(
        "fit parabola",
        module,
        loss,
        steps=steps,
        optimiser=optimiser,
        rate=cosine(0.05, steps, warm_up=3),
        clip=1.0,
        validation=Validation(judge, 5, patience),
    )
    return module


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@pytest.mark.parametrize("stop_at", [1, 7, 15, 29])
def test_a_stage_that_was_stopped_ends_as_an_undisturbed_one(tmp_path: Path, stop_at: int) -> None:
    with pytest.raises(Stop):
        run(tmp_path / "a", stop_at=stop_at)
    assert same(run(tmp_path / "a"), run(None))
    run(tmp_path / "b")
    curves = [(tmp_path / name / "fit-parabola.csv").read_text() for name in "ab"]
    assert curves[0] == curves[1]


def test_a_process_killed_at_any_moment_ends_the_same(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_training as t; from pathlib "
    code += f"import Path; print('ready', flush=True); t.run(Path({str(tmp_path / 'a')!r}), steps=3000)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    while not (tmp_path / "a" / "fit-parabola.safetensors").exists():
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert same(run(tmp_path / "a", steps=3000, every=1e9), run(None, steps=3000))


def test_a_stage_that_ended_is_not_run_again(tmp_path: Path) -> None:
    first = run(tmp_path)
    assert same(run(tmp_path, stop_at=0), first)


def test_the_weights_of_the_best_validation_are_kept() -> None:
    assert same(run(None, worst=16), run(None, worst=19))  # judged at batches 4, 9, 14, 19, ...: best at 14
    assert not same(run(None, worst=18), run(None))


def test_patience_ends_a_stage_early(tmp_path: Path) -> None:
    run(tmp_path, worst=12, patience=2)
    with (tmp_path / "fit-parabola.csv").open() as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == [5, 10, 15, 20]


def test_accumulated_batches_make_one_step_on_their_mean() -> None:
    def fitted(batch: int, accumulate: int) -> nn.Linear:
        torch.manual_seed(0)
        module = nn.Linear(2, 1)
        Training(0, Silent()).run(
            "fit",
            module,
            lambda i, rng: F.mse_loss(module(X[i * batch : (i + 1) * batch]), Y[i * batch : (i + 1) * batch]),
            steps=1,
            optimiser=torch.optim.SGD(module.parameters(), lr=0.1),
            rate=constant(0.1),
            numerics=Numerics(accumulate=accumulate),
        )
        return module

    torch.testing.assert_close(fitted(20, 1).weight, fitted(5, 4).weight)


def test_bfloat16_learns_about_the_same_and_not_the_same() -> None:
    def fitted(numerics: Numerics) -> torch.Tensor:
        torch.manual_seed(0)
        module = nn.Linear(2, 1)
        Training(0, Silent()).run(
            "fit",
            module,
            lambda i, rng: F.mse_loss(module(X).float(), Y),
            steps=20,
            optimiser=torch.optim.SGD(module.parameters(), lr=0.1),
            rate=constant(0.1),
            numerics=numerics,
        )
        return module.weight.detach()

    full, half = fitted(Numerics()), fitted(Numerics(precision="bfloat16"))
    assert not torch.equal(full, half)
    torch.testing.assert_close(full, half, atol=0.02, rtol=0.05)


@pytest.mark.parametrize(("count", "sizes"), [(7, [7]), (8, [8]), (9, [5, 4]), (20, [7, 7, 6])])
def test_many_held_out_items_are_judged_in_equal_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(room, "JUDGED", 8)
    module, judged = nn.Linear(1, 1), []

    def loss(some: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        value: torch.Tensor = module(torch.zeros(1, 1)).sum() * 0 + rng.random()
        if not torch.is_grad_enabled():
            judged.append((len(some), float(value)))
        return value

    held = np.arange(count + 2) >= 2
    Training(0, Silent(), folder=tmp_path).run_epochs("fit", module, loss, held, Epochs(epochs=2))
    assert [size for size, _ in judged] == sizes * 2 and judged[: len(sizes)] == judged[len(sizes) :]
    with (tmp_path / "fit.csv").open() as file:
        told = float(next(csv.DictReader(file))["validation"])
    assert told == (judged[0][1] if len(sizes) == 1 else pytest.approx(sum(n * v for n, v in judged) / count / 2))
    assert len({value for _, value in judged}) == len(sizes)  # the parts' draws follow each other


def test_a_loss_that_is_no_number_ends_the_fit() -> None:
    module = nn.Linear(2, 1)
    with pytest.raises(InputError, match=r"the loss is nan at step 0; lower the rate"):
        Training(0, Silent()).run(
            "fit",
            module,
            lambda i, rng: module(X).sum() * float("nan"),
            steps=1,
            optimiser=torch.optim.SGD(module.parameters(), lr=0.1),
            rate=constant(0.1),
        )


def test_nothing_to_accumulate_is_refused() -> None:
    with pytest.raises(UsageError, match="accumulate is 0"):
        Numerics(accumulate=0)


def test_a_checkpoint_of_another_module_is_refused(tmp_path: Path) -> None:
    run(tmp_path)
    file = tmp_path / "fit-parabola.safetensors"
    tensors = load_file(file)
    tensors.pop("module.0.bias")
    save_file(tensors, file)
    with pytest.raises(InputError, match=r"fit-parabola\.safetensors: not a checkpoint of this stage .* delete it"):
        run(tmp_path)
    file.write_bytes(b"rubbish")
    with pytest.raises(InputError, match=r"fit-parabola\.safetensors: not a readable safetensors file"):
        run(tmp_path)


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room, "write_arrays", full)
    with pytest.raises(MissingError, match="no space left on the disk"):
        run(tmp_path)


def test_frozen_parts_are_neither_trained_nor_stored(tmp_path: Path) -> None:
    module = network()
    first = module.get_parameter("0.weight")
    module[0].requires_grad_(False)
    before = first.clone()
    Training(0, Silent(), folder=tmp_path).run(
        "fit",
        module,
        lambda i, rng: F.mse_loss(module(X), Y),
        steps=2,
        optimiser=torch.optim.AdamW([p for p in module.parameters() if p.requires_grad]),
        rate=constant(0.1),
    )
    assert torch.equal(first, before)
    assert not any(key.startswith("module.0.") for key in load_file(tmp_path / "fit.safetensors"))


@pytest.mark.parametrize(("count", "batch", "wanted"), [(10, 5, 2), (11, 5, 2), (12, 5, 3), (1, 5, 1), (5, 8, 1)])
def test_no_batch_is_a_single_item(count: int, batch: int, wanted: int) -> None:
    assert batches(count, batch) == wanted
    chosen = shuffled(np.arange(count), batch, 0, "x")
    sizes = [len(chosen(step)) for step in range(wanted)]
    assert count == 1 or min(sizes) > 1


def test_an_epoch_has_every_item_once_and_the_next_another_order() -> None:
    chosen = shuffled(np.arange(12), 4, 0, "x")
    epochs = [torch.cat([chosen(3 * epoch + part) for part in range(3)]) for epoch in range(2)]
    assert [sorted(e.tolist()) for e in epochs] == [list(range(12))] * 2
    assert not torch.equal(*epochs)


def test_the_cosine_rises_falls_and_restarts() -> None:
    rate = cosine(1.0, 10, warm_up=3)
    assert [rate(s) for s in range(3)] == [0.25, 0.5, 0.75] and rate(3) == 1.0 and rate(9) < 0.06
    again = cosine(1.0, 20, least=0.1, restart=5)
    assert again(0) == again(5) == again(15) == 1.0 and 0.1 < again(4) < 0.2


def test_inside_at_most_every_stage_ends_early_and_outside_it_does_not(tmp_path: Path) -> None:
    def steps(folder: Path) -> str:
        run(folder, steps=30)
        return (folder / "fit-parabola.csv").read_text().splitlines()[-1].partition(",")[0]

    with room.at_most(2):
        assert steps(tmp_path / "a") == "2"
    assert steps(tmp_path / "b") == "30"


@pytest.mark.parametrize(("each", "people", "epoch"), [(0, 3, 24), (8, 0, 24), (8, 2, 16), (8, 3, 24), (8, 5, 24)])
def test_an_epoch_on_several_people_takes_the_trials_of_so_many(
    tmp_path: Path, each: int, people: int, epoch: int
) -> None:
    module, seen = nn.Linear(1, 1), []

    def loss(some: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        if torch.is_grad_enabled():
            seen.extend(some.tolist())
        value: torch.Tensor = module(torch.zeros(1, 1)).sum()
        return value

    held = np.arange(26) >= 24
    settings = Epochs(epochs=3, batch=4, people_per_epoch=people)
    Training(0, Silent(), folder=tmp_path, each=each).run_epochs("fit", module, loss, held, settings)
    assert len(seen) == 3 * epoch
    assert sorted(seen[:24]) == list(range(24))  # whatever an epoch takes, none comes again before all have come
    with (tmp_path / "fit.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3  # judged once an epoch
