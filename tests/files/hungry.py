"""Files that ask for far more memory or work than their size, by reader; and what reading one takes.

Run as a script it reads the cases of its arguments, each in a process of its own, and prints a line of JSON for each:
seconds of CPU time, bytes of memory beyond those before, and the error or "".
"""

import io
import json
import os
import pickle
import struct
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

MB = 2**20


@dataclass(frozen=True)
class Case:
    """A file by its bytes; `refused`: a part of the error, "" where the file is read, within the budget."""

    reader: str
    suffix: str
    make: Callable[[], bytes]
    refused: str = ""


# ---- pickles


def program(*parts: bytes, protocol: int = 4) -> bytes:
    return bytes([0x80, protocol]) + b"".join(parts) + b"."


def word(text: bytes) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text


def encoded(times: int) -> bytes:
    """One text of 1 MB that is turned into bytes again and again."""
    again = b"h\0(h\1h\2tR"
    names = b"(c_codecs\nencode\n\x94" + word(b"a" * MB) + b"\x94" + word(b"latin1") + b"\x94"
    return program(names, again * times, b"t")


def colliding(count: int) -> bytes:
    """A dictionary whose keys all have one hash."""
    keys = (b"\x8a\x0a" + (i * (2**61 - 1)).to_bytes(10, "little") + b"N" for i in range(count))
    return program(b"}(", *keys, b"u")


# ---- torch

NAME = b"ctorch\nQInt8Storage\n"


def archive(data: bytes, storages: dict[str, bytes] | None = None, how: int = zipfile.ZIP_STORED) -> bytes:
    """A file in torch's own form with this pickle."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as file:
        for name, content in {"data.pkl": data, "version": b"3\n", "byteorder": b"little"}.items():
            file.writestr(f"a/{name}", content)
        for key, content in (storages or {}).items():
            file.writestr(f"a/data/{key}", content)
    return made.getvalue()


def whole(number: int) -> bytes:
    return b"J" + struct.pack("<i", number)


def tensor(key: bytes, held: int, size: int, stride: int, more: bytes = b"") -> bytes:
    """A tensor of float32 of one axis, on a storage of so many items."""
    storage = (
        b"((" + word(b"storage") + b"ctorch\nFloatStorage\n" + word(key) + word(b"cpu") + whole(held) + more + b"tQ"
    )
    shape = whole(0) + b"(" + whole(size) + b"t(" + whole(stride) + b"t\x89ccollections\nOrderedDict\n)Rt"
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + storage + shape + b"R"


def small(count: int) -> bytes:
    """A dictionary of tensors of 8 items, each on a storage of its own."""
    made = (word(b"layer%d.weight" % i) + tensor(b"%d" % i, 8, 8, 1) for i in range(count))
    return archive(torch_pickle(b"}(", *made, b"u"), {str(i): bytes(32) for i in range(count)})


def torch_pickle(*parts: bytes) -> bytes:
    return program(*parts, protocol=2)


def older(value: bytes) -> bytes:
    """A file as torch wrote it before 1.6, with this value."""
    magic, version = pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2)
    return magic + version + pickle.dumps({}, 2) + torch_pickle(value) + pickle.dumps([], 2)


def tuples(depth: int) -> bytes:
    """A key that holds one tuple twice, which holds one tuple twice, ...: its hash takes 2**depth steps."""
    pair = b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(depth))
    return b"}K\1" + pair + b"Ns"


# ---- others


def safetensors(count: int) -> bytes:
    described = ",".join(f'"{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for i in range(count))
    header = f"{{{described}}}".encode()
    return struct.pack("<Q", len(header)) + header


def jpeg(side: int, scans: int = 0, segment: bytes = b"", segments: int = 0) -> bytes:
    """A white progressive JPEG; its last scan, of refined coefficients, so many times more; segments before it."""
    made = io.BytesIO()
    Image.new("RGB", (side, side), "white").save(made, "JPEG", progressive=True)
    data = made.getvalue()
    last = data[data.rindex(b"\xff\xda") : -2]
    between = (b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment) * segments
    return data[:2] + between + data[2:-2] + last * scans + data[-2:]


def png(chunks: bytes) -> bytes:
    made = io.BytesIO()
    Image.new("L", (4, 4)).save(made, "PNG")
    data = made.getvalue()
    return data[:33] + chunks + data[33:]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def image(kind: str, side: int = 8192, **options: Any) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (side, side), "white").save(made, kind, **options)
    return made.getvalue()


def tiff(tags: int, size: int) -> bytes:
    """Tags that all point to one part of the file."""
    entries = b"".join(struct.pack("<HHII", 1000 + i, 7, size, 8) for i in range(tags))
    return b"II*\0" + struct.pack("<IH", 8, tags) + entries + bytes(4 + size)


def bmp(side: int) -> bytes:
    """Rows of one run and an end, which Pillow fills pixel by pixel in Python."""
    data = b"\1\0\0\0" * side + b"\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(data), 1, 1, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(data), 0, 0, 1078) + head + bytes(1024) + data


def captions(lines: int) -> bytes:
    """Sound lines but for lists under a key that comes again."""
    ten = json.dumps(["a"] * 10)
    lists = "[" + "[]," * 21_000 + "[]]"
    return "".join(
        f'{{"stimulus": {lists}, "stimulus": "a{i}", "model": "m", "captions": {ten}}}\n' for i in range(lines)
    ).encode()


def announced(size: int) -> bytes:
    """An archive whose one file is said to be of this size."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", bytes(10**6))
        file.filelist[0].file_size = size
    return made.getvalue()


