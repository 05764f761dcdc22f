"""`Judge`: judges that stay loaded, with true images that pass through them once, for a training loop."""

from typing import TYPE_CHECKING

from eegbench.api.arguments import names, progress_of, switch
from eegbench.api.border import own_errors
from eegbench.api.images import Images, images_of
from eegbench.api.results import Sheet, frame_of_items
from eegbench.api.score import judging_of, samples_of, sheet_of, truths_of
from eegbench.backbones.environment import disconnected, undisturbed
from eegbench.benchmark.judging import items_of, score_sets, value_of
from eegbench.benchmark.measure import Measured
from eegbench.contracts import Progress, Silent

if TYPE_CHECKING:
    from pandas import DataFrame


class Judge:
    """Scores images against the same truths again and again.

        judge = eegbench.Judge(truths, metrics=["clip", "ssim"])
        judge.values(images)      # {"clip": .84, "ssim": .31}
        judge(images)             # a Sheet with intervals, as `eegbench.score` gives
        judge.items(images)       # a row for each stimulus

    stimuli: the ids of the truths; images without ids must be in their order.
    """

    @own_errors()
    def __init__(
        self,
        truths: Images,
        *,
        suite: str = "auto",
        protocol: str = "sal512",
        metrics: list[str] | tuple[str, ...] | None = None,
        device: str = "auto",
        nway_judge: str | None = None,
        half: bool = False,
        offline: bool = False,
        allow_unverified_weights: bool = False,
        progress: bool | Progress = False,
    ) -> None:
        """Load the judges that these metrics need, and show them the truths; arguments and errors as of `score`.

        The truths are copied: what the caller does with an array later changes nothing. Networks stay in memory, on the
        CPU too: those of the reference suite take about 5 GB together; name the `metrics` to have fewer. Of up to 247
        truths the pixels at 425 px are kept as well, 2 MB each, where a metric needs them.
        """
        reporter, chosen = progress_of(progress), names("metrics", metrics)
        given = images_of("truths", truths, copy=True)
        self._offline = switch("offline", offline)
        with undisturbed(), disconnected(self._offline):
            judging = judging_of(suite, protocol, chosen, device, nway_judge, half, allow_unverified_weights)
            judging.check()
            ready = judging.scorer(truths_of(given), where="truths", loaded=True, progress=reporter)
        self._ready = ready
        self.stimuli: tuple[str, ...] = ready.truths.stimuli

    @own_errors()
    def __call__(self, images: Images, *, progress: bool | Progress = False) -> Sheet:
        """The scores of images of these stimuli, with intervals and what chance gives: as `score` computes them.

        images: of any kind that `score` takes. Raises InputError for images that cannot be used or joined.
        """
        reporter = progress_of(progress)
        given = images_of("images", images)
        with undisturbed(), disconnected(self._offline):
            return sheet_of(score_sets(self._ready, samples_of(given, self._ready.truths), progress=reporter))

    @own_errors()
    def values(self, images: Images) -> dict[str, float]:
        """Each metric's value alone, NaN where it has none: without intervals and chance, which take time."""
        measured = self._measured(images)
        return {name: value_of(values, len(self.stimuli)) for name, values in measured.items()}

    @own_errors()
    def items(self, images: Images) -> "DataFrame":
        """Each stimulus's values, as `Sheet.items`: a row for each stimulus, a column for each metric."""
        return frame_of_items(self.stimuli, items_of(self._measured(images)))

    def __repr__(self) -> str:
        named = ", ".join(metric.id for metric in self._ready.metrics)
        return f"<Judge of {len(self.stimuli)} stimuli, suite {self._ready.suite.name}: {named}>"

    def _measured(self, images: Images) -> dict[str, Measured]:
        given = images_of("images", images)
        with undisturbed(), disconnected(self._offline):
            return self._ready.measure(samples_of(given, self._ready.truths), floors=False, progress=Silent())
