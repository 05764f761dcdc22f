"""Every command of the pages runs as it stands there, and every link leads somewhere.

Commands run in one working folder that has what they name: runs, images, captions, a baseline. They are made small by
options that a user has: a data set by entry point with eight test stimuli, and one step of each fit, both put before
the command's own words, which win.
"""

import functools
import importlib
import itertools
import os
import re
import shlex
import shutil
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from eegbench.cli import app
from eegbench.datasets.captions import Captions
from eegbench.plugins import registry

ROOT = Path(__file__).parents[1]
SITE = {"README.md", "index.md", "changelog.md"}  # of docs/: its index, and pages that only the site has
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "examples/ci/README.md"]
SCRIPTS = [ROOT / "examples/ci/results.yml"]

DATA = ("--dataset", "few-things")
# What is put behind a verb, before the command's own words; "small" stands for the words of SMALL for its method,
# "values" for those of CURVES.
VERBS: Mapping[str, tuple[str, ...]] = {
    "evaluate": ("small", *DATA),
    "curve": ("small", *DATA, "--no-audit", "values"),
    "ablate": ("small", *DATA),
    "explain": ("small", *DATA),
    "check-method": ("small", *DATA),
    "check-dataset": (),
    "check-metric": (),
    "captions make": DATA,
    "datasets fetch": ("--offline",),
    "weights fetch": ("--offline",),
    "pairs": ("--force",),
    **dict.fromkeys(("leaderboard", "verify", "merge", "sheet"), ("--allow-plugins",)),  # of few-things
    **dict.fromkeys(("score", "compare", "consistency", "plan-size", "check", "rehearse"), ()),
    **dict.fromkeys(("study plan", "study status", "study run", "study board"), ()),
    **dict.fromkeys(("list", "doctor", "weights list", "weights verify"), ()),
    **dict.fromkeys(("datasets info", "datasets prepare", "datasets verify"), ()),
}
CURVES: Mapping[str, str] = {"snr": "0,0.15", "window": "0:0.1,0.1:0.2"}  # two values of each axis
SMALL: Mapping[str, str] = {
    "saliency_controlnet": "encoder.epochs=1 lora.steps=1 controlnet.steps=1 head_epochs=1 sampling.steps=2",
    "atm": "encoder.epochs=1 prior.epochs=1 prior.steps=2 low_level_settings.epochs=1 sampling.steps=2",
    "neuroimagen": "features.epochs=1 gan.steps=1 regressor.epochs=1 sampling.steps=2",
    "llm_caption": "captions.epochs=1 sampling.steps=2",
    "prior_only": "sampling.steps=2",
    "colour_grid": "side=2",
    "clip_ridge": "sampling.steps=2",
    "nearest_train_image": "encoder.epochs=1",
}
# What stands for something of the reader's own.
VALUES: Mapping[str, str] = {
    "study run paper.toml --cluster slurm.toml": "study run undone.toml --scheduler tcp://127.0.0.1:9",
    "study run paper.toml --scheduler tcp://host:8786": "study run undone.toml --scheduler tcp://127.0.0.1:9",
    "study run paper.toml": "study run quick.toml",
    "runs/sim-things": "runs/few-things",
    "--model NAME": "--model a-model",
    "--dataset NAME": "--dataset things-eeg2",
    "dataset.embeddings=DIR": "dataset.embeddings=EMBEDDINGS",
    "--truth DIR --reconstructions DIR": "--truth TRUE_IMAGES --reconstructions MY_IMAGES",
    "-o captions.jsonl": "-o made.jsonl",
    "--calibration 200": "--calibration 20",
    "--train-stimuli 400": "--train-stimuli 40",
    "http://localhost:8000/v1": "CHAT",
    "$SLURM_ARRAY_TASK_ID": "8",
    "$SCRATCH/runs": "runs",
}
# Commands that want what no test has. By what stands in one, first match: what its line on stderr says, and why.
ABSENT: Mapping[str, tuple[str, str]] = {
    "--cluster slurm.toml": ("no Dask scheduler answers", "a cluster"),
    "--scheduler tcp": ("no Dask scheduler answers", "a cluster"),
    "eegbench weights fetch": ("alexnet is not here", "a network"),
    "eegbench weights verify": ("no published weight file is here", "published weights"),
    "eegbench datasets fetch": ("files were not fetched", "a network"),
    "eegbench datasets prepare": ("no such file", "published recordings"),
    "eegbench datasets verify": ("not prepared", "prepared recordings"),
    "--checkpoint 40.pth": ("40.pth: no such weight file", "a checkpoint of the authors"),
    "--method saliency_controlnet --subject 8 --dataset NAME": ("weights of cc, kl", "EML-Net, for control maps"),
    "--method saliency_controlnet --config paper": ("weights of cc, kl", "EML-Net, for control maps"),
    "--dataset things-eeg2 --set dataset.preprocessing=official --subject 8 --config paper": (
        "weights of atm",
        "the IP-Adapter",
    ),
    "--method atm --config paper": ("weights of atm", "the IP-Adapter"),
    "--dataset things-eeg2": ("not prepared", "prepared recordings"),
    "--dataset eegcvpr": ("not prepared", "prepared recordings"),
    "--suite reference --protocol sal512": ("weights of", "the pretrained judges"),
}
FEW_THINGS = '''
from dataclasses import dataclass
from typing import ClassVar

from eegbench.datasets.sim_things import SimThings

@dataclass(frozen=True)
class FewThings(SimThings):
    """sim-things with an image of each of 67 training and 8 test concepts."""

    name: ClassVar[str] = "few-things"
    train_images: int = 1
    test_images: int = 1

    def _stimuli(self, split):
        found = super()._stimuli(split)
        return found[:: 3 if split == "train" else 13]
'''
QUICK = """methods = [{ name = "prior_only", settings = { "sampling.steps" = 2 } }]
datasets = ["few-things"]
subjects = [8]
runs = "quick"
audit = false
references = false
"""
METHODS = ("saliency_controlnet", "atm", "neuroimagen", "llm_caption")
EXAMPLES = ("colour_grid", "clip_ridge", "my_dataset")


