"""A server on this machine that sends whatever bytes it is given, one connection after the other."""

import _socket
import random
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from attack.hostile import HTML
from attack.spoiling import PAGE

SILENT = 5.0  # s that it waits for a question


def allow(patch: pytest.MonkeyPatch) -> None:
    """Let connections be opened, where tests refuse them, and by no proxy; the watch sees those that lead elsewhere."""
    patch.setattr(socket.socket, "connect", _socket.socket.connect)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        patch.delenv(name, raising=False)
        patch.delenv(name.upper(), raising=False)


@contextmanager
def serving(answers: Sequence[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """Its address, and the questions that came; each connection gets the next answer, and then the last again."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(
            target=_serve, args=(server, list(answers), asked), daemon=True, name="hostile server"
        )
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            thread.join(SILENT)


def answer(body: bytes = b"", status: str = "200 OK", *, length: int | None = None, **headers: str) -> bytes:
    """An answer as a server gives it; `length` is what it says of the body."""
    lines = {"Content-Length": str(len(body) if length is None else length), "Connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = f"HTTP/1.1 {status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return head.encode("latin1", "replace") + b"\r\n" + body


def _serve(server: socket.socket, answers: list[bytes], asked: list[bytes]) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.settimeout(SILENT)
                asked.append(_question(connection))
                connection.sendall(answers.pop(0) if len(answers) > 1 else answers[0])


def _question(connection: socket.socket) -> bytes:
    """All of a question: its head, and a body of the length that it says."""
    came = b""
    while b"\r\n\r\n" not in came and (piece := connection.recv(2**16)):
        came += piece
    head, _, body = came.partition(b"\r\n\r\n")
    wanted = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < wanted and (piece := connection.recv(2**16)):
        body += piece
    return head + b"\r\n\r\n" + body


def status(rng: random.Random) -> bytes:
    words = rng.choice(("Nope", "\x1b[2J", HTML, "a" * 5000, ""))
    return answer(
        rng.choice((b"", PAGE, b"abc" * 100)),
        f"{rng.choice((100, 204, 206, 302, 304, 401, 404, 416, 500, 503, 999))} {words}",
    )


def redirect(rng: random.Random) -> bytes:
    to = rng.choice(
        (
            "/a.zip",
            "file:///etc/passwd",
            "ftp://127.0.0.1/x",
            "http://[",
            "//",
            "http://127.0.0.1:1/",
            "",
            "data:,x",
            "\x1b[2J",
            "javascript:1",
        )
    )
    return answer(b"", f"{rng.choice((301, 302, 303, 307, 308))} Moved", Location=to)


def length(rng: random.Random) -> bytes:
    said = rng.choice(("0", "-1", "1", str(len(b"abc" * 100) + 1), str(2**40), str(10**30), "many", "1, 2", "0x10"))
    return answer(b"abc" * 100, Content_Length=said)


def chunked(rng: random.Random) -> bytes:
    body = rng.choice(
        (
            b"5\r\nabcde\r\n0\r\n\r\n",
            b"ffffffffffffffff\r\nabc",
            b"-5\r\nabc",
            b"zz\r\n",
            b"1;" + b"a" * 70_000,
            b"5\r\nab",
        )
    )
    return answer(body, Content_Length="", Transfer_Encoding="chunked")


def page(rng: random.Random) -> bytes:
    return answer(PAGE, Content_Type=rng.choice(("text/html", "application/octet-stream", "a/b; charset=\x1b")))
