"""The command `rru-nb`: the data, a run, the records, the book."""

import argparse
import os
import signal
import sys

from .. import __version__
from ..errors import UserError
from ..layers.backend import choose, installed
from ..layers.registry import CELLS
from ..storage import streams
from ..storage.streams import tell
from ..training.interrupts import sigterm_raises
from ..training.settings import value_of
from . import listen as listen_commands
from . import sections as section_commands

_STAYS = "the records and checkpoints that are there stay"
_EPILOG = """\
examples:
  rru-nb data list                                       which data is at hand
  rru-nb run --dataset chorales --cell rru --scale smoke a training of seconds, no download
  rru-nb run --dataset jsb --cell rru                    the paper's setting, minutes to hours
  rru-nb run --dataset jsb --cell rru --set dropout=0.5  one setting changed
  rru-nb --backend jax run --dataset jsb --cell rru      on JAX, on a GPU where it sees one
  rru-nb sweep dropout --dataset nottingham              what a section of the paper lacks
  rru-nb tune --dataset jsb --cell rru --trials 100      the paper's search, hours to days
  rru-nb status                                          how much of each section is there
  rru-nb results --dataset jsb                           what has been measured

environment variables:
  KERAS_BACKEND   tensorflow (default) or jax, for notebooks too
  RRU_NB_COMMIT   the commit of the code, where there is no git checkout, with -dirty if changed
  RRU_NB_DATA     a folder with the upstream data files, looked into before downloading
  RRU_NB_CACHE    where downloads go (default: the user's cache)
  RRU_NB_STATE    where checkpoints of trainings under way go (default: the user's cache)
  RRU_NB_RESULTS  where records go (default: results/ of the checkout, else the cache)
"""


def main(arguments=None):
    """Runs the command line and returns its exit code.

    0; 1 where the system refuses something, as room or memory; 2 for a user's mistake; 128 + the
    signal that ended it: 130 after Ctrl-C, 143 after SIGTERM, 141 where the reader of its answer
    has gone.
    """
    return exit_code(lambda: _do(arguments))


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
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as done:  # --help, --version, or a mistake that argparse has told
        return done.code
    choose(options.backend)
    return options.do(options) or 0


def _is_of_memory(error):
    """Whether an error is Python's, NumPy's, TensorFlow's or XLA's for want of memory."""
    told = {type(error).__name__, str(error).partition(":")[0]}
    told &= {"ResourceExhaustedError", "RESOURCE_EXHAUSTED"}
    return isinstance(error, MemoryError) or bool(told)


def _parser():
    parser = argparse.ArgumentParser(
        prog="rru-nb",
        description='Runs and reads the companion book of "Gates are not what you need in RNNs".',
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"rru-nb {__version__}")
    parser.add_argument(
        "--backend", metavar="NAME", help="tensorflow or jax; default: KERAS_BACKEND, or tensorflow"
    )
    commands = parser.add_subparsers(metavar="command", required=True)
    _add_data(commands)
    _add_run(commands)
    section_commands.add_to(commands)
    listen_commands.add_to(commands)
    _add_results(commands)
    _add_book(commands)
    return parser


def _add_data(commands):
    data = commands.add_parser("data", help="list, fetch, verify or describe the data files")
    actions = data.add_subparsers(metavar="action", required=True)
    listing = actions.add_parser("list", help="the datasets, their files, and where they are")
    listing.set_defaults(do=_data_list)
    fetch = actions.add_parser("fetch", help="download the files of datasets into the cache")
    fetch.add_argument("dataset", nargs="+", help="names as in `rru-nb data list`")
    fetch.set_defaults(do=_data_fetch)
    verify = actions.add_parser("verify", help="check files that are at hand against the registry")
    verify.add_argument("dataset", nargs="*", help="default: every dataset whose files are at hand")
    verify.set_defaults(do=_data_verify)
    describe = actions.add_parser("describe", help="write the statistics of datasets")
    describe.add_argument("dataset", nargs="+", help="names as in `rru-nb data list`")
    describe.set_defaults(do=_data_describe)


def _add_run(commands):
    run = commands.add_parser(
        "run",
        help="train one setting, or show its record if there is one",
        description="Trains one setting and writes its record; a stored record is shown instead.",
    )
    run.add_argument("--dataset", required=True, help="e.g. jsb; see `rru-nb data list`")
    run.add_argument("--cell", required=True, help=" or ".join(CELLS))
    run.add_argument("--scale", default="paper", help="paper (default), laptop or smoke")
    run.add_argument("--seed", type=int, default=0, help="default 0")
    run.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a setting of RunConfig; may be given several times",
    )
    run.add_argument("--quiet", action="store_true", help="no progress bar")
    run.set_defaults(do=_run)


