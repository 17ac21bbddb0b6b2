"""The command `rru-nb`: its options, its exit codes, and how a mistake is told."""

import os
import signal
import sys
import textwrap
from typing import Annotated

import typer

from .. import __version__
from ..errors import UserError
from ..layers.backend import choose, installed
from ..storage import streams
from ..storage.streams import tell
from ..training.interrupts import sigterm_raises
from . import data, listen, output, record, results, runs, sections

_STAYS = "the records and checkpoints that are there stay"
_UsageError = typer.BadParameter.__base__

EXAMPLES = {
    "rru-nb doctor": "what is here, what is missing, and what mends it",
    "rru-nb run --dataset chorales --cell rru --scale smoke": "a training of seconds, no download",
    "rru-nb run --dataset jsb --cell rru": "the paper's setting, minutes to hours",
    "rru-nb run --dataset jsb --cell rru --set dropout=0.5": "one setting changed",
    "rru-nb --backend jax run --dataset jsb --cell rru": "on JAX, on a GPU where it sees one",
    "rru-nb results --dataset jsb": "what has been measured",
    "rru-nb show 580a": "one record, by its id or how that begins",
    "rru-nb status": "how much of each section is there",
    "rru-nb sweep dropout --dataset nottingham": "what a section of the paper lacks",
    "rru-nb tune --dataset jsb --cell rru --trials 100": "the paper's search, hours to days",
}
VARIABLES = {
    "KERAS_BACKEND": "tensorflow (default) or jax, for notebooks too",
    "RRU_NB_COMMIT": "the commit, where there is no git checkout; -dirty if changed",
    "RRU_NB_DATA": "a folder with data files, looked into before downloading",
    "RRU_NB_CACHE": "where downloads go; default: the user's cache",
    "RRU_NB_STATE": "where checkpoints go; default: the user's cache",
    "RRU_NB_RESULTS": "where records go; default: results/ of the checkout, or the cache",
}


# In which a newcomer needs them.
_ORDER = ("doctor", "data", "run", "results", "show", "compare", "settings", "status", "sweep")


class _Commands(typer.core.TyperGroup):
    """The commands; their help ends with examples and with the variables of the environment."""

    def list_commands(self, ctx):
        return [*_ORDER, *(name for name in self.commands if name not in _ORDER)]

    def format_help(self, ctx, formatter):
        super().format_help(ctx, formatter)
        formatter.write("\nExamples:\n")
        for command, meaning in EXAMPLES.items():
            formatter.write(f"{_wrapped(command, '  ')}\n{_wrapped(meaning, 6 * ' ')}\n")
        formatter.write("\nEnvironment variables:\n")
        for name, meaning in VARIABLES.items():
            formatter.write(f"{_wrapped(f'  {name:15} {meaning}', '', 18 * ' ')}\n")


def _wrapped(text, first, others=None):
    """Return a text on lines that fit; `first` and `others` are what its lines begin with."""
    others = first if others is None else others
    wide = output.width()
    return textwrap.fill(text, wide, initial_indent=first, subsequent_indent=others)


app = typer.Typer(
    cls=_Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool):
    if asked:
        print(f"rru-nb {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    backend: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="tensorflow or jax; else KERAS_BACKEND, or tensorflow"),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print it")
    ] = False,
):
    """Train and read the models behind "Gates are not what you need in RNNs"."""
    choose(backend)


app.add_typer(data.app, name="data")
for _command in (
    *(data.doctor, runs.run, runs.settings, results.results, record.show, record.compare),
    *(sections.status, sections.sweep, sections.tune, listen.weights, listen.listen),
):
    app.command()(_command)


@app.command(hidden=True)
def book():
    """Say how the book is built."""
    raise UserError("`rru-nb book` has gone; `make book` in a checkout builds the book.")


def main(arguments=None):
    """Run the command line and return its exit code.

    0; 1 where the system refuses something, as room or memory; 2 for a user's mistake; 128 + the
    signal that ended it: 130 after Ctrl-C, 143 after SIGTERM, 141 where the reader of its answer
    has gone.
    """
    if "_RRU_NB_COMPLETE" in os.environ:  # the shell asks what fits
        app(prog_name="rru-nb")
    return exit_code(lambda: _do(sys.argv[1:] if arguments is None else arguments))


def exit_code(do):
    """Call `do` as the command line does: return its exit code, tell an error in one line."""
    streams.open_closed()
    # TensorFlow's start-up notes would bury the answer; whoever sets the level keeps it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Off by default on many processors, where it makes the matrix products twice as fast.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        with sigterm_raises(), streams.answer(), installed():
            return do()
    except UserError as error:
        tell(f"rru-nb: {error}")
        return 2
    except BrokenPipeError:  # whoever reads the answer, as `head`, has read enough
        return 128 + signal.SIGPIPE
    except (OSError, streams.RefusedError) as error:
        tell(f"rru-nb: {error}; {_STAYS}")
        return 1
    except KeyboardInterrupt as stopped:
        tell(f"\nrru-nb: {str(stopped) or f'interrupted; {_STAYS}'}")
        return 128 + getattr(stopped, "signum", signal.SIGINT)
    except Exception as error:
        if not _is_of_memory(error):
            raise
        tell(f"rru-nb: memory is at an end; {_STAYS}. Free some, or take a smaller --scale.")
        return 1
    finally:
        streams.let_go()


def _do(arguments):
    app.rich_markup_mode = "rich" if output.is_terminal() else None
    try:
        with parsed(arguments or ["--help"]) as context:
            return context.command.invoke(context) or 0
    except typer.Exit as done:  # --help, --version
        return done.exit_code
    except _UsageError as error:
        message = " ".join(error.format_message().split()).rstrip(".")
        place = error.ctx.command_path if error.ctx else "rru-nb"
        raise UserError(f"{message}. `{place} --help` says more.") from None


def parsed(arguments):
    """Return the context of a command line, in which its command can be invoked.

    Raises typer's errors, or a `UserError`, for what is not understood; of a command in a group
    only the group is.
    """
    return typer.main.get_command(app).make_context("rru-nb", list(arguments))


def _is_of_memory(error):
    """Return whether an error is Python's, NumPy's, TensorFlow's or XLA's for want of memory."""
    told = {type(error).__name__, str(error).partition(":")[0]}
    told &= {"ResourceExhaustedError", "RESOURCE_EXHAUSTED"}
    return isinstance(error, MemoryError) or bool(told)
