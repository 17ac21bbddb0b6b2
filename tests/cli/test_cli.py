"""The command line as a newcomer meets it."""

import os
import subprocess
import sys
import warnings

import pytest
from helpers import a_record

from rru_nb import UserError, paper_config
from rru_nb.cli import main
from rru_nb.training import config
from rru_nb.training.records import write_record


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))


@pytest.mark.parametrize(
    "arguments",
    [
        *("--help", "run --help", "data list", "results", "results --runs", "settings"),
        "run --dataset chorales --cell gru --scale smoke",  # has a record
    ],
)
def test_a_quick_answer_needs_neither_backend_nor_pandas(arguments, tmp_path):
    write_record(a_record(paper_config("chorales", "gru", "smoke")))
    code = (
        "import sys; from rru_nb.cli import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "assert not {'tensorflow', 'jax', 'keras', 'pandas', 'numpy'} & set(sys.modules)"
    )
    nowhere = dict.fromkeys(("RRU_NB_DATA", "XDG_CACHE_HOME", "KERAS_HOME"), str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments.split()],
        capture_output=True,
        text=True,
        env=os.environ | nowhere,
    )
    assert done.returncode == 0, done.stderr
    assert arguments != "data list" or "missing" in done.stdout
    if arguments == "--help":
        listed = done.stdout.partition("Commands:")[2].split()
        places = [listed.index(w) for w in ("doctor", "data", "run", "results", "sweep")]
        assert places == sorted(places)
        assert "RRU_NB_DATA" in listed


MISTAKES = (
    "run --dataset chorales --cell gru --scale smoke --set dropout=2",
    "sweep dropout --dataset chorales --scale big",
    "tune --dataset mnist --cell rru",
    "weights --dataset mnist --cell rru",
    "weights --dataset jsb --cell rru --scale paper",
    "listen --dataset musedata",
)


def test_a_mistake_is_told_before_a_backend_is_imported():
    code = (
        "import sys; from rru_nb.cli import main\n"
        "assert {main(mistake.split()) for mistake in sys.argv[1:]} == {2}\n"
        "assert not {'tensorflow', 'jax', 'keras'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *MISTAKES], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr.count("\n") == len(MISTAKES), done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        "data describe chorales",
        "--backend jax run --dataset chorales --cell gru --scale smoke --quiet",
    ],
)
def test_tensorflow_does_not_say_that_it_is_imported(arguments):
    """It notes that on standard error whatever the environment says; Keras wants it on JAX too."""
    pytest.importorskip("tensorflow")
    pytest.importorskip("jax")
    code = (
        "import sys; from rru_nb.cli import main\n"
        "assert main(sys.argv[1:]) == 0 and 'tensorflow' in sys.modules"
    )
    command = [sys.executable, "-c", code, *arguments.split()]
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # compiling takes most of the time
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_run_then_results(capsys):
    arguments = "run --dataset chorales --cell gru --scale smoke --set max_epochs=1 --quiet"
    assert main(arguments.split()) == 0
    assert "new record" in capsys.readouterr().out
    assert main(arguments.split()) == 0
    again = capsys.readouterr().out
    assert "stored record" in again and "nll_window" in again
    assert "max_epochs None -> 1" in again
    assert main(["results", "--dataset", "Bach chorales", "--cell", "GRU"]) == 0
    assert "gru" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, fragments",
    [
        ("run --dataset notingham --cell rru", ["'notingham'", "'nottingham'"]),
        ("run --dataset chorales --cell gru --set droput=0.5 --scale smoke", ["'dropout'"]),
        ("run --dataset chorales --cell gru --set dropout --scale smoke", ["NAME=VALUE"]),
        (
            "run --dataset chorales --cell gru --set dropout= --scale smoke",
            ["NAME=VALUE", "dropout="],
        ),
        ("run --dataset jsb --cell gru --set dropout=0.7 --set dropout=0.1", ["twice", "'0.1'"]),
        ("data fetch mnits", ["'mnits'", "'mnist'"]),
        ("results --dataset chorals", ["'chorals'", "'chorales'"]),
        ("results --cell lstn", ["'lstn'", "'lstm'"]),
        ("results --scale papr", ["'papr'", "'paper'"]),
        ("results --csv /no/such/folder/x.csv", ["/no/such/folder/x.csv'", "non-existent"]),
        ("results --csv /", ["'/' cannot be written: Is a directory."]),
        ("results --json --csv -", ["--csv -", "Give one of them"]),
        ("resuts", ["'resuts'", "results"]),
        ("run --dataset jsb", ["--cell", "rru-nb run --help"]),
        ("run --dataset jsb --cell rru --seed x", ["'--seed': 'x'", "a whole number, e.g. 3"]),
        ("weights --dataset jsb --cell rru --seed 1e3", ["'--seed': '1e3'", "a whole number"]),
        ("tune --dataset jsb --cell rru --trials 1.5", ["'--trials': '1.5'", "a whole number"]),
        ("sweep dropout --jobs=two", ["'--jobs': 'two'", "rru-nb sweep --help"]),
        ("sweep dropout --engine ray --gpus-per-run half", ["-run': 'half'", "e.g. 0.5"]),
        ("sweep dropout --cells rru,lstn", ["'lstn'", "'lstm'"]),
        ("sweep dropout --scale big", ["'big'", "'laptop'"]),
        ("sweep dropout --seeds 0,b", ["'--seeds': '0,b'", "0,1,2"]),
        ("run --dataset jsb --cell rru --sede 1", ["--sede", "--seed", "rru-nb run --help"]),
        ("run --dataset jsb --cell rru --seed", ["--seed", "rru-nb run --help"]),
        ("run --dataset jsb --cell rru again", ["again", "rru-nb run --help"]),
        ("weights --dataset imdb --cell rru", ["'imdb' is no music. Valid: 'jsb'"]),
        ("listen --dataset musedata", ["'musedata' is none to listen to. Valid: 'jsb'"]),
        ("run --dataset jsb --cell rru --set protocol=final", ["'final' is none of dataset 'jsb'"]),
        ("data fetc mnist", ["'fetc'", "'fetch'? `rru-nb data --help`"]),
        ("show 580a", ["'580a'", "results --runs"]),
        ("book", ["make book"]),
    ],
)
def test_mistakes_are_one_line_and_exit_2(arguments, fragments, capsys):
    assert main(arguments.split()) == 2
    message = capsys.readouterr().err
    assert message.startswith("rru-nb: ") and message.count("\n") == 1
    for fragment in fragments:
        assert fragment in message


