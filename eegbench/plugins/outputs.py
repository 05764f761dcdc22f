"""The outputs of a fitted method, and the rules that hold for all of them.

There are five kinds: images, embeddings, those of images and of texts that they aim at, and control maps. Each has the
form that the contract gives it, is the same whenever it is asked for, depends on its own item alone, and does not
change its input. A method that declares itself `transductive` may use the other test trials too; its output still
follows the order of its items.

`eegbench check-method` asks for every clause (`CLAUSES`), and every `eegbench evaluate` on a few items (`require`).
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import EEG, Images, Maps, check_images
from eegbench.backbones.environment import seed_globally
from eegbench.contracts import Reconstructor
from eegbench.errors import InputError
from eegbench.plugins.authors import author_of

GREY, SHARE = 2, 0.001  # two ways to the same picture may differ by so much, and more on this share of the values
NEAR = 2e-3  # and two ways to the same embedding by this part of its length: half precision rounds by 1e-3

ALONE = "take no statistics over the trials of a batch, or declare `transductive = True`"

Array = NDArray[Any]
Embedding = NDArray[np.float32]


@dataclass(frozen=True)
class Given:
    """The input of a method: items of EEG, a seed for each, hints on the track `oracle`, images and texts to embed."""

    eeg: EEG
    seeds: Sequence[int]
    hints: Mapping[str, Maps] | None = None
    images: Images | None = None
    texts: Sequence[str] | None = None

    @classmethod
    def images_alone(cls, images: Images) -> "Given":
        """The input of `embed_images`: a copy of the images, and no EEG."""
        return cls(np.empty((len(images), 0, 0), np.float32), [0] * len(images), images=images.copy())

    @classmethod
    def texts_alone(cls, texts: Sequence[str]) -> "Given":
        """The input of `embed_texts`: no EEG."""
        return cls(np.empty((len(texts), 0, 0), np.float32), [0] * len(texts), texts=tuple(texts))

    def part(self, items: Sequence[int]) -> "Given":
        """The input of these items, copied, because a method may write into its input."""
        chosen = list(items)
        hints = None if self.hints is None else {name: maps[chosen].copy() for name, maps in self.hints.items()}
        images = None if self.images is None else self.images[chosen].copy()
        texts = None if self.texts is None else tuple(self.texts[i] for i in chosen)
        return Given(self.eeg[chosen].copy(), [self.seeds[i] for i in chosen], hints, images, texts)


@dataclass(frozen=True)
class Output:
    """One kind of output, and the call that gives it. form: the array, or InputError."""

    name: str
    call: str
    ask: Callable[[Reconstructor, Given], object]
    form: Callable[[object, int, str], Array]
    apart: Callable[[Array, Array], str]  # how two ways to the same output differ; "" if not
    optional: bool = True  # a method that has none of it gives None


def images(value: object, count: int, owner: str) -> Images:
    """`value` if it is `count` images, uint8 (n, h, w, 3); else InputError that names the owner and what came."""
    return _owned(owner, lambda: check_images(_array(value, "uint8 (n, h, w, 3)"), count=count))


def embedding(value: object, count: int, owner: str) -> Embedding:
    """`value` as float32 (n, d) if it is `count` finite rows of numbers; else InputError naming owner and fault."""
    array = _owned(owner, lambda: _array(value, "(n, d), finite"))
    if array.dtype.kind not in "fiu" or array.ndim != 2 or len(array) != count or not array.shape[1]:
        raise InputError(f"{owner} gave {array.dtype} of shape {array.shape}; wanted numbers ({count}, d), a row each")
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and said below
        rows = np.ascontiguousarray(array, dtype=np.float32)
    if bad := int((~np.isfinite(rows)).any(axis=1).sum()):
        raise InputError(f"{owner} gave NaN or infinite values in {bad} of {count} rows; wanted finite numbers")
    return rows


def maps(value: object, count: int, owner: str) -> Maps:
    """`value` if it is `count` maps, uint8 (n, h, w); else InputError naming owner and fault."""
    array = _owned(owner, lambda: _array(value, "uint8 (n, h, w)"))
    if array.dtype != np.uint8 or array.ndim != 3 or len(array) != count or not array.size:
        raise InputError(f"{owner} gave {array.dtype} of shape {array.shape}; wanted uint8 ({count}, h, w)")
    return array


def _array(value: object, wanted: str) -> Array:
    # A masked array is an ndarray too, and what it masks would count as a number.
    if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray):
        raise InputError(f"a {type(value).__name__} came; wanted a plain numpy array, {wanted}")
    return value


def _owned(owner: str, check: Callable[[], Array]) -> Array:
    try:
        return check()
    except InputError as error:
        raise InputError(f"{owner}: {error}") from None


def _pictures_apart(first: Array, second: Array) -> str:
    far = float((np.abs(first.astype(int) - second.astype(int)) > GREY).mean())
    alike = far <= SHARE
    return "" if alike else f"{far:.1%} of the values differ by more than {GREY} grey levels; at most {SHARE:.1%} may"


def _rows_apart(first: Array, second: Array) -> str:
    length = np.maximum(np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1))
    far = np.linalg.norm(first.astype(np.float64) - second, axis=1) > NEAR * length
    return f"{far.sum()} of {len(first)} rows differ by more than {NEAR:g} of their length" * bool(far.any())


IMAGES = Output(
    "images",
    "reconstruct",
    lambda f, g: f.reconstruct(g.eeg, seeds=g.seeds, hints=g.hints),
    images,
    _pictures_apart,
    optional=False,
)
EMBEDDINGS = Output("embeddings", "embed", lambda f, g: f.embed(g.eeg), embedding, _rows_apart)
TARGETS = Output(
    "target embeddings",
    "embed_images",
    lambda f, g: None if g.images is None else f.embed_images(g.images),
    embedding,
    _rows_apart,
)
TEXTS = Output(
    "text embeddings",
    "embed_texts",
    lambda f, g: None if g.texts is None else f.embed_texts(g.texts),
    embedding,
    _rows_apart,
)
CONTROLS = Output("control maps", "controls", lambda f, g: f.controls(g.eeg, g.hints), maps, _pictures_apart)
OUTPUTS = (IMAGES, EMBEDDINGS, TARGETS, TEXTS, CONTROLS)


class Asking:
    """A fitted method, and the few of its queries that it is asked about: `items` are their places in `queries`.

    first: what it gave at first for these few, by output.
    """

    def __init__(
        self, method: str, fitted: Reconstructor, queries: Given, items: Sequence[int], *, transductive: bool
    ) -> None:
        self.method, self.fitted, self.transductive = method, fitted, transductive
        self.queries, self.items = queries, list(items)
        self.given = queries.part(self.items)
        self.every = range(len(self.items))
        self.first: dict[str, Array] = {}

    def everything(self) -> Given:
        """The input of all queries, copied, because a method may write into it."""
        return self.queries.part(range(len(self.queries.eeg)))

    def begin(self, output: Output) -> Array | None:
        """The output of the few items the first time; None where the method has none of this kind."""
        first = ask(self.method, self.fitted, output, self.given.part(self.every))
        if first is not None:
            self.first[output.name] = first
        return first

    def again(self, output: Output, items: Sequence[int], how: str, by: Reconstructor | None = None) -> str:
        """What is wrong where `items`, places among the few, are not as they were at first; "" if nothing is."""
        if output.name not in self.first:
            return ""
        now = ask(self.method, by or self.fitted, output, self.given.part(items))
        return differing(self.method, output, now, self.first[output.name][list(items)], how)


def ask(method: str, fitted: Reconstructor, output: Output, given: Given) -> Array | None:
    """An output in the form of the contract; None where the method has none of this kind. Raises InputError."""
    value = _call(method, fitted, output, given)
    absent = value is None and output.optional
    return None if absent else output.form(value, len(given.eeg), owner(method, output))


def pictures(method: str, fitted: Reconstructor, given: Given) -> Images:
    """The images of the items, uint8 (n, h, w, 3). Raises InputError for anything else."""
    images: Images = IMAGES.form(_call(method, fitted, IMAGES, given), len(given.eeg), owner(method, IMAGES))
    return images


def _call(method: str, fitted: Reconstructor, output: Output, given: Given) -> object:
    with author_of("method", method, fitted, output.call):
        return output.ask(fitted, given)


def differing(method: str, output: Output, now: Array | None, before: Array, how: str) -> str:
    """How an output differs from the one before, in words; "" if it does not."""
    if now is None or now.shape != before.shape:
        came = "nothing" if now is None else f"shape {now.shape}"
        return f"{owner(method, output)}: {how}, it gave {came}; before, {before.shape}"
    apart = output.apart(now, before)
    return f"{owner(method, output)}: {how}, {apart}" if apart else ""


def directed(method: str, output: Output, rows: Embedding) -> Embedding:
    """`rows` if none of them is zeros alone, which are near to no image; else InputError."""
    if bad := int((~rows.any(axis=1)).sum()):
        raise InputError(
            f"{owner(method, output)} gave zeros alone in {bad} of {len(rows)} rows, which are near to no image"
        )
    return rows


def owner(method: str, output: Output) -> str:
    """What messages call the call that gives an output."""
    return f"method {method!r}, {output.call}"


def _form_of_images(asking: Asking) -> str:
    asking.given = replace(asking.given, images=asking.begin(IMAGES))
    return ""


def _form_of_embeddings(asking: Asking) -> str:
    found = {output: asking.begin(output) for output in (EMBEDDINGS, TARGETS, TEXTS)}
    known = {output: directed(asking.method, output, rows) for output, rows in found.items() if rows is not None}
    decoded = known.pop(EMBEDDINGS, None)
    for output, targets in known.items():
        if decoded is not None and decoded.shape[1] != targets.shape[1]:
            dimensions = f"embed has {decoded.shape[1]} dimensions, {output.call} {targets.shape[1]}"
            return f"{dimensions}: they must share a space"
    return ""


def _form_of_controls(asking: Asking) -> str:
    asking.begin(CONTROLS)
    return ""


def _repeated(asking: Asking) -> str:
    """Asked again, with the global generators elsewhere."""
    for output in OUTPUTS:
        seed_globally(secrets.randbits(32))  # a random state that no run begins with
        if problem := asking.again(output, asking.every, "asked a second time"):
            return f"{problem}: draw from `seeds` alone, never from a global generator"
    return ""


def _alone(asking: Asking) -> str:
    """Asked one by one; and what costs little, among all queries."""
    if asking.transductive:
        return ""
    for output in OUTPUTS:
        for item in asking.every:
            if problem := asking.again(output, [item], "made one by one"):
                return f"{problem}: {ALONE}"
    for output in (EMBEDDINGS, CONTROLS):
        if output.name in asking.first:
            whole = ask(asking.method, asking.fitted, output, asking.everything())
            few = None if whole is None else whole[asking.items]
            if problem := differing(asking.method, output, few, asking.first[output.name], "made among all queries"):
                return f"{problem}: {ALONE}"
    return ""


def _reversed(asking: Asking) -> str:
    problems = (asking.again(output, asking.every[::-1], "asked in reverse order") for output in OUTPUTS)
    return next(filter(None, problems), "")


def _untouched(asking: Asking) -> str:
    """Whether an output's call writes into its EEG, its hints or its images."""
    for output in OUTPUTS:
        mine, given = asking.given.part(asking.every), asking.given
        _call(asking.method, asking.fitted, output, mine)
        if (mine.hints or {}).keys() != (given.hints or {}).keys():
            return f"{output.call} changed the hints that it was given; work on a copy"
        pairs = [("EEG", mine.eeg, given.eeg), ("images", mine.images, given.images)]
        pairs += [("hints", maps, (given.hints or {})[name]) for name, maps in (mine.hints or {}).items()]
        for what, now, before in pairs:
            if now is not None and before is not None and now.tobytes() != before.tobytes():
                return f"{output.call} wrote into the {what} that it was given; work on a copy"
    return ""


CLAUSES: Mapping[str, Callable[[Asking], str]] = {
    "images are uint8 (n, h, w, 3), one for each item": _form_of_images,
    "embeddings are finite, (n, d), in the space of embed_images and embed_texts": _form_of_embeddings,
    "control maps are uint8 (n, h, w)": _form_of_controls,
    "the same input gives the same output, whatever the global random state": _repeated,
    "no output depends on the others in its batch": _alone,
    "no output depends on the order of the items": _reversed,
    "EEG, hints and images are left as they came": _untouched,
}


def require(asking: Asking) -> None:
    """Raises InputError for the first clause that is broken."""
    for clause, check in CLAUSES.items():
        if problem := check(asking):
            named = problem if problem.startswith("method ") else f"method {asking.method!r}: {problem}"
            raise InputError(f"{named} (the contract: {clause}); `eegbench check-method {asking.method}` asks for all")


def require_alone(asking: Asking, output: Output, among: Array) -> None:
    """Raises InputError unless the few items give the same output alone as `among` others."""
    for item in asking.every:
        alone = ask(asking.method, asking.fitted, output, asking.given.part([item]))
        if problem := differing(asking.method, output, alone, among[[item]], "made one by one"):
            raise InputError(f"{problem}: {ALONE}")
