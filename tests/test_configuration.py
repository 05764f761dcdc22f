"""From a table or `--set` words to a frozen dataclass: converted, checked, and loud about a typo."""

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from eegbench.configuration import build, keys, read_tables
from eegbench.errors import EegbenchError, InputError, UsageError


@dataclass(frozen=True)
class Inner:
    epochs: int
    rate: float = 0.1


@dataclass(frozen=True)
class Middle:
    inner: Inner = Inner(7)
    name: str = "m"


@dataclass(frozen=True)
class Settings:
    """One field for each form that a field may have."""

    about: ClassVar[str] = "no key"

    count: int = 1
    rate: float = 0.5
    audit: bool = False
    word: str = "x"
    root: Path = Path("here")
    channels: tuple[int, ...] = (1, 2)
    pair: tuple[float, str] = (1.0, "a")
    variant: Literal["guided", "plain"] = "guided"
    size: Literal[32, 64] = 32
    limit: float | None = 2.0
    average: int | str = "all"
    inner: Inner = Inner(3, rate=0.9)
    middle: Middle = field(default_factory=Middle)


@dataclass(frozen=True)
class NeedsRoot:
    root: Path
    count: int = 1


ACCEPTED: list[tuple[str, object, object]] = [
    ("count", "12", 12),
    ("count", 12, 12),
    ("rate", "1e-3", 0.001),
    ("rate", 2, 2.0),
    ("audit", "true", True),
    ("audit", "False", False),
    ("audit", True, True),
    ("word", "20", "20"),
    ("root", "some/where", Path("some/where")),
    ("root", Path("there"), Path("there")),
    ("channels", "16, 32,64", (16, 32, 64)),
    ("channels", [16], (16,)),
    ("channels", (16, 32), (16, 32)),
    ("pair", "2,b", (2.0, "b")),
    ("variant", "plain", "plain"),
    ("size", "64", 64),
    ("limit", "none", None),
    ("limit", None, None),
    ("limit", 3, 3.0),
    ("average", "4", 4),
    ("average", "all", "all"),
]


@pytest.mark.parametrize(("key", "given", "wanted"), ACCEPTED)
def test_a_value_becomes_what_its_annotation_says(key: str, given: object, wanted: object) -> None:
    got = getattr(build(Settings, {key: given}), key)
    assert (got, type(got)) == (wanted, type(wanted))


REFUSED: list[tuple[str, object, str]] = [
    ("count", "many", "count is 'many'; wanted a whole number"),
    ("count", "1_0", "count is '1_0'; wanted a whole number"),
    ("count", "１", "wanted a whole number"),
    ("rate", "1_0.5", "wanted a finite number"),
    ("channels", "1,٣", "wanted a whole number"),
    ("count", 1.5, "wanted a whole number"),
    ("count", True, "wanted a whole number"),
    ("rate", "nan", "wanted a finite number"),
    ("rate", "inf", "wanted a finite number"),
    ("audit", 1, "wanted true or false"),
    ("audit", "yes", "wanted true or false"),
    ("word", 3, "wanted a word"),
    ("channels", 3, "wanted a list, such as 16,32,64"),
    ("channels", "1,x", "channels is 'x'; wanted a whole number"),
    ("pair", "2", "pair has 1 values; wanted 2"),
    ("variant", "giuded", "did you mean 'guided'"),
    ("size", "48", "There is: 32, 64"),
    ("limit", "much", "wanted a finite number"),
    ("inner", "3", "inner is a group; set one of inner.epochs, inner.rate"),
    ("count.more", "3", "count has no parts"),
    ("about", "x", "unknown configuration key 'about'"),
]


@pytest.mark.parametrize(("key", "given", "message"), REFUSED)
def test_a_value_that_does_not_fit_is_one_line_that_names_the_key(key: str, given: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        build(Settings, {key: given})
    assert message in str(caught.value)
    assert key.partition(".")[0] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("key", "near"), [("cuont", "count"), ("inner.epohcs", "inner.epochs")])
def test_an_unknown_key_lists_the_valid_ones_and_the_nearest(key: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"did you mean '{near}'"):
        build(Settings, {key: "1"})


def test_the_listed_keys_are_those_that_can_be_set() -> None:
    listed = set(keys(Settings))
    assert {"count", "inner.epochs", "middle.inner.rate"} <= listed
    assert not {"about", "inner", "middle"} & listed
    with pytest.raises(UsageError) as caught:
        build(Settings, {"nothing-like-it": 1})
    assert all(key in str(caught.value) for key in listed)


@pytest.mark.parametrize("table", [{"inner.epochs": "5"}, {"inner": {"epochs": 5}}])
def test_a_partial_group_keeps_the_other_values_of_the_default(table: dict[str, Any]) -> None:
    assert build(Settings, table).inner == Inner(5, rate=0.9)


def test_groups_nest_and_a_default_factory_counts_as_a_default() -> None:
    built = build(Settings, {"middle.inner.rate": "0.3", "middle": {"name": "n"}})
    assert built.middle == Middle(Inner(7, rate=0.3), "n")


def test_an_empty_table_gives_the_defaults() -> None:
    assert build(Settings, {}) == Settings()


