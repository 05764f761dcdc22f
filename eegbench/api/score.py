"""`score`: reconstructions against true images, from folders or from memory."""

import functools

from eegbench.api.arguments import Place, names, place, progress_of, switch, word
from eegbench.api.border import notice, own_errors
from eegbench.api.images import Given, Images, images_of
from eegbench.api.results import Items, Sheet
from eegbench.backbones.environment import disconnected, resolve_device, undisturbed
from eegbench.benchmark.images import ImageSet
from eegbench.benchmark.judging import Judging, Scored, items_of, score_sets
from eegbench.contracts import Progress
from eegbench.errors import InputError, UsageError
from eegbench.pairs.folders import from_folder
from eegbench.pairs.score import score_folders


@own_errors()
def score(
    reconstructions: Images,
    truths: Images,
    *,
    suite: str = "auto",
    protocol: str = "sal512",
    metrics: list[str] | tuple[str, ...] | None = None,
    pairs: Place | None = None,
    subset: bool = False,
    follow_links: bool = False,
    device: str = "auto",
    nway_judge: str | None = None,
    half: bool = False,
    offline: bool = False,
    allow_unverified_weights: bool = False,
    progress: bool | Progress = False,
) -> Sheet:
    """The scores of reconstructions against true images, as the command `eegbench score` computes them.

    Both sides are folders, {stimulus id: image}, or images in one order: uint8 arrays (n, h, w, 3), torch uint8 tensors
    (n, 3, h, w), or lists of PIL images or of such arrays or tensors, whose sizes may differ; 0 to 255, sRGB. They are
    joined by stimulus id, which of a folder is the path below it without suffix; a further sample of a stimulus is
    named <id>.sample-1. Images without ids take the order of the truths: that of a dict's keys, or of a folder's ids,
    sorted.

    suite: "micro", whose judges know drawn scenes alone, or "reference", which wants published weights; "auto" is
    micro, for images do not say what they show. protocol: "sal512" or "me256", how images reach the judges. metrics:
    ids, all of them if None. pairs: a CSV file that says which reconstruction belongs to which truth; subset: score
    what both sides have; follow_links: also links that lead out; these three are for two folders. device: "auto",
    "cpu", "cuda", "cuda:N" or "mps". nway_judge, half, offline, allow_unverified_weights: as the options of these
    names. progress: True for bars on stderr.

    Raises InputError for images that cannot be used or joined, UsageError for names that do not exist, MissingError for
    weights or a device that is not there. The metrics' sources are in docs/metrics.md.
    """
    reporter, chosen = progress_of(progress), names("metrics", metrics)
    given, given_truths = images_of("reconstructions", reconstructions), images_of("truths", truths)
    table = None if pairs is None else place("pairs", pairs)
    parts, links = switch("subset", subset), switch("follow_links", follow_links)
    with undisturbed(), disconnected(switch("offline", offline)):
        judging = judging_of(suite, protocol, chosen, device, nway_judge, half, allow_unverified_weights)
        if given_truths.folder is not None and given.folder is not None:
            scored = score_folders(
                given_truths.folder,
                given.folder,
                judging,
                progress=reporter,
                pairs=table,
                subset=parts,
                follow_links=links,
                note=notice,
            )
            return sheet_of(scored)
        if table or parts or links:
            raise UsageError("pairs, subset and follow_links are for two folders; leave them out, or name two folders")
        judging.check()
        true_images = truths_of(given_truths)
        ready = judging.scorer(true_images, where="truths", progress=reporter)
        return sheet_of(score_sets(ready, samples_of(given, true_images), progress=reporter))


def judging_of(
    suite: str,
    protocol: str,
    metrics: tuple[str, ...] | None,
    device: str,
    nway_judge: str | None,
    half: bool,
    allow_unverified_weights: bool,
) -> Judging:
    """The choice of judges and metrics; raises UsageError for impossible values, MissingError for a missing device."""
    return Judging(
        suite="micro" if word("suite", suite) == "auto" else suite,
        protocol=word("protocol", protocol),
        device=resolve_device(word("device", device)),
        metrics=metrics,
        nway_judge=None if nway_judge is None else word("nway_judge", nway_judge),
        half=switch("half", half),
        allow_unverified=switch("allow_unverified_weights", allow_unverified_weights),
    )


def truths_of(given: Given) -> ImageSet:
    """The true images, one for each stimulus; raises InputError where a stimulus has several."""
    sets = given.sets() if given.folder is None else from_folder(given.folder, note=notice)
    if len(sets) > 1:
        raise InputError("truths: several samples of a stimulus; of the truth there is one image for each")
    return sets[0]


def samples_of(given: Given, truths: ImageSet) -> list[ImageSet]:
    """The reconstructions, a set for each sample; those without ids in the order of the truths."""
    return given.sets(truths.stimuli) if given.folder is None else from_folder(given.folder, note=notice)


def sheet_of(scored: Scored) -> Sheet:
    """A sheet with its values by stimulus."""
    return Sheet(scored.sheet, functools.partial(_given, scored.stimuli, items_of(scored.measured)))


def _given(stimuli: tuple[str, ...], items: Items) -> tuple[tuple[str, ...], Items]:
    return stimuli, items
