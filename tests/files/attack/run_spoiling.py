"""What is done to a whole run's folder: files that lie, lead elsewhere or never end, and sealed forgeries."""

import dataclasses
import json
import os
import random
import shutil
import socket
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

from attack.cases import count
from attack.hostile import changed, written
from attack.kinds import images, tables, weights
from attack.spoiling import spoilt
from attack.worlds import World
from eegbench.files import file_digest
from eegbench.runs import layout
from eegbench.runs.record import RunRecord, files_digest
from eegbench.runs.sheet import ScoreSheet
from forgery import as_edition_1, as_version_1, repaint, reseal, with_score

Spoil = Callable[
    [random.Random, Path, World, Path], None
]  # of a run's folder; a folder outside, for what links lead to
RECORDS = (layout.RECORD, layout.SHEET, layout.PERMUTATION)


def bind(folder: Path) -> None:
    """Take all digests and both seals anew, as who forges a run would."""
    record = RunRecord.read(folder / layout.RECORD)
    rows = tuple(dataclasses.replace(row, sha256=file_digest(folder / row.file)) for row in record.manifest)
    digest = files_digest((row.stimulus, row.sample, row.sha256) for row in rows)
    digests = record.digests | {"reconstructions": digest}
    if (folder / layout.EMBEDDING).is_file():
        digests["embedding"] = file_digest(folder / layout.EMBEDDING)
    dataclasses.replace(record, manifest=rows, digests=digests).write(folder / layout.RECORD)
    reseal(folder, lambda sheet: dataclasses.replace(sheet, reconstructions=digest))


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _fields(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    file = run / rng.choice(RECORDS)
    file.write_bytes(written(changed(json.loads(file.read_text()), rng), rng))


def _spoilt(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    file = rng.choice(files_of(run))
    file.write_bytes(spoilt(file.read_bytes(), rng))


def _missing(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    rng.choice(files_of(run)).unlink()


def _score(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    sheet = ScoreSheet.read(run / layout.SHEET)
    name = rng.choice([name for name, score in sheet.metrics.items() if score.value is not None])
    reseal(run, lambda sheet: with_score(sheet, name, value=rng.choice((0.0, 0.123, 0.9999))))


def _verdict(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    more = {"verdict": "cannot tell: but surely", "caution": "none", "n": 7, "subset": "1 of 2 stimuli"}
    name = rng.choice((*more, "ci", "floor"))
    if name in more:
        changes: dict[str, Any] = {name: more[name]}
        reseal(run, lambda sheet: dataclasses.replace(sheet, **changes))
    else:
        reseal(run, lambda sheet: with_score(sheet, "top1", **{name: {"ci": (0.1, 0.2), "floor": 0.5}[name]}))


def _table(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    """The values of the stimuli the other way round: their means stay."""
    head, *rows = (run / layout.TABLE).read_text().splitlines()
    keys, values = [row.split(",")[:2] for row in rows], [row.split(",")[2:] for row in rows]
    lines = [head, *(",".join([*key, *words]) for key, words in zip(keys, reversed(values), strict=True))]
    (run / layout.TABLE).write_text("\n".join(lines) + "\n")
    reseal(run, lambda sheet: sheet)


def _unbound_table(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    """A forged table that no digest binds."""
    _table(rng, run, world, outside)
    reseal(run, lambda sheet: dataclasses.replace(sheet, files={}))


def _unbound(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    reseal(run, lambda sheet: dataclasses.replace(sheet, files=_without(sheet.files, rng)))


def _without(files: dict[str, str], rng: random.Random) -> dict[str, str]:
    gone = rng.choice([*files, ""])
    return {name: sha for name, sha in files.items() if gone not in ("", name)}


def _more(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    """A file that no record names."""
    name = rng.choice(
        (
            "notes.txt",
            "evil.html",
            "reconstructions/extra.png",
            "permuted/x.png",
            "a/b/c.csv",
            "run.json.bak",
            "reconstructions/x.txt",
        )
    )
    (run / name).parent.mkdir(parents=True, exist_ok=True)
    (run / name).write_bytes(b"more")


def _hidden(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    """What is no part of a run, and is left behind."""
    (run / rng.choice((".hidden", ".DS_Store", "reconstructions/.x.png"))).write_bytes(b"more")


def _black(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    repaint(run)


def _swapped(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    """Two images in each other's place, bound anew or not."""
    first, second = rng.sample(sorted((run / layout.IMAGES).rglob("*.png")), 2)
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    if rng.random() < 0.6:
        bind(run)


def _anothers(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    """A file of another run, in this one's place."""
    other = rng.choice(world.others)
    name = rng.choice(
        [name for name in (*RECORDS, layout.TABLE) if (other / name).is_file() and (run / name).is_file()]
    )
    shutil.copy(other / name, run / name)


def _link(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    """A file or folder behind a link that leads outside, nowhere, to itself, or to a device."""
    places = [path for path in sorted(run.rglob("*")) if path != run]
    place = rng.choice((rng.choice(places), rng.choice([path for path in places if path.is_dir()])))
    where = rng.choice(("outside", "nowhere", "itself", "device", "up"))
    if where == "outside":
        (outside / "moved").mkdir(parents=True, exist_ok=True)
        shutil.move(place, outside / "moved" / place.name)
    elif place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink()
    moved = str(outside / "moved" / place.name)
    targets = {"outside": moved, "nowhere": "nowhere", "itself": place.name, "device": "/dev/zero", "up": ".."}
    place.symlink_to(targets[where])


def _pipe(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    """A pipe or a socket, of which a reader would wait for ever; or a folder in a file's place."""
    place = rng.choice(files_of(run))
    place.unlink()
    what = rng.choice(("pipe", "socket", "folder"))
    if what == "pipe":
        os.mkfifo(place)
    elif what == "folder":
        place.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as made, chdir(place.parent):  # for a socket's path is short
            made.bind(place.name)


def _huge(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    """A file with a hole of many bytes."""
    place = rng.choice(files_of(run))
    with place.open("r+b") as file:
        file.truncate(count(rng, 2**20, 2**33))


def _older(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    rng.choice((as_version_1, as_edition_1))(run)


def _older_unbound(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    """A forged table in a run of schema version 1, which binds none."""
    as_version_1(run)
    lines = (run / layout.TABLE).read_text().splitlines()
    values = [line.rpartition(",")[2] for line in lines[1:]]
    made = [line.rpartition(",")[0] + "," + value for line, value in zip(lines[1:], reversed(values), strict=True)]
    (run / layout.TABLE).write_text("\n".join([lines[0], *made]) + "\n")


def _image(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    place = rng.choice(sorted(run.rglob("*.png")))
    place.write_bytes(images.MADE[rng.choice(sorted(images.MADE))](rng))
    bind(run)


def _hostile_table(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    (run / layout.TABLE).write_bytes(tables.MADE[rng.choice(sorted(tables.MADE))](rng))
    bind(run)


def _hostile_weights(rng: random.Random, run: Path, world: World, outside: Path) -> None:
    name = rng.choice((layout.EMBEDDING, layout.TARGETS, layout.SALIENCY))
    (run / name).write_bytes(weights.MADE[rng.choice(sorted(weights.MADE))](rng))
    bind(run)


SPOILS: dict[str, Spoil] = {
    "fields": _fields,
    "spoilt": _spoilt,
    "a file is missing": _missing,
    "a forged score": _score,
    "a forged verdict": _verdict,
    "a forged table": _table,
    "a forged table that is unbound": _unbound_table,
    "unbound files": _unbound,
    "a file too many": _more,
    "a hidden file": _hidden,
    "black images": _black,
    "swapped images": _swapped,
    "another run's file": _anothers,
    "links": _link,
    "pipes": _pipe,
    "a huge file": _huge,
    "older records": _older,
    "a forged table in older records": _older_unbound,
    "a hostile image": _image,
    "a hostile table": _hostile_table,
    "hostile weights": _hostile_weights,
}
# What need not be found: some of these change nothing that a run says.
HARMLESS = ("fields", "spoilt", "older records", "a hostile image", "hostile weights", "a hidden file")
FORGED = frozenset(SPOILS) - set(HARMLESS)


def spoil(rng: random.Random, run: Path, world: World, outside: Path) -> str:
    """Spoil a run's folder in one way, whose name is returned."""
    what = rng.choice(("fields", "fields", "fields", *SPOILS))
    SPOILS[what](rng, run, world, outside)
    return what


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder; links are not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*"))