def zipped(names: list[str], content: bytes = b"") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, content)
    return made.getvalue()


CASES: dict[str, Case] = {
    "a text encoded 3,000 times": Case("pickle", ".npy", lambda: encoded(3000), "makes more bytes than it holds"),
    "2,000,000 nothings": Case("pickle", ".npy", lambda: program(b"](", b"N" * 2_000_000, b"e")),
    "4,000,000 nothings": Case("pickle", ".npy", lambda: program(b"](", b"N" * 4_000_000, b"e"), "s of work"),
    "600,000 lists": Case("pickle", ".npy", lambda: program(b"](", b"]" * 600_000, b"e")),
    "60,000 keys of one hash": Case("pickle", ".npy", lambda: colliding(60_000), "s of work"),
    "10,000 keys of one hash": Case("pickle", ".npy", lambda: colliding(10_000)),
    "a bytearray of 2 GB": Case(
        "torch", ".pth", lambda: archive(torch_pickle(b"c__builtin__\nbytearray\n", whole(2**31 - 1), b"\x85R")),
        "holds more than tensors (a bytearray of 2147483647)",
    ),
    "a pickle that is deflated": Case(
        "torch", ".pth", lambda: archive(torch_pickle(b"}") + bytes(64 * MB), how=zipfile.ZIP_DEFLATED), "is packed"
    ),
    "one number as 8 GB": Case(
        "torch", ".pth", lambda: archive(torch_pickle(b"]", tensor(b"0", 1, 2**31 - 1, 0), b"a"), {"0": bytes(4)}),
        "asks for 8,590 MB of memory",
    ),
    "a tensor beyond its storage": Case(
        "torch", ".pth", lambda: archive(torch_pickle(b"]", tensor(b"0", 1, 2**29, 1), b"a"), {"0": bytes(4)}),
        "in a storage of 4 bytes",
    ),
    "a storage of 8 GB, only announced": Case(
        "torch", ".pth", lambda: older(b"]" + tensor(b"0", 2**31 - 1, 1, 1, b"N") + b"a"), "storages of 8589934588 "
    ),
    "a key of 2^30 tuples": Case("torch", ".pth", lambda: archive(torch_pickle(tuples(30))), "keys are not words"),
    "300,000 lists": Case("torch", ".pth", lambda: archive(torch_pickle(b"](", b"]" * 300_000, b"e"))),
    "700,000 names": Case("torch", ".pth", lambda: archive(torch_pickle(b"](", NAME * 700_000, b"e")), "s of work"),
    "24,000 small tensors": Case("torch", ".pth", lambda: small(24_000)),
    "40,000 small tensors": Case("torch", ".pth", lambda: small(40_000), "s of work"),
    "4,000 empty tensors": Case("safetensors", ".safetensors", lambda: safetensors(4000)),
    "60,000 empty tensors": Case("safetensors", ".safetensors", lambda: safetensors(60_000)),
    "400,000 empty tensors": Case("safetensors", ".safetensors", lambda: safetensors(400_000), "s of work"),
    "3,000 scans": Case("image", ".jpg", lambda: jpeg(1800, 3000), "s of work"),
    "1,000 scans": Case("image", ".jpg", lambda: jpeg(1000, 1000)),
    "1,000 segments of EXIF": Case("image", ".jpg", lambda: jpeg(16, 0, b"Exif\0\0" + bytes(65000), 1000), "s of work"),
    "100,000 chunks": Case("image", ".png", lambda: png(chunk(b"tEXt", b"a\0b") * 100_000)),
    "3,000 profiles of 1 MB": Case(
        "image", ".png", lambda: png(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(MB))) * 3000), "s of work"
    ),
    "3,000 tags of one place": Case("image", ".tif", lambda: tiff(3000, MB), "MB of memory"),
    "run lengths, 2^26 pixels": Case("image", ".bmp", lambda: bmp(8192), "s of work"),
    "run lengths, 2^24 pixels": Case("image", ".bmp", lambda: bmp(4096)),
    "2^26 pixels, PNG": Case("image", ".png", lambda: image("PNG")),
    "2^26 pixels, progressive JPEG": Case("image", ".jpg", lambda: image("JPEG", progressive=True, subsampling=0)),
    "2^26 pixels, WebP": Case("image", ".webp", lambda: image("WEBP", method=0)),
    "20,000,000 lists": Case("json", ".json", lambda: b'{"a":[' + b"[]," * 20_000_000 + b"[]]}", "MB of memory"),
    "2,500,000 lists": Case("json", ".json", lambda: b'{"a":[' + b"[]," * 2_500_000 + b"[]]}"),
    "60,000,000 commas": Case("csv", ".csv", lambda: b"stimulus,sample,a@1\n" + b"," * 60_000_000, "MB of memory"),
    "500,000 short rows": Case(
        "csv", ".csv", lambda: b"stimulus,sample,a@1\n" + b"".join(b"%d,0,1\n" % i for i in range(500_000))
    ),
    "60,000,000 commas, prepared": Case("table", ".csv", lambda: b"a,b\n" + b"," * 60_000_000, "MB of memory"),
    "1,000,000 rows, prepared": Case("table", ".csv", lambda: b"a,b\n" + b"1,2\n" * 1_000_000),
    "300 lines of 21,000 lists": Case("captions", ".jsonl", lambda: captions(300), "s of work"),
    "50 lines of 21,000 lists": Case("captions", ".jsonl", lambda: captions(50)),
    "20,000,000 empty lines": Case("captions", ".jsonl", lambda: b"\n" * 20_000_000, "s of work"),
    "3,000,000 empty lines": Case("captions", ".jsonl", lambda: b"\n" * 3_000_000),
    "8 GB from 1 KB": Case("unpack", ".zip", lambda: announced(2**33), "s of work"),
    "2,000 files": Case("unpack", ".zip", lambda: zipped([f"a/{i}" for i in range(2000)], b"a")),
    "900 names in 400 folders": Case(
        "zip", ".zip", lambda: zipped([f"{'a/' * 400}{i}" for i in range(900)]), "in more than 64 folders"
    ),
    "20,000 names in 40 folders": Case("zip", ".zip", lambda: zipped([f"{'a/' * 39}{i}/x" for i in range(20_000)])),
}  # fmt: skip


