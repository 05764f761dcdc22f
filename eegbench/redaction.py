"""Secrets taken out of text that came from elsewhere, before it is cut, shown, kept or sent on."""

import base64
import re
import urllib.parse
import urllib.request

REDACTED = "***"
PIECE = 8  # letters of a secret that are never shown in a row; a shorter secret is taken out whole
LEAST = 6  # letters: a shorter word, as local servers take for a key, keeps nobody out

# One letter as text, JSON, HTML and addresses write it, escaped once or more often.
_LETTER = re.compile(
    r"%(?:25)*(?P<percent>[0-9a-fA-F]{2})|\\+(?:u00|x)(?P<escaped>[0-9a-fA-F]{2})|\\+(?P<plain>[\"'/]?)"
    r"|&(?:amp;)*#x0*(?P<hexadecimal>[0-9a-fA-F]{2});|&(?:amp;)*#0*(?P<decimal>[0-9]{2,3});|(?P<letter>.)",
    re.DOTALL,
)


class Redaction:
    """Called with a text, gives it with `***` for each secret, or piece of one: escaped, in base 64 or in hex too.

    Case, white space and control characters among a secret's letters do not hide it.
    """

    def __init__(self, *secrets: str) -> None:
        self._pieces: dict[int, set[str]] = {}  # by length
        for secret in secrets:
            if len(secret) >= LEAST:
                data = secret.encode(errors="replace")
                for form in (secret, data.hex(), *_in_base_64(data)):
                    self._add("".join(letter for letter, _, _ in _letters(form)))

    def __call__(self, text: str) -> str:
        parts, done = [], 0
        for start, end in self._places(text):
            parts += [text[done:start], REDACTED]
            done = end
        return "".join([*parts, text[done:]])

    def holds(self, text: str) -> bool:
        """Whether a secret, or a piece of one, stands in the text."""
        return bool(self._places(text))

    def _add(self, form: str) -> None:
        length = min(PIECE, len(form))
        pieces = self._pieces.setdefault(length, set())
        pieces.update(form[i : i + length] for i in range(len(form) - length + 1))

    def _places(self, text: str) -> list[tuple[int, int]]:
        """Where secrets begin and end, in order, none of the places touching another."""
        if not self._pieces:
            return []
        letters = list(_letters(text))
        plain = "".join(letter for letter, _, _ in letters)
        places: list[tuple[int, int]] = []
        for i in range(len(plain)):
            length = max((n for n, pieces in self._pieces.items() if plain[i : i + n] in pieces), default=0)
            if length:
                start, end = letters[i][1], letters[i + length - 1][2]
                if places and start <= places[-1][1]:
                    start = places.pop()[0]
                places.append((start, end))
        return places


def of_proxies() -> list[str]:
    """The passwords of the proxies that the environment names."""
    found = []
    for address in urllib.request.getproxies().values():
        user, at, _ = address.partition("//")[2].rpartition("@")
        if at:
            found += [user, urllib.parse.unquote(user), urllib.parse.unquote(user.partition(":")[2])]
    return [word for word in found if word]


def shown(address: str) -> str:
    """An address without what may be a secret in it: a user's name and password, and what stands behind ? or #."""
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
    return re.sub(r"https?://[^\s'\"<>]+", lambda found: shown(found[0]), text)


def _letters(text: str) -> list[tuple[str, int, int]]:
    """Each letter as it is meant, in lower case, with where it stands; white space and control characters left out."""
    found = []
    for match in _LETTER.finditer(text):
        kind = match.lastgroup or ""
        what = match[kind]
        if kind in ("percent", "escaped", "hexadecimal"):
            what = chr(int(what, 16))
        elif kind == "decimal":
            what = chr(int(what))
        elif kind == "plain":
            what = what or "\\"
        if what.isprintable() and what != " ":
            found.append((what.lower() if what.isascii() else what, *match.span()))
    return found


def _in_base_64(secret: bytes) -> list[str]:
    """What base 64 makes of a secret wherever it stands among other bytes, those signs left out that both decide."""
    forms = []
    for before in range(3):
        text = base64.b64encode(bytes(before) + secret).decode().rstrip("=")
        whole = text[(8 * before + 5) // 6 : (8 * (before + len(secret))) // 6]
        forms += [whole, whole.translate(str.maketrans("+/", "-_"))]
    return forms
