"""A small book in a temporary checkout: what builds, and what must not."""

import base64
import queue
import shutil
import subprocess
import threading
from pathlib import Path

import nbformat
import pytest

from book import tools as book
from book.tools import execute, site, stage
from book.tools.__main__ import main as make_book
from rru_nb import paper_config
from rru_nb.errors import UserError

ROOT = Path(__file__).parents[2]


def notebook(*sources, parameters="train = True"):
    cells = [nbformat.v4.new_markdown_cell("# Page")]
    cells += [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A checkout with this repository's configuration and two pages of its own."""
    for name in ("_config.yml", "book/references.bib"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "book" / "static", tmp_path / "book" / "static")
    shutil.copytree(ROOT / "params", tmp_path / "params")
    (tmp_path / "src" / "rru_nb").mkdir(parents=True)
    (tmp_path / "results").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n  - file: notebooks/page\n"
    )
    (tmp_path / "book" / "index.md").write_text(
        "# Title\n\n$x^2$ {cite}`zakovskis2021gates`\n\n"
        "```{include} _parts/table_1.md\n```\n\n```{bibliography}\n```\n"
    )
    nbformat.write(notebook("print('train is', train)"), tmp_path / "notebooks" / "page.ipynb")
    monkeypatch.setenv("RRU_NB_ROOT", str(tmp_path))
    for name in ("RRU_NB_RESULTS", "RRU_NB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def build(**options):
    said = []
    return book.build(say=said.append, **options), "\n".join(said)


def test_a_build_shows_outputs_fragments_and_math_of_its_own(root):
    output, said = build()
    assert output == root / "_build" / "html"
    page = (output / "notebooks" / "page.html").read_text()
    assert "train is False" in page, "the book never trains what is missing"
    assert "injected" not in page
    front = (output / "book" / "index.html").read_text()
    assert "102.56" in front, "Table 1 comes from the fragment"
    assert (output / "_static" / "mathjax" / "tex-mml-chtml.js").is_file()
    assert "jsdelivr" not in front and "colab" not in page
    assert "executed notebooks/page.ipynb" in said and "Colab buttons: hidden" in said
    assert nbformat.read(root / "notebooks" / "page.ipynb", 4).cells[2].outputs == []


def test_records_that_lie_elsewhere_make_a_page_anew(root, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("RRU_NB_RESULTS", str(elsewhere))
    before = execute._digest_of_sources(root)
    assert execute._digest_of_sources(root) == before
    (elsewhere / "a.json").write_text("{}")
    assert execute._digest_of_sources(root) != before


def test_an_executed_notebook_names_the_records_it_was_given(root):
    source = (
        "import rru_nb; from rru_nb.training.records import find_record\n"
        "find_record(rru_nb.paper_config('jsb', 'rru')) and print('found')"
    )
    config = paper_config("jsb", "rru")  # there are records of the same seed with other settings
    (record,) = (ROOT / "results" / "jsb").glob(f"rru-paper-s0-{config.id}.json")
    (root / "results" / "jsb").mkdir()
    shutil.copy(record, root / "results" / "jsb")
    nbformat.write(notebook(source), root / "notebooks" / "page.ipynb")
    staged = stage.prepare(root, root / "_build" / "stage")
    execute.execute_notebooks(staged, [Path("notebooks/page.ipynb")], root / "kept", say=str)
    executed = nbformat.read(staged / "notebooks" / "page.ipynb", 4)
    assert executed.metadata.rru_nb.records == [config.id]
    assert [path.suffix for path in (root / "kept").iterdir()] == [".ipynb"]


def test_a_notebook_runs_again_only_if_something_it_depends_on_changed(root):
    said = []

    def run():
        staged = stage.prepare(root, root / "_build" / "stage")
        page = Path("notebooks/page.ipynb")
        execute.execute_notebooks(staged, [page], root / "kept", say=said.append)
        assert "train is False" in (staged / page).read_text()

    run()
    (root / "book" / "index.md").write_text("# Other prose\n")
    run()
    (root / "params" / "new.yml").write_text("a: 1\n")
    run()
    assert [line.split()[0] for line in said] == ["executed", "unchanged", "executed"]
    assert len(list((root / "kept").iterdir())) == 1, "what is out of date goes"


def test_a_raising_notebook_is_named_and_the_last_site_stays(root):
    output = root / "_build" / "html"
    output.mkdir(parents=True)
    for name in (".buildinfo", "index.html"):
        (output / name).write_text("the site before")
    nbformat.write(notebook("1 / 0"), root / "notebooks" / "page.ipynb")
    with pytest.raises(book.BookError, match="(?s)notebooks/page.ipynb.*ZeroDivisionError"):
        build()
    assert (output / "index.html").read_text() == "the site before"
    with pytest.raises(book.BookError, match="ZeroDivisionError"):
        build()  # nothing half-run was kept


def test_warnings_fail_every_time_and_are_told(root):
    with (root / "book" / "index.md").open("a") as page:
        page.write(
            "\n[](nowhere.md)\n\n```{include} _parts/no_such.md\n```\n\n{cite}`nobody2000`\n"
        )
    for _ in range(2):  # Jupyter Book itself forgets a warning the second time
        with pytest.raises(book.BookError, match="book/index.md:.*nowhere") as error:
            build(execute=False)
        assert "no_such" in str(error.value) and "nobody2000" in str(error.value)


def test_buttons_appear_only_where_they_work(root, monkeypatch):
    address = "https://github.com/owner/name"
    monkeypatch.setenv("RRU_NB_REPOSITORY", address)
    found, why = site.repository_of(root)
    assert found is None and "page.ipynb" in why, "this notebook cannot install the package"

    installing = notebook(f'_REPOSITORY = "{address}"  # where from')
    nbformat.write(installing, root / "notebooks" / "page.ipynb")
    output, _ = build(execute=False)
    page = (output / "notebooks" / "page.html").read_text()
    wanted = "colab.research.google.com/github/owner/name/blob/main/notebooks/page.ipynb"
    assert wanted in page

    monkeypatch.setenv("RRU_NB_REPOSITORY", "https://example.org/owner/name")
    assert site.repository_of(root)[0] is None


def test_contents_and_tree_agree(root):
    names = [str(page) for page in stage.pages(root)]
    assert names == ["book/index.md", "notebooks/page.ipynb"]
    (root / "book" / "left_out.md").write_text("# Left out\n")
    with pytest.raises(book.BookError, match="book/left_out.md"):
        stage.pages(root)
    (root / "book" / "left_out.md").unlink()
    with (root / "_toc.yml").open("a") as contents:
        contents.write("  - file: book/gone\n")
    with pytest.raises(book.BookError, match="book/gone"):
        stage.pages(root)
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nparts:\n  - chapters:\n"
        "      - file: notebooks/page\n        sections:\n          - file: notebooks/page\n"
    )
    with pytest.raises(book.BookError, match="multiple times: .notebooks/page"):
        stage.pages(root)


def test_this_repository_lists_every_page():
    assert len(stage.pages(ROOT)) >= 8


def test_a_folder_that_is_no_book_is_left_alone(root, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter.txt").write_text("keep me")
    with pytest.raises(UserError, match="precious"):
        build(output=precious, execute=False)
    assert (precious / "letter.txt").read_text() == "keep me"


def test_without_a_checkout_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_ROOT", str(tmp_path))
    with pytest.raises(UserError, match="Clone the repository"):
        book.build()


def test_only_parameters_that_a_notebook_has_are_set(tmp_path):
    path = tmp_path / "a.ipynb"
    for source, expected in (("train = True", {"train": False}), ("retrain = 1", {})):
        nbformat.write(notebook(parameters=source), path)
        assert execute._parameters_for(path) == expected


def test_fresh_runs_again_what_is_unchanged(root, monkeypatch):
    monkeypatch.setattr(
        execute, "_execute", lambda notebook, kept, cwd: shutil.copy(notebook, kept)
    )
    said = []
    for fresh in (False, False, True):
        staged = stage.prepare(root, root / "_build" / "stage")
        page = [Path("notebooks/page.ipynb")]
        execute.execute_notebooks(staged, page, root / "kept", fresh, say=said.append)
    assert [line.split()[0] for line in said] == ["executed", "unchanged", "executed"]


@pytest.mark.parametrize("name", ["RRU_NB_DATA", "RRU_NB_CACHE"])
def test_another_place_of_the_data_makes_a_page_anew(root, name, monkeypatch, tmp_path):
    before = execute._digest_of_sources(root)
    monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert execute._digest_of_sources(root) != before


FULL = OSError(28, "No space left on device", "a.svg")
READ_ONLY = OSError(30, "Read-only file system", "a.svg")


@pytest.fixture
def quick(root, monkeypatch):
    """Without Jupyter Book: a site of one page."""

    def build_site(folder, *_):
        made = folder / "_build" / "html"
        made.mkdir(parents=True)
        for name in ("index.html", ".buildinfo"):
            (made / name).write_text("the new site")
        return made

    monkeypatch.setattr(book, "build_site", build_site)
    return root


def raising(error):
    def refuse(*_, **__):
        raise error

    return refuse


def test_of_two_builds_at_once_the_second_waits_and_says_so(quick, monkeypatch):
    pytest.importorskip("fcntl")
    inside, go_on, seen, said = threading.Event(), threading.Event(), [], queue.Queue()
    # Not through capfd: what one thread writes while another empties the capture may be lost.
    monkeypatch.setattr("rru_nb.storage.streams.tell", said.put)

    def write_fragments(folder, *_):
        seen.append("begins")
        inside.set()
        assert go_on.wait(60) and (folder / "book" / "index.md").is_file()
        seen.append("ends")

    monkeypatch.setattr(book, "write_fragments", write_fragments)
    first, second = (threading.Thread(target=build, kwargs={"execute": False}) for _ in range(2))
    first.start()
    assert inside.wait(60)
    second.start()
    assert said.get(timeout=60) == "waiting: another process is building the book"
    assert seen == ["begins"]
    go_on.set()
    first.join()
    second.join()
    assert seen == ["begins", "ends", "begins", "ends"]
    assert (quick / "_build" / "html" / "index.html").read_text() == "the new site"
    assert {path.name for path in (quick / "_build").iterdir()} == {".lock", "html", "stage"}


@pytest.mark.parametrize("error", [FULL, READ_ONLY], ids=["full", "read-only"])
@pytest.mark.parametrize("step", ["shutil.copyfile", "shutil.rmtree"])
def test_what_the_disk_refuses_is_one_line(quick, monkeypatch, capsys, error, step):
    build(execute=False)
    monkeypatch.setattr(step, raising(error))
    assert make_book([]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and error.strerror in told and str(quick / "_build") in told


def test_a_folder_that_cannot_be_made_is_one_line(quick, capsys):
    (quick / "_build").write_text("a file where the folder should be")
    assert make_book([]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "Not a directory" in told


def test_where_a_new_site_has_no_room_the_one_before_stays(quick, monkeypatch):
    output = quick / "_build" / "html"
    build(execute=False)
    (output / "index.html").write_text("the site before")
    monkeypatch.setattr(shutil, "move", raising(FULL))
    with pytest.raises(UserError, match="No space left"):
        build(execute=False)
    assert (output / "index.html").read_text() == "the site before"


def test_a_full_disk_in_a_notebook_is_the_disks_fault_and_not_the_pages(root):
    nbformat.write(
        notebook(f"raise OSError(28, {FULL.strerror!r})"), root / "notebooks" / "page.ipynb"
    )
    with pytest.raises(UserError, match="cannot be built: No space left on device. Make room"):
        build()


def test_a_full_disk_under_jupyter_book_is_not_the_pages_fault(root, monkeypatch):
    log = "reading sources\nWARNING: half\nOSError: [Errno 28] No space left on device: 'x'\n"
    done = subprocess.CompletedProcess([], 1, stdout=log)
    monkeypatch.setattr(site.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(UserError, match="cannot be built: No space left on device. Make room"):
        build(execute=False)


def test_files_leave_the_links_of_pages_and_nothing_else_changes(tmp_path):
    content = base64.b64encode(b"a,b\n1,2\n").decode()
    link = f'<a download="t.csv" href="data:text/csv;base64,{content}">t.csv</a>'
    sound = f'<audio src="data:audio/mpeg;base64,{content}"></audio>'
    page = tmp_path / "notebooks" / "page.html"
    text = site.take_files_out_of_links(f"<p>{link} · {link}</p>{sound}", page, tmp_path)
    (file,) = tmp_path.glob("_downloads/*/t.csv")
    assert file.read_bytes() == b"a,b\n1,2\n"
    one = f'<a download="t.csv" href="../_downloads/{file.parent.name}/t.csv">t.csv</a>'
    assert text == f"<p>{one} · {one}</p>{sound}"


def test_a_number_and_its_unit_stay_on_a_line_and_code_as_it_is():
    page = '<p title="5 % of p = 2">A 95 % interval, p = 0.03 or p &lt; 0.0001; up = 3</p>'
    code = "<pre>x = 100 % 3  <b>p = 2</b></pre><code>7 % p = 2</code>"
    assert site.keep_units_together(page + code) == (
        '<p title="5 % of p = 2">A 95\N{NO-BREAK SPACE}% interval, '
        "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.03 or "
        f"p\N{NO-BREAK SPACE}&lt;\N{NO-BREAK SPACE}0.0001; up = 3</p>{code}"
    )