def readers() -> dict[str, Callable[[Path], object]]:
    """By name; here, for they take a second to import."""
    from eegbench.backbones.weights import read_tensors, read_unpickled
    from eegbench.contracts import Silent
    from eegbench.datasets import archives, captions, prepared
    from eegbench.datasets.images import read_image
    from eegbench.datasets.pickled import read_pickled
    from eegbench.files import read_json
    from eegbench.runs.items import read_values

    return {
        "pickle": read_pickled,
        "torch": lambda path: read_unpickled(path, "weights"),
        "safetensors": read_tensors,
        "image": read_image,
        "json": read_json,
        "csv": read_values,
        "table": prepared.read_table,
        "captions": captions.read,
        "zip": archives.names,
        "unpack": lambda path: archives.unpack(path, path.with_suffix(""), progress=Silent()),
    }


def read_apart(read: Callable[[Path], object], path: Path) -> dict[str, Any]:
    """What reading takes, in a process of its own, beyond what it has at its start."""
    ours, theirs = os.pipe()
    if not (child := os.fork()):
        os.close(ours)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the most so far is what it has now
        before = _resident("VmHWM")
        began = time.process_time()
        said = ""
        try:
            read(path)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        spent = time.process_time() - began
        os.write(theirs, json.dumps([spent, _resident("VmHWM") - before, said[:400]]).encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        seconds, memory, said = json.loads(pipe.read() or '[0, 0, "it died"]')
    os.waitpid(child, 0)
    return {"size": path.stat().st_size, "seconds": seconds, "memory": memory, "said": said}


def written(case: Case, path: Path) -> None:
    """The case's file, made in a process of its own: what that frees would hide what a reader takes."""
    if not (child := os.fork()):
        path.write_bytes(case.make())
        os._exit(0)
    os.waitpid(child, 0)


def _resident(line: str) -> int:
    """Bytes of this process's memory, at most so far."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(next(row for row in text.splitlines() if row.startswith(line)).split()[1])


def main() -> None:
    known, folder = readers(), Path(tempfile.mkdtemp())
    made = folder / "warm.pth"
    made.write_bytes(archive(torch_pickle(b"}")))
    known["torch"](made)  # what is imported on first use
    for name in sys.argv[1:] or CASES:
        case = CASES[name]
        path = folder / f"case{case.suffix}"
        written(case, path)
        print(json.dumps({"case": name, **read_apart(known[case.reader], path)}), flush=True)
        path.unlink()


if __name__ == "__main__":
    main()
