"""Dataset, Method, Reconstructor, Explanation, Reference, Metric, ImageJudge, Progress: small, nothing else."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from eegbench.arrays import EEG, EEGInfo, Images, Maps, Values
from eegbench.errors import UsageError
from eegbench.runs.record import METHOD_TRACKS

Hints = Mapping[str, Maps]  # a hint's name ("saliency") to one map per item
TRACKS = METHOD_TRACKS  # of a method
PIXELS = "pixels425"  # what metrics of pixels need: 2 MB an image, so never in memory for a whole set
EVERYBODY = -1  # the subject of a training set of several people
CONCEPT_PROMPT = "This picture is {}"  # with a concept in it, what ATM's code hands to CLIP as its text
CAPTION_LEVELS = ("low",) * 4 + ("mid",) * 3 + ("high",) * 3  # object and colour; layout; mood and theme


class Progress(ABC):
    """Where long work says how far it is. `with progress.bar("fit encoder", 40) as advance: advance(1)`."""

    @abstractmethod
    def bar(self, label: str, total: int) -> AbstractContextManager[Callable[[int], None]]: ...


class Silent(Progress):
    """Progress that says nothing."""

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda n: None


@dataclass(frozen=True)
class Named(Progress):
    """Progress whose bars say whose work it is."""

    inner: Progress
    owner: str

    def bar(self, label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        return self.inner.bar(f"{self.owner}: {label}", total)


@dataclass(frozen=True)
class TrainingSet:
    """What a method may learn from: trials of EEG, and the stimuli that they showed.

    A stimulus may have one trial, perhaps the average of several, or many, of one person or of several. `eeg` and
    `images` may lie on disk and be larger than memory: take them part by part. Ids are unique and name files, EEG is
    finite.

    subject: whose data these are; EVERYBODY where they are several people's, each one's EEG standardised by its own
    scale. subjects: whose trial each is; of one person's data it follows from `subject`. repetitions: how many recorded
    trials each one is the average of.
    """

    eeg: EEG  #: (trials, channels, times)
    info: EEGInfo
    shown: NDArray[np.int64]  #: (trials,): which stimulus each trial showed, as its place in the next four
    stimuli: tuple[str, ...]
    images: Images  #: (stimuli, h, w, 3)
    concepts: tuple[str, ...]
    captions: tuple[tuple[str, ...], ...]  #: of each stimulus ten, in the order of CAPTION_LEVELS, or none
    subject: int
    subjects: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))  #: (trials,)
    repetitions: int = 1

    def __post_init__(self) -> None:
        if self.subject != EVERYBODY:
            object.__setattr__(self, "subjects", np.full(len(self.eeg), self.subject, np.int64))

    def part(self, trials: Sequence[int]) -> Self:
        """These trials alone, in this order, and the stimuli that they showed."""
        places, shown = np.unique(self.shown[list(trials)], return_inverse=True)
        return replace(
            self,
            eeg=self.eeg[list(trials)],
            shown=shown,
            subjects=self.subjects[list(trials)],
            images=self.images[places],
            stimuli=tuple(self.stimuli[i] for i in places),
            concepts=tuple(self.concepts[i] for i in places),
            captions=tuple(self.captions[i] for i in places),
        )


@dataclass(frozen=True)
class Queries:
    """What a method is asked: test EEG and stimulus ids, no images."""

    eeg: EEG
    info: EEGInfo
    stimuli: tuple[str, ...]


@dataclass(frozen=True)
class Answers:
    """What the queries showed, in any order: joined to reconstructions by stimulus id."""

    stimuli: tuple[str, ...]
    images: Images
    concepts: tuple[str, ...]


class Dataset(ABC):
    """A named, versioned set of EEG and images. A frozen dataclass; its fields are its options.

    What it hands over is checked where it enters; `eegbench check-dataset` checks more.
    """

    name: ClassVar[str]
    revision: ClassVar[str]
    subjects: ClassVar[tuple[int, ...]]
    simulated: ClassVar[bool]
    about: ClassVar[str]
    caution: ClassVar[str] = ""  #: what every table of it must say, with references; by its options, an instance's own

    @property
    @abstractmethod
    def info(self) -> EEGInfo: ...

    def digests(self, subject: int) -> dict[str, str]:
        """sha256 by name of the files that a subject's data come from; none for what is computed."""
        return {}

    @abstractmethod
    def train(self, subject: int) -> TrainingSet: ...

    @abstractmethod
    def queries(self, subject: int, *, average: int | str = "all") -> Queries:
        """Test EEG averaged over all repetitions, or over a number of them."""

    @abstractmethod
    def answers(self, subject: int) -> Answers: ...

    def draw_picture(self, subject: int, path: Path) -> None:
        """Write a PNG of stimuli and of a subject's EEG; a data set that draws one overrides this."""
        raise UsageError(f"data set {self.name!r} draws no picture; leave --picture out")


