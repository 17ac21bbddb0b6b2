"""Committed notebooks hold sources alone, and start alike."""

from pathlib import Path

import nbformat
import pytest
import yaml

from book.tools.site import addresses_in_notebooks

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.name)
def notebook(request):
    found = nbformat.read(request.param, as_version=4)
    nbformat.validate(found)
    return found


def tags(cell):
    return cell.metadata.get("tags", [])


def test_no_outputs_and_no_traces_of_a_run(notebook):
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None
        assert "papermill" not in cell.metadata and "injected-parameters" not in tags(cell)
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}


def test_kernel_is_found_on_every_machine(notebook):
    assert notebook.metadata.kernelspec.name == "python3"


def test_one_cell_of_parameters(notebook):
    assert sum("parameters" in tags(cell) for cell in notebook.cells) == 1


def test_cell_ids_are_unique_and_none_is_random(notebook):
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert all("-" in name for name in ids), "ids name the notebook and a number"


def test_figures_have_a_caption_and_alternative_text(notebook):
    for cell in notebook.cells:
        assert "plt.show(" not in cell.source, f"{cell.id}: figures.show() adds the downloads"
        if cell.cell_type == "code" and "figures.show(" in cell.source:
            following = notebook.cells[notebook.cells.index(cell) + 1]
            assert following.source == "figures.downloads()", f"{cell.id}: no downloads after it"
            mystnb = cell.metadata.get("mystnb", {})
            assert mystnb.get("image", {}).get("alt"), f"{cell.id}: no alternative text"
            assert mystnb.get("figure", {}).get("caption"), f"{cell.id}: no caption"


RESULTS = ("main_results", "robustness", "dropout", "ablation", "normalization", "listen")


@pytest.mark.parametrize("name", RESULTS)
def test_a_page_of_results_says_its_claim_what_would_change_it_and_asks(name):
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert "**The claim**" in cells[0].source
    assert "## What would change this conclusion" in text
    asked, answered = text.count(":::{admonition}"), text.count(":::{dropdown}")
    assert "## Exercises" in text and asked == answered >= 2


@pytest.mark.parametrize("name", ["main_results", "robustness", "normalization", "listen"])
def test_a_figure_of_results_has_its_finding_below_it_for_the_caption(name):
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    found = [i for i, cell in enumerate(cells) if "finding" in tags(cell)]
    assert found and all("display(Markdown(" in cells[i].source for i in found)
    figures = [i for i, cell in enumerate(cells) if "mystnb" in cell.metadata]
    assert figures[0] < found[0]
    if name != "main_results":  # which also shows curves of other datasets, and a search
        assert len(found) == len(figures), "one for each"


def test_a_title_and_then_the_hidden_cell_that_installs_the_package(notebook):
    assert notebook.cells[0].source.startswith("# ")
    first_code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert tags(first_code) == ["remove-cell"]
    assert 'find_spec("rru_nb")' in first_code.source


def test_all_notebooks_start_with_the_same_cell():
    starts = {
        next(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code")
        for path in NOTEBOOKS
    }
    assert len(starts) == 1


def test_notebooks_and_book_agree_on_the_repository():
    settings = yaml.safe_load((ROOT / "_config.yml").read_text())
    addresses = addresses_in_notebooks(ROOT)
    assert set(addresses) == {path.name for path in NOTEBOOKS}
    assert set(addresses.values()) == {settings["repository"]["url"]}


def test_no_import_that_colab_lacks(notebook):
    assert not any("myst_nb" in cell.source for cell in notebook.cells if cell.cell_type == "code")
