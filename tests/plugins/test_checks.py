"""check-dataset and check-metric: what keeps the contract passes, and each way to break it is found in its clause."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from eegbench.checks import check_dataset, check_metric, drift
from eegbench.contracts import Laws, Silent, TrainingSet
from eegbench.errors import MissingError, UsageError
from eegbench.metrics import METRICS, VARIANTS
from eegbench.plugins import registry
from small_plugins import FAULTS, ODD, Odd, Small

Install = Callable[..., None]
Run = Callable[..., Result]


def dataset_problems(**table: object) -> dict[str, str]:
    found = check_dataset.check("small", table, (1,), progress=Silent())
    return {
        one.clause.removeprefix("subject 1: "): one.problem or one.warning
        for one in found
        if one.problem or one.warning
    }


def test_a_sound_data_set_passes_for_its_first_and_last_subject(small: Install, eegbench: Run) -> None:
    done = eegbench("check-dataset", "small")
    lines = done.stdout.strip().split("\n")
    assert done.exit_code == 0 and all(line.startswith("ok ") for line in lines)
    assert sum("subject 1: " in line for line in lines) == sum("subject 2: " in line for line in lines) > 5
    told = json.loads(eegbench("check-dataset", "small", "--subject", "2", "--json").stdout)
    assert {one["problem"] for one in told} == {""} and not any("subject 1" in one["clause"] for one in told)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_data_set_is_found_in_the_clause_of_its_verb(fault: str, small: Install) -> None:
    verb = FAULTS[fault][0]
    ((clause, _),) = dataset_problems(fault=fault).items()
    assert clause.startswith("answers" if fault == "an answer too many" else verb)


def test_a_broken_data_set_ends_with_exit_code_1(small: Install, eegbench: Run) -> None:
    done = eegbench("check-dataset", "small", "--subject", "1", "--set", "fault=nan in train")
    assert done.exit_code == 1 and "small breaks 1 of 11 clauses of the contract" in done.stderr
    assert "BAD  subject 1: train gives EEG as info says" in done.stdout


BENT: dict[str, tuple[str, Any, str, str]] = {  # what stands in a method's place, the clause, what is told
    "draws anew": ("train", lambda self, subject: _train(self, eeg=np.random.rand(6, 3, 24).astype(np.float32)),  # noqa: NPY002
                   "train comes again", "a second call of train gave other eeg"),
    "looks at answers": ("queries", lambda self, subject, *, average="all": self.answers(subject),
                         "queries are EEG", "asked the data set for the answers"),
    "an average that breaks": ("queries", lambda self, subject, *, average="all":
                               _queries(self, subject, 1 / (average == "all")), "average=1", "ZeroDivisionError"),
    "an average of fewer": ("queries", lambda self, subject, *, average="all": _queries(self, subject, average),
                            "average=1", "gave 3 stimuli"),
    "a digest that is none": ("digests", lambda self, subject: {"f": "abc"}, "digests are sha256", "'f' has 'abc'"),
    "info without times": ("info", property(lambda self: 3), "info names", "gave 3; wanted EEGInfo"),
}  # fmt: skip


def _train(self: Small, **changes: Any) -> TrainingSet:
    return dataclasses.replace(TRAIN(self, 1), **changes)


def _queries(self: Small, subject: int, average: object) -> Any:
    whole = QUERIES(self, subject)
    return whole if average in ("all", 1.0) and average != 1 else dataclasses.replace(
        whole, eeg=whole.eeg[1:], stimuli=whole.stimuli[1:])  # fmt: skip


TRAIN, QUERIES = Small.train, Small.queries


@pytest.mark.parametrize("how", BENT)
def test_what_only_a_check_can_find_is_found(how: str, small: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    verb, instead, clause, told = BENT[how]
    monkeypatch.setattr(Small, verb, instead)
    problems = dataset_problems()
    assert [text for where, text in problems.items() if where.startswith(clause) and told in text], problems


def test_shared_concepts_are_a_warning_until_the_caution_speaks(
    small: Install, eegbench: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Small.answers
    monkeypatch.setattr(
        Small, "answers", lambda self, s: dataclasses.replace(plain(self, s), concepts=("thing 0", "a", "b", "c"))
    )
    done = eegbench("check-dataset", "small", "--subject", "1")
    assert done.exit_code == 0 and "!    subject 1: test stimuli and concepts" in done.stdout
    monkeypatch.setattr(Small, "caution", "Test concepts are training concepts.")
    assert dataset_problems() == {}


def test_a_path_as_a_word_is_found(install: Install, tmp_path: Path) -> None:
    source = "from dataclasses import dataclass\nfrom small_plugins import Small\n"
    source += f"@dataclass(frozen=True)\nclass Placed(Small):\n    name = 'placed'\n    root: str = {str(tmp_path)!r}\n"
    install("eegbench.datasets", source, placed="Placed")
    found = check_dataset.check("placed", {}, (1,), progress=Silent())
    assert ["give the field the type Path" in one.problem for one in found if one.problem] == [True]


REPEATED = """
from dataclasses import dataclass, replace
from eegbench.errors import UsageError
from small_plugins import Small