class Reconstructor(ABC):
    """A fitted method."""

    @abstractmethod
    def reconstruct(self, eeg: EEG, *, seeds: Sequence[int], hints: Hints | None = None) -> Images:
        """One image per item, shape (n, h, w, 3); item i depends on eeg[i], seeds[i] and hints[...][i] alone."""

    def embed(self, eeg: EEG) -> NDArray[np.float32] | None:
        """Decoded image embeddings, (n, d), for methods that have them: retrieval is scored on these."""
        return None

    def embed_images(self, images: Images) -> NDArray[np.float32] | None:
        """What `embed` aims at: the target embeddings of images, (n, d), for methods that have them."""
        return None

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """Embeddings of texts in the space of `embed`, (n, d), for methods that have them: the decoded embedding is
        then classified among the test concepts."""
        return None

    def controls(self, eeg: EEG, hints: Hints | None = None) -> Maps | None:
        """The control maps that guide `reconstruct`, (n, h, w), for methods that have them."""
        return None

    def for_subject(self, subject: int) -> Self:
        """The reconstructor for the EEG of this person, known from training or a stranger; this one, if it has no parts
        of a person's own."""
        return self

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write safetensors and JSON into `folder`."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> Self:
        """Read what `save` wrote; raises MissingError or InputError naming the file."""


@dataclass(frozen=True)
class Explanation:
    """What a fitted method goes by, asked on n training trials of concepts that its fit held out; all of it by head.

    A head is a part of the method with an embedding and a loss of its own; a method without such parts has one.
    """

    items: tuple[int, ...]  #: the trials' places in the training set
    saliency: Mapping[str, Values]  #: (channels, times): mean over trials of abs(d loss / d EEG), EEG in its deviations
    embeddings: Mapping[str, NDArray[np.float32]]  #: (n, d), one space for all heads
    nearness: Mapping[
        str, Values
    ]  #: (n,): cosine of the embedding and what it retrieved; the nearest head wins a trial
    right: Mapping[str, Values]  #: (n,): two-way identification of what the trial should retrieve; chance is .5


Fit = TypeVar("Fit", bound="Reconstructor")


