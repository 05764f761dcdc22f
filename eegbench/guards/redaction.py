"""Secrets taken out of text that came from elsewhere, before it is cut, shown, kept or sent on."""

import base64
import bisect
import re
import string
import urllib.parse
import urllib.request
from collections.abc import Iterator

REDACTED = "***"
PIECE = 8  # letters of a secret that are never shown in a row; a shorter secret is taken out whole
LEAST = 6  # letters: a shorter word, such as the key of a local server, protects nothing

# One letter as text, JSON, HTML and addresses write it, escaped once or more often.
_LETTER = re.compile(
    r"%(?:25)*(?P<percent>[0-9a-fA-F]{2})|\\+(?:u00|x)(?P<escaped>[0-9a-fA-F]{2})|\\+(?P<plain>[\"'/]?)"
    r"|&(?:amp;)*#x0*(?P<hexadecimal>[0-9a-fA-F]{2});|&(?:amp;)*#0*(?P<decimal>[0-9]{2,3});|(?P<run>[^%\\&\s]+|[%&])"
)
_LOWER = {ord(letter): letter.lower() for letter in string.ascii_uppercase}


class Redaction:
    """Called with a text, gives it with `***` for each secret, or piece of one: escaped, in base 64 or in hex too.

    Case, white space and control characters among a secret's letters do not hide it. proxies: also the passwords of
    the proxies that the environment names, alone in pieces, behind the user's name whole: a name is no secret.
    """

    def __init__(self, *secrets: str, proxies: bool = False) -> None:
        self._pieces: dict[int, set[str]] = {}  # by length
        users = _of_proxies() if proxies else []
        for secret in (*secrets, *(password for _, password in users)):
            self._add(secret, PIECE)
        for user, password in users:
            self._add(f"{user}:{password}", None)

    def __call__(self, text: str) -> str:
        parts, done = [], 0
        for start, end in self._places(text):
            parts += [text[done:start], REDACTED]
            done = end
        return "".join([*parts, text[done:]])

    def holds(self, text: str) -> bool:
        """Whether a secret, or a piece of one, is in the text."""
        return bool(self._places(text))

    def _add(self, secret: str, most: int | None) -> None:
        """Add the pieces of a secret, of at most `most` letters each; None: the whole secret alone."""
        if len(secret) < LEAST:
            return
        data = secret.encode(errors="replace")
        for form in (_Letters(form).plain for form in (secret, data.hex(), *_in_base_64(data))):
            length = min(most or len(form), len(form))
            pieces = self._pieces.setdefault(length, set())
            pieces.update(form[i : i + length] for i in range(len(form) - length + 1))

    def _places(self, text: str) -> list[tuple[int, int]]:
        """Where secrets begin and end, in order, none of the places touching another."""
        if not self._pieces:
            return []
        letters = _Letters(text)
        spans = [
            (start, start + length)
            for length, pieces in self._pieces.items()
            for start in range(len(letters.plain) - length + 1)
            if letters.plain[start : start + length] in pieces
        ]
        places: list[tuple[int, int]] = []
        for first, behind in sorted(spans):
            start, end = letters.begins(first), letters.ends(behind - 1)
            if places and start <= places[-1][1]:
                start, before = places.pop()
                end = max(end, before)
            places.append((start, end))
        return places


def _of_proxies() -> list[tuple[str, str]]:
    """Names and passwords of the users of the proxies that the environment names."""
    users = (address.partition("//")[2].rpartition("@")[0] for address in urllib.request.getproxies().values())
    parts = (tuple(map(urllib.parse.unquote, user.partition(":"))) for user in users)
    return [(name, password) for name, _, password in parts if password]


def shown(address: str) -> str:
    """An address without what may be a secret in it: a user's name and password, and all that follows ? or #."""
    try:
        parts = urllib.parse.urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urllib.parse.urlsplit("")
    if not host or "@" in parts.path:  # no address, or one whose password may have been taken for something else
        scheme, colon, _ = address.partition("://")
        return f"{scheme}://…" if colon and scheme.isalnum() else "…" if address else ""
    place = f"[{host}]" if ":" in host else host
    place += "" if port is None else f":{port}"
    return f"{parts.scheme}://{place}{parts.path}" + ("?…" if parts.query or parts.fragment else "")


def addresses_shown(text: str) -> str:
    """A text in which each address of the web is as `shown` gives it."""
    return re.sub(r"https?://[^\s'\"<>]+", lambda match: shown(match[0]), text)


class _Letters:
    """The letters of a text as they are meant: `plain`, in lower case, without white space and control characters."""

    def __init__(self, text: str) -> None:
        parts: list[str] = []
        self._first: list[int] = []  # of the plain letters, by part
        self._spans: list[tuple[int, int]] = []  # in the text, by part; of a part as long as its span each letter's own
        length = 0
        for match in _LETTER.finditer(text):
            for start, end, part in _parts(match):
                parts.append(part)
                self._first.append(length)
                self._spans.append((start, end))
                length += len(part)
        self.plain = "".join(parts)

    def begins(self, place: int) -> int:
        """Where in the text a plain letter begins."""
        return self._span(place)[0]

    def ends(self, place: int) -> int:
        return self._span(place)[1]

    def _span(self, place: int) -> tuple[int, int]:
        part = bisect.bisect_right(self._first, place) - 1
        start, end = self._spans[part]
        following = self._first[part + 1] if part + 1 < len(self._first) else len(self.plain)
        if end - start != following - self._first[part]:
            return start, end  # one letter, escaped
        start += place - self._first[part]
        return start, start + 1


def _parts(match: re.Match[str]) -> Iterator[tuple[int, int, str]]:
    """Start, end and letters of each part of a text: a run of plain letters, or one letter that is escaped."""
    kind = match.lastgroup or ""
    letters = match[kind]
    if kind == "run":
        if letters.isprintable():
            yield *match.span(), letters.translate(_LOWER)
        else:
            for place, letter in enumerate(letters, match.start()):
                if letter.isprintable():
                    yield place, place + 1, letter.translate(_LOWER)
        return
    letter = chr(int(letters, 10 if kind == "decimal" else 16)) if kind != "plain" else letters or "\\"
    if letter.isprintable() and letter != " ":
        yield *match.span(), letter.translate(_LOWER)


def _in_base_64(secret: bytes) -> list[str]:
    """The forms of a secret in base 64, for each position among other bytes, without the signs that both decide."""
    forms = []
    for before in range(3):
        text = base64.b64encode(bytes(before) + secret).decode().rstrip("=")
        whole = text[(8 * before + 5) // 6 : (8 * (before + len(secret))) // 6]
        forms += [whole, whole.translate(str.maketrans("+/", "-_"))]
    return forms
