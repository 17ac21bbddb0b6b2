"""Which part of the paper each sweep trains, on which page it is told, how much is measured."""

from rru_nb.experiments import SECTIONS, section
from rru_nb.experiments.sweep import status

from .render import render


def paper_map(context):
    """Return a table with a row for each section of the paper that has runs behind it."""
    pages = {path.stem for path in (context.folder / "notebooks").glob("*.ipynb")}
    return render("map.md", rows=sections(), pages=pages)


def sections():
    """Return a dict for each section: where in the paper, its title, runs by scale."""
    counted = status(scales=("paper", "laptop")).groupby(["section", "scale"])
    runs = counted[["recorded", "runs"]].sum().to_dict("index")
    return [
        {"name": name, "title": section(name).title, "where": section(name).paper}
        | {scale: runs.get((name, scale)) for scale in ("paper", "laptop")}
        for name in SECTIONS
    ]