def test_a_field_without_default_must_be_given() -> None:
    assert build(NeedsRoot, {"root": "data"}) == NeedsRoot(Path("data"))
    with pytest.raises(UsageError, match="root has no default"):
        build(NeedsRoot, {"count": 2})


def test_a_class_without_fields_is_built_and_takes_no_key() -> None:
    class Plain:
        """No dataclass."""

    assert isinstance(build(Plain, {}), Plain)
    with pytest.raises(UsageError, match="unknown configuration key 'a'"):
        build(Plain, {"a": 1})


def test_words_win_over_the_file_and_go_to_their_tables(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text("[method]\nrank = 4\nsampling.steps = 20\nsampling.guidance = 3.0\n[dataset]\nsnr = 0.5\n")
    words = ["sampling.steps=9", "dataset.snr=0", "method.alpha=8", "word=a=b", "rank=5", "rank=6"]
    assert read_tables(file, words) == {
        "method": {"rank": "6", "sampling": {"steps": "9", "guidance": 3.0}, "alpha": "8", "word": "a=b"},
        "dataset": {"snr": "0"},
        "view": {},
    }


def test_values_by_key_may_be_tables_as_in_a_file() -> None:
    tables = read_tables(None, {"dataset": {"snr": 0}, "method": {"a.b": 1}, "a": {"c": 2}, "dataset.noise": 3})
    assert tables == {"dataset": {"snr": 0, "noise": 3}, "method": {"a": {"b": 1, "c": 2}}, "view": {}}
    assert read_tables(None, ["view.window=crop"])["view"] == {"window": "crop"}


@pytest.mark.parametrize("word", ["steps", "=3", "", "a..b=1", ".a=1"])
def test_a_word_of_another_form_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="wanted key=value"):
        read_tables(None, [word])


FILES = {
    "[methd]\na = 1\n": (UsageError, "did you mean 'method'"),
    "method = 3\n": (UsageError, "method is not a table"),
    "[method\n": (InputError, "not readable as TOML"),
    "\xff": (InputError, "not readable as TOML"),
}


@pytest.mark.parametrize("text", FILES)
def test_a_file_of_another_form_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    kind, message = FILES[text]
    file = tmp_path / "run.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(kind, match=message) as caught:
        read_tables(file, [])
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EegbenchError, match=r"none\.toml: no such configuration file"):
        read_tables(tmp_path / "none.toml", [])


def test_a_pipe_that_nobody_writes_to_is_no_configuration(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c.toml")
    waited = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("waits for somebody to write"))
    signal.alarm(5)
    try:
        with pytest.raises(InputError, match=r"c\.toml: not a file"):
            read_tables(tmp_path / "c.toml", [])
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, waited)


TOO_MUCH: dict[str, str] = {
    "lists in lists": "method.x = " + "[" * 5000 + "]" * 5000,
    "tables in tables": "[" + "method." * 5000 + "x]",
    "tables in tables in a line": "method.x = " + "{a = " * 5000 + "1" + "}" * 5000,
    "some tables in tables": "[method.a.b.c.d.e.f.g.h]\ni = 1",
    "digits without end": "method.count = " + "1" * 5000,
    "hexadecimal digits without end": "[method]\ncount = 0x" + "f" * 5000,
    "a large file": "#" + "x" * 70_000,
    "thirty digits": "[method]\ncount = " + "1" * 30,
    "NUL": '[method]\nword = "a\\u0000b"',
    "NUL in a path": '[method]\nroot = "a\\u0000b"',
}


@pytest.mark.parametrize("case", TOO_MUCH)
def test_a_file_of_any_depth_and_length_is_read_or_refused_in_a_line(tmp_path: Path, case: str) -> None:
    (tmp_path / "c.toml").write_text(TOO_MUCH[case])
    with pytest.raises((InputError, UsageError)) as error:
        build(Settings, read_tables(tmp_path / "c.toml", ())["method"])
    assert len(str(error.value)) < 500 and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "word",
    ["a." * 5000 + "b=1", "a.b.c.d.e.f.g.h.i=1", "count=" + "1" * 5000, "count=" + "9" * 19, "count=-" + "9" * 19,
     "rate=" + "9" * 400, "rate=nan", "rate=-inf", "word=a\0b", "word=\udcff", "root=a\0b", "count=" + "x" * 10**6],
)  # fmt: skip
def test_a_word_of_any_depth_and_length_is_read_or_refused_in_a_line(word: str) -> None:
    with pytest.raises(UsageError) as error:
        build(Settings, read_tables(None, [word])["method"])
    assert len(str(error.value)) < 800


def test_a_folder_whose_name_is_no_text_may_be_set() -> None:
    assert build(Settings, {"root": "a\udcff"}).root == Path("a\udcff")
    assert build(Settings, {"count": str(2**63 - 1)}).count == 2**63 - 1


def test_a_whole_number_too_long_to_be_shown_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(f"[method]\nvalues = [1, 0x{'f' * 5000}]\n")
    with pytest.raises(InputError, match="a whole number that is not below 2\\^63"):
        read_tables(tmp_path / "a.toml", [])
