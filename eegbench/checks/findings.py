"""What a check of a contract finds, clause by clause."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from eegbench.errors import CheckFailed, EegbenchError, MissingError
from eegbench.plugins.authors import said


class Finding(NamedTuple):
    """One clause of a contract, and what is wrong with it; "" where it is kept. A warning breaks nothing."""

    clause: str
    problem: str = ""
    warning: str = ""


class Findings(list[Finding]):
    """Clauses in the order in which they were looked at."""

    def take(self, clause: str, ask: Callable[[], str | None]) -> bool:
        """Look at a clause: `ask` raises, or says, what is wrong with it. Whether it is kept.

        MissingError passes: where data or weights are not here, nothing is known.
        """
        try:
            problem = ask() or ""
        except MissingError:
            raise
        except EegbenchError as error:
            problem = str(error)
        except Exception as error:  # whatever a stranger's code may raise is a finding, not our end
            problem = said(error)
        self.append(Finding(clause, " ".join(problem.split())))
        return not problem

    def warn(self, clause: str, ask: Callable[[], str | None]) -> None:
        """Look at a clause that is no duty."""
        if not self.take(clause, ask):
            last = self.pop()
            self.append(Finding(clause, warning=last.problem))


@contextmanager
def closed(kind: type, verb: str, told: str) -> Iterator[None]:
    """Inside, asking any data set of this kind for `verb` is a finding, told in these words."""
    own = vars(kind).get(verb)  # None where it is inherited

    def refuse(*_: Any, **__: Any) -> None:
        raise CheckFailed(told)

    setattr(kind, verb, refuse)
    try:
        yield
    finally:
        if own is None:
            delattr(kind, verb)
        else:
            setattr(kind, verb, own)
