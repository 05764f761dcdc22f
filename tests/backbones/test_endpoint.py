"""Ten captions from a chat endpoint: what is asked, what is asked again, what ends it."""

import base64
import html
import io
import itertools
import json
import threading
import time
import traceback
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eegbench.backbones.captioners import endpoint as module
from eegbench.backbones.captioners.endpoint import Endpoint
from eegbench.errors import EegbenchError, InputError, MissingError, UsageError

IMAGE = np.random.default_rng(0).integers(256, size=(5, 7, 3)).astype(np.uint8)


def completion(content: object) -> tuple[int, dict[str, str], bytes]:
    """What an endpoint answers when its model says `content`."""
    return 200, {}, json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


def ten(**changes: list[Any]) -> str:
    return json.dumps({"low": ["a", "b", "c", "d"], "mid": ["e", " f\n f", "g"], "high": ["h", "i", "j"]} | changes)


GOOD = completion(ten())
CAPTIONS = ("a", "b", "c", "d", "e", "f f", "g", "h", "i", "j")


def asking(chat: Any, *script: Any, **options: Any) -> tuple[Endpoint, list[float]]:
    """An endpoint that answers by `script`, and the pauses that are made, in s."""
    pauses: list[float] = []
    chat.script.extend(script)
    return Endpoint(chat.url, "some-model", timeout=5, pause=pauses.append, **options), pauses


def test_the_image_is_sent_as_it_is_and_ten_captions_come_in_order(chat: Any) -> None:
    endpoint, _ = asking(chat, GOOD, key="secret")
    assert endpoint.captions(IMAGE) == CAPTIONS
    assert chat.paths == ["/v1/chat/completions"] and chat.keys == ["Bearer secret"]
    assert chat.asked[0]["model"] == "some-model"
    words, picture = chat.asked[0]["messages"][0]["content"]
    data = base64.b64decode(picture["image_url"]["url"].removeprefix("data:image/png;base64,"))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), IMAGE)
    assert words["text"] == module.PROMPT and "low: 4 captions" in module.PROMPT


def test_without_a_key_none_is_sent(chat: Any) -> None:
    asking(chat, GOOD)[0].captions(IMAGE)
    assert chat.keys == [None]


@pytest.mark.parametrize("around", ["```json\n{}\n```", "Here they are:\n{}\nAnything else?", "  {}  "])
def test_json_among_other_words_is_found(chat: Any, around: str) -> None:
    answer = completion(around.replace("{}", ten()))
    assert asking(chat, answer)[0].captions(IMAGE) == CAPTIONS


def test_an_overloaded_endpoint_is_asked_again_after_longer_and_longer_pauses(chat: Any) -> None:
    endpoint, pauses = asking(chat, (500, {}, b""), (503, {}, b""), (429, {}, b""), GOOD)
    assert endpoint.captions(IMAGE) == CAPTIONS and pauses == [1, 2, 4]


@pytest.mark.parametrize(("asked", "paused"), [("7", 7), ("9999", 60), ("Wed, 21 Oct 2065 07:28:00 GMT", 1), ("-3", 1)])
def test_the_pause_that_the_endpoint_asks_for_is_made_within_reason(chat: Any, asked: str, paused: float) -> None:
    endpoint, pauses = asking(chat, (429, {"Retry-After": asked}, b""), GOOD)
    assert endpoint.captions(IMAGE) == CAPTIONS and pauses == [paused]


