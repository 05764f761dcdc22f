"""The reconstruct stage: what it reads, what it leaves behind, and how it is taken up again."""

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegbench.benchmark.reconstruct import spread
from eegbench.datasets.images import read_image, write_png
from eegbench.errors import AuthorError, InputError, MissingError, UsageError
from eegbench.files import file_digest
from eegbench.runs import layout
from eegbench.runs.record import RunRecord
from small_world import Lab

EXAMINED = [2, 2, 1, 1, 2, 2]  # images asked for before the first is painted; two more are asked for at the end


def images_of(folder: Path) -> dict[str, bytes]:
    root = folder / layout.IMAGES
    return {f.relative_to(root).as_posix(): f.read_bytes() for f in sorted(root.rglob("*.png"))}


def test_reconstruct_never_asks_for_answers(lab: Lab) -> None:
    lab.reconstruct()
    assert "answers" not in lab.calls and "queries" in lab.calls


def test_a_complete_run_says_so_and_its_manifest_names_every_file(lab: Lab) -> None:
    run = lab.reconstruct(samples=2)
    record = RunRecord.read(run.folder / "run.json")
    assert record == run.record and record.status == "complete" and record.spec.selection == "mean"
    assert [row.sha256 for row in record.manifest] == [file_digest(run.folder / row.file) for row in record.manifest]
    assert {(row.stimulus, row.sample) for row in record.manifest} == {
        (f"{i:02d}_thing/test_{i}", sample) for i in range(8) for sample in range(2)
    }
    assert len(images_of(run.folder)) == 16 and record.environment["device"] == "cpu" and record.peak_memory_bytes > 0


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), RuntimeError("no\nluck")], ids=["interrupt", "failure"])
def test_a_run_taken_up_again_has_the_bytes_of_one_that_never_stopped(
    lab: Lab, tmp_path: Path, failure: BaseException
) -> None:
    def stop(decoder: Any) -> None:
        decoder.stop_after, decoder.failure = len(EXAMINED) + 1, failure

    interrupted = isinstance(failure, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt if interrupted else AuthorError):
        lab.reconstruct(decoder=stop)
    record = RunRecord.read(next(lab.runs.rglob("run.json")))
    assert record.status == ("started" if interrupted else "failed")
    assert ("reconstruct raised RuntimeError: no luck" in record.reason) == (not interrupted)
    decoders: list[Any] = []
    resumed = lab.reconstruct(decoder=decoders.append)
    assert (
        decoders[0].asked == [*EXAMINED, 3, 2, 1, 1] and resumed.record.status == "complete"
    )  # the first batch of 3 was there
    assert images_of(resumed.folder) == images_of(lab.reconstruct(runs=tmp_path / "other").folder)


def test_an_image_that_does_not_decode_is_made_again(lab: Lab) -> None:
    def stop(decoder: Any) -> None:
        decoder.stop_after, decoder.failure = len(EXAMINED) + 2, KeyboardInterrupt()

    with pytest.raises(KeyboardInterrupt):
        lab.reconstruct(decoder=stop)
    victim = min(lab.runs.rglob("*.png"))
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 2])
    lab.reconstruct()
    assert victim.read_bytes() == whole


def test_a_complete_run_is_handed_back_untouched(lab: Lab) -> None:
    lab.reconstruct()
    decoders: list[Any] = []
    assert lab.reconstruct(decoder=decoders.append).reused and decoders[0].asked == []


def test_images_in_a_folder_without_a_record_are_not_trusted(lab: Lab) -> None:
    folder = lab.reconstruct().folder
    expected = images_of(folder)
    (folder / "run.json").unlink()
    for name in expected:
        write_png(folder / layout.IMAGES / name, np.zeros((6, 6, 3), np.uint8))
    assert images_of(lab.reconstruct().folder) == expected


