"""Committed notebooks hold sources alone, and start alike."""

from pathlib import Path

import nbformat
import yaml

from book.tools.site import addresses_in_notebooks

ROOT = Path(__file__).parents[2]
NOTEBOOKS = {
    path.stem: nbformat.read(path, as_version=4) for path in sorted(ROOT.glob("notebooks/*.ipynb"))
}


def tags(cell):
    return cell.metadata.get("tags", [])


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_no_outputs_and_no_traces_of_a_run():
    for name, notebook in NOTEBOOKS.items():
        nbformat.validate(notebook)
        for cell in notebook.cells:
            assert not cell.get("outputs") and cell.get("execution_count") is None, cell.id
            assert "papermill" not in cell.metadata, cell.id
            assert "injected-parameters" not in tags(cell), cell.id
        assert set(notebook.metadata) <= {"kernelspec", "language_info"}, name


def test_kernel_is_found_on_every_machine():
    kernels = {name: notebook.metadata.kernelspec.name for name, notebook in NOTEBOOKS.items()}
    assert kernels == dict.fromkeys(NOTEBOOKS, "python3")


def test_one_cell_of_parameters():
    for name, notebook in NOTEBOOKS.items():
        assert sum("parameters" in tags(cell) for cell in notebook.cells) == 1, name


def test_cell_ids_are_unique_and_none_is_random():
    for name, notebook in NOTEBOOKS.items():
        ids = [cell.id for cell in notebook.cells]
        assert len(set(ids)) == len(ids), name
        assert all("-" in cell_id for cell_id in ids), f"ids name the notebook and a number: {name}"


def test_figures_have_a_caption_and_alternative_text():
    for notebook in NOTEBOOKS.values():
        for cell in notebook.cells:
            assert "plt.show(" not in cell.source, f"{cell.id}: figures.show() adds the downloads"
        for cell in code(notebook):
            if "figures.show(" in cell.source:
                mystnb = cell.metadata.get("mystnb", {})
                assert mystnb.get("image", {}).get("alt"), f"{cell.id}: no alternative text"
                assert mystnb.get("figure", {}).get("caption"), f"{cell.id}: no caption"


RESULTS = ("main_results", "robustness", "dropout", "ablation", "normalization", "listen")


def test_a_page_of_results_says_its_claim_what_would_change_it_and_asks():
    for name in RESULTS:
        cells = NOTEBOOKS[name].cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        assert "**The claim**" in cells[0].source, name
        assert "## What would change this conclusion" in text, name
        asked, answered = text.count(":::{admonition}"), text.count(":::{dropdown}")
        assert "## Exercises" in text and asked == answered >= 2, name


def test_a_figure_of_results_has_its_finding_below_it_for_the_caption():
    for name in set(RESULTS) - {"ablation", "dropout", "listen"}:  # which say it elsewhere
        cells = NOTEBOOKS[name].cells
        found = [i for i, cell in enumerate(cells) if "finding" in tags(cell)]
        assert found and all("display(Markdown(" in cells[i].source for i in found), name
        figures = [i for i, cell in enumerate(cells) if "figure" in cell.metadata.get("mystnb", {})]
        assert figures[0] < found[0], name
        if name != "main_results":  # which also shows curves of other datasets, and a search
            assert len(found) == len(figures), f"one for each: {name}"


def test_a_title_and_then_the_hidden_cell_that_installs_the_package():
    for name, notebook in NOTEBOOKS.items():
        assert notebook.cells[0].source.startswith("# "), name
        first = code(notebook)[0]
        assert tags(first) == ["remove-cell"], name
        assert 'find_spec("rru_nb")' in first.source, name


SET_UP = ("# Machines", "# Parameters", "import ", "from ")


def test_only_installation_parameters_and_imports_fold():
    for notebook in NOTEBOOKS.values():
        for cell in code(notebook):
            if {"hide-input", "remove-input", "remove-cell"} & {*tags(cell)}:
                assert cell.source.startswith(SET_UP), cell.id


def test_all_notebooks_start_with_the_same_cell():
    assert len({code(notebook)[0].source for notebook in NOTEBOOKS.values()}) == 1


def test_notebooks_and_book_agree_on_the_repository():
    settings = yaml.safe_load((ROOT / "_config.yml").read_text())
    addresses = addresses_in_notebooks(ROOT)
    assert addresses == {f"{name}.ipynb": settings["repository"]["url"] for name in NOTEBOOKS}


def test_no_import_that_colab_lacks():
    for name, notebook in NOTEBOOKS.items():
        assert not any("myst_nb" in cell.source for cell in code(notebook)), name