RUBBISH: dict[str, tuple[Any, str]] = {
    "no JSON": ((200, {}, b"<html>hello</html>"), "what is no chat completion: '<html>hello</html>'"),
    "bytes": ((200, {}, b"\xff\xfe\x00" * 9), "what is no chat completion"),
    "lists without end": ((200, {}, b"[" * 200_000), "what is no chat completion"),
    "other JSON": ((200, {}, b'{"choices": []}'), "what is no chat completion"),
    "nothing said": (completion(None), "NoneType where the model's words should be"),
    "no captions": (completion("I cannot see pictures."), "no JSON: 'I cannot see pictures.'"),
    "nine captions": (completion(ten(high=["a", "b"])), "2 captions of the level high; wanted 3"),
    "eleven captions": (completion(ten(low=["a"] * 5)), "5 captions of the level low; wanted 4"),
    "an empty caption": (completion(ten(mid=["a", " ", "b"])), "no list of sentences"),
    "captions that are numbers": (completion(ten(mid=[1, 2, 3])), "no list of sentences"),
    "another level": (completion(json.dumps({"a": []})), "not with low, mid, high but with 'a'"),
    "an answer without end": ((200, {}, b" " * (module.MAX_ANSWER + 1)), "more than 1048576 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("case", RUBBISH)
def test_rubbish_is_asked_again_without_a_pause_and_then_said(chat: Any, case: str) -> None:
    answer, words = RUBBISH[case]
    endpoint, pauses = asking(chat, *[answer] * module.TRIES)
    with pytest.raises(InputError) as caught:
        endpoint.captions(IMAGE)
    assert words in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 500
    assert len(chat.asked) == module.TRIES and set(pauses) == {0}


def test_rubbish_once_is_forgiven(chat: Any) -> None:
    assert asking(chat, RUBBISH["nine captions"][0], GOOD)[0].captions(IMAGE) == CAPTIONS


ERROR = json.dumps({"error": {"message": "bad key sk-secret\nfor you"}}).encode()
FINAL: dict[int, tuple[type[EegbenchError], str]] = {
    301: (UsageError, "look at --endpoint and --model"),
    400: (InputError, "answers 400 (bad key *** for you)"),
    401: (UsageError, "answers 401 (bad key *** for you); look at --api-key-env"),
    404: (UsageError, "look at --endpoint and --model"),
}


@pytest.mark.parametrize("status", FINAL)
def test_a_refusal_is_final_and_never_shows_the_key(chat: Any, status: int) -> None:
    kind, words = FINAL[status]
    endpoint, pauses = asking(chat, (status, {"Location": "http://127.0.0.1:9/"}, ERROR), key="sk-secret")
    with pytest.raises(kind) as caught:
        endpoint.captions(IMAGE)
    assert words in str(caught.value) and "sk-secret" not in str(caught.value)
    assert len(chat.asked) == 1 and not pauses


def test_an_endpoint_that_stays_overloaded_is_given_up(chat: Any) -> None:
    endpoint, pauses = asking(chat, *[(503, {}, b"busy")] * module.TRIES)
    with pytest.raises(MissingError, match=r"answers 503 \(busy\), 5 times"):
        endpoint.captions(IMAGE)
    assert pauses == [1, 2, 4, 8]


def test_an_answer_that_breaks_off_is_asked_for_again(chat: Any) -> None:
    endpoint, pauses = asking(chat, (200, {"Content-Length": "999"}, GOOD[2]), GOOD)
    assert endpoint.captions(IMAGE) == CAPTIONS and pauses == [1]


def test_an_answer_that_stays_away_is_asked_for_again(chat: Any) -> None:
    came = threading.Event()

    def never(_: Any) -> Any:
        came.wait(10)
        return 200, {}, b""

    endpoint, pauses = asking(chat, never, GOOD)
    endpoint.timeout = 0.3
    assert endpoint.captions(IMAGE) == CAPTIONS and pauses == [1]
    came.set()


def test_nobody_at_the_address_is_said_at_once(chat: Any) -> None:
    endpoint = Endpoint("http://127.0.0.1:9/v1", "m", pause=lambda s: pytest.fail("it waited"))
    with pytest.raises(MissingError, match=r"refused.*; look at --endpoint"):
        endpoint.captions(IMAGE)


def test_offline_opens_no_connection(chat: Any) -> None:
    endpoint, _ = asking(chat, GOOD, offline=True)
    with pytest.raises(MissingError, match="--offline opens no connection"):
        endpoint.captions(IMAGE)
    assert not chat.asked


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a/b", "localhost:8000/v1", "", "http://", "http://a b/", "http://a:99999999/",
     "http://a/v1?key=3", "http://user:word@a/v1",
     "user:word@a/v1", "https://user:wo/rd@a/v1", "http://a\r\nX: y/v1", "http://" + "a" * 70 + "/v1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="--endpoint") as caught:
        Endpoint(url, "m")
    assert not any(secret in str(caught.value) for secret in ("word", "rd@", "key=3"))


def test_a_key_that_would_break_the_header_is_refused_unseen() -> None:
    with pytest.raises(UsageError, match="--api-key-env") as caught:
        Endpoint("http://a/v1", "m", key="sk-secret\r\nHost: b")
    assert "sk-secret" not in str(caught.value)


KEY = "sk-proj/Ab+9_t0psecret-AZERTY42"
ECHOES: Mapping[str, Callable[[str], str]] = {
    "as it is": lambda key: f"bad key {key}",
    "with its scheme": lambda key: f"Authorization: Bearer {key}",
    "at the cut": lambda key: "x" * 150 + key,
    "before the cut": lambda key: " " * 1985 + key,
    "a piece": lambda key: f"bad key {key[:12]}... and {key[-9:]}",
    "percent-encoded": lambda key: urllib.parse.quote(key, safe=""),
    "all percent-encoded, twice": lambda key: "".join(f"%25{ord(letter):02X}" for letter in key),
    "in base 64": lambda key: base64.b64encode(f"Bearer {key}".encode()).decode(),
    "in base 64 for addresses": lambda key: base64.urlsafe_b64encode(f"..{key}".encode()).decode(),
    "in hex": lambda key: key.encode().hex(),
    "escaped as JSON": lambda key: "".join(f"\\u{ord(letter):04x}" for letter in key),
    "escaped in part": lambda key: key.replace("/", "\\/").replace("b", "\\u0062").replace("+", "%2b"),
    "escaped as HTML": lambda key: html.escape("".join(f"&#{ord(letter)};" for letter in key[:9])) + key[9:],
    "in capitals": str.upper,
    "broken into lines": lambda key: f"{key[:7]}\n{key[7:12]}\r\n {key[12:]}",
    "in wide letters": lambda key: key.encode("utf-16-le").decode(),
}


def shows(key: str, text: str) -> bool:
    """Whether a piece of the key can be read, letter by letter, case, signs and escapes aside."""
    forms = [text, urllib.parse.unquote(urllib.parse.unquote(text)), html.unescape(html.unescape(text))]
    return any(key[i : i + 8].lower() in form.lower() for form in forms for i in range(len(key) - 7))


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize("case", ECHOES)
def test_a_key_that_comes_back_is_in_no_message_and_in_no_exception_behind_it(
    chat: Any, case: str, status: int
) -> None:
    echo = ECHOES[case](KEY)
    for body in (echo, json.dumps({"error": {"message": echo}}), json.dumps({"error": echo})):
        chat.script.clear()
        endpoint, _ = asking(chat, *[(status, {}, body.encode())] * module.TRIES, key=KEY)
        with pytest.raises(EegbenchError) as caught:
            endpoint.captions(IMAGE)
        whole = "".join(traceback.format_exception(caught.value)) + str(caught.value)
        assert not shows(KEY, whole) and ("***" in str(caught.value) or "cut" in case)
        assert case not in ("in base 64", "in hex") or echo[12:24] not in whole


@pytest.mark.parametrize("case", ECHOES)
def test_captions_that_hold_the_key_are_none(chat: Any, case: str) -> None:
    answer = completion(ten(mid=["a", f"a picture of {ECHOES[case](KEY)}", "c"]))
    endpoint, _ = asking(chat, *[answer] * module.TRIES, key=KEY)
    with pytest.raises(InputError, match="captions that hold the API key, 5 times"):
        endpoint.captions(IMAGE)


def test_a_key_beside_the_captions_is_no_harm_and_stars_are_words(chat: Any) -> None:
    starry = ten(mid=["a", "*** a star ***", "c"])
    body = json.loads(completion(ten())[2]) | {"headers": {"Authorization": f"Bearer {KEY}"}}
    for answer in ((200, {}, json.dumps(body).encode()), completion(starry)):
        assert len(asking(chat, answer, key=KEY)[0].captions(IMAGE)) == 10


def test_the_word_that_a_local_server_takes_for_a_key_may_stand_in_captions(chat: Any) -> None:
    assert asking(chat, GOOD, key="a")[0].captions(IMAGE) == CAPTIONS


def test_a_status_line_that_holds_the_key_is_redacted(drip: Any) -> None:
    url = drip([f"ICY 200 Bearer {KEY}\r\n\r\n".encode()])
    with pytest.raises(MissingError, match=r"ICY 200 Bearer \*\*\*"):
        Endpoint(f"{url}/v1", "m", key=KEY, pause=lambda _: None).captions(IMAGE)


@pytest.mark.parametrize("host", ["a.example", "10.0.0.7", "127.0.0.1.example", "localhost.example", "[::2]", "0x7f.1"])
def test_a_key_is_not_sent_over_plain_http_beyond_this_machine(host: str) -> None:
    with pytest.raises(UsageError, match=r"over plain http, .*; give an https:// address, or leave out") as caught:
        Endpoint(f"http://{host}/v1", "m", key=KEY)
    assert not shows(KEY, str(caught.value))
    Endpoint(f"https://{host}/v1", "m", key=KEY)
    Endpoint(f"http://{host}/v1", "m")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "[::1]", "localhost", "LOCALHOST"])
