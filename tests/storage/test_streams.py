"""What the command does where its output is closed, full or unread, and where memory ends."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import tensorflow as tf

from rru_nb import paper_config
from rru_nb.cli import main
from rru_nb.data import registry
from rru_nb.data.fetch import _receive
from rru_nb.storage import streams
from rru_nb.training import trainer as training
from rru_nb.training.config import command
from rru_nb.training.files import RunFiles
from rru_nb.training.progress import Progress
from rru_nb.training.records import find_record

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
CONFIG = paper_config("chorales", "gru", "smoke", max_epochs=1)
RUN = command(CONFIG).split()[1:]
BAR = re.compile(r"\s*$|(chorales gru smoke, epoch 1: )?\d+/[\d?]+")


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))


def in_a_shell(arguments, redirected, **environment):
    """What `rru-nb ARGUMENTS REDIRECTED` gives, in a shell."""
    fresh = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}  # as JAX sets it
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirected}', "sh", sys.executable, "-m", "rru_nb.cli", *arguments],
        capture_output=True,
        text=True,
        env=fresh | environment,
    )


def own_lines(done):
    """What is on standard error without the progress bar: nothing but what the command says."""
    lines = [line for line in done.stderr.splitlines() if not BAR.match(line)]
    assert all(line.startswith("rru-nb: ") for line in lines), done.stderr
    return lines


@pytest.mark.parametrize(
    "redirected, code, reason",
    [
        (">&-", 1, "Bad file descriptor"),
        ("2>&-", 0, None),
        (">/dev/full 2>/dev/full", 1, None),
    ],
)
def test_a_run_leaves_its_record_whatever_its_output_is(redirected, code, reason):
    done = in_a_shell(RUN, redirected)
    assert done.returncode == code, done.stderr
    assert find_record(CONFIG)["status"] == "ok"
    wanted = f"rru-nb: standard output cannot be written: {reason}; "
    assert [line[: len(wanted)] for line in own_lines(done)] == ([wanted] if reason else [])


def test_the_doctor_says_nothing_beside_its_table():
    done = in_a_shell(["doctor"], "")
    assert (done.returncode, own_lines(done)) == (0, []) and "device" in done.stdout


@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--help"], ["results", "--csv", "-"]])
def test_an_answer_that_nobody_gets_is_one_line(arguments, buffered):
    done = in_a_shell(arguments, ">/dev/full", PYTHONUNBUFFERED=buffered)
    assert done.returncode == 1 and len(own_lines(done)) == 1
    wanted = "rru-nb: standard output cannot be written: No space left on device; "
    assert done.stderr.count("\n") == 1 and done.stderr.startswith(wanted)


def test_a_mistake_is_told_by_the_code_alone_where_nothing_else_can():
    for redirected in ("2>&-", "2>/dev/full", ">/dev/full 2>&1"):
        done = in_a_shell(["data", "fetch", "mnits"], redirected)
        assert done.returncode == 2 and done.stdout == ""


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path):
    """Or what TensorFlow tells on standard error would be written into it."""
    code = (
        "import os, sys\nfrom rru_nb.cli import main\nmain(['--version'])\n"
        "file = open(sys.argv[1], 'w')\nfile.write('a record')\nfile.flush()\nos.write(2, b'note')"
    )
    script = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code]
    assert subprocess.run([*script, str(tmp_path / "file")]).returncode == 0
    assert (tmp_path / "file").read_text() == "a record"


def test_paths_of_other_alphabets_in_a_plain_locale_without_a_home(tmp_path, monkeypatch):
    folder = tmp_path / "Ergebnisse Ω, 結果"
    monkeypatch.setenv("RRU_NB_RESULTS", str(folder))
    monkeypatch.delenv("HOME")
    shown = str(RunFiles(CONFIG).record)
    done = in_a_shell(RUN, "", LC_ALL="C")
    assert done.returncode == 0 and f"new record: {shown}\n" in done.stdout, done.stderr
    done = in_a_shell(RUN, "", LC_ALL="C", PYTHONIOENCODING="ascii")
    escaped = shown.encode("ascii", "backslashreplace").decode()
    assert done.returncode == 0 and f"stored record: {escaped}\n" in done.stdout, done.stderr
    table = in_a_shell(["results", "--csv", "-"], "", LC_ALL="C")
    assert [line.split(",")[0] for line in table.stdout.splitlines()] == ["id", CONFIG.id]
    done = in_a_shell(["results", "--csv", str(folder / "ä b.csv")], "| head -n 1", LC_ALL="C")
    assert done.stdout == f"1 records written to {folder / 'ä b.csv'}\n"
    assert (folder / "ä b.csv").read_text(encoding="utf-8") == table.stdout


def test_a_dash_is_standard_output_and_no_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["results", "--csv", "-"]) == 0
    assert capsys.readouterr().out.startswith("id,dataset,cell,")
    assert not list(tmp_path.iterdir())


USELESS = pytest.mark.parametrize("kind", ["full", "closed at the start", "closed since"])


@contextmanager
def useless_stderr(kind):
    with open("/dev/full", "w", 1) as full, pytest.MonkeyPatch.context() as patch:
        if kind == "closed since":
            full.close()
        patch.setattr(sys, "stderr", None if kind == "closed at the start" else full)
        try:
            yield
        finally:
            streams.let_go()  # or `full` could not be closed


@USELESS
def test_a_bar_that_cannot_be_shown_stops_no_training(kind):
    with useless_stderr(kind), Progress(CONFIG) as bar:
        bar.start_epoch("chorales", 1, 2)
        bar.step(1.0)
        bar.end_epoch({"epoch": 1, "valid_nll_window": 1.0}, 1, 1.0)


@USELESS
def test_nor_what_is_told(kind, capsys):
    with useless_stderr(kind):
        streams.tell("waiting")
    assert capsys.readouterr().out == "", "where `print` writes what it can't write elsewhere"


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing: it would go to the standard error that the test made useless."""


@USELESS
def test_nor_a_download(kind, tmp_path):
    (tmp_path / "there").write_bytes(b"0123456789")
    serve = partial(Silent, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/there"
        with useless_stderr(kind):
            _receive(url, registry.FILES["JSB_Chorales.mat"], tmp_path / "here")
        server.shutdown()
    assert (tmp_path / "here").read_bytes() == b"0123456789"


def test_a_bar_is_shown_where_it_can_be(capsys):
    with Progress(CONFIG) as bar:
        bar.start_epoch("chorales", 1, 2)
        bar.step(1.0)
    assert "chorales gru smoke, epoch 1" in capsys.readouterr().err


class XlaRuntimeError(RuntimeError):
    """As XLA's: of all reasons one class, told apart by how the message begins."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\ntensor"),
        XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory\nallocating"),
    ],
    ids=["python", "tensorflow", "xla"],
)
def test_memory_at_an_end_is_one_line(error, monkeypatch, capsys):
    def run(config, progress):
        raise error

    monkeypatch.setattr(training, "run", run)
    assert main(RUN) == 1
    told = capsys.readouterr().err
    assert told.startswith("rru-nb: memory is at an end") and told.count("\n") == 1


def test_another_error_keeps_its_traceback(monkeypatch):
    def run(config, progress):
        raise XlaRuntimeError("INTERNAL: a defect")

    monkeypatch.setattr(training, "run", run)
    with pytest.raises(XlaRuntimeError):
        main(RUN)
