"""Records come back as they were written, obey their published schema, and survive hostile files."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import eegbench
from eegbench import contracts
from eegbench.errors import InputError
from eegbench.files import MAX_RECORD_BYTES, digest, write_text
from eegbench.runs.metric_facts import MetricFacts
from eegbench.runs.record import TRACKS, ManifestRow, RunRecord, RunSpec
from eegbench.runs.seal import is_sealed
from eegbench.runs.sheet import Audited, Score, ScoreSheet

Change = Callable[[dict[str, Any]], object]

SPEC = RunSpec("sim-things", "1", {"snr": 0.5}, 8, "eeg", "atm", {"layers": [1, 2], "deep": {"a": None}}, seed=3)
ROWS = (ManifestRow("00001_cat/cat_01b", 0, "reconstructions/00001_cat/cat_01b.png", "0a" * 32),)
RECORD = RunRecord(
    SPEC, "method", True, "complete", {"torch": "2.5", "tf32": False}, {"w": "ff" * 32}, ROWS, {"fit": 1.5}, 7
)
SCORES = {
    "ssim": Score(
        "ssim",
        2,
        0.31,
        (0.29, 0.33),
        True,
        floor=0.2,
        contribution=0.1,
        contribution_ci=(0.05, 0.15),
        contribution_p=0.01,
    ),
    "kid": Score("kid", 1, None, None, False, items=3, reason="too few items"),
}
AUDITED = Audited("pairing", 0.001, 200, ("ssim",), {"ssim": 0.02}, 0.43)
VERDICT = "EEG contributes (p = .001): seen in ssim"
SHEET = ScoreSheet(200, "micro", "sal512", SCORES, {"alexnet": "aa" * 32}, VERDICT, AUDITED, statistics=2)
FIRST = ScoreSheet(
    200,
    "micro",
    "sal512",
    {name: dataclasses.replace(score, contribution_p=None) for name, score in SCORES.items()},
    {"alexnet": "aa" * 32},
    "EEG contributes: 1 of 1",
)


def test_run_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    RECORD.write(tmp_path / "run.json")
    assert RunRecord.read(tmp_path / "run.json") == RECORD


def test_a_caution_is_kept_and_records_of_before_have_none(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    cautious = dataclasses.replace(RECORD, caution="Shown in blocks (Li et al. 2021).")
    cautious.write(path)
    assert RunRecord.read(path) == cautious and cautious.spec.key == RECORD.spec.key
    old = json.loads(path.read_text())
    del old["caution"]
    path.write_text(json.dumps(old))
    jsonschema.validate(old, schema("run"))
    assert RunRecord.read(path) == RECORD


def test_run_record_can_be_read_without_its_manifest(tmp_path: Path) -> None:
    RECORD.write(tmp_path / "run.json")
    assert RunRecord.read(tmp_path / "run.json", manifest=False) == dataclasses.replace(RECORD, manifest=())


def test_score_sheet_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_text(tmp_path / "scores.json", SHEET.to_json())
    assert ScoreSheet.read(tmp_path / "scores.json") == SHEET


def test_a_sheet_keeps_its_caution_and_sheets_of_before_have_none(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    cautious = dataclasses.replace(SHEET, caution="Shown in blocks (Li et al. 2021).")
    write_text(path, cautious.to_json())
    assert ScoreSheet.read(path) == cautious
    old = json.loads(path.read_text())
    jsonschema.validate(old, schema("scores"))
    del old["caution"]
    path.write_text(json.dumps(old))
    jsonschema.validate(old, schema("scores"))
    assert ScoreSheet.read(path) == SHEET


@pytest.mark.parametrize(
    "change",
    [
        *({"revision": "2"}, {"subject": 1}, {"track": "oracle"}, {"seed": 4}, {"samples": 2}, {"average": 4}),
        *({"configuration": {}}, {"dataset_configuration": {"snr": 0.6}}, {"selection": "last"}, {"method": "x"}),
    ],
)
def test_key_of_a_specification_changes_with_every_field(change: dict[str, Any]) -> None:
    assert dataclasses.replace(SPEC, **change).key != SPEC.key


def test_key_of_a_specification_ignores_the_order_of_its_options() -> None:
    turned = dict(reversed(SPEC.configuration.items()))
    assert dataclasses.replace(SPEC, configuration=turned).key == SPEC.key


def test_folder_of_a_run_is_spelled_as_documented() -> None:
    assert SPEC.folder == Path("sim-things/eeg/atm/sub-08/seed-3")


def test_writing_leaves_the_old_file_whole_when_it_fails(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.txt", "new \ud800")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_canonical_json_refuses_what_json_has_no_word_for() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest({"a": float("nan")})


def test_tracks_are_those_of_the_contract_and_the_ceilings_own() -> None:
    assert set(TRACKS) == {*contracts.TRACKS, "ceiling"}


def schema(name: str) -> dict[str, Any]:
    text = (Path(eegbench.__file__).parent / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
    value: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(value)
    return value


def test_written_records_obey_the_published_schemas(tmp_path: Path) -> None:
    RECORD.write(tmp_path / "run.json")
    jsonschema.validate(json.loads((tmp_path / "run.json").read_text()), schema("run"))
    jsonschema.validate(json.loads(SHEET.to_json()), schema("scores"))


def test_schemas_name_every_field_and_no_other() -> None:
    run, scores = schema("run"), schema("scores")
    described = [
        (run, RunRecord),
        (run["$defs"]["spec"], RunSpec),
        (run["$defs"]["image"], ManifestRow),
        (scores, ScoreSheet),
        (scores["$defs"]["audited"], Audited),
        (scores["$defs"]["facts"]["anyOf"][1], MetricFacts),
    ]
    for part, cls in described:
        assert set(part["properties"]) == {field.name for field in dataclasses.fields(cls)}
    assert set(scores["$defs"]["score"]["properties"]) | {"metric"} == {f.name for f in dataclasses.fields(Score)}


# What is wrong, and whether JSON Schema can say so too.
HOSTILE_RUNS: dict[str, tuple[Change, bool]] = {
    "version missing": (lambda r: r.pop("schema_version"), False),
    "version of the future": (lambda r: r.update(schema_version=3), True),
    "version is true": (lambda r: r.update(schema_version=True), True),
    "version is a list": (lambda r: r.update(schema_version=[1]), True),
    "unknown field": (lambda r: r.update(extra=1), True),
    "unknown field of the spec": (lambda r: r["spec"].update({"a\nb": 1}), True),
    "spec missing": (lambda r: r.pop("spec"), True),
    "spec is a list": (lambda r: r.update(spec=[]), True),
    "status unknown": (lambda r: r.update(status="done"), True),
    "status is a list": (lambda r: r.update(status=["complete"]), True),
    "role unknown": (lambda r: r.update(role="winner"), True),
    "simulated is a number": (lambda r: r.update(simulated=1), True),
    "caution is null": (lambda r: r.update(caution=None), True),
    "dataset climbs": (lambda r: r["spec"].update(dataset="../.."), True),
    "method is HTML": (lambda r: r["spec"].update(method="<script>alert(1)</script>"), True),
    "method is empty": (lambda r: r["spec"].update(method=""), True),
    "method has a line break": (lambda r: r["spec"].update(method="a\nb"), True),
    "method is very long": (lambda r: r["spec"].update(method="a" * 100_000), True),
    "track unknown": (lambda r: r["spec"].update(track="Oracle"), True),
    "subject is text": (lambda r: r["spec"].update(subject="8"), True),
    "subject is a fraction": (lambda r: r["spec"].update(subject=8.5), True),
    "subject is true": (lambda r: r["spec"].update(subject=True), True),
    "seed is negative": (lambda r: r["spec"].update(seed=-1), True),
    "samples is zero": (lambda r: r["spec"].update(samples=0), True),
    "average is another word": (lambda r: r["spec"].update(average="most"), True),
    "average is null": (lambda r: r["spec"].update(average=None), True),
    "configuration is a list": (lambda r: r["spec"].update(configuration=[1]), True),
    "configuration is deep": (lambda r: r["spec"].update(configuration={"a": nested(40)}), False),
    "environment is null": (lambda r: r.update(environment=None), True),
    "digest is a number": (lambda r: r["digests"].update(w=1), True),
    "seconds are text": (lambda r: r["seconds"].update(fit="1"), True),
    "memory is a fraction": (lambda r: r.update(peak_memory_bytes=1.5), True),
    "reason is an object": (lambda r: r.update(reason={}), True),
    "manifest is an object": (lambda r: r.update(manifest={}), True),
    "manifest row is text": (lambda r: r.update(manifest=["a.png"]), True),
    "manifest row lacks its file": (lambda r: r["manifest"][0].pop("file"), True),
    "manifest row twice": (lambda r: r["manifest"].append(r["manifest"][0]), False),
    "sha256 is short": (lambda r: r["manifest"][0].update(sha256="ff"), True),
    "sample is negative": (lambda r: r["manifest"][0].update(sample=-1), True),
    "stimulus climbs": (lambda r: r["manifest"][0].update(stimulus="../a"), True),
}
for climbing in (
    "../a.png",
    "/etc/passwd",
    "a/../../b",
    "a/..",
    "..",
    ".",
    "",
    "C:\\a",
    "a\\..\\b",
    "a//b",
    "a/",
    "a\x00b",
    "a/aux.png",
    "NUL",
):
    HOSTILE_RUNS[f"file {climbing!r}"] = (lambda r, file=climbing: r["manifest"][0].update(file=file), True)  # type: ignore[misc]

HOSTILE_SHEETS: dict[str, tuple[Change, bool]] = {
    "version missing": (lambda s: s.pop("schema_version"), False),
    "metrics missing": (lambda s: s.pop("metrics"), True),
    "metrics are a list": (lambda s: s.update(metrics=[]), True),
    "score is a number": (lambda s: s["metrics"].update(ssim=0.3), True),
    "score names itself": (lambda s: s["metrics"]["ssim"].update(metric="kid"), True),
    "metric is HTML": (lambda s: s["metrics"].update({"<b>": s["metrics"]["ssim"]}), True),
    "value is text": (lambda s: s["metrics"]["ssim"].update(value="0.3"), True),
    "value is true": (lambda s: s["metrics"]["ssim"].update(value=True), True),
    "direction missing": (lambda s: s["metrics"]["ssim"].pop("higher_is_better"), True),
    "interval is text": (lambda s: s["metrics"]["ssim"].update(ci="ab"), True),
    "interval has three ends": (lambda s: s["metrics"]["ssim"].update(ci=[0, 1, 2]), True),
    "interval is turned": (lambda s: s["metrics"]["ssim"].update(ci=[1, 0]), False),
    "interval holds null": (lambda s: s["metrics"]["ssim"].update(ci=[None, 0]), True),
    "version of a metric is zero": (lambda s: s["metrics"]["ssim"].update(version=0), True),
    "version of a metric is text": (lambda s: s["metrics"]["ssim"].update(version="1"), True),
    "n is negative": (lambda s: s.update(n=-1), True),
    "suite is a path": (lambda s: s.update(suite="a/b"), True),
    "judge is a number": (lambda s: s["judges"].update(alexnet=1), True),
    "verdict is null": (lambda s: s.update(verdict=None), True),
    "caution is a list": (lambda s: s.update(caution=["Blocks."]), True),
    "p of a metric is above 1": (lambda s: s["metrics"]["ssim"].update(contribution_p=1.5), True),
    "p of a metric is text": (lambda s: s["metrics"]["ssim"].update(contribution_p=".01"), True),
    "edition of the future": (lambda s: s.update(statistics=3), True),
    "edition is zero": (lambda s: s.update(statistics=0), True),
    "edition is true": (lambda s: s.update(statistics=True), True),
    "edition is older than the audit": (lambda s: s.update(statistics=1), False),
    "edition is older than p": (lambda s: s.update(statistics=1, audit=None), False),
    "p of a metric without an audit": (lambda s: s.update(audit=None, verdict=""), False),
    "words without an audit": (
        lambda s: s.update(audit=None) or s["metrics"]["ssim"].update(contribution_p=None) or s.update(verdict="mixed"),
        False,
    ),
    "words against the audit": (lambda s: s.update(verdict="EEG contributes") or s["audit"].update(p=0.9), False),
    "no words beside an audit": (lambda s: s.update(verdict=""), False),
    "audit is a list": (lambda s: s.update(audit=[]), True),
    "audit lacks p": (lambda s: s["audit"].pop("p"), True),
    "audit has another field": (lambda s: s["audit"].update(q=1), True),
    "audit by another rule": (lambda s: s["audit"].update(rule="<b>"), True),
    "p is below 0": (lambda s: s["audit"].update(p=-0.1), True),
    "p is null": (lambda s: s["audit"].update(p=None), True),
    "leak_p is above 1": (lambda s: s["audit"].update(leak_p=2), True),
    "audit stands on nothing": (lambda s: s["audit"].update(stimuli=0), True),
    "audit stands on half a stimulus": (lambda s: s["audit"].update(stimuli=0.5), True),
    "audit stands on too many": (lambda s: s["audit"].update(stimuli=10**9), True),
    "carried by HTML": (lambda s: s["audit"].update(carried_by=["<b>"]), True),
    "carried by a metric twice": (lambda s: s["audit"].update(carried_by=["ssim", "ssim"]), True),
    "carried by a metric without a score": (lambda s: s["audit"].update(carried_by=["cc"]), False),
    "visible of a metric without a score": (lambda s: s["audit"].update(visible={"cc": 0.1}), False),
    "visible is negative": (lambda s: s["audit"].update(visible={"ssim": -0.1}), True),
    "visible is a list": (lambda s: s["audit"].update(visible=[0.1]), True),
}


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


def refused(cls: type[RunRecord] | type[ScoreSheet], path: Path) -> str:
    with pytest.raises(InputError) as caught:
        cls.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message and len(message) < 700
    return message


@pytest.mark.parametrize("case", HOSTILE_RUNS)
def test_hostile_run_record_is_an_input_error(tmp_path: Path, case: str) -> None:
    change, schema_knows = HOSTILE_RUNS[case]
    value = json.loads(json.dumps(dataclasses.asdict(RECORD)))
    change(value)
    (tmp_path / "run.json").write_text(json.dumps(value))
    refused(RunRecord, tmp_path / "run.json")
    assert not schema_knows or not jsonschema.Draft202012Validator(schema("run")).is_valid(value)


@pytest.mark.parametrize("case", HOSTILE_SHEETS)
def test_hostile_score_sheet_is_an_input_error(tmp_path: Path, case: str) -> None:
    change, schema_knows = HOSTILE_SHEETS[case]
    value = json.loads(SHEET.to_json())
    change(value)
    (tmp_path / "scores.json").write_text(json.dumps(value))
    refused(ScoreSheet, tmp_path / "scores.json")
    assert not schema_knows or not jsonschema.Draft202012Validator(schema("scores")).is_valid(value)


NOT_JSON_OBJECTS = {
    "empty": b"",
    "cut short": b'{"n": 1',
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "HTML": b"<!doctype html>",
    "not UTF-8": b'{"n": "\xff"}',
    "NaN": b'{"n": NaN}',
    "infinity": b'{"n": -Infinity}',
    "a float past all bounds": b'{"n": 1e999}',
    "an integer of 6000 digits": b'{"n": ' + b"9" * 6000 + b"}",
    "an integer of 30 digits": b'{"n": ' + b"9" * 30 + b"}",
    "lists without end": b'{"n": ' + b"[" * 200_000,
    "objects without end": b'{"n":' * 200_000,
}


@pytest.mark.parametrize("case", NOT_JSON_OBJECTS)
@pytest.mark.parametrize("cls", [RunRecord, ScoreSheet])
def test_file_that_is_no_json_object_is_an_input_error(
    tmp_path: Path, cls: type[RunRecord] | type[ScoreSheet], case: str
) -> None:
    (tmp_path / "x.json").write_bytes(NOT_JSON_OBJECTS[case])
    refused(cls, tmp_path / "x.json")


def test_path_that_is_no_file_is_an_input_error(tmp_path: Path) -> None:
    assert "no such file" in refused(RunRecord, tmp_path / "run.json")
    assert "not a file" in refused(RunRecord, tmp_path)


def test_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "run.json").open("wb") as file:
        file.truncate(MAX_RECORD_BYTES + 1)  # a hole: it takes no room on the disk
    assert "at most" in refused(RunRecord, tmp_path / "run.json")


def test_specification_that_could_not_be_read_back_cannot_be_made() -> None:
    with pytest.raises(InputError, match="method is 'my method'"):
        dataclasses.replace(SPEC, method="my method")


def test_a_record_is_sealed_when_it_is_written(tmp_path: Path) -> None:
    nested = dataclasses.replace(SPEC, configuration={"seal": "", "a": {"seal": "ab"}, "b": ' "seal": ""'})
    dataclasses.replace(RECORD, spec=nested).write(tmp_path / "run.json")
    text = (tmp_path / "run.json").read_text()
    assert is_sealed(text) and is_sealed(SHEET.to_json())
    assert len(RunRecord.read(tmp_path / "run.json").seal) == 64
    # The last is a digit past what a float holds: no number would show it.
    for old, new in ((" 1.5", " 1.6"), ("complete", "failed"), ('"b"', '"c"'), (" 1.5", " 1.50000000000000000001")):
        assert old in text and not is_sealed(text.replace(old, new, 1))
    assert not is_sealed(text + text) and not is_sealed("{}")


def test_records_of_schema_version_1_are_brought_up_to_date(tmp_path: Path) -> None:
    run = {k: v for k, v in dataclasses.asdict(RECORD).items() if k != "seal"} | {"schema_version": 1}
    new = ("truths", "reconstructions", "files", "seal", "audit", "statistics")
    sheet = {k: v for k, v in json.loads(FIRST.to_json()).items() if k not in new}
    (tmp_path / "run.json").write_text(json.dumps(run))
    (tmp_path / "scores.json").write_text(json.dumps(sheet | {"schema_version": 1}))
    assert RunRecord.read(tmp_path / "run.json") == RECORD
    assert ScoreSheet.read(tmp_path / "scores.json") == FIRST


def test_a_sheet_of_the_first_edition_of_the_statistics_is_read_as_it_is(tmp_path: Path) -> None:
    value = json.loads(FIRST.to_json())
    for field in ("audit", "statistics"):  # which it did not have, nor its scores a p
        del value[field]
    for one in value["metrics"].values():
        del one["contribution_p"]
    jsonschema.validate(value, schema("scores"))
    (tmp_path / "scores.json").write_text(json.dumps(value))
    assert ScoreSheet.read(tmp_path / "scores.json") == FIRST


def test_more_than_anybody_needs_is_refused_at_once(tmp_path: Path) -> None:
    row = json.dumps(dataclasses.asdict(ROWS[0]))
    value = json.loads(json.dumps(dataclasses.asdict(RECORD))) | {"manifest": []}
    text = json.dumps(value).replace('"manifest": []', '"manifest": [' + ",".join([row] * 300_000) + "]")
    (tmp_path / "run.json").write_text(text)
    assert "300000 images; at most 100000" in refused(RunRecord, tmp_path / "run.json")
    with pytest.raises(InputError, match="300000 images"):
        RunRecord.read(tmp_path / "run.json", manifest=False)
    metrics = {f"m{i}": dataclasses.replace(SCORES["ssim"], metric=f"m{i}") for i in range(201)}
    with pytest.raises(InputError, match="201 metrics; at most 200"):
        dataclasses.replace(SHEET, metrics=metrics)


@pytest.mark.parametrize("field", ["value", "floor", "permuted", "contribution"])
def test_a_score_beyond_all_metrics_is_refused(field: str) -> None:
    with pytest.raises(InputError, match=f"{field} of ssim is -1e\\+300; wanted -1e\\+12 to"):
        dataclasses.replace(SCORES["ssim"], **dict[str, Any]({field: -1e300}))