def test_a_key_goes_to_this_machine_in_the_open(host: str) -> None:
    Endpoint(f"http://{host}:8000/v1", "m", key=KEY)


def test_no_proxy_is_told_what_goes_to_this_machine(chat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:topsecretword@127.0.0.1:9")
    assert asking(chat, GOOD, key=KEY)[0].captions(IMAGE) == CAPTIONS


@pytest.mark.parametrize("words", ["a photographer takes a picture", "a picture of topsecretword"])
def test_a_proxy_that_is_not_asked_spoils_no_caption(chat: Any, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    monkeypatch.setenv("http_proxy", "http://photographer:topsecretword@127.0.0.1:9")
    assert words in asking(chat, completion(ten(mid=["a", words, "c"])), key=KEY)[0].captions(IMAGE)


def test_of_a_proxy_that_is_asked_the_password_spoils_captions_and_the_name_none(
    chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", chat.url.replace("://", "://photographer:topsecretword@").removesuffix("/v1"))
    chat.script += [completion(ten(mid=["a", f"a {word}", "c"])) for word in ("photographer", "topsecretword")]
    endpoint = Endpoint("http://a.example/v1", "m", pause=lambda _: None)
    assert "a photographer" in endpoint.captions(IMAGE)
    monkeypatch.setattr(module, "TRIES", 1)
    with pytest.raises(InputError, match="captions that hold a proxy's password, 1 times"):
        endpoint.captions(IMAGE)


def test_the_password_of_a_proxy_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:top:secretword@127.0.0.1:9:topsecretword")
    with pytest.raises(EegbenchError) as caught:
        Endpoint("http://a.example/v1", "m", timeout=1, pause=lambda _: None).captions(IMAGE)
    assert "secretword" not in "".join(traceback.format_exception(caught.value))


DRIPS: Mapping[str, Callable[[], Iterator[bytes]]] = {
    "its headers": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X: y\r\n")),
    "its body": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], itertools.repeat(b" ")),
    "that it will go on": lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("case", DRIPS)
@pytest.mark.parametrize("pause", [0.02, 0.0])
def test_an_answer_that_drips_or_has_no_end_is_given_up_in_the_time_that_was_allowed(
    drip: Any, case: str, pause: float
) -> None:
    pauses: list[float] = []
    url = drip(lambda _: DRIPS[case](), pause=pause)
    endpoint = Endpoint(f"{url}/v1", "m", key=KEY, timeout=0.1, pause=pauses.append)
    began = time.monotonic()
    with pytest.raises(EegbenchError, match=r"too slow|more than"):
        endpoint.captions(IMAGE)
    assert time.monotonic() - began < 30 and len(pauses) == 4
