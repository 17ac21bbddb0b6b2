"""What the paper claims beside Table 1, and whether it holds in smaller models."""

from .. import findings
from ..ablations import ablation_table, rru_scores
from ..sections import results, section
from .captions import first_sentence

SCALE = "laptop"
_SAYS = {
    "robustness": findings.robustness,
    "dropout": findings.dropout,
    "ablation": lambda frame: _ablation(section("ablation"), frame),
    "normalization": findings.normalization,
}


def _ablation(found, frame):
    return findings.ablation(ablation_table(found, frame), frame, rru_scores(found, frame))


def claims(context):
    """For each section a list of its datasets, each with the first sentence of what was found."""
    pages = {path.stem for path in (context.folder / "notebooks").glob("*.ipynb")}
    return "\n".join(_of_a_section(name, name in pages) for name in _SAYS) + "\n"


def _of_a_section(name, has_page):
    found = section(name)
    title = f"[{found.title}](../notebooks/{name}.ipynb)" if has_page else found.title
    lines = [f"  - *{dataset}*: {_verdict(found, dataset)}" for dataset in found.datasets]
    return "\n".join([f"- {title}, {found.paper}:", *lines])


def _verdict(found, dataset):
    """A claim is answered by all runs of its section, or not at all."""
    frame = results(found, found.points(dataset, scale=SCALE))
    missing = (frame.status == "missing").sum()
    if missing:
        are = "is" if missing == 1 else "are"
        return f"{missing} of {len(frame)} runs {are} not measured yet."
    return first_sentence(_SAYS[found.name](frame))[0]
