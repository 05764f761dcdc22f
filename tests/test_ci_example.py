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


def test_the_commenter_reads_the_number_where_the_judge_writes_it() -> None:
    """A run on `pull_request_target` has the commit of the base branch, by which no pull request is found."""
    assert WORKFLOWS["results.yml"]["run-name"] == "results of #${{ github.event.pull_request.number }}"
    _, job = JOBS["comment.yml comment"]
    assert job["env"]["TITLE"] == "${{ github.event.workflow_run.display_title }}"
    assert "head_sha" not in json.dumps(job)


def test_only_the_checkout_of_the_pull_request_says_that_a_forks_commit_may_come() -> None:
    _, job = JOBS["results.yml judge"]
    allowed = {step["with"]["path"]: step["with"].get("allow-unsafe-pr-checkout") for step in job["steps"][:2]}
    assert allowed == {"base": None, "head": True}


def ran(script: str, folder: Path, **own: str) -> "subprocess.CompletedProcess[str]":
    """A step's script, as the host runs it, with the programs of `folder` before all others."""
    environment = {**os.environ, **own, "PATH": f"{folder}:{os.environ['PATH']}"}
    words = ["bash", "-e", "-c", script]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_the_judges_text_says_the_commit_and_why_nothing_was_taken_in(tmp_path: Path) -> None:
    program(
        tmp_path / "eegbench",
        '#!/bin/sh\necho "$1 says"; yes REFUSED | head -n 9000; echo "eegbench: no $1" >&2; exit 1\n',
    )
    _, job = JOBS["results.yml judge"]
    scripts = [
        step["run"] for step in job["steps"] if re.search("eegbench (merge|check)|merge.txt", step.get("run", ""))
    ]
    done = [ran(script, tmp_path, HEAD="f" * 40).returncode for script in scripts]
    text = (tmp_path / "verdict.txt").read_text()
    assert done == [1, 1, 0] and text.startswith(f"The commit {'f' * 40} was judged.\n\nmerge says\nREFUSED\n")
    assert "check says" in text[:21_000] and text.endswith("eegbench: no check\n")


HOSTILE = "moved\r# @everyone\r\n![x](http://h/x)\n\n</code>\n```\n\x1b[2J\x00# head\n"
GH = """#!/bin/sh
echo "$@" >> asked.txt
case "$*" in
  *zip) cat verdict-of-the-judge.zip ;;
  *pulls/12*) echo "$STATE" ;;
  *artifacts*) echo 7 ;;
  "pr comment"*) cp comment.md said.md ;;
esac
"""


def commented(folder: Path, text: str, *, title: str = "results of #12", state: str = "open") -> int:
    """The exit code of the commenter on a judge's text; what it says lies in said.md."""
    with zipfile.ZipFile(folder / "verdict-of-the-judge.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("verdict.txt", text)
    program(folder / "gh", GH)
    _, job = JOBS["comment.yml comment"]
    own = {"REPOSITORY": "a/b", "JUDGED": "3", "URL": "https://h/3", "CONCLUSION": "failure", "TITLE": title}
    return ran(job["steps"][0]["run"], folder, **own, STATE=state).returncode


@pytest.mark.parametrize(
    "text", [HOSTILE + "x" * 200_000, "a\n" * 100_000, "\u00e9\n" * 100_000], ids=["hostile", "a", "e"]
)
def test_the_commenter_says_the_judges_text_as_a_block_of_code(tmp_path: Path, text: str) -> None:
    assert commented(tmp_path, text) == 0
    said = (tmp_path / "said.md").read_bytes().decode()
    first, blank, *rest = said.splitlines()
    assert first.startswith("**results: failure**") and blank == "" and 59_000 < len(said.encode()) < 62_000
    assert rest and all(line.startswith("    ") for line in rest[:-1]) and "\r" not in said and "\x00" not in said
    assert not rest[-1].strip() or rest[-1].startswith("    ")
    assert "pr comment 12 --repo a/b --body-file comment.md" in (tmp_path / "asked.txt").read_text()


def test_the_commenter_says_nothing_in_a_pull_request_that_is_closed(tmp_path: Path) -> None:
    assert commented(tmp_path, "moved\n", state="closed") == 0 and not (tmp_path / "said.md").exists()


@pytest.mark.parametrize(
    "title", ["", "results", "results of #", "results of #12\n", "x\nresults of #12", "results of #1$(id)"]
)
def test_the_commenter_takes_a_number_from_no_other_title(tmp_path: Path, title: str) -> None:
    assert commented(tmp_path, "moved\n", title=title) == 1 and not (tmp_path / "asked.txt").exists()