@dataclass(frozen=True)
class Repeated(Small):
    name = "repeated"
    train_repetitions: int | None = None
    sessions: tuple[int, ...] = ()
    loose: bool = False

    def __post_init__(self):
        if not self.loose and (self.train_repetitions not in (None, 1, 2) or any(n > 2 for n in self.sessions)):
            raise UsageError("there are 2 repetitions and 2 sessions")

    def train(self, subject):
        whole = super().train(subject)
        return whole.part([0, 1]) if self.loose and self.train_repetitions else whole
"""


def test_repetitions_and_sessions_that_can_be_chosen_are_checked(install: Install) -> None:
    install("eegbench.datasets", REPEATED, repeated="Repeated")

    def problems(loose: bool) -> list[str]:
        found = check_dataset.check("repeated", {"loose": loose}, (1,), progress=Silent())
        chosen = [one for one in found if "repetitions" in one.clause or "sessions" in one.clause]
        return [f"{one.clause.removeprefix('subject 1: ')}: {one.problem}" for one in chosen]

    kept = problems(loose=False)
    assert len(kept) == 3 and all(line.endswith(": ") for line in kept)
    assert problems(loose=True) == [
        "train_repetitions=1 gives the same stimuli, and no more trials: it gave 2 stimuli; all repetitions gave 6, or "
        "other ids",
        "train_repetitions that are not there are refused in words: train_repetitions=1000000 was taken; raise "
        "UsageError, and say what there is",
        "sessions that are not there are refused in words: sessions=(1000000,) was taken; raise UsageError, and say "
        "what there is",
    ]


def test_data_that_are_not_here_are_missing_and_no_breach(
    small: Install, eegbench: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(self: Small, subject: int, **_: object) -> None:
        raise MissingError("sub-01 is not there; fetch it")

    monkeypatch.setattr(Small, "queries", missing)
    done = eegbench("check-dataset", "small")
    assert done.exit_code == 3
    assert done.stderr.strip().split("\n")[-1] == "eegbench: data set 'small', queries: sub-01 is not there; fetch it"


def test_a_class_that_is_broken_is_the_first_clause(install: Install) -> None:
    install("eegbench.datasets", "class Bad: pass", bad="Bad")
    (only,) = check_dataset.check("bad", {}, (), progress=Silent())
    assert "is no data set" in only.problem
    with pytest.raises(UsageError, match="unknown data set"):
        check_dataset.check("badd", {}, (), progress=Silent())


@pytest.mark.parametrize("name", ["pixcorr", "clip", "kl", "fid", "kid", "is", "retrieval_top1", "retrieval100_top5"])
def test_metrics_of_ours_pass(name: str) -> None:
    assert name in METRICS and name not in VARIANTS
    assert [one for one in check_metric.check(name, progress=Silent()) if one.problem] == []


def metric_problems(metric: Odd, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(registry, "find", lambda kind, name: metric)
    monkeypatch.setattr(registry, "names", lambda kind: [metric.id])
    return {one.clause: one.problem for one in check_metric.check(metric.id, progress=Silent()) if one.problem}


def distance(a: Any, b: Any) -> Any:
    return np.clip(np.abs(a - b).mean(1), 0, 1)


LAWS: dict[str, tuple[Callable[[Any, Any], Any], dict[str, Any], str]] = {
    "outside": (ODD["odd_outside"][0], {}, "values are float64"),
    "raises": (ODD["odd_raises"][0], {}, "values are float64"),
    "by lot": (lambda a, b: np.random.rand(len(a)), {}, "the same input gives the same values"),  # noqa: NPY002
    "writes": (lambda a, b: [a.__setitem__(0, 0) if a.flags.writeable else None, -distance(a, b) + 1][1], {},
               "both sides are left"),
    "by place": (lambda a, b: 1 - distance(a, b) * np.linspace(0.1, 0.9, len(a)), {}, "the order of the items"),
    "by the others": (lambda a, b: 1 - distance(a, b) / (1 + len(a)), {"needs": "pixels425"}, "an item's value"),
    "the wrong way": (distance, {}, "identical pairs are never worse"),
    "blind to the pair": (lambda a, b: np.full(len(a), float(b.std() / 9 + 0.5)), {}, "permuted pairs"),
    "infinite for flat pictures": (lambda a, b: np.where(a.std(1) < 1e-9, np.inf, 1 - distance(a, b)), {},
                                   "flat pictures"),
}  # fmt: skip


@pytest.mark.parametrize("law", LAWS)
def test_each_broken_law_of_a_metric_is_found(law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gives, changes, clause = LAWS[law]
    flat = gives if "needs" not in changes else (lambda a, b: gives(a.reshape(len(a), -1), b.reshape(len(b), -1)))
    problems = metric_problems(Odd("odd", flat, **{"needs": "embedding"} | changes), monkeypatch)
    assert [where for where in problems if where.startswith(clause)], problems


@pytest.mark.parametrize(
    ("laws", "told"),
    [
        (Laws(identical=1, symmetric=True), ""),
        (Laws(identical=0.5, symmetric=True), "identical sides get 1; declared is 0.5"),
        (Laws(identical=None, symmetric=True, one_sided=True), "one_sided is declared"),
    ],
)
def test_the_laws_that_a_metric_declares_are_held_to(laws: Laws, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Odd, "laws", laws)
    problems = metric_problems(Odd("odd", lambda a, b: 1 - distance(a, b), needs="embedding"), monkeypatch)
    assert ("the laws that it declares hold" in problems) == bool(told)
    assert told in problems.get("the laws that it declares hold", "")


@pytest.mark.parametrize("needs", ["embedding", "pixels425"])
def test_scores_of_pairs_that_compute_does_not_give_are_found(needs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Turned(Odd):
        def reduced(self, features: Any) -> Any:
            return features.reshape(len(features), -1)[:, ::999]

        def pairs(self, reconstructions: Any, truths: Any, *, stimuli: Sequence[str]) -> Any:
            return 1 - np.abs(reconstructions[:, None] - truths[::-1][None]).mean(axis=2).clip(0, 1)

    metric = Turned("odd", lambda a, b: 1 - distance(a.reshape(len(a), -1), b.reshape(len(b), -1)), needs=needs)
    (clause,) = metric_problems(metric, monkeypatch)
    assert clause.startswith("pairs gives each reconstruction and each truth the score")


def test_a_sound_metric_passes_and_an_unknown_one_is_refused(small: Install, eegbench: Run) -> None:
    source = "from small_plugins import Odd\nimport numpy as np\n"
    source += "fine = Odd('fine', lambda a, b: np.exp(-np.abs(a - b).mean(1)), needs='embedding')\n"
    small("eegbench.metrics", source, fine="fine")
    done = eegbench("check-metric", "fine")
    assert done.exit_code == 0 and all(line.startswith("ok ") for line in done.stdout.strip().split("\n"))
    assert eegbench("check-metric", "fone").exit_code == 2


def test_scores_of_a_plug_ins_metric_carry_what_it_declares_and_ours_carry_nothing(
    install: Install, eegbench: Run, tmp_path: Path
) -> None:
    for name in ("true", "made"):
        (tmp_path / name).mkdir()
        for i in range(3):
            pixels = np.random.default_rng(i).integers(256, size=(32, 32, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    source = "from eegbench.metrics.identification import TwoWay\nmine = TwoWay('mine', needs='clip', column=75)\n"
    install("eegbench.metrics", source, mine="mine")
    done = eegbench(
        "score", "--truth", "true", "--reconstructions", "made", "--metrics", "mine,clip", "--json", "s.json"
    )
    assert done.exit_code == 0, done.stderr
    scores = json.loads((tmp_path / "s.json").read_text())["metrics"]
    assert scores["mine"]["facts"] == {"per_item": True, "rivals": True, "grain": "comparisons", "column": 75}
    assert "facts" not in scores["clip"]
    (own,) = drift.read_scores(tmp_path / "s.json")
    assert own.metrics["mine"].identical == own.metrics["clip"].identical == 2 / (3 * 2)