def test_a_program_that_calls_it_keeps_its_form_of_warnings():
    form = warnings.formatwarning
    assert main(["results"]) == 0
    assert warnings.formatwarning is form


def test_data_list_names_every_dataset(capsys):
    from rru_nb import DATASETS

    assert main(["data", "list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in DATASETS)


def test_a_root_that_is_no_checkout_is_named(monkeypatch, tmp_path, capsys):
    for root in ("/no/such/folder", str(tmp_path)):
        monkeypatch.setenv("RRU_NB_ROOT", root)
        config._paper_file.cache_clear()
        assert main(["run", "--dataset", "jsb", "--cell", "rru"]) == 2
        message = capsys.readouterr().err
        assert root in message and "RRU_NB_ROOT" in message and message.count("\n") == 1


@pytest.mark.parametrize("option", ["--cells", "--seeds", "--dataset"])
def test_an_empty_option_is_not_everything(option, capsys):
    """As from a shell's variable that is not set."""
    given = [] if option == "--dataset" else ["--dataset", "chorales"]
    assert main(["sweep", "dropout", *given, "--scale", "smoke", option, ""]) == 2
    assert "''" in capsys.readouterr().err


def test_a_dataset_that_is_not_at_hand_holds_up_no_other(monkeypatch, capsys):
    done = []

    def sweep(section, dataset, *_, **__):
        if dataset == "enwik8":
            raise UserError("its file is not at hand")
        done.append(dataset)

    monkeypatch.setattr("rru_nb.experiments.sweep.sweep", sweep)
    assert main(["sweep", "main_results", "--scale", "smoke"]) == 2
    assert "enwik8" not in done and done[-1] == "pmnist"
    said = capsys.readouterr().err
    assert "enwik8 is left out: its file is not at hand" in said
    assert said.rstrip().endswith("rru-nb: not done, as said above: enwik8.")


def test_a_reader_that_has_gone_is_no_traceback():
    code = "import sys; from rru_nb.cli import main; sys.exit(main(['data', 'list']))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    said = process.stderr.read().decode()
    assert process.wait() == 141 and "Traceback" not in said and "Exception" not in said


def test_weights_of_the_papers_size_are_not_what_the_page_plays(capsys):
    assert main(["weights", "--dataset", "jsb", "--cell", "rru", "--scale", "paper"]) == 2
    assert "'paper'" in capsys.readouterr().err
