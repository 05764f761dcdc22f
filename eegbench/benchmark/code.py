"""Which state of the code this is. It needs no torch."""

import subprocess
from pathlib import Path

import eegbench
from eegbench.files import Json, digest, file_digest


def code() -> Json:
    """Version, commit and dirty flag of this package, and the digest of its sources: two with the same are the same."""
    package = Path(eegbench.__file__).parent
    commit, dirty = checkout(package)
    sources = {f.relative_to(package).as_posix(): file_digest(f) for f in package.rglob("*.py")}
    return {"eegbench": eegbench.__version__, "commit": commit, "dirty": dirty, "sources": digest(sources)}


def named(state: Json) -> str:
    """A state of the code as `code` gives it, in a few words."""
    commit = f", commit {str(state['commit'])[:8]}" if state.get("commit") else ""
    return f"eegbench {state.get('eegbench')}{commit}{' with changes' if state.get('dirty') else ''}"


def checkout(package: Path) -> tuple[str | None, bool | None]:
    """Commit of the working tree that holds `package`, and whether the package differs from it.

    (None, None) outside a checkout, and where the checkout does not track the package (an environment folder
    that happens to lie in somebody's repository).
    """
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None, None
    commit = _git(package, "rev-parse", "HEAD")
    changes = _git(package, "status", "--porcelain", "--", ".")
    return commit, None if changes is None else bool(changes)


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
