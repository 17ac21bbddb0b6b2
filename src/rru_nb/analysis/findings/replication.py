"""Whether trainings at points of the authors' grids give the authors' numbers."""

from html import escape

from ...experiments.authors import METRICS
from ...training.config import CELL_TITLES
from ..replication import declared, mean_differences
from ..tables import METRIC_TITLES
from .grids import NOTHING
from .notes import answer


def replication(frame, dataset):
    """Say how far our numbers are from the authors', and whether that acquits the implementation.

    Args:
        frame: of `replication.replication`. dataset: the dataset it is of.
    """
    means = mean_differences(frame)
    if not means.points["all"]:
        return NOTHING
    of_all, tolerance = means.loc["all"], declared(dataset).get("tolerance")
    verdict = f"Mean of ours less the authors': {_signed(of_all)}; declared are {len(frame)}."
    if tolerance:
        beyond = means[means["mean"].abs() > tolerance].index
        finding = _finding(beyond, tolerance, of_all.points < len(frame))
        verdict = f"**{finding}** {verdict}"
    by_cell = "; ".join(
        f"{CELL_TITLES[cell]} {_signed(row)}" for cell, row in means.drop(index="all").iterrows()
    )
    return answer(
        [verdict],
        [f"By cell: {by_cell}.", _other_average(frame, METRICS[dataset])],
    )


def _finding(beyond, tolerance, partial):
    within = f"{tolerance:g} of the authors' numbers"
    so_far = " so far" if partial else ""
    cells = ", ".join(CELL_TITLES[cell] for cell in beyond if cell != "all")
    if "all" in beyond:
        return f"The mean does not lie within {within}{so_far}: a cause is to be found."
    if cells:
        return (
            f"The mean lies within {within}{so_far}, but not that of {cells}: a cause is to be "
            "found there."
        )
    acquits = "all points together decide" if partial else "that acquits the implementation"
    return f"The mean lies within {within}{so_far}: {acquits}."


def _signed(row):
    error = f"standard error {row.error:.3f}, {row.points:.0f} points"
    error = "one point" if row.points == 1 else error
    return f"{row['mean']:+.3f} ({error})"


def _other_average(frame, wanted):
    """Say which numbers are not of the authors' own average, because their record lacks it."""
    n = ((frame.status == "ok") & (frame.average != wanted)).sum()
    return (
        f"{n} of our numbers lack the authors' own average ({METRIC_TITLES[wanted]})." if n else ""
    )


def to_replicate(frame):
    """List the commands that measure the points without a record."""
    missing = frame[frame.status == "missing"]
    if missing.empty:
        return "All points are measured."
    commands = "\n".join(escape(command) for command in missing.command)
    return (
        f"{len(missing)} of the {len(frame)} points are not measured yet.\n\n"
        f"<details><summary>Their commands</summary><pre>{commands}</pre></details>"
    )
