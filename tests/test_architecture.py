"""The house: who may import whom, where torch may appear, and what importing costs."""

import ast
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import eegbench

ROOT = Path(eegbench.__file__).parent
TORCH = {"accelerate", "diffusers", "open_clip", "peft", "timm", "torch", "torchvision", "transformers"}

BOTTOM = {"arrays", "channels", "errors", "files", "guards", "kinds", "seeds", "statistics", "tables"}
RUNS = BOTTOM | {"runs"}
CONTRACTS = RUNS | {"contracts"}
STAGES = CONTRACTS | {"datasets", "metrics", "backbones", "methods", "configuration", "plugins"}
# A room is a module or a folder below eegbench/; beside it the rooms that it may import. It may import itself.
LAYERS: Mapping[str, set[str]] = {
    "__main__": {"cli"},
    "": set(),  # eegbench/__init__.py, which names the public names and imports them when they are used
    "errors": {"tables"},
    "channels": set(),
    "tables": set(),
    "kinds": {"errors"},
    "seeds": {"errors"},
    "arrays": {"errors"},
    "statistics": {"errors", "seeds"},
    "guards": {"errors", "tables"},
    "files": {"errors", "guards"},
    "configuration": {"errors", "guards"},
    "runs": BOTTOM,
    "contracts": RUNS,
    "download": CONTRACTS,
    "progress": CONTRACTS,
    "datasets": CONTRACTS | {"download"},
    "metrics": CONTRACTS,
    "backbones": CONTRACTS | {"download"},
    "methods": CONTRACTS | {"backbones"},
    "plugins": STAGES,
    "leaderboard": RUNS,
    "benchmark": STAGES,
    "pairs": STAGES | {"benchmark"},
    "studies": STAGES | {"benchmark", "pairs", "leaderboard", "progress"},
    "assets": STAGES | {"benchmark", "pairs"},
    "checks": STAGES | {"benchmark", "pairs", "leaderboard"},
    "api": STAGES | {"benchmark", "pairs", "studies", "leaderboard", "progress"},
    "cli": STAGES | {"api", "benchmark", "pairs", "studies", "assets", "checks", "leaderboard", "progress"},
}
# Heavy dependencies open late here, and nowhere else.
LATE = (
    "eegbench.api.",  # pandas, and rich for progress
    "eegbench.backbones.",
    "eegbench.methods.",
    "eegbench.cli",
    "eegbench.benchmark.picture",
    "eegbench.benchmark.curves",
    "eegbench.studies.explain",
    "eegbench.studies.curve_pictures",
    "eegbench.studies.engine.cluster",  # Dask
    "eegbench.studies.engine.jobs",
    "eegbench.assets.recordings",
)
LATE_PLACES = (
    *LATE,
    "eegbench.datasets.sim_things.dataset",  # its picture
    "eegbench.datasets.sim_things.head",
    "eegbench.datasets.sim_things.picture",
    "eegbench.datasets.things_eeg2.noise",  # scikit-learn
    "eegbench.datasets.things_eeg2.recording",  # MNE-Python
    "eegbench.datasets.things_eeg2.raw",
)


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {name_of(file): ast.parse(file.read_text(encoding="utf-8"), str(file)) for file in sorted(ROOT.rglob("*.py"))}


def targets(node: ast.AST, modules: set[str]) -> Iterator[str]:
    """The modules that one import statement names; of `from package import module` the module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        package = node.module or ""
        for alias in node.names:
            inner = f"{package}.{alias.name}"
            yield inner if inner in modules else package


def imports(tree: ast.AST, modules: set[str]) -> set[str]:
    for_types = {id(node) for block in ast.walk(tree) if is_for_types(block) for node in ast.walk(block)}
    return {target for node in ast.walk(tree) if id(node) not in for_types for target in targets(node, modules)}


def is_for_types(node: ast.AST) -> bool:
    """Whether it is `if TYPE_CHECKING:`, which never runs."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def graph(trees: Mapping[str, ast.AST]) -> dict[str, set[str]]:
    """Each module with all that it imports, its own package's modules or other people's."""
    return {name: imports(tree, set(trees)) - {name} for name, tree in trees.items()}


