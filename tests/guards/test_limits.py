"""Fields of records hold what they may hold and no more, in the code as in the published schemas."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import eegbench
from eegbench import backbones
from eegbench.errors import InputError
from eegbench.guards import limits
from eegbench.guards.limits import Free, Limit, NamedValues, OneOf, Sha256, Text, Within
from eegbench.runs.metric_facts import MetricFacts
from eegbench.runs.record import METHOD_TRACKS, RunRecord, RunSpec
from eegbench.runs.sheet import PROTOCOLS, SUITES, Audited, Score, ScoreSheet

SPEC = RunSpec("sim-things", "1", {"snr": 0.5}, 8, "eeg", "atm", {})
RECORD = RunRecord(SPEC, "method", True, "complete", {"torch": "2.5"}, {"fit": "f" * 64})
SCORES = {"ssim": Score("ssim", 2, 0.31, (0.29, 0.33), True, contribution_p=0.01)}
SHEET = ScoreSheet(
    200,
    "micro",
    "sal512",
    SCORES,
    {"eyes": "a" * 64},
    "EEG contributes",
    Audited("pairing", 0.001, 200, ("ssim",)),
    statistics=2,
)
PLACES: dict[type, tuple[type[RunRecord] | type[ScoreSheet], Callable[[Any], Any]]] = {
    RunRecord: (RunRecord, lambda value: value),
    RunSpec: (RunRecord, lambda value: value["spec"]),
    ScoreSheet: (ScoreSheet, lambda value: value),
    Audited: (ScoreSheet, lambda value: value["audit"]),
    Score: (ScoreSheet, lambda value: value["metrics"]["ssim"]),
    MetricFacts: (ScoreSheet, lambda value: value["metrics"]["ssim"].setdefault("facts", {"per_item": True})),
}


def beyond(limit: Limit) -> list[tuple[object, bool]]:
    """Values just outside a limit, and whether JSON Schema can say so."""
    match limit:
        case OneOf(known):
            return [(word, True) for word in ("nope", "") if word not in known]
        case Text(most):
            return [("x" * (most + 1), True), ("half a sign \ud800", False)]
        case Sha256():
            return [("f" * 63, True), ("F" * 64, True), ("f" * 65, True)]
        case Within(low, high):
            return [(low - 1, True), (high * 2 + 1, True)]
        case NamedValues(value, most):
            inner = [({"name": wrong}, known) for wrong, known in beyond(value)]
            good: object = "f" * 64 if isinstance(value, Sha256) else 0.5
            many, long = {f"name {i}": good for i in range(most + 1)}, {"x" * (limits.MAX_KEY + 1): good}
            return [*inner, (many, True), (long, True), ({"\udfff": good}, False)]
        case Free(most):
            return [({"a": "x" * most}, False), ({"a": ["\ud800"]}, False), ({"\udfff": 1}, False)]
        case _:
            raise AssertionError(limit)


FIELDS = [(cls, field, limit) for cls in PLACES for field, limit in limits.limits_of(cls).items()]


@pytest.mark.parametrize(("cls", "field", "limit"), FIELDS, ids=[f"{cls.__name__}.{field}" for cls, field, _ in FIELDS])
def test_a_value_beyond_a_limit_is_refused_by_the_code_and_by_the_schema(
    tmp_path: Path, cls: type, field: str, limit: Limit
) -> None:
    whole, part = PLACES[cls]
    for wrong, known in beyond(limit):
        value = json.loads(json.dumps(dataclasses.asdict(RECORD)) if whole is RunRecord else SHEET.to_json())
        part(value)[field] = wrong
        (tmp_path / "x.json").write_text(json.dumps(value))
        with pytest.raises(InputError) as caught:
            whole.read(tmp_path / "x.json")
        assert field in str(caught.value)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 700
        assert not known or not schema(whole).is_valid(value), f"the schema admits {str(wrong)[:80]}"


def schema(whole: type) -> jsonschema.Draft202012Validator:
    name = "run" if whole is RunRecord else "scores"
    text = (Path(eegbench.__file__).parent / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


@pytest.mark.parametrize("change", [{"inner": "x"}, {"inner": [1]}, {"inner": None}])
def test_the_data_set_behind_embeddings_is_an_object(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"inner of dataset_configuration is .*; wanted an object"):
        dataclasses.replace(SPEC, dataset_configuration=change)
    value = json.loads(json.dumps(dataclasses.asdict(RECORD)))
    value["spec"]["dataset_configuration"] = change
    assert not schema(RunRecord).is_valid(value)


def test_suites_of_records_are_those_that_there_are() -> None:
    assert set(SUITES) == set(backbones.SUITES)


@pytest.mark.parametrize("word", [*METHOD_TRACKS, *PROTOCOLS])
def test_tracks_and_protocols_stand_in_one_place_alone(word: str) -> None:
    """As members of a collection or keys: where one of them is meant, as a default, its name stands."""
    alone = {"record.py": METHOD_TRACKS, "sheet.py": PROTOCOLS}
    root = Path(eegbench.__file__).parent
    places = {
        file.name
        for file in root.rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.match(rf'[A-Z_]+(: [^=]+)? = [({{].*"{word}"[,:)]', line)
    }
    assert places == {name for name, words in alone.items() if word in words}


def test_what_ended_a_run_fits_into_its_record() -> None:
    reason = limits.fitting("no \ud800 " * 10_000)
    assert dataclasses.replace(RECORD, status="failed", reason=reason).reason.startswith("no ? no ? ")
    assert len(reason) == limits.MAX_TEXT
