"""The applications, and what becomes of an error: one line on stderr and an exit code."""

import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from eegbench.cli.output import notices
from eegbench.errors import AuthorError, EegbenchError, MissingError, UsageError, unknown
from eegbench.places import FULL

INTERRUPTED = 130  # the shell's own code for it


class Verbs(TyperGroup):
    """Runs a verb; what goes wrong on purpose, or for want of disk or rights, is one line and an exit code."""

    def make_context(self, *words: Any, **options: Any) -> Any:
        try:
            return super().make_context(*words, **options)
        except TyperException as error:
            _misused(error)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise unknown("verb", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            with notices():
                outcome = super().invoke(ctx)
            sys.stdout.flush()
        except TyperException as error:
            _misused(error)
        except EegbenchError as error:
            if isinstance(error, AuthorError) and error.frames:
                print(f"Traceback of the author's code:\n{error.frames}", file=sys.stderr, end="")
            _leave(str(error), error.exit_code)
        except KeyboardInterrupt:
            _leave("interrupted; the same command takes it up again", INTERRUPTED)
        except BrokenPipeError:
            raise  # whoever read our output has seen enough: typer ends quietly
        except ImportError as error:
            _leave(f"a package cannot be imported ({error}); `eegbench doctor` says what to do", MissingError.exit_code)
        except OSError as error:
            _leave(*_of_the_system(error))
        except RuntimeError as error:
            if "torchvision::" not in str(error):  # raised at the import of torchvision by a torch that is not its own
                raise
            _leave(f"torch and torchvision do not fit ({error}); see `eegbench doctor`", MissingError.exit_code)
        return outcome


app = typer.Typer(
    cls=Verbs,
    help="Benchmark of methods that reconstruct the picture a person saw from their EEG.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
datasets = typer.Typer(cls=Verbs, help="The data sets.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(datasets, name="datasets")
weights = typer.Typer(cls=Verbs, help="The published weight files.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(weights, name="weights")
captions = typer.Typer(cls=Verbs, help="Captions of training images.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(captions, name="captions")


def _of_the_system(error: OSError) -> tuple[str, int]:
    place = error.filename or "a file"
    if error.errno in FULL:
        return f"{place}: no space left on the disk; free some, then run the same command again", MissingError.exit_code
    reason = error.strerror or type(error).__name__
    return f"{place}: cannot be used ({reason}); mend that, or choose another place", UsageError.exit_code


def _misused(error: TyperException) -> NoReturn:
    if type(error).__name__ == "NoArgsIsHelpError":  # nothing was asked: typer shows the help
        raise error
    context = getattr(error, "ctx", None)
    verb = context.command_path if context else "eegbench"
    _leave(f"{error.format_message().rstrip('.')}; see `{verb} --help`", UsageError.exit_code)


def _leave(message: str, code: int) -> NoReturn:
    print("eegbench: " + " ".join(message.split()), file=sys.stderr)
    raise typer.Exit(code) from None
