"""Verdicts; what is not measured, and what an end of the training may have cut off."""

import math
from html import escape
from typing import NamedTuple

from ...experiments import section
from ...training.config import command

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "inconclusive"
MOST_CUT_OFF = 0.2  # share of trainings that the limit of epochs may end, for a verdict


def said(held):
    """The verdict as the predicate of a sentence."""
    return f"is {held}" if held == UNDECIDED else held


class Verdict(NamedTuple):
    """Whether a claim of the paper holds, and by what.

    Attributes:
        held: `HOLDS`, `FAILS` or `UNDECIDED`.
        note: str, the numbers it rests on, in a few words.
        p: float, of the test that decides, before any correction for other claims; NaN for none.
    """

    held: str
    note: str
    p: float = math.nan


def answer(verdict, facts):
    """A verdict as a paragraph, and below it what it rests on, as a list.

    Args:
        verdict, facts: lists of sentences, empty ones left out. Without a verdict the first fact
            stands in its place.
    """
    verdict, facts = ([s for s in sentences if s] for sentences in (verdict, facts))
    if not verdict:
        verdict, facts = facts[:1], facts[1:]
    return "\n\n".join(filter(None, [" ".join(verdict), "\n".join(f"- {s}" for s in facts)]))


def missing_note(missing):
    """Which runs have no record, each with the command that measures it."""
    if not missing:
        return "Every run that this page asks for has its record."
    commands = "\n".join(f"    {command(config)}" for config in missing)
    runs = "One run is" if len(missing) == 1 else f"{len(missing)} runs are"
    return f"{runs} not measured yet. To measure:\n\n{commands}"


def missing_points(frame):
    """Which runs of a section have no record: how to run them all, and each by itself.

    Args:
        frame: rows of `experiments.results`, with the section's name in `frame.attrs`.
    """
    missing = frame[frame.status == "missing"]
    if missing.empty:
        return f"All {len(frame)} runs that this page asks for have their records."
    sweep = _sweep_of(frame)
    how = f"`{sweep}` measures them; one by one" if sweep else "To measure them, one by one"
    commands = "\n".join(escape(c) for c in missing.command)
    are = "is" if len(missing) == 1 else "are"
    return (
        f"**{len(missing)} of the {len(frame)} runs {are} not measured yet** and stay empty "
        f"below. {how}:\n\n"
        f"<details><summary>{len(missing)} commands</summary><pre>{commands}</pre></details>"
    )


def _sweep_of(frame):
    """The `rru-nb sweep` that measures the runs of a frame and no other; None if there is none."""
    found = section(frame.attrs["section"])
    (dataset,), (scale,) = frame.dataset.unique(), frame.scale.unique()
    cells, seeds = list(frame.cell.unique()), [int(seed) for seed in frame.seed.unique()]
    named = {"cells": cells} if set(cells) < set(found.cells) else {}
    named |= {"seeds": seeds} if seeds != found.seeds(dataset, scale) else {}
    if {config.id for config in found.runs(dataset, scale=scale, **named)} != set(frame.id):
        return None
    options = "".join(f" --{name} {','.join(map(str, given))}" for name, given in named.items())
    return f"rru-nb sweep {found.name} --dataset {dataset} --scale {scale}{options}"


def cut_off_note(frame):
    """What forbids a verdict: that the limit of epochs ended more than a fifth of the trainings.

    Args:
        frame: rows of `experiments.results`.

    Returns:
        A clause, or an empty string where a verdict may be given.
    """
    measured = frame[frame.status != "missing"]
    cut = int(measured.cut_off.sum())
    if cut <= MOST_CUT_OFF * len(measured):
        return ""
    return f"the limit of epochs cut off {cut} of {len(measured)} trainings, which decide nothing"


def limit_note(frame):
    """How many trainings the limit of epochs ended, not their patience.

    Args:
        frame: rows of `experiments.results`.
    """
    done = frame[frame.status == "ok"]
    cut, last = (int(done[name].astype(bool).sum()) for name in ("cut_off", "at_limit"))
    if done.empty:
        return ""
    if not cut:
        return "Early stopping ended every training; none was cut off."
    return (
        f"The limit of epochs cut off {cut} of the {len(done)} trainings before their patience had "
        f"run out ({last} had their best epoch in the last one): longer ones may end better."
    )
