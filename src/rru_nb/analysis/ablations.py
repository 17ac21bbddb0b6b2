"""Table 2 beside what is measured here, with differences to the RRU over seeds."""

import numpy as np
import pandas as pd

from ..experiments import results
from ..training.records import load_records
from .resampling import mean_interval


def ablation_table(section, frame, rru=()):
    """The variants of the RRU, the paper's numbers and ours.

    Variant and RRU of the same seed see the data in the same order, and start from the same
    weights where both have them (without S, what is made after it is drawn anew). So over several
    seeds the differences are taken in pairs. A variant of one seed is compared with the mean of
    all the RRU's seeds, since one of these alone may be a lucky one.

    Args:
        section: the section "ablation".
        frame: rows of `sections.results`, of one dataset and scale.
        rru: of `rru_scores`: the RRU's seeds that are recorded, the frame's among them.

    Returns:
        A frame indexed by the variants' names, with `title`, `paper`, `paper_difference` (to the
        RRU's row), `measured` (mean over seeds), `runs`, `failed`, `difference` (see above), `low`
        and `high` (its 95 % interval; NaN for fewer than two seeds).
    """
    published = section.declared["published"].get(frame.dataset.iloc[0])
    paper = dict(zip(section.variants, published or [np.nan] * len(section.variants)))
    scores = frame[frame.status == "ok"].astype({"test": float})
    by_seed = scores.pivot_table(index="seed", columns="variant", values="test")
    rows = {}
    for name in dict.fromkeys(frame.variant):
        mine = frame[frame.variant == name]
        difference = _differences(by_seed, name, rru)
        low, high = mean_interval(difference)
        rows[name] = {
            "title": section.variants[name]["title"],
            "paper": paper[name],
            "paper_difference": paper[name] - paper["rru"],
            "measured": by_seed[name].mean() if name in by_seed else np.nan,
            "runs": int((mine.status == "ok").sum()),
            "failed": int((mine.status == "failed").sum()),
            "difference": np.mean(difference) if len(difference) else np.nan,
            "low": low,
            "high": high,
        }
    if "rru" in rows and len(rru) > rows["rru"]["runs"]:
        rows["rru"] |= {"measured": np.mean(rru), "runs": len(rru)}
    return pd.DataFrame.from_dict(rows, orient="index")


def rru_scores(section, frame):
    """Test scores of the RRU itself with every seed that is recorded.

    Where the variants have one seed, these tell how far two runs are apart by chance alone.

    Args:
        section, frame: as for `ablation_table`.

    Returns:
        A list of floats, in the order of the seeds.
    """
    dataset, scale = frame.dataset.iloc[0], frame.scale.iloc[0]
    seeds = sorted(set(load_records(dataset=dataset, scale=scale).seed))
    if not seeds:
        return []
    own = results(section, section.points(dataset, scale=scale, seeds=seeds, variant=["rru"]))
    return [float(score) for score in own[own.status == "ok"].test]


def _differences(by_seed, name, rru):
    """Score of a variant less that of the RRU: with the same seed, or of one seed to the mean."""
    if name == "rru" or name not in by_seed or "rru" not in by_seed:
        return []
    if by_seed[name].count() == 1 and len(rru) > 1:
        return by_seed[name].dropna().to_numpy() - np.mean(rru)
    return (by_seed[name] - by_seed["rru"]).dropna().to_numpy()