def code(page: Path) -> Iterator[str]:
    """The lines of a page's code blocks, those that end in a backslash joined; of a script all lines."""
    fenced, kept = False, ""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    ") or page.suffix != ".md":
            kept += line.strip()
            if not kept.endswith("\\"):
                yield kept
                kept = ""
            kept = kept.removesuffix("\\")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands() -> dict[str, list[str]]:
    """Every command without its comment, and the pages that have it."""
    found: dict[str, list[str]] = defaultdict(list)
    for page in (*PAGES, *SCRIPTS):
        for line in code(page):
            for part in line.removeprefix("- ").removeprefix("run: ").split(" && "):
                if part.startswith("eegbench "):
                    command = re.sub(r"\s+#.*|\s+>\s.*", "", part)
                    found[re.sub(r"\s+", " ", command)].append(name_of(page))
    return dict(found)


COMMANDS = commands()


def verb_of(words: Sequence[str]) -> str:
    """The verb of a command's words after `eegbench`; fails where no rule covers it."""
    for count in (2, 1):
        if (verb := " ".join(words[:count])) in VERBS:
            return verb
    pytest.fail(f"no rule for the verb of {' '.join(words)!r}: add it to VERBS")


def method_of(words: Sequence[str]) -> str:
    return words[words.index("--method") + 1] if "--method" in words else words[1]


def expanded(word: str) -> list[str]:
    """A word as a shell hands it on: braces, then patterns that match something."""
    if braces := re.search(r"\{([^{}]*,[^{}]*)\}", word):
        head, tail = word[: braces.start()], word[braces.end() :]
        return [one for choice in braces[1].split(",") for one in expanded(f"{head}{choice}{tail}")]
    return sorted(glob(word)) or [word]


