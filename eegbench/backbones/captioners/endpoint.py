"""Ten captions of an image from any OpenAI-compatible chat endpoint, by POST {URL}/chat/completions.

The LLM-caption paper says that a large language model wrote ten captions in three levels, and neither which one nor
what it was told: the prompt is our choice.

The API key goes to the endpoint and nowhere else: not over plain http beyond this machine, not to where a redirect
leads, and what an endpoint sends back is read only after the key was taken out of it.
"""

import base64
import http.client
import io
import ipaddress
import json
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eegbench.backbones.captioners import Captioner
from eegbench.contracts import CAPTION_LEVELS
from eegbench.errors import EegbenchError, InputError, MissingError, UsageError
from eegbench.files import Json
from eegbench.guards.redaction import REDACTED, Redaction, shown
from eegbench.guards.web import Pace, opener

COUNTS = Counter(CAPTION_LEVELS)
PROMPT = (
    "Describe this picture in ten captions on three levels, each caption one sentence of at most fifteen words. "
    f"low: {COUNTS['low']} captions that name the object and its colours. "
    f"mid: {COUNTS['mid']} captions of the scene and where things are in it. "
    f"high: {COUNTS['high']} captions of its mood and theme. "
    'Answer with JSON alone: {"low": [...], "mid": [...], "high": [...]}'
)
TRIES = 5  # of one image
LONGEST_PAUSE = 60.0  # s
MAX_ANSWER = 2**20  # bytes
MOST_SENT = 2 * MAX_ANSWER  # bytes of one answer, headers and all
MAX_REFUSAL = 2**16  # bytes of an error's body that are read
OVERLOADED = (408, 409, 425, 429, 500, 502, 503, 504, 529)  # worth another try
THIS_IMAGE = (400, 413, 415, 422)  # said of one request, not of all


class Endpoint(Captioner):
    """A model behind `url`. With `offline` it opens no connection, and says so when it is asked.

    timeout: seconds for one whole answer. Raises UsageError for a URL or key that cannot be one, and for a key that
    plain http would show to others.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str = "",
        parallel: int = 1,
        timeout: float = 120.0,
        offline: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = f"{_checked(url).rstrip('/')}/chat/completions"
        if not (key.isascii() and key.isprintable()):
            raise UsageError("the API key holds a character that no key has; look at the variable of --api-key-env")
        plain = urllib.parse.urlsplit(url).scheme == "http"
        if key and plain and not _is_here(url):
            raise UsageError(
                f"--endpoint {url}: the API key would be sent over plain http, which others on the way can read; give "
                "an https:// address, or leave out --api-key-env"
            )
        self.model, self.key, self.parallel, self.timeout = model, key, parallel, timeout
        self.offline, self.pause = offline, pause
        self.identity = {"address": self.address, "prompt": PROMPT}
        self.heard = False  # whether it ever answered: until then a wrong address is likelier than a bad moment
        # Of this machine no proxy is asked: it would be told the key.
        self._handlers = [_NoRedirect(), *([urllib.request.ProxyHandler({})] if _is_here(url) else [])]
        self._secrets = {"the API key": Redaction(key), "a proxy's password": Redaction(proxies=not _is_here(url))}

    def captions(self, image: NDArray[np.uint8]) -> tuple[str, ...]:
        if self.offline:
            raise MissingError("--offline opens no connection, and there are images without captions; leave it out")
        body = json.dumps(_question(self.model, image)).encode()
        for attempt in range(TRIES):
            try:
                return self._ten(self._answer(body))
            except _Again as again:
                problem = again
            if attempt < TRIES - 1:
                self.pause(min(LONGEST_PAUSE, problem.pause(attempt)))
        raise problem.last(f"{problem}, {TRIES} times")

    def _ten(self, answer: str) -> tuple[str, ...]:
        """The captions of an answer; ones that repeat a secret are refused like an answer without captions."""
        captions = ten(_content(self._redact(answer)))
        starred = any(REDACTED in caption for caption in captions)
        for what, redaction in self._secrets.items():
            if redaction.holds("\n".join(captions)) or (starred and redaction.holds(answer)):
                raise _rubbish(f"captions that hold {what}")
        return captions

    def _redact(self, text: str) -> str:
        for redaction in self._secrets.values():
            text = redaction(text)
        return text

    def _answer(self, body: bytes) -> str:
        """The text of the endpoint's answer, unchanged: the key may be in it."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "eegbench"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.address, data=body, headers=headers, method="POST")
        pace = Pace(silence=self.timeout, seconds=self.timeout, most=MOST_SENT, whole=True)
        try:
            with opener(pace, *self._handlers).open(request, timeout=self.timeout) as answer:
                self.heard = True
                came: bytes = answer.read(MAX_ANSWER + 1)
                if answer.length and len(came) <= MAX_ANSWER:
                    raise http.client.IncompleteRead(came, answer.length)
        except urllib.error.HTTPError as error:
            self.heard = True
            refusal = self._refusal(error)
        except (OSError, http.client.HTTPException, ValueError) as error:  # URLError is an OSError
            refusal = self._silence(error)
        else:
            if len(came) > MAX_ANSWER:
                raise _Again(f"{self.address} answers with more than {MAX_ANSWER} bytes", last=InputError, wait=0)
            return came.decode(errors="replace")
        raise refusal  # here, where no exception with the server's own words is its context

    def _refusal(self, error: urllib.error.HTTPError) -> Exception:
        """The error to raise for an answer with another status than 200."""
        with error:
            try:
                message = _reason(self._redact(error.read(MAX_REFUSAL).decode(errors="replace")))
            except (OSError, http.client.HTTPException):
                message = ""
        words = f"{self.address} answers {error.code}{f' ({message})' if message else ''}"
        if error.code in OVERLOADED:
            return _Again(words, last=MissingError, wait=_seconds(error.headers.get("Retry-After")))
        if error.code in THIS_IMAGE:
            return InputError(words)
        option = "--api-key-env" if error.code in (401, 403) else "--endpoint and --model"
        return UsageError(f"{words}; look at {option}")

    def _silence(self, error: Exception) -> Exception:
        """The error to raise where no answer came."""
        reason = getattr(error, "reason", error)
        message = _line(self._redact(str(reason))) or type(error).__name__
        words = f"{self.address} cannot be asked ({message})"
        if isinstance(reason, ConnectionRefusedError | socket.gaierror) and not self.heard:
            return MissingError(f"{words}; look at --endpoint")
        return _Again(words, last=MissingError)


