"""Published pickles are read without running them; whatever else a file asks for is refused."""

import os
import pickle
import pickletools
import random
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegbench.datasets.pickled import read_pickled, words
from eegbench.errors import InputError, MissingError
from memory import at_most, laughs

RNG = np.random.default_rng(0)
RECORDING = {
    "preprocessed_eeg_data": RNG.normal(size=(6, 4, 17, 20)),
    "ch_names": ["Pz", "P3", "Oz"],
    "times": np.linspace(-0.2, 0.79, 100).round(2),
}
METADATA = {
    "train_img_concepts": [f"{i:05d}_aardvark" for i in range(40)],
    "train_img_files": np.array(["aardvark_01b.jpg"] * 3, dtype=object),
    "names": np.array(["one", "another"]),
    "sfreq": np.float64(1000.0),
    "count": np.int64(3),
    "nested": {"a": (1, 2.5, None, True, b"bytes"), 3: [np.arange(3, dtype=">i4")]},
}


def as_numpy(value: object, path: Path) -> None:
    """As the official files were written: a dictionary in a zero-dimensional array of objects."""
    np.save(path, value, allow_pickle=True)  # type: ignore[arg-type]


def as_pickle(protocol: int) -> Callable[[object, Path], None]:
    """As NICE's files were written (protocol 4): a pickle under numpy's suffix."""

    def write(value: object, path: Path) -> None:
        path.write_bytes(pickle.dumps(value, protocol=protocol))

    return write


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and a.dtype.hasobject:
        return same(a.tolist(), b)
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


@pytest.mark.parametrize("value", [RECORDING, METADATA], ids=["recording", "metadata"])
@pytest.mark.parametrize("write", [as_numpy, *(as_pickle(p) for p in (2, 3, 4, 5))], ids=["numpy", "2", "3", "4", "5"])
def test_what_was_written_is_read(tmp_path: Path, value: object, write: Callable[[object, Path], None]) -> None:
    path = tmp_path / "a.npy"
    write(value, path)
    assert same(value, read_pickled(path))


def test_columns_first_is_read_as_it_was(tmp_path: Path) -> None:
    path, value = tmp_path / "a.npy", np.asfortranarray(RNG.normal(size=(3, 4)).astype(np.float32))
    as_pickle(4)({"a": value}, path)
    assert np.array_equal(read_pickled(path)["a"], value)


def test_arrays_cannot_be_written_to(tmp_path: Path) -> None:
    as_pickle(4)(RECORDING, tmp_path / "a.npy")
    with pytest.raises(ValueError, match="read-only"):
        read_pickled(tmp_path / "a.npy")["times"][0] = 1


def test_one_array_behind_two_keys_is_one(tmp_path: Path) -> None:
    as_pickle(4)({"a": RECORDING["times"], "b": RECORDING["times"]}, tmp_path / "a.npy")
    found = read_pickled(tmp_path / "a.npy")
    assert found["a"] is found["b"]


class Calls:
    """Pickles to a call of a function with an argument."""

    def __init__(self, function: Callable[..., object], *values: object) -> None:
        self.reduced = (function, values)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


@pytest.mark.parametrize("write", [as_numpy, as_pickle(2), as_pickle(4)], ids=["numpy", "2", "4"])
def test_code_is_named_and_not_run(tmp_path: Path, write: Callable[[object, Path], None]) -> None:
    harm = tmp_path / "harm"
    write({"a": Calls(os.mkdir, str(harm))}, tmp_path / "a.npy")
    with pytest.raises(InputError, match=r"a\.npy: refused: it asks for '(posix|nt)\.mkdir'; a recording needs arrays"):
        read_pickled(tmp_path / "a.npy")
    assert not harm.exists()


@pytest.mark.parametrize(
    "value",
    [OrderedDict(a=1), {1, 2}, 1 + 2j, Path("a"), np.zeros(2, dtype=[("a", "f4")]), Calls(getattr, "a", "upper")],
    ids=lambda value: type(value).__name__,
)
def test_what_no_recording_needs_is_refused(tmp_path: Path, value: object) -> None:
    as_pickle(4)({"a": value}, tmp_path / "a.npy")
    with pytest.raises(InputError, match="refused: "):
        read_pickled(tmp_path / "a.npy")


def program(*parts: bytes) -> bytes:
    return b"\x80\x04" + b"".join(parts) + b"."