def words_of(text: str) -> list[str]:
    """What a shell hands to eegbench, with the values of VALUES, and made small by VERBS and SMALL."""
    for name, value in VALUES.items():
        text = text.replace(name, value)
    words = list(itertools.chain.from_iterable(map(expanded, shlex.split(text)[1:])))
    verb = verb_of(words)
    count = len(verb.split())
    before: list[str] = []
    for word in VERBS[verb]:
        if word == "small":
            before += [part for setting in SMALL[method_of(words)].split() for part in ("--set", setting)]
        elif word == "values":
            before += ["--values", CURVES[words[words.index("--over") + 1]]]
        else:
            before.append(word)
    return [*words[:count], *before, *words[count:]]


def eegbench(text: str, **values: str) -> Result:
    words = [values.get(word, word) for word in words_of(text)]
    return CliRunner().invoke(app, words, prog_name="eegbench")


def need_of(text: str) -> str | None:
    """What of ABSENT a command wants; None for a command that has all."""
    return next((part for part in ABSENT if part in text), None)


def install(site: Path) -> None:
    """A package with the examples, the data set of eight stimuli, and the metric that the page has in full."""
    page = (ROOT / "docs/adding-a-method.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```(python|toml)\n(.*?)```", page, re.S))
    (site / "docs_example-1.dist-info").mkdir(parents=True)
    tables = [tomllib.loads(blocks["toml"])]
    for example in EXAMPLES:
        shutil.copy(ROOT / f"examples/{example}/{example}.py", site)
        tables.append(tomllib.loads((ROOT / f"examples/{example}/pyproject.toml").read_text()))
    (site / "my_metric.py").write_text(blocks["python"])
    (site / "few_things.py").write_text(FEW_THINGS)
    points: dict[str, Any] = {"eegbench.datasets": {"few-things": "few_things:FewThings"}}
    for table in tables:
        for group, own in table["project"]["entry-points"].items():
            points[group] = points.get(group, {}) | own
    text = "".join(f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in own.items()) for group, own in points.items())
    (site / "docs_example-1.dist-info" / "entry_points.txt").write_text(text)
    (site / "docs_example-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: docs-example\nVersion: 1\n"
    )