def _add_results(commands):
    results = commands.add_parser("results", help="the records as a table")
    for name in ("dataset", "cell", "scale"):
        results.add_argument(f"--{name}", help=f"only this {name}")
    results.add_argument(
        "--csv", metavar="FILE", help="write the table to a CSV file instead; -: to standard output"
    )
    results.set_defaults(do=_results)


def _add_book(commands):
    book = commands.add_parser("book", help="has gone: `make book` builds the book")
    book.set_defaults(do=_book)


def _data_list(options):
    from ..data import catalogue

    shown = ("name", "title", "megabytes", "found")
    _print_table([{name: row[name] for name in shown} for row in catalogue()])
    print("\nWhat is missing comes with `rru-nb data fetch NAME`, or from the folder RRU_NB_DATA.")


def _data_fetch(options):
    from ..data import canonical_name, fetch_all

    names = [canonical_name(name) for name in options.dataset]
    for name in names:
        for path in fetch_all(name):
            print(f"{name}: {path}")


def _data_verify(options):
    from ..data import canonical_name, catalogue, verify

    names = [canonical_name(name) for name in options.dataset]
    names = names or [row["name"] for row in catalogue() if row["found"] != "missing"]
    rows = [row for name in names for row in verify(name)]
    _print_table(rows)
    return 0 if all(row["ok"] for row in rows) else 1


def _data_describe(options):
    from ..analysis.datasets import write_statistics
    from ..data import canonical_name

    for name in [canonical_name(n) for n in options.dataset]:
        print(write_statistics(name))


def _run(options):
    from ..training.config import paper_config

    config = paper_config(
        options.dataset, options.cell, options.scale, options.seed, **_changes(options.set)
    )
    from ..training.records import found_path
    from ..training.trainer import run

    stored = found_path(config) is not None
    record = run(config, progress=not options.quiet)
    print("stored record:" if stored else "new record:", found_path(config))
    print(_summary(record))


def _changes(assignments):
    """`["dropout=0.5"]` to `{"dropout": 0.5}`; values are read as YAML scalars."""
    changes = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UserError(f"--set {assignment!r} is not NAME=VALUE, e.g. --set dropout=0.5")
        if name.strip() in ("dataset", "cell", "scale", "seed"):
            raise UserError(f"--set {assignment!r}: that is the option --{name.strip()}.")
        changes[name.strip()] = value_of(value)
    return changes


def _summary(record):
    config = record["config"]
    lines = [
        f"{config['dataset']}, {config['cell']}, scale {config['scale']}, seed {config['seed']}: "
        f"{record['n_params']:,} parameters, n = {record['units']}, "
        f"{len(record['epochs'])} epochs in {record['seconds']:.0f} s"
    ]
    if record["failure"]:
        ended = "failed" if record["status"] == "failed" else "ended by a failure"
        lines.append(f"{ended}: {record['failure']}")
    for split in ("valid", "test"):
        scores = [f"{name} {value:.4f}" for name, value in record[split].items()]
        lines += [f"{split:5}  " + "  ".join(scores)] if scores else []
    if record["published"]:
        published = record["published"]
        lines.append(f"paper  {published['metric']} {published['value']} (scale paper)")
    for name, change in record["differences"].items():
        lines.append(f"differs from the paper: {name} {change['paper']} -> {change['here']}")
    return "\n".join(lines)


def _results(options):
    from ..training.records import load_records

    given = {name: getattr(options, name) for name in ("dataset", "cell", "scale")}
    frame = load_records(**{name: value for name, value in given.items() if value is not None})
    frame = frame.drop(columns=["epochs", "differences"])
    if options.csv == "-":
        frame.to_csv(sys.stdout, index=False)
    elif options.csv is not None:
        try:
            frame.to_csv(options.csv, index=False)
        except OSError as error:
            raise UserError(f"--csv {options.csv!r} cannot be written: {error}") from error
        print(f"{len(frame)} records written to {options.csv}")
    elif frame.empty:
        print("no records; `rru-nb run --help` says how to make one")
    else:
        shown = frame.drop(columns=["path", "started", "protocol"]).dropna(axis=1, how="all")
        print(shown.to_string(index=False))


def _book(options):
    raise UserError("`rru-nb book` has gone; `make book` in a checkout builds the book.")


def _print_table(rows):
    import pandas as pd

    print(pd.DataFrame(rows).to_string(index=False))
