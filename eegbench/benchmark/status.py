"""A run's folder from nothing, or from where it stopped, to complete or failed; run.json says which."""

import dataclasses
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from eegbench.benchmark import provenance
from eegbench.benchmark.shared import SharedRun
from eegbench.errors import AuthorError, EegbenchError, InputError
from eegbench.guards import limits
from eegbench.runs import binding, layout
from eegbench.runs.folder import Run
from eegbench.runs.record import ManifestRow, RunRecord, files_digest

BROKEN_CONTRACT = (InputError, AuthorError)


@dataclass(frozen=True)
class Begun:
    """A run whose images are to be made; or, with `run.reused`, a complete one.

    keep: whether images that lie in its folder are this run's, and stay. since: when it was begun, s of
    `time.perf_counter`.
    """

    run: Run
    keep: bool
    since: float

    def finish(
        self, manifest: tuple[ManifestRow, ...], digests: Mapping[str, str], seconds: Mapping[str, float]
    ) -> Run:
        """The complete run, its record written. digests: of the files beside the images; seconds: of earlier stages."""
        record = self.run.record
        images = files_digest((row.stimulus, row.sample, row.sha256) for row in manifest)
        return self.run.write_record(
            dataclasses.replace(
                record,
                status="complete",
                digests={**record.digests, **digests, "reconstructions": images},
                manifest=manifest,
                seconds={**seconds, "reconstruct": time.perf_counter() - self.since},
                peak_memory_bytes=provenance.peak_memory_bytes(),
            )
        )


def begin(runs: Path, head: RunRecord, *, device: str, shared: SharedRun | None = None) -> Begun:
    """The run of this specification below the folder `runs`: the complete one that is there, or one begun anew.

    head: its record but for the environment. shared: images that another run may have made, which are copied.
    """
    folder = layout.place(runs, head.spec, head.digests)
    before = layout.existing(folder)
    # Images of a folder without a record belong to no run, and are made again.
    keep = before is not None and before.transductive == head.transductive
    if before is not None and before.status == "complete" and keep:
        return Begun(Run(folder, binding.renewed(folder, before), reused=True), keep, time.perf_counter())
    run = Run(folder, dataclasses.replace(head, environment=provenance.environment(device)))
    since = time.perf_counter()
    with failing(run, (Exception,)):
        run.write_record(run.record)
        layout.forget_results(folder)
        if shared is not None and (restored := shared.restore(run)) is not None:
            return Begun(dataclasses.replace(run.write_record(restored), reused=True), keep, since)
    return Begun(run, keep, since)


@contextmanager
def failing(run: Run, errors: tuple[type[Exception], ...] = BROKEN_CONTRACT) -> Iterator[None]:
    """Inside it, one of these errors marks a run that is being made as failed; a reused one stays as it is."""
    try:
        yield
    except errors as error:
        if not run.reused:
            _write_failed(run, error)
        raise


def _write_failed(run: Run, error: Exception) -> None:
    words = str(error) if isinstance(error, EegbenchError) else f"{type(error).__name__}: {error}"
    failed = dataclasses.replace(run.record, status="failed", reason=limits.fitting(" ".join(words.split())))
    with suppress(EegbenchError):  # the disk is full, say: the record stays at `started`, and the cause is raised
        run.write_record(failed)