def test_another_configuration_stands_beside_the_first_run_and_is_found_again(lab: Lab) -> None:
    first, second = lab.reconstruct(), lab.reconstruct(method_table={"steps": 20})
    assert first.folder.name == "seed-0"
    assert second.folder.name == f"seed-0-{layout.identity(second.record.spec, second.record.digests)[:8]}"
    assert lab.reconstruct(method_table={"steps": 20}).folder == second.folder
    assert lab.reconstruct().folder == first.folder and lab.reconstruct().reused


def test_other_weights_make_another_run(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    first = lab.reconstruct()
    monkeypatch.setattr(type(lab.plan().method), "weights", lambda self: {"vae": "ab" * 32})
    second = lab.reconstruct()
    assert second.folder != first.folder and not second.reused


@pytest.mark.parametrize("changes", [{"dataset_table": {"backwards": True}}, {"batch_size": 1}, {"batch_size": 8}])
def test_the_order_of_queries_and_the_batch_size_do_not_change_an_image(
    lab: Lab, tmp_path: Path, changes: dict[str, Any]
) -> None:
    assert images_of(lab.reconstruct().folder) == images_of(lab.reconstruct(runs=tmp_path / "b", **changes).folder)


def test_samples_of_one_stimulus_differ_and_the_first_is_that_of_a_run_of_one(lab: Lab, tmp_path: Path) -> None:
    two = images_of(lab.reconstruct(samples=2).folder)
    one = images_of(lab.reconstruct(runs=tmp_path / "one").folder)
    assert one.items() <= two.items()
    assert two["00_thing/test_0.png"] != two["00_thing/test_0.sample-1.png"]


def test_a_folder_that_cannot_be_written_is_said_in_one_line(lab: Lab) -> None:
    lab.runs.write_text("a file stands where the folder should be")
    with pytest.raises(UsageError, match=r"runs.*cannot be (written|read) \(Not a directory\).*another folder of runs"):
        lab.reconstruct()


def test_a_full_disk_never_leaves_a_run_that_looks_complete(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if "test_5" in path.name:
            whole(path, data[:10])  # the part for which there was room
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(MissingError, match=r"test_5\.png: no space left on the disk"):
        lab.reconstruct()
    record = RunRecord.read(next(lab.runs.rglob("run.json")))
    assert record.status == "failed" and not list(lab.runs.rglob("*.tmp"))


def test_images_that_break_the_contract_fail_the_run(lab: Lab) -> None:
    def spoil(decoder: Any) -> None:
        decoder.reconstruct = lambda eeg, **_: np.zeros((len(eeg), 6, 6, 3), np.float32)

    with pytest.raises(InputError, match="method 'uses-eeg', reconstruct: images are float32"):
        lab.reconstruct(decoder=spoil)
    record = RunRecord.read(next(lab.runs.rglob("run.json")))
    assert record.status == "failed" and "reconstruct: images are float32" in record.reason


@pytest.mark.parametrize("stimulus", ["../x", "/x", "a//b", "a/../b", "", "a\\b", "c:x", "x.sample-2"])
def test_a_stimulus_id_that_leads_elsewhere_is_refused(stimulus: str) -> None:
    with pytest.raises(InputError, match="stimulus"):
        layout.image_file(stimulus)


def test_the_pictured_stimuli_are_spread_evenly_whatever_the_order() -> None:
    stimuli = [f"{i:03d}" for i in range(200)]
    chosen = [stimuli[i] for i in spread(stimuli)]
    backwards = stimuli[::-1]
    assert chosen == [backwards[i] for i in spread(backwards)]
    assert len(chosen) == 12 and chosen[0] == "000" and chosen[-1] == "199"
    assert max(np.diff([int(c) for c in chosen])) <= 19  # 199 / 11 = 18.1, rounded to whole positions


def test_control_maps_and_embeddings_are_kept_for_later_stages(lab: Lab) -> None:
    folder = lab.reconstruct().folder
    assert (folder / layout.EMBEDDING).is_file()
    control = read_image(folder / layout.CONTROLS / "00_thing" / "test_0.png")
    assert control.shape == (6, 6, 3)
