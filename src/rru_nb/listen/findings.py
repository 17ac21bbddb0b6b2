"""What a lower NLL sounds like: scores of the models that play, and what can be counted."""

import math

import pandas as pd

from ..analysis.findings.notes import answer
from ..training.config import CELL_TITLES
from ..training.records import find_record
from .counts import MEASURES
from .declared import command as command_for_weights
from .measured import command, title_of
from .player import DATA

CLEAR = 1.96  # standard errors


def models_that_play(configs):
    """A row for each model: its size, how long it trained, its scores from its record.

    Scores are means of windows (`nll_window`) but in `test, frames` (`nll_frame`).

    Args:
        configs: list of `RunConfig`.
    """
    rows = {CELL_TITLES[config.cell]: _model(find_record(config)) for config in configs}
    return pd.DataFrame.from_dict(rows, orient="index").fillna("")


def _model(record):
    if record is None:
        return {"parameters": "not measured"}
    if record["status"] == "failed":
        return {"parameters": f"{record['n_params']:,}", "epochs (best)": "failed"}
    return {
        "parameters": f"{record['n_params']:,}",
        "n": record["units"],
        "epochs (best)": f"{len(record['epochs'])} ({record['best_epoch']})",
        "validation": f"{record['valid']['nll_window']:.3f}",
        "test": f"{record['test']['nll_window']:.3f}",
        "test, frames": f"{record['test']['nll_frame']:.3f}",
        "paper": f"{record['published']['value']:.2f}" if record["published"] else "",
        "record": record["id"],
    }


def weights_note(dataset, missing):
    """Whether all models of a dataset have their weights; if not, the commands that make them."""
    if not missing:
        return f"{dataset}: all models that this page asks for have their weights."
    commands = "\n".join(f"    {command_for_weights(config)}" for config in missing)
    names = " and ".join(CELL_TITLES[config.cell] for config in missing)
    return f"**{dataset}: no weights of {names}**, so it is not heard. To make:\n\n{commands}"


def heard(heard):
    """What each model plays after the opening, beside what is written there: silence and chords.

    Args:
        heard: a `Listening`.
    """
    told = []
    for name, roll in heard.rolls.items():
        after = roll[heard.n_prime :]
        if len(after):
            keys = after.sum(axis=1, dtype=int)
            who = "the piece" if name == DATA else f"the {CELL_TITLES[name]}"
            told.append(f"{who} {keys.mean():.1f} and {100 * (keys == 0).mean():.0f} %")
    if not told:
        return f"{heard.dataset}: nothing is played after the opening."
    listed = ", ".join(told)
    return (
        f"{heard.dataset}: keys that sound at once on average, and silent time steps, after the "
        f"opening: {listed}."
    )


def difference(configs):
    """How far apart the NLLs of the RRU and the GRU are, and what that means for a frame."""
    records = {config.cell: find_record(config) for config in configs}
    rru, gru = records.get("rru"), records.get("gru")
    if not (rru and gru and rru["status"] == gru["status"] == "ok"):
        return "The RRU and the GRU are not both measured at this setting."
    window = 100 * (rru["test"]["nll_window"] / gru["test"]["nll_window"] - 1)
    nats = gru["test"]["nll_frame"] - rru["test"]["nll_frame"]
    better, other = ("RRU", "GRU") if nats >= 0 else ("GRU", "RRU")
    return (
        f"The RRU's test NLL is {abs(window):.1f} % {'below' if window <= 0 else 'above'} the "
        f"GRU's (mean of windows). Over all frames the two are {abs(nats):.3f} nats apart: given "
        f"the same past, the {better} gives the frame that follows in the piece "
        f"{math.exp(abs(nats)):.2f} times the probability that the {other} gives it, in the "
        "geometric mean. That compares how well they expect the music, not how well they write it."
        + "".join(_cut_off(record) for record in (rru, gru))
    )


