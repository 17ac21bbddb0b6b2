"""The command `rru-nb`: its options, its exit codes, and how a mistake is reported."""

import os
import signal
import sys
import warnings
from typing import Annotated

import typer
from typer import Option

from .. import __version__
from ..errors import UserError
from ..layers.backend import choose, installed
from ..storage import streams
from ..storage.streams import tell
from ..training.interrupts import sigterm_raises
from . import data, options, output, results, runs, sections

_BACKENDS = "tensorflow or jax; else KERAS_BACKEND, or tensorflow"
_STAYS = "the records and checkpoints that are there stay"
_UsageError = typer.BadParameter.__base__
_NO_MEMORY = {"ResourceExhaustedError", "RESOURCE_EXHAUSTED"}

EXAMPLES = {
    "rru-nb run --dataset chorales --cell rru --scale smoke": "a training of seconds, no download",
    "rru-nb run --dataset jsb --cell rru": "the paper's setting, minutes to hours",
    "rru-nb run --dataset jsb --cell rru --set dropout=0.5": "one setting changed",
    "rru-nb --backend jax run --dataset jsb --cell rru": "on JAX, on a GPU where it sees one",
    "rru-nb sweep dropout --dataset nottingham": "what a section of the paper lacks",
}
VARIABLES = {
    "KERAS_BACKEND": "tensorflow (default) or jax, for notebooks too",
    "RRU_NB_COMMIT": "the commit, where there is no git checkout; -dirty if changed",
    "RRU_NB_DATA": "a folder with data files, looked into before downloading",
    "RRU_NB_CACHE": "where downloads go; default: the user's cache",
    "RRU_NB_STATE": "where checkpoints go; default: the user's cache",
    "RRU_NB_RESULTS": "where records go; default: results/ of the checkout, or the cache",
}


class _Commands(typer.core.TyperGroup):
    """The commands; their help ends with examples and with the variables of the environment."""

    def list_commands(self, ctx):
        return sorted(self.commands, key=lambda name: {"doctor": 0, "data": 1}.get(name, 2))

    def format_help(self, ctx, formatter):
        super().format_help(ctx, formatter)
        formatter.width = output.width()
        with formatter.section("Examples"):
            formatter.write_dl(EXAMPLES.items(), col_max=4)
        with formatter.section("Environment variables"):
            formatter.write_dl(VARIABLES.items())


_HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(cls=_Commands, pretty_exceptions_enable=False, context_settings=_HELP)


def _print_version(asked: bool):
    if asked:
        print(f"rru-nb {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    backend: Annotated[options.Text, Option(metavar="NAME", help=_BACKENDS)] = None,
    version: Annotated[
        bool, Option("--version", callback=_print_version, is_eager=True, help="print it")
    ] = False,
):
    """Train and read the models behind "Gates are not what you need in RNNs"."""
    choose(backend)


app.add_typer(data.app, name="data")
for _command in (
    *(data.doctor, runs.run, results.results, runs.show, runs.compare, runs.settings),
    *(sections.status, sections.sweep, sections.tune, sections.weights, sections.listen),
):
    app.command()(_command)


@app.command(hidden=True)
def book():
    """Say how the book is built."""
    raise UserError("`rru-nb book` has gone; `make book` in a checkout builds the book.")


def main(arguments=None):
    """Run the command line and return its exit code.

    0; 1 where the system refuses something, as room or memory; 2 for a user's mistake; 128 + the
    signal that ended it: 130 after Ctrl-C, 143 after SIGTERM, 141 where nobody reads its answer.
    """
    if "_RRU_NB_COMPLETE" in os.environ:  # the shell asks what fits
        app(prog_name="rru-nb")
    return exit_code(lambda: _do(sys.argv[1:] if arguments is None else arguments))


def exit_code(do):
    """Call `do` as the command line does: return its exit code, report an error in one line."""
    streams.open_closed()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else notes would bury the answer
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # matrix products twice as fast
    form = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: f"rru-nb: {message}\n"
    try:
        with sigterm_raises(), streams.answer(), installed():
            return do()
    except UserError as error:
        tell(f"rru-nb: {error}")
        return 2
    except BrokenPipeError:  # whoever reads the answer, as `head`, has read enough
        return 128 + signal.SIGPIPE
    except OSError as error:
        tell(f"rru-nb: {error}; {_STAYS}")
        return 1
    except KeyboardInterrupt as stopped:
        tell(f"\nrru-nb: {str(stopped) or f'interrupted; {_STAYS}'}")
        return 128 + getattr(stopped, "signum", signal.SIGINT)
    except Exception as error:  # Python, NumPy, TensorFlow and XLA each say it in their way
        names = {type(error).__name__, str(error).partition(":")[0]}
        if not isinstance(error, MemoryError) and names.isdisjoint(_NO_MEMORY):
            raise
        tell(f"rru-nb: memory is at an end; {_STAYS}. Free some, or take a smaller --scale.")
        return 1
    finally:
        warnings.formatwarning = form
        streams.let_go()


def _do(arguments):
    app.rich_markup_mode = "rich" if output.is_terminal() else None
    command = typer.main.get_command(app)
    try:
        with command.make_context("rru-nb", list(arguments or ["--help"])) as context:
            return context.command.invoke(context) or 0
    except typer.Exit as done:  # --help, --version
        return done.exit_code
    except _UsageError as error:
        message = " ".join(error.format_message().split()).rstrip(".")
        names = [name for name in arguments if name in command.commands][:1]
        place = error.ctx.command_path if error.ctx else " ".join(["rru-nb", *names])
        message += "" if message.endswith("?") else "."
        raise UserError(f"{message} `{place} --help` says more.") from None
