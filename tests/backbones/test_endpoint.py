"""Ten captions from a chat endpoint: what is asked, what is asked again, what ends it."""

import base64
import io
import json
import threading
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
     "http://a/v1?key=3", "http://user:word@a/v1", "http://a\r\nX: y/v1", "http://" + "a" * 70 + "/v1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="--endpoint"):
        Endpoint(url, "m")


def test_a_key_that_would_break_the_header_is_refused_unseen() -> None:
    with pytest.raises(UsageError, match="--api-key-env") as caught:
        Endpoint("http://a/v1", "m", key="sk-secret\r\nHost: b")
    assert "sk-secret" not in str(caught.value)
