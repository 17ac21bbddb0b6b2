"""What implementation details do: each changed alone, on JSB Chorales with the RRU.

The paper does not mention these details of the authors' code, or says otherwise; the book's chapter
on differences shows what each is worth. With a single seed, small effects are indistinguishable
from chance; each is compared with the 95 % prediction interval of the unchanged setting.
"""

import numpy as np
import pandas as pd

from rru_nb.analysis.tables import comparable, minus
from rru_nb.training.config import command, paper_config
from rru_nb.training.records import find_record, load_records

from .prediction import expected_run

DATASET, CELL = "jsb", "rru"
UNCHANGED = "unchanged"

CHOICES = {  # what is changed: the settings that change it
    "Liu et al.'s RAdam instead of the authors'": {"optimizer": "liu"},
    "S' is S, not scaled by 10": {"residual_speed": 1.0},
    "silent time steps kept": {"silences": "kept"},
    "no gradient clipping": {"clip_multiplier": None},
    "training loss averaged over time steps, not windows": {"loss_average": "frame"},
    "epoch chosen by the authors' average, the mean of batches": {"score_average": "batches"},
    "epoch chosen by test data, which the authors did not": {"select_on": "test"},
}

OTHER_TEST_DATA = ("silences",)  # what is scored changes with it: no seed of ours compares


def choice_configs():
    """Return `{what is changed: RunConfig}`, first the run without a change."""
    changes = {UNCHANGED: {}} | CHOICES
    return {title: paper_config(DATASET, CELL, **change) for title, change in changes.items()}


def effects():
    """Return a row for each detail: test scores, their change in percent, epochs, the command.

    Returns:
        A frame with the columns `what`, `setting` (the name of what is changed), `nll_window`,
        `nll_frame`, `ids` (of the records behind them), `change_percent` (of `nll_window` against
        the first row, which is the mean over the seeds with which the unchanged setting was run, as
        its name says), `beyond_seeds` ("better", "worse" or "no": whether one more run of the
        unchanged setting is expected elsewhere; "" where that cannot be told), `best_epoch`,
        `status`, `id` and `command`; None where a run is not measured or failed.
    """
    frame = pd.DataFrame([_effect(title, config) for title, config in choice_configs().items()])
    unchanged = of_each_seed()
    if len(unchanged):
        runs = [_effect("", paper_config(DATASET, CELL, seed=s)) for s in unchanged.index]
        means = pd.DataFrame(runs)[["nll_window", "nll_frame"]].mean()
        seeds = f", mean of {len(runs)} seeds" if len(runs) > 1 else ""
        columns = ["what", "status", "nll_window", "nll_frame"]
        frame.loc[0, columns] = [UNCHANGED + seeds, "ok", *means]
        frame.at[0, "ids"] = [run["id"] for run in runs]
    low, high = expected_run(list(unchanged)) or (np.nan, np.nan)
    beyond = np.select([frame.nll_window < low, frame.nll_window > high], ["better", "worse"], "no")
    comparable = (frame.status == "ok") & ~frame.setting.isin(["", *OTHER_TEST_DATA])
    return frame.assign(
        change_percent=100 * (frame.nll_window / frame.nll_window.iloc[0] - 1),
        beyond_seeds=np.where(comparable & np.isfinite(low), beyond, ""),
    )


def of_each_seed():
    """Return the test losses, `nll_window`, of all recorded runs without a change, by seed."""
    records = comparable(load_records(dataset=DATASET, cell=CELL, scale="paper", status="ok"))
    records = records.reindex(columns=["seed", "test_nll_window"]).dropna()
    return records.set_index("seed").test_nll_window.sort_index()


def _effect(title, config):
    record = find_record(config) or {"status": "not measured", "test": {}}
    return {
        "what": title,
        "setting": "".join(CHOICES.get(title, ())),
        "id": config.id,
        "ids": [config.id],
        "command": command(config),
        "status": record["status"],
        "nll_window": record["test"].get("nll_window", np.nan),
        "nll_frame": record["test"].get("nll_frame", np.nan),
        "best_epoch": record.get("best_epoch"),
    }


def corrected_span(table):
    """Return where all the details of `effects` that are judged should lie at once, or None."""
    n_judged = int((table.beyond_seeds != "").sum())
    return expected_run(list(of_each_seed()), runs=max(1, n_judged))


def together(table):
    """Say how many details are beyond the seeds if all are to be right at once.

    Args:
        table: of `effects`.
    """
    judged, span = table[table.beyond_seeds != ""], corrected_span(table)
    if judged.empty or span is None:
        return ""
    alone = int((judged.beyond_seeds != "no").sum())
    outside = int((~judged.nll_window.between(*span)).sum())
    verb = "is" if alone == 1 else "are"
    return (
        f"Each line by itself, {alone} of {len(judged)} {verb} beyond the seeds. With that many "
        f"comparisons one may stand out by chance: corrected for their number (Bonferroni, "
        f"interval {span[0]:.3f} to {span[1]:.3f}), {outside or 'none'} is."
    )


def count_other_epochs():
    """Say how often the authors' average of the validation loss would choose another epoch.

    Their early stopping goes by the mean of the means of batches, ours by the mean of windows.
    Asked are the full-size trainings of music whose epochs have both. Of those with another epoch
    that were trained the authors' way too, the test losses tell what it matters, and how many of
    these lie where no further seed of their cell is expected.
    """
    name, n, others = "nll_batches", 0, []
    runs = load_records(scale="paper", status="ok")
    for run in runs.itertuples():
        losses = [epoch[f"valid_{name}"] for epoch in run.epochs if f"valid_{name}" in epoch]
        if losses and "score_average" not in run.differences:
            # Early stopping ended the run: its patience is what passed since its best epoch.
            by_batches = 1 + _choose_epoch(losses, patience=len(losses) - run.best_epoch)
            n, others = n + 1, others + [run] * (by_batches != run.best_epoch)
    if not n:
        return "–"
    said = f"another epoch in {len(others)} of {n} trainings of music at full size"
    changes, beyond = [], []
    for run in others:
        changed = paper_config(run.dataset, run.cell, seed=run.seed, score_average="batches")
        again = None if run.differences else find_record(changed)
        if again and again["status"] == "ok":
            cell = (runs.dataset == run.dataset) & (runs.cell == run.cell)
            seeds = runs[cell & ~runs.differences.map(bool)][f"test_{name}"].dropna()
            loss, usual = again["test"][name], getattr(run, f"test_{name}")
            low, high = expected_run(list(seeds)) or (-np.inf, np.inf)
            changes.append(100 * (loss / usual - 1))
            beyond.append(not low <= loss <= high)
    if len(changes) < 2:
        return said
    span = minus(f"{min(changes):+.1f} to {max(changes):+.1f} %")
    mean = minus(f"{np.mean(changes):+.1f} %")
    return (
        f"{said}; {len(changes)} of them trained so: test losses {span}, in the mean {mean}, "
        f"{sum(beyond) or 'none'} beyond the seeds"
    )


def _choose_epoch(losses, patience):
    """Return the epoch that early stopping chooses by these losses, from 0."""
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        elif epoch - best == patience:
            break
    return best
