"""The applications of the command, which turn an error into one line on stderr and an exit code."""

import errno
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from eegbench import __version__
from eegbench.api.border import in_our_words, of_the_system
from eegbench.cli import help as showing
from eegbench.cli.output import complain, notes, notices
from eegbench.cli.screen import Screen, screens
from eegbench.configuration import plain_number
from eegbench.errors import AuthorError, EegbenchError, UsageError, nearest, short, unknown

Misuse: type[Exception] = typer.BadParameter.__bases__[0]  # at wrong words; a class of typer, before 0.26 of click
NUMBERS = (int, float, list[int])  # the types of options that are numbers
LONGEST = 200  # signs of a word that a message repeats
INTERRUPTED, CLOSED = 130, 141  # the shell's codes for an interrupt, and for a pipe whose reader has closed it
# The groups of verbs, in the order in which --help has them.
RUN, SCORE, BOARD, CHECK, DATA, WEIGHTS = GROUPS = ("run", "score", "board", "check", "data", "weights")


class Verb(TyperCommand):
    """A verb with our own help. An option whose value may be left out, shown as [FILE], has the value "-" then."""

    def get_help(self, ctx: Any) -> str:
        return showing.of_verb(self, ctx)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except Misuse as error:
            _misused(error, f"{parent.command_path} {info_name}")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if any("\0" in word for word in args):
            raise UsageError("a word of the command holds a NUL character, which no name, number or path has")
        self._check_numbers(args)
        optional = {opt for p in self.params if str(p.metavar or "").startswith("[") for opt in p.opts}
        whole: list[str] = []
        for word, after in zip(args, [*args[1:], "--"], strict=False):
            whole += [word, "-"] if word in optional and after.startswith("-") and after != "-" else [word]
        return super().parse_args(ctx, whole)

    def _check_numbers(self, args: list[str]) -> None:
        """Raise UsageError for a number such as 1_0, which Python takes and nobody else does."""
        kinds = showing.types(self)
        options = {opt for p in self.params if kinds.get(str(p.name)) in NUMBERS for opt in p.opts}
        for word, after in zip(args, [*args[1:], ""], strict=False):
            option, equals, value = word.partition("=")
            if option in options and not plain_number(number := value if equals else after):
                raise UsageError(f"{option} is {short(number)}; wanted a number in the digits 0 to 9")


class Verbs(TyperGroup):
    """Runs a verb; what goes wrong on purpose, or for want of disk or rights, is one line and an exit code."""

    def main(self, *words: Any, **options: Any) -> Any:
        notes.drop()
        with screens() as stdout:
            try:
                return super().main(*words, **options)
            except Exception:
                sys.excepthook = _fault  # which Python calls when the screens are gone
                raise
            except SystemExit as leaving:
                stdout.flush()
                if leaving.code or stdout.failure is None:
                    raise
                raise SystemExit(_unshown(stdout.failure)) from None

    def get_help(self, ctx: Any) -> str:
        return showing.of_group(self, ctx, GROUPS)

    def make_context(self, *words: Any, **options: Any) -> Any:
        try:
            return super().make_context(*words, **options)
        except Misuse as error:
            _misused(error, "eegbench")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise unknown("verb", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            with notices():
                outcome = super().invoke(ctx)
            notes.show()
            return outcome
        except Misuse as error:
            _misused(error, ctx.command_path)
        except EegbenchError as error:
            if isinstance(error, AuthorError) and error.frames:
                print(f"Traceback of the author's code:\n{error.frames}", file=sys.stderr, end="")
            _leave(str(error), error.exit_code)
        except KeyboardInterrupt:
            _leave("interrupted; the same command takes it up again", INTERRUPTED)
        except Exception as error:
            if (ours := in_our_words(error)) is None:
                raise
            _leave(str(ours), ours.exit_code)


class Application(typer.Typer):
    """Verbs with their groups, as in `@app.command("check-method", group=CHECK)`."""

    def __init__(self, about: str, **options: Any) -> None:
        super().__init__(cls=Verbs, help=about, no_args_is_help=True, rich_markup_mode=None, **options)

    def command(self, name: str | None = None, *, group: str | None = None, **options: Any) -> Callable[[Any], Any]:
        return super().command(name, cls=Verb, rich_help_panel=group, **options)


app = Application(
    "Benchmark of methods that reconstruct the picture a person saw from their EEG.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
study = Application("Studies: many runs from one file.")
app.add_typer(study, name="study", rich_help_panel=RUN)
datasets = Application("The data sets.")
app.add_typer(datasets, name="datasets", rich_help_panel=DATA)
captions = Application("Captions of training images.")
app.add_typer(captions, name="captions", rich_help_panel=DATA)
weights = Application("The published weight files.")
app.add_typer(weights, name="weights", rich_help_panel=WEIGHTS)


def _say_version(asked: bool) -> None:
    if asked:
        print(f"eegbench {__version__}")
        raise typer.Exit


@app.callback()
def _eegbench(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which eegbench this is.")
    ] = False,
) -> None:
    """Benchmark of methods that reconstruct the picture a person saw from their EEG."""


def _fault(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    """Print an error of ours as Python does, without signs that control a terminal: names of others may hold some."""
    Screen(sys.stderr).write("".join(traceback.format_exception(kind, error, frames)))


def _unshown(failure: OSError) -> int:
    """The exit code where the work was done and stdout failed; prints why, except for a closed pipe, which is usual."""
    if failure.errno == errno.EPIPE:
        return CLOSED
    failure.filename = "stdout"
    ours = of_the_system(failure)
    complain(str(ours))
    return ours.exit_code


def _misused(error: Any, verb: str) -> NoReturn:
    name = type(error).__name__
    if name == "NoArgsIsHelpError":  # nothing was asked: typer shows the help
        raise error
    words = (word if len(word) <= LONGEST else f"{word[:LONGEST]}..." for word in error.format_message().split())
    message = " ".join(words).rstrip(".") + f"; see `{verb} --help`"
    if name == "NoSuchOption":  # typer suggests what is not near, too
        option, params = getattr(error, "option_name", ""), error.ctx.command.get_params(error.ctx)
        near = nearest(option, [opt for param in params for opt in param.opts if opt.startswith("-")])
        message = (
            f"unknown option {option!r}" + (f"; did you mean {near!r}?" if near else ".") + f" See `{verb} --help`"
        )
    _leave(message, UsageError.exit_code)


def _leave(message: str, code: int) -> NoReturn:
    sys.stdout.flush()  # where both streams go to one place, the error comes last
    complain(message)
    raise typer.Exit(code) from None