class Method(ABC, Generic[Fit]):
    """A way to reconstruct images. A frozen dataclass; its fields are its hyper-parameters.

    `Fit` is what `fit` returns.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    reference: ClassVar[str]
    tracks: ClassVar[tuple[str, ...]] = ("eeg",)
    requires: ClassVar[tuple[str, ...]] = ()
    hints: ClassVar[tuple[str, ...]] = ()  #: what it is handed on the track `oracle`
    role: ClassVar[str] = "method"  #: or "floor": a control that shows what no signal gives
    transductive: ClassVar[bool] = False  #: it uses all test trials at once: such runs are marked and never ranked
    ablation: ClassVar[Mapping[str, Mapping[str, object]]] = {}  #: its paper's table: a row's name, its fields
    ablated: ClassVar[tuple[str, ...]] = ()  #: and the metrics of that table
    fit_version: ClassVar[int] = 1  #: rises when, and only when, `fit` computes something else: cached fits then miss
    reconstructor: ClassVar[type[Reconstructor]]

    @abstractmethod
    def fit(
        self, train: TrainingSet, *, seed: int, progress: Progress, device: str = "cpu", folder: Path | None = None
    ) -> Fit:
        """`folder` outlives the process: what a killed fit leaves there, the same fit takes up."""

    def weights(self) -> dict[str, str]:
        """sha256 of each pretrained file that fitting or reconstructing uses, by name."""
        return {}

    def configure(self, fitted: Fit) -> Fit:
        """A loaded reconstructor with this method's fields of metadata {"stage": "reconstruct"}, such as steps.

        Such fields do not shape the fit, so one cached fit serves all their values; a method that has them
        overrides this.
        """
        return fitted

    def explain(self, fitted: Fit, train: TrainingSet, *, seed: int) -> Explanation | None:
        """What a fit of this method with `seed` goes by, for `eegbench explain`; a method that can tell overrides this.

        The trials are those of `train` whose concepts the fit held out; test data play no part.
        """
        return None

    def rehearse(self) -> object | None:
        """An `eegbench.methods.rehearsal.Rehearsal`: the networks of this method at this configuration, for `eegbench
        rehearse`; a method that can list them overrides this."""
        return None


class Reference(ABC):
    """A ceiling: what the generator could do if it were told the answer. Computed from answers, never ranked."""

    name: ClassVar[str]
    about: ClassVar[str]

    @abstractmethod
    def reconstruct(self, truths: Images, *, seeds: Sequence[int], device: str = "cpu") -> Images:
        """One image for each true image, shape (n, h, w, 3), computed on `device`; item i has seeds[i]."""

    def weights(self) -> dict[str, str]:
        """sha256 of each pretrained file that it uses, by name."""
        return {}


@dataclass(frozen=True)
class Card:
    """Texts about one metric. `reference`: from a protocol's base image to what the formula sees. `tolerance`: by
    stage, how far our numbers may lie from those of the published scripts."""

    title: str
    formula: str
    source: str
    reference: str
    weights: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    tolerance: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Laws:
    """What the values of one metric obey.

    identical: the value where both sides are equal; None where that differs from set to set. symmetric: the two sides
    may be exchanged. one_sided: the truths are not looked at. Of a whole set's metric alone: ordered, the order of the
    items changes the value; paired, it matters which items belong together.
    """

    identical: float | None
    symmetric: bool
    one_sided: bool = False
    ordered: bool = False
    paired: bool = False


class Metric(ABC):
    """One number's definition, a frozen dataclass. `needs` names what both sides are turned into before `compute`.

    Where it is PIXELS, `compute` sees a few pairs at a time: the metric is per item, and no item depends on another.

    chance: a number; "permuted" (the mean over all pairs that do not belong together); "1/N" or "5/N"; or None where
    there is none. grain: of what its value is a share, one of `metric_facts.GRAINS`, so that `eegbench check` lets two
    near-ties tip over; "" where rounding moves a value smoothly. What has a value here need not be declared.
    """

    id: str
    version: int
    higher_is_better: bool
    chance: float | str | None
    bounds: tuple[float, float]
    needs: str
    per_item: bool
    rivals: ClassVar[bool] = False  #: True: an item's value depends on the other truths, and `compute` takes `stimuli`
    jackknife: float | None = 0.5  #: of a set's metric: which share a subsample leaves out; None: it has no interval
    most_paired: ClassVar[int] = 250  #: stimuli among which all pairs can be afforded; more where `pairs` is quick
    grain: ClassVar[str] = ""
    on_request: bool = False  #: True: computed only where it is named: evaluate --also, score --metrics
    column: int | None = None  #: its place among the columns of a board; those without one follow, by name
    laws: Laws | None = None
    card: Card | None = None

    @abstractmethod
    def compute(self, reconstructions: NDArray[np.generic], truths: NDArray[np.generic]) -> Values:
        """float64 inside `bounds`, (n,) per item or () for a set; NaN is undefined. Both sides stay as they are."""

    def reduced(self, features: NDArray[np.generic]) -> NDArray[np.generic]:
        """What `pairs` needs of each item, (n, ...): of PIXELS so little that a whole set fits in memory."""
        return features

    def pairs(
        self, reconstructions: NDArray[np.generic], truths: NDArray[np.generic], *, stimuli: Sequence[str]
    ) -> Values:
        """The score of each reconstruction (b, ...) against each truth (m, ...), both `reduced`: float64, (b, m).

        stimuli: what each truth shows, (m,); truths that show the same are no rivals of each other. For the audit and
        for chance, so that pixels may be taken at fewer places than `compute` takes them. Metrics per item alone. This
        one asks `compute` for a row at a time; of PIXELS it is used only where `reduced` is there too.
        """
        compute: Callable[..., Values] = self.compute
        options = {"stimuli": stimuli} if self.rivals else {}
        return np.stack([compute(np.broadcast_to(row, truths.shape), truths, **options) for row in reconstructions])


class ImageJudge(ABC):
    """What images are scored by: a pretrained network, and everything between a uint8 image and its features.

    `provides` names the features that `embed` returns, so that one network can serve several metrics.
    """

    name: str
    digest: str  #: sha256 of the weights; "" where there are none
    variant: str = ""  #: "half" where half precision was asked for: its numbers are another version of the metric's
    verified: bool = True  #: False: the weights are not the published ones, and the user asked to use them
    provides: tuple[str, ...]
    version: int = 1  #: rises when, and only when, the numbers change: a resize, a range, a node

    @abstractmethod
    def embed(self, images: Images) -> dict[str, NDArray[np.float32]]:
        """Each feature as (n, ...), finite; batch size never moves a value by more than 1e-5 relative."""

    def rest(self) -> None:  # noqa: B027 - what takes no room need not do anything
        """No images come for now: give memory back that can be had again."""


Backbone = ImageJudge  # an earlier name of this contract
