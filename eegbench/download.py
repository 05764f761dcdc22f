"""Downloads: a file of a web server, whole and of the wanted kind, or not at all.

What has come is beside the target as `<name>.part`, and a note of the file's version as `<name>.part.json`: the next
call goes on from there, or begins anew if the server's file has changed since. Where parts meet, the last bytes are
fetched once more and compared, for a server may change a file and not its version. The file gets its name when it is
whole. (RFC 9110, sections 13.1.5 and 14: If-Range, Range, Content-Range.)

A server that is too slow is left: bytes come at RATE at least over each WINDOW, and the whole takes SECONDS at most and
what AVERAGE gives for the bytes that came.
"""

import http.client
import itertools
import json
import os
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from eegbench import __version__
from eegbench.contracts import Progress
from eegbench.errors import InputError, MissingError, Notice, UsageError
from eegbench.files import claimed, digest, file_digest, read_json, still_at, write_text, writing
from eegbench.guards.redaction import Redaction, shown
from eegbench.guards.web import Pace, Redirects, opener
from eegbench.kinds import HEAD, check_head, check_kind, checked_kind, wrong

PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before each further try; headway at RATE begins the count anew
PATIENCE = 60.0  # seconds that a server may be silent
RATE, WINDOW = 2.0**10, 60.0  # bytes in a second that come at least, over so many seconds
SECONDS, AVERAGE = 600.0, 2.0**13  # that a call may take, and the bytes for which it may take a second more
OVERLAP = 2**16  # bytes that are fetched again and compared where parts meet
MOST_BYTES = 2**38  # of one file: ten times the largest that the field publishes
AGAIN = (408, 425, 429, 500, 502, 503, 504)  # statuses that may pass
PIECE = 2**18
MEND = "choose another folder"

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})")


class Unreachable(MissingError):
    """A server that cannot be reached, or breaks off again and again: asking it for more files is in vain."""


class _Broken(Exception):
    """This try failed; another may not."""


def download(
    address: str,
    path: Path,
    *,
    progress: Progress,
    size: int | None = None,
    kind: str | None = None,
    sha256: str = "",
    most: int = MOST_BYTES,
) -> str:
    """Fetch `address`, http or https, to `path` and return its sha256; goes on where an earlier call was cut short.

    size: bytes that it must have. kind: what its first bytes must say, a key of KINDS. sha256: its digest, or the head
    of it. An HTML page is never taken for data. A file that came in several parts and has no known digest causes a
    Notice. Raises MissingError for what cannot be fetched or has no room, InputError for other bytes than wanted, of
    which nothing is kept, and UsageError where the folder cannot be used.
    """
    order = _Order(_checked_address(address), path.with_name(f"{path.name}.part"), size, checked_kind(kind), most)
    with _claimed(order.part) as file:
        order.here = _size(file)
        _collect(order, file, progress)
        if sys.platform == "win32":
            file.close()  # there an open file gets no other name
        try:
            received = _examine(order, sha256)
        except InputError:
            _drop(order.part)
            raise
        parts = _Note.read(order).parts
        with writing(path, mend=MEND):
            order.part.replace(path)
            _note_file(order.part).unlink(missing_ok=True)
    if parts > 1 and not sha256:
        warnings.warn(
            f"{path}: came in {parts} parts, and no digest of it is known: they agree where they meet, which does not "
            f"show that they are of one file; compare sha256 {received} with the publisher's, or fetch it anew",
            Notice,
            stacklevel=2,
        )
    return received