def _cut_off(record):
    limit = record["config"]["max_epochs"]
    if limit is None or record["best_epoch"] < limit:
        return ""
    return (
        f" The {CELL_TITLES[record['config']['cell']]} had its best epoch in the last of the "
        f"{limit} allowed: trained longer it may score better."
    )


def counted_table(measured):
    """What was counted in the data and in the samples, mean ± standard error over pieces.

    Args:
        measured: as `measured.stored` gives it, or None.
    """
    if measured is None:
        return pd.DataFrame({"": []})
    rows = {
        title_of(row): {title: _spread(row[name]) for name, title in MEASURES.items()}
        for row in measured["rows"]
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _spread(number):
    return f"{number['mean']:.1f} ± {number['error']:.1f}"


def counted(measured, configs):
    """What the counts say: which cell is nearer to the data, and what temperature does.

    Args:
        measured: as for `counted_table`. configs: of the models that play; counts of other runs
            are not told.
    """
    if measured is None:
        return f"Nothing is counted yet: `{command(configs[0].dataset)}` does it."
    ids = {config.id for config in configs}
    if not ids & {row["id"] for row in measured["rows"]}:
        return f"The counts below are of other runs; `{command(configs[0].dataset)}` counts anew."
    data = next(row for row in measured["rows"] if row["who"] == "data")
    rows = [row for row in measured["rows"] if row["id"] in ids]
    basis = (
        f"Counted over {measured['pieces']} test pieces, up to {measured['frames']} time steps "
        f"after the first {measured['prime_frames']}; one draw each, one training a cell."
    )
    nearer = _nearer(data, [r for r in rows if r["temperature"] == 1.0])
    return answer([nearer], [_by_temperature(data, rows), basis])


def _nearer(data, rows):
    own = {row["who"]: row for row in rows}
    if not {"rru", "gru"} <= set(own):
        return ""
    nearer = {"rru": [], "gru": []}
    for name, title in MEASURES.items():
        gaps = {cell: abs(own[cell][name]["mean"] - data[name]["mean"]) for cell in nearer}
        error = math.hypot(own["rru"][name]["error"], own["gru"][name]["error"])
        if abs(own["rru"][name]["mean"] - own["gru"][name]["mean"]) > CLEAR * error:
            nearer[min(gaps, key=gaps.get)].append(title.removesuffix(", %"))
    told = [
        f"the {CELL_TITLES[cell]} is nearer to the data in {_listed(titles)}"
        for cell, titles in nearer.items()
        if titles
    ]
    rest = len(MEASURES) - sum(map(len, nearer.values()))
    if not told:
        return "At temperature 1 nothing that is counted tells the two cells apart."
    tail = f"; {rest} of the {len(MEASURES)} counts do not tell them apart" if rest else ""
    return f"At temperature 1 {'; '.join(told)}{tail}."


def _listed(names):
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _by_temperature(data, rows):
    """The temperature's effect on new chords and on notes per frame, beside the cell's."""
    at = {(row["who"], row["temperature"]): row for row in rows}
    hottest, coldest = (f(t for _, t in at) for f in (max, min))
    cells = [cell for cell, t in at if t == hottest and (cell, coldest) in at]
    if len(cells) < 2 or hottest == coldest:
        return ""

    def mean(name, temperature):
        return sum(at[cell, temperature][name]["mean"] for cell in cells) / len(cells)

    shares = [at[cell, hottest]["new"]["mean"] for cell in cells]
    new, notes = ([mean(name, t) for t in (hottest, coldest)] for name in ("new", "notes"))
    return (
        f"Chords that training never has: {data['new']['mean']:.0f} % in the pieces themselves, "
        f"{min(shares):.0f} to {max(shares):.0f} % in what the cells play. From temperature "
        f"{hottest:g} to {coldest:g} that share goes from {new[0]:.0f} to {new[1]:.0f} % on "
        f"average, and the notes per frame from {notes[0]:.1f} to {notes[1]:.1f}, in the pieces "
        f"{data['notes']['mean']:.1f}."
    )