NAMED = b"cnumpy.core.multiarray\n_reconstruct\n"
CYCLE = program(b"]\x94", b"h\x00", b"a")
LAUGHS = program(b"]\x94", *(b"]\x94" + b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86a" for i in range(60)))
MACHINES = {
    "a list that holds itself": CYCLE,
    "doubled sixty times": LAUGHS,
    "state for a function": program(NAMED, b"}b"),
    "a function as a value": program(NAMED),
    "a call of a list": program(b"]", b")R"),
    "a key that is a tuple": program(b"}", b"))", b"s"),
    "an array without state": program(NAMED, b")R"),
    "a persistent name": program(b"Pabc\n"),
    "an instance": program(b"cnumpy\nndarray\n)\x81"),
    "more bytes than there are": program(b"\x8e" + (2**62).to_bytes(8, "little") + b"abc"),
    "a frame without end": b"\x80\x04\x95" + (2**62).to_bytes(8, "little") + b"N.",
    "a far place in the memo": program(b"Nr\xff\xff\xff\xff", b"0j\xff\xff\xff\xff"),
    "nothing": b"",
    "a web page": b"<!DOCTYPE html><html><body>Sign in</body></html>",
    "an array's header alone": b"\x93NUMPY\x01\x00",
}


@pytest.mark.parametrize("data", MACHINES.values(), ids=MACHINES)
def test_odd_programs_are_refused_at_once(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.npy: (refused|not a whole numpy or pickle file)"):
        read_pickled(tmp_path / "a.npy")


MANY = pickle.dumps(laughs("a"), protocol=2)[2:-1]
HUNGRY = {
    "bytes that are only announced": program(b"\x96" + (600 * 2**20).to_bytes(8, "little")),
    "state for a list": program(MANY, b"}b"),
    "a list as a type": program(b"cnumpy\ndtype\n", MANY, b"\x85R"),
    "a list as a shape": program(b"cnumpy\nndarray\n)R(K\x01", MANY, b"NNNtb"),
}


@pytest.mark.parametrize("data", HUNGRY.values(), ids=HUNGRY)
def test_small_files_do_not_fill_the_memory(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    with at_most(), pytest.raises(InputError, match=r"a\.npy: (refused|not a whole numpy or pickle file)") as error:
        read_pickled(tmp_path / "a.npy")
    assert "\n" not in str(error.value) and len(data) < 500


def test_words_are_words_alone(tmp_path: Path) -> None:
    assert words(["a", "b"]) == words(("a", "b")) == words(np.array(["a", "b"])) == ["a", "b"]
    for other in ("ab", ["a", 1], ["a", ["b"]], np.array([["a"]]), np.array("a"), np.zeros(2), {"a": "b"}, None):
        assert words(other) == []


@pytest.mark.parametrize(
    ("shape", "data"), [((3,), b"abc"), ((-1,), b""), ((2**40, 2**40), b""), ((2.0,), b"a" * 16), ("no", b"")]
)
def test_an_array_that_says_other_sizes_than_it_has_is_refused(tmp_path: Path, shape: Any, data: bytes) -> None:
    made = np.zeros(2)
    reduced: Any = made.__reduce__()
    function, values, state = reduced

    class Forged:
        def __reduce__(self) -> tuple[Any, ...]:
            return function, values, (state[0], shape, state[2], False, data)

    as_pickle(4)({"a": Forged()}, tmp_path / "a.npy")
    with pytest.raises(InputError, match=r"a\.npy: "):
        read_pickled(tmp_path / "a.npy")


def test_a_plain_array_is_not_what_is_looked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(InputError, match="wanted a dictionary in an array of objects"):
        read_pickled(tmp_path / "a.npy")


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no such file"):
        read_pickled(tmp_path / "a.npy")


@pytest.mark.parametrize("write", [as_numpy, as_pickle(2), as_pickle(4), as_pickle(5)], ids=["numpy", "2", "4", "5"])
def test_mutated_files_end_in_our_own_error_or_in_values(tmp_path: Path, write: Callable[[object, Path], None]) -> None:
    path = tmp_path / "a.npy"
    write({"eeg": np.ones((2, 3)), "ch_names": ["Pz"], "rate": np.float64(1)}, path)
    whole, rng, failed = path.read_bytes(), random.Random(0), 0
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.choice((0, 255, rng.randrange(256), rng.choice(b"R.b0cPti\x81\x93")))
        path.write_bytes(data[: rng.choice((len(data), rng.randrange(len(data))))])
        try:
            read_pickled(path)
        except InputError:
            failed += 1
    assert failed > 100


def test_every_opcode_is_either_run_or_refused() -> None:
    from eegbench.datasets.pickled import _Reader

    assert {ord(code.code) for code in pickletools.opcodes} - set(_Reader.dispatch) <= {ord(c) for c in "\x97\x98"}
