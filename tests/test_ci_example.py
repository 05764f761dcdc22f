"""The workflows of examples/ci: who reads strangers' data may write nothing, and who may write reads none of it."""

import json
import os
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

FOLDER = Path(__file__).parent.parent / "examples" / "ci"
WORKFLOWS: dict[str, Any] = {
    path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))
}
JOBS = {f"{name} {job}": (flow, flow["jobs"][job]) for name, flow in WORKFLOWS.items() for job in flow["jobs"]}


def rights(flow: Any, job: Any) -> dict[str, str]:
    """What the token of a job may do; without permissions of its own it has the workflow's."""
    found = job.get("permissions", flow.get("permissions"))
    assert isinstance(found, dict), "permissions that are not named are all of them"
    return found


def reads_strangers(job: Any) -> bool:
    return any("pull_request.head" in str(step.get("with", {})) for step in job["steps"])


def test_there_is_a_judge_and_a_commenter() -> None:
    assert sorted(WORKFLOWS) == ["comment.yml", "results.yml"]
    assert [reads_strangers(job) for _, job in JOBS.values()] == [False, True]


@pytest.mark.parametrize("name", JOBS)
def test_a_job_that_reads_strangers_data_may_write_nothing_and_holds_no_secret(name: str) -> None:
    flow, job = JOBS[name]
    if reads_strangers(job):
        assert rights(flow, job) == {"contents": "read"}
        assert not re.search(r"secrets\.|github\.token|cache", json.dumps(job))
    else:
        assert "write" in rights(flow, job).values() and "contents" not in rights(flow, job)
    assert flow["permissions"] == {}


def test_who_may_write_checks_out_nothing_and_uses_no_action() -> None:
    _, job = JOBS["comment.yml comment"]
    assert not [step for step in job["steps"] if "uses" in step]
    assert "pull_request_target" in job["if"] and not re.search(r"git |checkout|clone", job["steps"][0]["run"])


@pytest.mark.parametrize("name", JOBS)
def test_actions_are_pinned_to_commits_and_checkouts_keep_no_credentials(name: str) -> None:
    text = (FOLDER / name.split(maxsplit=1)[0]).read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S+)(.*)", text)
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action) for action, _ in used)
    assert all(re.fullmatch(r" # v\d+\.\d+\.\d+", version) for _, version in used)
    steps = [step for step in JOBS[name][1]["steps"] if "checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in steps)


@pytest.mark.parametrize("name", JOBS)
def test_no_expression_stands_in_a_script(name: str) -> None:
    """What the host puts in place of one would be run: a branch's name can be a command."""
    assert not [step for step in JOBS[name][1]["steps"] if "${{" in step.get("run", "")]


def test_the_judge_runs_as_the_base_branch_has_it() -> None:
    assert list(WORKFLOWS["results.yml"][True]) == ["pull_request_target"]  # YAML reads the word `on` as true


HOSTILE = "moved\r# @everyone\r\n![x](http://h/x)\n\n</code>\n```\n\x1b[2J\x00# head\n" + "x" * 200_000
GH = """#!/bin/sh
echo "$@" >> asked.txt
case "$*" in
  *zip) cat verdict-of-the-judge.zip ;;
  *pulls*) echo "$NUMBER" ;;
  *artifacts*) echo 7 ;;
  "pr comment"*) cp comment.md said.md ;;
esac
"""


@pytest.mark.parametrize("number", ["12", ""])
def test_the_commenter_says_the_judges_text_as_a_block_of_code(tmp_path: Path, number: str) -> None:
    with zipfile.ZipFile(tmp_path / "verdict-of-the-judge.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("verdict.txt", HOSTILE)
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    _, job = JOBS["comment.yml comment"]
    own = {"REPOSITORY": "a/b", "JUDGED": "3", "SHA": "f" * 40, "CONCLUSION": "failure", "NUMBER": number}
    environment = {**os.environ, **own, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    script = ["bash", "-e", "-c", job["steps"][0]["run"]]
    done = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "said.md").exists() == bool(number)
    if number:
        said = (tmp_path / "said.md").read_bytes().decode()
        first, blank, *rest = said.splitlines()
        assert (first, blank) == (f"**results: failure**, of {'f' * 40}", "") and len(said) < 62_000
        assert rest and all(line.startswith("    ") for line in rest) and "\r" not in said and "\x00" not in said
        assert "pr comment 12 --repo a/b --body-file comment.md" in (tmp_path / "asked.txt").read_text()
