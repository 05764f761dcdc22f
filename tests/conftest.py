"""For all tests: no network, and no cache but their own; and servers on this machine, for those that ask."""

import _socket
import base64
import contextlib
import hashlib
import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

import pytest

from eegbench.contracts import Progress

pytest_plugins = ["run_folders", "small_world_fixtures"]  # of tests/files: fixtures that several rooms use


@pytest.fixture(scope="session", autouse=True)
def _sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fits go to a folder of this session, so that no test finds what another session fitted; connections fail."""

    def refuse(_: socket.socket, address: Any) -> NoReturn:
        raise OSError(f"a test opened a connection to {address}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EEGBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.delenv("COLUMNS", raising=False)  # a worker of `pytest -n 2` has that of a terminal it does not write to
        patch.setattr(socket.socket, "connect", refuse)
        yield


BLOCKS: dict[str, Any] = {"block_out_channels": (32, 64), "layers_per_block": 1, "norm_num_groups": 8}
UNET = BLOCKS | {
    "sample_size": 4,
    "cross_attention_dim": 16,
    "attention_head_dim": (2, 4),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
}
VAE = BLOCKS | {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
TEXT = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
TEXT |= {"bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 49407}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A published pipeline and adapter, made up and small enough for a test to run: `tiny` and `tiny_adapter`."""
    from eegbench.backbones import published_configs as known  # here, for it loads torch

    configs = {"unet": UNET, "vae": VAE, "text_encoder": TEXT, "scheduler": {"beta_schedule": "scaled_linear"}}
    parts = {name: known.Part(config) for name, config in configs.items()}
    monkeypatch.setitem(known.PIPELINES, "tiny", known.Pipeline("StableDiffusionPipeline", "made up", parts))
    monkeypatch.setitem(known.ADAPTERS, "tiny_adapter", known.Adapter(width=128, tokens=4, bytes=0, source="made up"))


class Heard(Progress):
    """Keeps each bar that was begun: its label, its length and how far it came."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.totals: list[int] = []
        self.done: list[int] = []

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        place = len(self.labels)
        self.labels.append(label)
        self.totals.append(total)
        self.done.append(0)

        def advance(count: int) -> None:
            self.done[place] += count

        yield advance


@pytest.fixture
def heard() -> Heard:
    return Heard()


Answer = tuple[int, dict[str, str], bytes]  # status, headers, body


def well(question: dict[str, Any]) -> Answer:
    """Ten captions that tell this image from any other."""
    head, _, data = question["messages"][0]["content"][1]["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    name = hashlib.sha256(base64.b64decode(data)).hexdigest()[:8]
    ten = {level: [f"{name} {level} {i}" for i in range(n)] for level, n in (("low", 4), ("mid", 3), ("high", 3))}
    return 200, {}, json.dumps({"choices": [{"message": {"content": json.dumps(ten)}}]}).encode()


@dataclass
class Chat:
    """A chat endpoint that gives the answers of `script` in turn, and then `well` for ever."""

    url: str = ""
    script: list[Answer | Callable[[dict[str, Any]], Answer]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    well: Callable[[dict[str, Any]], Answer] = staticmethod(well)


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    kept = Chat()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept.asked.append(question)
            kept.paths.append(self.path)
            kept.keys.append(self.headers["Authorization"])
            answer = kept.script.pop(0) if kept.script else well
            status, headers, body = answer if isinstance(answer, tuple) else answer(question)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with serving(Handler, monkeypatch) as base:
        kept.url = f"{base}/v1"
        yield kept


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Who asked may be gone, and was meant to be."""


def here_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let connections to this machine be opened."""

    def connect(connecting: socket.socket, address: Any) -> None:
        if address[0] != "127.0.0.1":
            raise OSError(f"a test opened a connection to {address}")
        _socket.socket.connect(connecting, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A web server on this machine, the one place that may be connected to; gives its address."""

    here_alone(monkeypatch)
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