class _Again(Exception):
    """A failure that another try may mend. `last`: what the last try raises; `wait`: the pause in s, if known."""

    def __init__(self, words: str, last: type[EegbenchError], wait: float | None = None) -> None:
        super().__init__(words)
        self.last, self.wait = last, wait

    def pause(self, attempt: int) -> float:
        return 2.0**attempt if self.wait is None else self.wait


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def ten(content: str) -> tuple[str, ...]:
    """The ten captions of a model's answer, white space mended; the JSON may be surrounded by other words."""
    begin, end = content.find("{"), content.rfind("}")
    try:
        value = json.loads(content[begin : end + 1])
    except (ValueError, RecursionError):
        raise _rubbish(f"no JSON: {_line(content)!r}") from None
    if not isinstance(value, dict) or set(value) != set(COUNTS):
        keys = ", ".join(map(str, value)) if isinstance(value, dict) else type(value).__name__
        raise _rubbish(f"not with {', '.join(COUNTS)} but with {_line(keys)!r}")
    captions: list[str] = []
    for level, count in COUNTS.items():
        words = value[level]
        if not isinstance(words, list) or not all(isinstance(word, str) and word.strip() for word in words):
            raise _rubbish(f"captions of the level {level} that are no list of sentences")
        if len(words) != count:
            raise _rubbish(f"{len(words)} captions of the level {level}; wanted {count}")
        captions += (" ".join(word.split()) for word in words)
    return tuple(captions)


def _question(model: str, image: NDArray[np.uint8]) -> Json:
    picture = io.BytesIO()
    Image.fromarray(image).save(picture, format="PNG")
    address = "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()
    parts = [{"type": "text", "text": PROMPT}, {"type": "image_url", "image_url": {"url": address}}]
    return {"model": model, "messages": [{"role": "user", "content": parts}]}


def _content(answer: str) -> str:
    """What the model said, from the endpoint's JSON."""
    try:
        content = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise _rubbish(f"what is no chat completion: {_line(answer)!r}") from None
    if not isinstance(content, str):
        raise _rubbish(f"{type(content).__name__} where the model's words should be")
    return content


def _rubbish(words: str) -> _Again:
    return _Again(f"the model answers with {words}", last=InputError, wait=0)


def _reason(text: str) -> str:
    """The message in an error's body, or the head of the body itself."""
    try:
        error = json.loads(text)["error"]
        return _line(error["message"] if isinstance(error, dict) else str(error))
    except (ValueError, LookupError, TypeError, RecursionError):
        return _line(text)


def _line(text: object) -> str:
    """At most 160 printable characters on one line."""
    words = "".join(letter if letter.isprintable() else " " for letter in str(text)[:2000])
    words = " ".join(words.split())
    return words if len(words) <= 160 else words[:159] + "…"


def _seconds(text: str | None) -> float | None:
    """What a Retry-After of whole seconds says; None for none, and for a date."""
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else None


def _checked(url: str) -> str:
    try:
        parts = urllib.parse.urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.port != 0
        sound = sound and bool((parts.hostname or "").encode("idna"))
    except ValueError:  # a port that is no number, a host that is no name
        parts, sound = urllib.parse.urlsplit(""), False
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError(
            f"--endpoint {shown(url)} holds more than an address; leave out a user's name and all behind ? or #, and "
            "give a key by --api-key-env"
        )
    if not sound or not (url.isascii() and url.isprintable()) or " " in url:
        raise UsageError(
            f"--endpoint {shown(url)!r}; wanted a URL such as https://api.openai.com/v1 or http://localhost:8000/v1"
        )
    return url


def _is_here(url: str) -> bool:
    """Whether the address is this machine's own, which no network lies before."""
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
