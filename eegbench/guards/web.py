"""Connections to web servers that are held to a pace: one that drips, or sends without end, does not hold us."""

import functools
import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import urlsplit

from eegbench.guards.redaction import shown

MOST_HEAD = 2**20  # bytes before an answer's body begins: its headers, and those of the redirects on the way to it


@dataclass
class Pace:
    """How long and how much a server may send. TimeoutError says what it did not keep.

    silence: seconds without a byte. seconds: for everything. most: bytes of one answer before `begun`, and if `whole`
    all of it. rate: bytes in a second that come at least, over each `window` of seconds that were waited for them.
    """

    silence: float
    seconds: float
    most: int = MOST_HEAD
    whole: bool = False
    rate: float = 0.0
    window: float = 60.0
    clock: Callable[[], float] = field(default_factory=lambda: time.monotonic)
    began: float = field(init=False)
    in_body: bool = field(default=False, init=False)
    received: int = field(default=0, init=False)
    recent: tuple[int, float] = field(default=(0, 0.0), init=False)  # bytes, and the seconds waited for them

    def __post_init__(self) -> None:
        self.began = self.clock()

    def asking(self) -> None:
        """A further request begins: the total of seconds goes on."""
        self.in_body, self.received, self.recent = False, 0, (0, 0.0)

    def begun(self) -> None:
        """The headers are there, and the body comes."""
        self.in_body = True

    def left(self) -> float:
        """Seconds that the next bytes may take."""
        left = self.seconds - (self.clock() - self.began)
        if left <= 0:
            raise TimeoutError(f"too slow: not done after {self.seconds:g} s")
        return min(self.silence, left)

    def is_over(self) -> bool:
        return self.clock() - self.began >= self.seconds

    def receive(self, take: Callable[[], int], wait: Callable[[float], None]) -> int:
        """Bytes that `take` took, having been allowed to wait for them so long."""
        wait(self.left())
        asked = self.clock()
        try:
            count = take()
        except TimeoutError:
            self.left()
            raise TimeoutError(f"silent for {self.silence:g} s") from None
        self._came(count, self.clock() - asked)
        return count

    def _came(self, count: int, waited: float) -> None:
        self.received += count
        if self.received > self.most and (self.whole or not self.in_body):
            raise OSError(f"an answer of more than {self.most} bytes" + ("" if self.whole else " before its body"))
        recent, seconds = self.recent[0] + count, self.recent[1] + waited
        if seconds >= self.window:
            if recent < self.rate * seconds:
                raise TimeoutError(f"too slow: {recent} bytes in {seconds:.0f} s")
            recent, seconds = 0, 0.0
        self.recent = recent, seconds


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to https, and from http to http: no file, and nothing that is less safe than what was asked for."""

    def http_error_302(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError as error:
            raise urllib.error.HTTPError(req.full_url, code, f"leads to no address: {error}", headers, fp) from None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        to = urlsplit(newurl)
        if to.scheme not in {"https", req.type} or "@" in to.netloc:
            raise urllib.error.HTTPError(req.full_url, code, f"redirected to {shown(newurl)}", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def opener(pace: Pace, *handlers: Any) -> urllib.request.OpenerDirector:
    """What opens addresses of http and https at a pace; `handlers` are those of urllib beside its own."""
    return urllib.request.build_opener(_Http(pace), _Https(pace), *handlers)


class _Held:
    """A socket, each of whose waits the pace allows."""

    pace: Pace

    def recv_into(self, *where: Any, **how: Any) -> int:
        take = functools.partial(super().recv_into, *where, **how)  # type: ignore[misc]
        return self.pace.receive(take, self.settimeout)  # type: ignore[attr-defined]


class _Http(urllib.request.HTTPHandler):
    def __init__(self, pace: Pace) -> None:
        super().__init__()
        held = type("_HeldSocket", (_Held, socket.socket), {"pace": pace})

        class Connection(http.client.HTTPConnection):
            def connect(self) -> None:
                super().connect()
                plain = self.sock
                self.sock = held(plain.family, plain.type, plain.proto, fileno=plain.detach())
                self.sock.settimeout(self.timeout)

        self._connection = Connection

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, pace: Pace) -> None:
        urllib.request.AbstractHTTPHandler.__init__(self)  # its own reads all certificates, before any is needed
        self._pace = pace

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        context.sslsocket_class = type("_HeldSocket", (_Held, ssl.SSLSocket), {"pace": self._pace})
        return self.do_open(functools.partial(http.client.HTTPSConnection, context=context), req)
