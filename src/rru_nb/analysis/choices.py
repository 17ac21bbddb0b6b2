"""What the authors' choices do: each changed alone, on JSB Chorales with the RRU.

The paper does not mention these choices, or says otherwise; the book's chapter on differences
shows what each of them is worth. With a single seed, small effects are indistinguishable from
chance; each is compared with the 95 % prediction interval of the unchanged setting.
"""

from statistics import mean

import pandas as pd

from ..training.config import command, paper_config
from ..training.records import find_record
from .seeds import expected_run, recorded

DATASET, CELL = "jsb", "rru"

CHOICES = {  # what is changed: the settings that change it
    "Liu et al.'s RAdam instead of the authors'": {"optimizer": "liu"},
    "S' is S, not scaled by 10": {"residual_speed": 1.0},
    "silent time steps kept": {"silences": "kept"},
    "no gradient clipping": {"clip_multiplier": None},
    "training loss averaged over frames, not windows": {"loss_average": "frame"},
    "epoch chosen by test data, which the authors did not": {"select_on": "test"},
}

OTHER_TEST_DATA = ("silences",)  # what is scored changes with it: no seed of ours compares


def choice_configs(seed=0):
    """`{what is changed: RunConfig}`, first the run without a change under `"as the code"`."""
    changed = {
        title: paper_config(DATASET, CELL, seed=seed, **change) for title, change in CHOICES.items()
    }
    return {"as the code": paper_config(DATASET, CELL, seed=seed)} | changed


def effects(seed=0):
    """A row for each choice: test scores, their change in percent, epochs, the command.

    Returns:
        A frame with the columns `what`, `setting` (the name of what is changed), `nll_window`,
        `nll_frame`, `change_percent` (of `nll_window` against the first row, which is the mean over
        the seeds with which the unchanged setting was run, as its name says),
        `beyond_seeds` ("better", "worse" or "no": whether one more run of the unchanged setting is
        expected elsewhere; "" where that cannot be told), `best_epoch`, `id` and `command`; None
        where a run is not measured or failed.
    """
    rows = [_row(title, config) for title, config in choice_configs(seed).items()]
    unchanged = recorded(DATASET)[CELL].dropna()
    if len(unchanged):
        rows[0] |= _means(unchanged.index)
    frame = pd.DataFrame(rows)
    frame["change_percent"] = 100 * (frame.nll_window / frame.nll_window.iloc[0] - 1)
    span = expected_run(list(unchanged))
    frame["beyond_seeds"] = [_beyond(row, span) for row in frame.itertuples()]
    return frame


def together(table):
    """How many choices are beyond the seeds if all are to be right at once, in a sentence.

    Args:
        table: of `effects`.
    """
    judged = table[table.beyond_seeds != ""]
    span = expected_run(list(recorded(DATASET)[CELL].dropna()), runs=max(1, len(judged)))
    if judged.empty or span is None:
        return ""
    alone = int((judged.beyond_seeds != "no").sum())
    outside = int((~judged.nll_window.between(*span)).sum())
    return (
        f"Each line by itself, {alone} of {len(judged)} are beyond the seeds. With that many "
        f"comparisons one may stand out by chance: corrected for their number (Bonferroni, "
        f"interval {span[0]:.3f} to {span[1]:.3f}), {outside or 'none'} is."
    )


def _means(seeds):
    """The first row's scores, over all seeds."""
    tests = [find_record(paper_config(DATASET, CELL, seed=seed))["test"] for seed in seeds]
    told = f"as the code, mean of {len(tests)} seeds" if len(tests) > 1 else "as the code"
    scores = {name: mean(test[name] for test in tests) for name in ("nll_window", "nll_frame")}
    return {"what": told, "status": "ok"} | scores


def _beyond(row, span):
    """Kept silences are scored as well: that is another test, so nothing is told of it."""
    if span is None or row.status != "ok" or row.setting in ("", *OTHER_TEST_DATA):
        return ""
    low, high = span
    return "better" if row.nll_window < low else "worse" if row.nll_window > high else "no"


def _row(title, config):
    record = find_record(config)
    row = {"what": title, "setting": "".join(CHOICES.get(title, ())), "id": config.id}
    row |= {"command": command(config), "status": "not measured"}
    if record is None:
        return row | {"nll_window": float("nan"), "nll_frame": float("nan"), "best_epoch": None}
    scores = {name: record["test"].get(name, float("nan")) for name in ("nll_window", "nll_frame")}
    return row | scores | {"best_epoch": record["best_epoch"], "status": record["status"]}