def check_room(folder: Path, size: int) -> None:
    """MissingError if the disk that `folder` is on has no room for `size` more bytes."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise MissingError(f"{folder}: {size} bytes are to come, the disk has {free} left; free some and try again")


@dataclass
class _Order:
    """A wanted file: its address, its unfinished file, what it must be, and the pace. here: bytes that were there."""

    address: str
    part: Path
    size: int | None
    kind: str | None
    most: int
    here: int = 0
    pace: Pace = field(
        default_factory=lambda: Pace(silence=PATIENCE, seconds=SECONDS, rate=RATE, window=WINDOW), init=False
    )
    redact: Redaction = field(default_factory=lambda: Redaction(proxies=True), init=False)

    @property
    def name(self) -> str:
        """The address, fit to be shown."""
        return shown(self.address)

    @property
    def identity(self) -> str:
        """What tells the address from others, fit to be kept."""
        return self.name if self.name == self.address else f"{self.name} {digest(self.address)}"

    def quoted(self, words: object) -> str:
        """The words of a server or a proxy, without secrets, on one line and cut."""
        return "".join(letter if letter.isprintable() else " " for letter in self.redact(str(words)))[:200]

    def came(self, size: int) -> None:
        """Note how many bytes the unfinished file has: the more came, the more time the rest may take."""
        self.pace.seconds = max(self.pace.seconds, SECONDS + (size - self.here) / AVERAGE)


@dataclass(frozen=True)
class _Note:
    """Which version of which file an unfinished file belongs to, and in how many parts it came.

    `validator`: a strong ETag or the time of change.
    """

    address: str
    validator: str = ""
    total: int | None = None
    parts: int = 1

    @classmethod
    def read(cls, order: _Order) -> "_Note":
        """The note beside the unfinished file; an empty one if there is none that can be used."""
        try:
            value = read_json(_note_file(order.part))
        except InputError:
            value = {}
        validator, total, parts = value.get("validator"), value.get("total"), value.get("parts", 1)
        known = value.get("address") in (order.identity, order.address)  # older notes have the address itself
        if not known or not isinstance(validator, str) or not _is_header(validator) or type(parts) is not int:
            return cls(order.identity)
        return cls(order.identity, validator, total if type(total) is int else None, parts)

    def write(self, part: Path) -> None:
        write_text(_note_file(part), json.dumps(asdict(self)) + "\n")


def _note_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _drop(part: Path) -> None:
    _note_file(part).unlink(missing_ok=True)
    part.unlink(missing_ok=True)  # last, for then another process may begin anew


@contextmanager
def _claimed(part: Path) -> Iterator[BinaryIO]:
    """The unfinished file, open for adding to it: by one process at a time, where the system can tell."""
    with writing(part, mend=MEND):
        part.parent.mkdir(parents=True, exist_ok=True)
        file = part.open("ab")
    with file:
        if not (claimed(file) and still_at(file, part)):  # else it got another name since it was opened
            raise UsageError(f"{part}: another process downloads it; wait for that one, then run it again")
        try:
            yield file
        finally:
            if not file.closed and not _size(file):
                file.close()
                _drop(part)


def _size(file: BinaryIO) -> int:
    with writing(Path(file.name), mend=MEND):
        file.flush()
    return os.fstat(file.fileno()).st_size


def _collect(order: _Order, file: BinaryIO, progress: Progress) -> None:
    """Try until the file is whole; gives up after a few tries without headway, and when it takes too long."""
    most, tries = order.here, 0
    while True:
        began = order.pace.clock()
        try:
            return _go_on(order, file, progress)
        except _Broken as error:
            gained = (have := _size(file)) - most
            most = max(most, have)
            if gained > 0 and gained >= RATE * (order.pace.clock() - began):
                tries = 0
            if tries == len(PAUSES) or order.pace.is_over():
                problem = f"{order.name}: cannot be fetched ({order.quoted(error)})"
                if have > OVERLAP and _Note.read(order).validator:
                    problem += f"; {have} bytes are kept, and the same command goes on from there"
                raise Unreachable(problem) from None
            time.sleep(PAUSES[tries])
            tries += 1


def _go_on(order: _Order, file: BinaryIO, progress: Progress) -> None:
    """One try: ask for what is lacking, and add it."""
    note, have = _Note.read(order), _size(file)
    if have and have == note.total:
        return  # it was stopped between its last byte and its name
    fits = have > OVERLAP and (note.total is None or have < note.total)
    meet = have - OVERLAP if note.validator and fits else 0
    headers = {"Range": f"bytes={meet}-", "If-Range": note.validator} if meet else {}
    with _ask(order, headers) as answer:
        start, total = _offer(order, answer, note, meet)
        pieces = _pieces(answer)
        first = (_after_overlap(order, start, pieces) if start else b"") or next(pieces, b"")
        if start == 0:
            have = 0
            if len(first) == HEAD or total in (None, len(first)):  # else it broke off, and says little
                check_head(order.name, first, order.kind)
            note = _Note(order.identity, _validator(answer), total, parts=0)
        with writing(order.part, mend=MEND):
            if start == 0:
                file.truncate(0)
            if first or start == 0:
                replace(note, parts=note.parts + 1).write(order.part)
        if total is not None:
            check_room(order.part.parent, total - have)
        _add(order, file, itertools.chain([first], pieces), have, total, progress)
    have, whole = _size(file), total if total is not None else order.size
    if whole is not None and have < whole:
        raise _Broken(f"broke off after {have} of {whole} bytes")


def _after_overlap(order: _Order, start: int, pieces: Iterator[bytes]) -> bytes:
    """The first bytes of the answer behind those that are here from `start` on; raises _Broken where they differ."""
    with order.part.open("rb") as file:
        file.seek(start)
        stored = file.read()
    received = b""
    while len(received) < len(stored):
        piece = next(pieces, b"")
        if not piece:  # it broke off
            return b""
        received += piece
        if not received.startswith(stored[: len(received)]):
            _note_file(order.part).unlink(missing_ok=True)  # without it the next try begins anew
            raise _Broken("the file changed, and its version did not")
    return received[len(stored) :]


def _add(
    order: _Order, file: BinaryIO, pieces: Iterator[bytes], start: int, total: int | None, progress: Progress
) -> None:
    most = min(size for size in (total, order.size, order.most) if size is not None)
    with progress.bar(f"fetch {order.part.stem}", total or order.size or 0) as advance:
        advance(start)
        for piece in pieces:
            start += len(piece)
            if start > most:
                file.truncate(0)
                raise InputError(f"{order.name}: more than the {most} bytes that were wanted; nothing was kept")
            with writing(order.part, mend=MEND):
                file.write(piece)
            order.came(start)
            advance(len(piece))


def _offer(order: _Order, answer: http.client.HTTPResponse, note: _Note, have: int) -> tuple[int, int | None]:
    """Where the answer's bytes begin and how many the whole file has, None where the server does not say."""
    headers = answer.headers
    if headers.get_content_type() in ("text/html", "application/xhtml+xml") and "Content-Type" in headers:
        raise wrong(order.name, "an HTML page", order.kind)
    if (coding := headers.get("Content-Encoding", "identity").lower()) != "identity":
        raise wrong(order.name, f"an answer packed as {order.quoted(coding)}", order.kind)
    total: int | None
    if answer.status == 206:
        total = _rest(order, answer, note, have)
    elif answer.status == 200:
        have, total = 0, answer.length  # the whole file: the server takes no ranges, or its file has changed
    else:
        raise MissingError(f"{order.name}: cannot be fetched (status {answer.status})")
    if total is not None and order.size not in (None, total):
        raise InputError(f"{order.name}: {total} bytes, wanted {order.size}: it is another file; look at its page")
    if total is not None and total > order.most:
        raise InputError(f"{order.name}: {total} bytes; at most {order.most} are fetched")
    return have, total