def room(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def upward(edges: Mapping[str, set[str]]) -> list[str]:
    """Imports between rooms that LAYERS does not allow."""
    own = ((name, other) for name, others in edges.items() for other in others if other.split(".")[0] == "eegbench")
    return [
        f"{name} imports {other}"
        for name, other in own
        if room(other) not in LAYERS[room(name)] | {room(name), ""}  # the root holds the version
    ]


def cycle(edges: Mapping[str, set[str]]) -> list[str]:
    """The modules that remain when those which import none of the others are taken away again and again."""
    left = {name: others & set(edges) for name, others in edges.items()}
    while free := {name for name, others in left.items() if not others & set(left)}:
        left = {name: others for name, others in left.items() if name not in free}
    return sorted(left)


def late_imports(tree: ast.AST) -> list[int]:
    """Lines of the imports that stand inside a function."""
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)]
    return sorted({n.lineno for f in functions for n in ast.walk(f) if isinstance(n, ast.Import | ast.ImportFrom)})


def test_every_room_has_its_place_in_the_layers() -> None:
    assert {room(name) for name in TREES} <= set(LAYERS)


def test_imports_run_one_way() -> None:
    assert upward(graph(TREES)) == []


def test_there_is_no_import_cycle() -> None:
    assert cycle(graph(TREES)) == []


def test_torch_and_its_kin_appear_in_backbones_and_methods_alone() -> None:
    # `safetensors.torch` is torch too; `safetensors` with numpy is not.
    found = {
        name
        for name, others in graph(TREES).items()
        if any(other.split(".")[0] in TORCH or other.endswith(".torch") for other in others)
    }
    assert {room(name) for name in found} <= {"backbones", "methods"}


def test_imports_inside_functions_are_where_heavy_dependencies_open_late() -> None:
    late = {name: lines for name, tree in TREES.items() if (lines := late_imports(tree))}
    assert {name: lines for name, lines in late.items() if not f"{name}.".startswith(LATE_PLACES)} == {}


def test_the_house_rules_notice_a_breach() -> None:
    source = {"eegbench.metrics.a": "import torch\nfrom eegbench.methods import b\n", "eegbench.methods.b": "x = 1\n"}
    source["eegbench.methods.c"] = "def f():\n    from eegbench.methods import d\n"
    source["eegbench.methods.d"] = "from eegbench.methods.c import f\n"
    edges = graph({name: ast.parse(text) for name, text in source.items()})
    assert upward(edges) == ["eegbench.metrics.a imports eegbench.methods.b"]
    assert cycle(edges) == ["eegbench.methods.c", "eegbench.methods.d"]
    assert late_imports(ast.parse(source["eegbench.methods.c"])) == [2]
    assert "torch" in edges["eegbench.metrics.a"]


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("modules", ["eegbench, eegbench.cli", "eegbench.leaderboard, eegbench.metrics"])
def test_a_module_at_the_edge_loads_without_torch(modules: str) -> None:
    kin = sorted(TORCH)
    done = python(f"import sys\nfor name in {kin}: sys.modules[name] = None\nimport {modules}")  # None: cannot import
    assert (done.returncode, done.stderr) == (0, "")


def test_import_eegbench_loads_next_to_nothing() -> None:
    done = python("import sys\nbefore = set(sys.modules)\nimport eegbench\nprint(*sorted(set(sys.modules) - before))")
    loaded = done.stdout.split()
    assert [name for name in loaded if name.startswith("eegbench")] == ["eegbench"]
    assert {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names) == {"eegbench"}


def test_import_eegbench_takes_less_than_a_tenth_of_a_second() -> None:
    timed = "import time\nsince = time.perf_counter()\nimport eegbench\nprint(time.perf_counter() - since)"
    assert min(float(python(timed).stdout) for _ in range(3)) < 0.1


def test_every_public_name_is_there_and_is_explained() -> None:
    for name in eegbench.__all__:
        public = getattr(eegbench, name)
        assert public.__name__ == name and public.__doc__, name
    assert set(eegbench.__all__) <= set(dir(eegbench))


def test_what_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'eegbench' has no attribute 'evaluat'"):
        getattr(eegbench, "evaluat")  # noqa: B009 - as a name, mypy would find it first


def test_a_room_does_not_take_the_place_of_the_public_function_of_its_name() -> None:
    done = python("import eegbench\nimport eegbench.leaderboard.board\nprint(callable(eegbench.leaderboard))")
    assert done.stdout == "True\n"


def test_help_answers_in_under_half_a_second() -> None:
    def seconds() -> float:
        since = time.perf_counter()
        done = python("from eegbench.cli import app; app()", "--help")
        assert done.returncode == 0
        assert "evaluate" in done.stdout
        return time.perf_counter() - since

    # The best of five: other work on the machine can only slow it.
    assert min(seconds() for _ in range(5)) < 0.5