def prepare() -> None:
    """What the commands name, in the current folder: images, captions, runs, baselines, and runs of others."""
    for seed, name in enumerate(("TRUE_IMAGES", "MY_IMAGES")):
        Path(name).mkdir()
        for i in range(6):
            pixels = np.random.default_rng((seed, i)).integers(256, size=(8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).resize((64, 64)).save(f"{name}/{i}.png")
    shutil.copytree("MY_IMAGES", "NUMBERED_IMAGES")
    study = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/studies.md").read_text(encoding="utf-8"), re.S)[0]
    Path("paper.toml").write_text(study.replace('"sim-things"', '"few-things"').replace("200", "20"))
    Path("quick.toml").write_text(QUICK)
    Path("undone.toml").write_text(QUICK.replace("quick", "undone"))
    Path("EMBEDDINGS").mkdir()
    importlib.import_module("my_dataset").write_example(Path("my_data"))
    train = registry.find("dataset", "few-things")().train(8)
    captions = zip(train.stimuli, train.captions, strict=True)
    Path("captions.jsonl").write_bytes(
        b"".join(Captions(stimulus, "drawn", said).line() for stimulus, said in captions)
    )
    done = [eegbench(f"eegbench evaluate --method {method} --subject 8") for method in METHODS]
    done += [eegbench("eegbench evaluate --method atm --subject 8 --seed 1 --no-audit")]
    Path("runs_of/others/few-things/eeg/atm/sub-08").mkdir(parents=True)
    Path("runs/few-things/eeg/atm/sub-08/seed-1").rename("runs_of/others/few-things/eeg/atm/sub-08/seed-1")
    done += [eegbench("eegbench score --truth TRUE_IMAGES --reconstructions MY_IMAGES --json scores.json")]
    done += [eegbench("eegbench check scores.json --baseline pairs.json --update")]
    done += [eegbench("eegbench check runs --baseline baseline.json --update")]
    done += [eegbench("eegbench pairs TRUE_IMAGES NUMBERED_IMAGES --by order -o numbered.csv")]
    assert not [one.stderr for one in done if one.exit_code]
    known = "few-things/eeg/atm/sub-08"
    for folder in ("base/runs", "judged", "head/runs"):
        shutil.copytree(f"runs/{known}", f"{folder}/{known}")
    shutil.copytree("runs_of/others", "head/runs", dirs_exist_ok=True)
    assert eegbench("eegbench check base/runs --baseline base/baseline.json --update").exit_code == 0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working folder, prepared; recordings and published weights are nowhere."""
    folder = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("EEGBENCH_DATA", "EEGBENCH_WEIGHTS", "TORCH_HOME", "HF_HOME"):
            patch.setenv(name, str(folder / name))
        install(folder / "site")
        patch.syspath_prepend(folder / "site")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder / "site"), os.environ.get("PYTHONPATH", "")]))
        patch.setattr("eegbench.studies.engine.cluster.ANSWER", 0.5)
        registry._points.cache_clear()
        (folder / "work").mkdir()
        patch.chdir(folder / "work")
        prepare()
        yield folder / "work"
    registry._points.cache_clear()


@pytest.mark.parametrize("text", COMMANDS)
def test_a_command_of_the_pages_runs(text: str, place: Path, request: pytest.FixtureRequest) -> None:
    values = {"CHAT": request.getfixturevalue("chat").url} if "http://localhost" in text else {}
    own = {re.split("=", word)[-1] for word in words_of(text)} - values.keys()
    unknown = [word for word in own if re.fullmatch(r"[A-Z][A-Z_]+", word) and not (place / word).exists()]
    assert not unknown, "stands for something: add it to VALUES"
    done = eegbench(text, **values)
    need = need_of(text)
    said = f"{', '.join(COMMANDS[text])}: {done.stderr or done.exception!r}"
    assert done.exit_code == (3 if need else 0), said
    assert need is None or ABSENT[need][0] in done.stderr, said


def test_every_rule_is_used() -> None:
    words = [shlex.split(text)[1:] for text in COMMANDS]
    assert {verb_of(one) for one in words} == VERBS.keys()
    small = {method_of(one) for one in words if "small" in VERBS[verb_of(one)]} & SMALL.keys()
    assert small == SMALL.keys()
    assert [name for name in VALUES if not any(name in text for text in COMMANDS)] == []
    assert {need for text in COMMANDS if (need := need_of(text))} == ABSENT.keys()


@pytest.mark.parametrize("page", [*PAGES, *SCRIPTS], ids=name_of)
def test_no_command_is_missed(page: Path) -> None:
    """One behind another sign than those that `commands` knows would never run."""
    seen = re.findall(r"(?:^|[;&|(:$]\s*)eegbench [a-z]", "\n".join(code(page)), re.M)
    assert len(seen) == sum(pages.count(name_of(page)) for pages in COMMANDS.values())


@functools.cache
def targets(page: Path) -> list[str]:
    """Where the links and images of a page lead, other sites left out."""
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [target for target in found if "://" not in target]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_images_lead_to_files(page: Path) -> None:
    assert [target for target in targets(page) if not (page.parent / target.partition("#")[0]).exists()] == []


def test_the_index_and_the_readme_have_every_page() -> None:
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - SITE
    assert set(targets(ROOT / "docs/README.md")) == pages
    assert {f"docs/{name}" for name in pages} <= set(targets(ROOT / "README.md"))
