"""What is not measured, and what an end of the training may have cut off."""

from html import escape

from ...experiments import section


def answer(verdict, facts):
    """Return a verdict as a paragraph, and below it what it rests on, as a list.

    Args:
        verdict, facts: lists of sentences, empty ones left out. Without a verdict the first fact
            stands in its place.
    """
    verdict, facts = ([s for s in sentences if s] for sentences in (verdict, facts))
    if not verdict:
        verdict, facts = facts[:1], facts[1:]
    return "\n\n".join(filter(None, [" ".join(verdict), "\n".join(f"- {s}" for s in facts)]))


def missing_points(frame):
    """Say which runs of a section have no record, if any, and how to run them.

    Args:
        frame: rows of `experiments.results`, with the section's name in `frame.attrs`.
    """
    missing = frame[frame.status == "missing"]
    if missing.empty:
        return ""
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
    """Return the `rru-nb sweep` that measures the runs of a frame and no other, or None."""
    swept = section(frame.attrs["section"])
    (dataset,), (scale,) = frame.dataset.unique(), frame.scale.unique()
    cells, seeds = list(frame.cell.unique()), [int(seed) for seed in frame.seed.unique()]
    named = {"cells": cells} if set(cells) < set(swept.cells) else {}
    named |= {"seeds": seeds} if seeds != swept.seeds(dataset, scale) else {}
    if {config.id for config in swept.runs(dataset, scale=scale, **named)} != set(frame.id):
        return None
    options = "".join(f" --{name} {','.join(map(str, given))}" for name, given in named.items())
    return f"rru-nb sweep {swept.name} --dataset {dataset} --scale {scale}{options}"


def limit_note(frame):
    """Say how many trainings the limit of epochs ended, not their patience.

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
