"""The site of docs/, as far as it can be seen without building it, and how to cite the package."""

import json
import re
import tomllib
from pathlib import Path

import yaml  # type: ignore[import-untyped]

import eegbench
from eegbench import contracts

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs/reference"


def listed(page: str) -> dict[str, list[str]]:
    """The names of a page's listings, by the module that each listing is of."""
    found: dict[str, list[str]] = {}
    for block in (REFERENCE / page).read_text(encoding="utf-8").split(".. currentmodule:: ")[1:]:
        entries = re.findall(r"^   (\w+)$", block, re.M)
        found.setdefault(block.split()[0], []).extend(entries)
    return found


def test_the_reference_lists_exactly_the_public_names() -> None:
    names = listed("python.md").get("eegbench", [])
    assert sorted(names) == sorted(set(getattr(eegbench, "__all__", [])) - {"__version__"})


def test_the_reference_lists_every_contract() -> None:
    own = {value for value in vars(contracts).values() if getattr(value, "__module__", "") == contracts.__name__}
    names = {value.__name__ for value in own if isinstance(value, type)}
    assert sorted(listed("contracts.md")["eegbench.contracts"]) == sorted(names)


def test_a_notebook_keeps_no_outputs() -> None:
    notebooks = sorted((ROOT / "docs/examples").glob("*.ipynb"))
    for path in notebooks:
        cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
        assert [cell for cell in cells if cell["outputs"] or cell["execution_count"] is not None] == [], path.name


def test_the_citation_agrees_with_the_package() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation.keys() >= {"message", "title", "abstract"} and citation["cff-version"] == "1.2.0"
    assert citation["version"] == eegbench.__version__
    assert citation["license"] == project["license"]
    assert citation["authors"] == project["authors"]
