"""How a task ended."""

from dataclasses import dataclass

from eegbench.files import Json


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    reason: why it was not done, "" where it was. memory: for want of it. killed: its process was ended by a signal.
    lost: so was the worker that had it. refused: the worker may not take any task.
    """

    reason: str = ""
    traceback: str = ""
    memory: bool = False
    killed: bool = False
    lost: bool = False
    refused: bool = False

    @property
    def done(self) -> bool:
        return not self.reason

    @classmethod
    def from_json(cls, told: Json) -> "Outcome":
        """The outcome that a process told of its task."""
        return cls(str(told["reason"]), str(told["traceback"]), bool(told["memory"]))