Step = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Web:
    """Files on a server. Each address has steps, taken in turn, of which the last one stays."""

    url: str = ""
    steps: dict[str, list[Step]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)  # address and Range

    def put(
        self, path: str, content: bytes, *, etag: str = '"1"', ranges: bool = True, stop: int | None = None, **more: str
    ) -> str:
        """Serve bytes, and return their address. stop: break the connection off after so many of an answer."""

        def step(handler: BaseHTTPRequestHandler) -> None:
            asked = handler.headers["Range"] if ranges else None
            if asked and handler.headers.get("If-Range", etag) == etag:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
            else:
                start, asked = 0, None
            if asked and start >= len(content):
                handler.send_error(416)
                return
            headers = {"Content-Length": str(len(content) - start), "Content-Type": "application/octet-stream"}
            headers |= {"ETag": etag} if etag else {}
            headers |= {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if asked else {}
            handler.send_response(206 if asked else 200)
            for name, value in (headers | {k.replace("_", "-"): v for k, v in more.items()}).items():
                if value:
                    handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(content[start:][:stop])

        return self.do(path, step)

    def say(self, path: str, status: int, **headers: str) -> str:
        """Answer with a status and headers alone."""

        def step(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()

        return self.do(path, step)

    def do(self, path: str, step: Step) -> str:
        self.steps.setdefault(path, []).append(step)
        return self.url + path


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server for downloads, and no pauses between the tries."""
    kept = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kept.asked.append((self.path, self.headers.get("Range", "")))
            steps = kept.steps.get(self.path)
            if not steps:
                self.send_error(404)
            else:
                (steps.pop(0) if len(steps) > 1 else steps[0])(self)

        def log_message(self, *_: Any) -> None:
            pass

    monkeypatch.setattr("eegbench.download.PAUSES", (0.0,) * 3)
    monkeypatch.setattr("eegbench.download.OVERLAP", 1000)
    with serving(Handler, monkeypatch) as kept.url:
        yield kept


Drip = Callable[..., str]


@pytest.fixture
def drip(monkeypatch: pytest.MonkeyPatch) -> Iterator[Drip]:
    """Called with bytes, piece by piece, gives the address of a server that sends them, whatever it is asked.

    pause: seconds after each piece. The pieces may be a function of how many connections came before.
    """
    here_alone(monkeypatch)
    over = threading.Event()

    def answer(connection: socket.socket, pieces: Iterable[bytes], pause: float) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for piece in pieces:
                connection.sendall(piece)
                if over.wait(pause):
                    return

    def accept(server: socket.socket, pieces: Any, pause: float) -> None:
        with contextlib.suppress(OSError):
            for number in itertools.count():
                sent = pieces(number) if callable(pieces) else pieces
                threading.Thread(target=answer, args=(server.accept()[0], sent, pause), daemon=True).start()

    with contextlib.ExitStack() as opened:

        def serve(pieces: Any, *, pause: float = 0.0) -> str:
            server = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
            opened.callback(server.shutdown, socket.SHUT_RDWR)
            threading.Thread(target=accept, args=(server, pieces, pause), daemon=True).start()
            return f"http://127.0.0.1:{server.getsockname()[1]}"

        yield serve
        over.set()


@pytest.fixture(scope="session")
def git_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GIT captioner with random weights: 5 hidden states of width 16, a vocabulary of 25 letters as words."""
    import torch
    import transformers

    folder = tmp_path_factory.mktemp("captioner")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxy"]
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    size = {"height": 32, "width": 32}
    transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=size).save_pretrained(folder)
    shared = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.GitConfig(
        vision_config={**shared, "image_size": 32, "patch_size": 16, "initializer_range": 1.0},
        **shared,
        vocab_size=len(words),
        max_position_embeddings=64,
        initializer_range=1.0,  # so much that what it says depends on what it sees
        bos_token_id=2,
        eos_token_id=3,
    )
    torch.manual_seed(0)
    transformers.GitForCausalLM(config).save_pretrained(folder)
    return folder


LONGEST = (  # the second one mostly waits, while the first one computes
    "tests/test_docs.py",
    "tests/studies/test_study_cluster.py",
    "tests/studies/test_study_run.py",
    "tests/test_main_job.py",
    "tests/api/test_page.py",
    "tests/test_distribution.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: the last file of two processes leaves one of them idle."""
    items.sort(key=lambda item: next((i for i, f in enumerate(LONGEST) if item.nodeid.startswith(f)), len(LONGEST)))
