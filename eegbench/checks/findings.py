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
    """The findings on a contract's clauses, in the order in which the clauses were checked."""

    def take(self, clause: str, ask: Callable[[], str | None]) -> bool:
        """Whether a clause is kept: `ask` returns what is wrong with it, or raises. The finding is added.

        MissingError is passed on: where data or weights are not here, nothing is known.
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
        """Check a clause that is recommended, not required: what is wrong with it is added as a warning."""
        if not self.take(clause, ask):
            last = self.pop()
            self.append(Finding(clause, warning=last.problem))


@contextmanager
def closed(kind: type, verb: str, message: str) -> Iterator[None]:
    """Inside, calling `verb` of any data set of this class raises CheckFailed with this message."""
    original = vars(kind).get(verb)  # None where it is inherited

    def refuse(*_: Any, **__: Any) -> None:
        raise CheckFailed(message)

    setattr(kind, verb, refuse)
    try:
        yield
    finally:
        if original is None:
            delattr(kind, verb)
        else:
            setattr(kind, verb, original)