def _rest(order: _Order, answer: http.client.HTTPResponse, note: _Note, have: int) -> int:
    """The whole file's size from an answer that holds a part; what is there is given up if the part does not fit."""
    match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    changed = _validator(answer) not in ("", note.validator)
    if not have or match is None or int(match[1]) != have or changed or note.total not in (None, int(match[2])):
        _note_file(order.part).unlink(missing_ok=True)  # without it the next try begins anew
        raise _Broken("answered with another part than was asked for")
    return int(match[2])


def _ask(order: _Order, headers: Mapping[str, str]) -> http.client.HTTPResponse:
    request = urllib.request.Request(order.address, headers={"User-Agent": f"eegbench/{__version__}", **headers})
    order.pace.asking()
    try:
        answer: http.client.HTTPResponse = opener(order.pace, Redirects).open(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # the file is shorter than what is here
            _note_file(order.part).unlink(missing_ok=True)
        if error.code in (416, *AGAIN):
            raise _Broken(f"{error.code} {error.reason}") from None
        raise MissingError(f"{order.name}: cannot be fetched ({error.code} {order.quoted(error.reason)})") from None
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(getattr(error, "reason", error)) from None
    except ValueError as error:  # a host that cannot be one
        raise MissingError(f"{order.name}: cannot be fetched (it is no address: {order.quoted(error)})") from None
    order.pace.begun()
    return answer


def _pieces(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body: its first HEAD bytes, then what comes."""
    try:
        if piece := answer.read(HEAD):
            yield piece
        while piece := answer.read1(PIECE):
            yield piece
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a length that is none
        raise _Broken(error) from None


def _examine(order: _Order, sha256: str) -> str:
    """The sha256 of what came, if it is what was wanted."""
    size = order.part.stat().st_size
    if order.size not in (None, size):
        raise InputError(f"{order.name}: {size} bytes, wanted {order.size}; nothing was kept")
    check_kind(order.part, order.kind, order.name)
    received = file_digest(order.part)
    if not received.startswith(sha256):
        raise InputError(f"{order.name}: sha256 {received[:16]}..., wanted {sha256[:16]}; nothing was kept")
    return received


def _validator(answer: http.client.HTTPResponse) -> str:
    """What tells this version of the file from others; "" if nothing does. A weak ETag does not (RFC 9110, 13.1.5)."""
    etag = answer.headers.get("ETag", "")
    validator: str = answer.headers.get("Last-Modified", "") if etag[:1] != '"' else etag
    return validator if _is_header(validator) else ""


def _is_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _checked_address(address: str) -> str:
    try:
        parts = urlsplit(address)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        sound = sound and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not _is_header(address) or " " in address:
        raise InputError(f"{shown(address)} is no address to download from; wanted https://..., without a password")
    return address
