"""Table 2 beside what is measured here, with differences to the RRU over seeds."""

import numpy as np
import pandas as pd
from scipy import stats

from ..experiments import results
from ..training.records import load_records
from .resampling import holm, mean_interval
from .seeds import expected_run, p_of_run


def ablation_table(section, frame, rru=()):
    """The variants of the RRU, the paper's numbers and ours.

    Variant and RRU of the same seed see the data in the same order, and start from the same
    weights where both have them (without S, what is made after it is drawn anew). So over several
    seeds the differences are taken in pairs, with Student's interval and t test. A variant of one
    seed is compared with the mean of all the RRU's seeds, since one of these alone may be a lucky
    one; its interval and p value are those of one more run of the RRU (`seeds.expected_run`).

    Args:
        section: the section "ablation".
        frame: rows of `sections.results`, of one dataset and scale.
        rru: of `rru_scores`: the RRU's seeds that are recorded, the frame's among them.

    Returns:
        A frame indexed by the variants' names, with `title`, `paper`, `paper_difference` (to the
        RRU's row), `measured` (mean over seeds), `runs`, `failed`, `difference` (see above), `low`
        and `high` (its 95 % interval), `p`, and `p_holm`, corrected for the number of variants;
        NaN for fewer than two seeds of a variant and three of the RRU.
    """
    published = section.declared["published"].get(frame.dataset.iloc[0])
    paper = dict(zip(section.variants, published or [np.nan] * len(section.variants)))
    scores = frame[frame.status == "ok"].astype({"test": float})
    by_seed = scores.pivot_table(index="seed", columns="variant", values="test")
    rows = {}
    for name in dict.fromkeys(frame.variant):
        mine = frame[frame.variant == name]
        rows[name] = {
            "title": section.variants[name]["title"],
            "paper": paper[name],
            "paper_difference": paper[name] - paper["rru"],
            "measured": by_seed[name].mean() if name in by_seed else np.nan,
            "runs": int((mine.status == "ok").sum()),
            "failed": int((mine.status == "failed").sum()),
            **_to_the_rru(by_seed, name, list(rru), frame.metric.iloc[0]),
        }
    if "rru" in rows and len(rru) > rows["rru"]["runs"]:
        rows["rru"] |= {"measured": np.mean(rru), "runs": len(rru)}
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.assign(p_holm=holm(table.p))


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


def _to_the_rru(by_seed, name, rru, metric):
    """A variant's score less the RRU's, with the interval and p value that its seeds allow."""
    unknown = {"difference": np.nan, "low": np.nan, "high": np.nan, "p": np.nan}
    if name == "rru" or name not in by_seed or "rru" not in by_seed:
        return unknown
    if by_seed[name].count() == 1 and len(rru) > 1:
        score = by_seed[name].dropna().iloc[0]
        span = expected_run(rru, metric) or (np.nan, np.nan)
        interval = {"low": score - span[1], "high": score - span[0]}
        return {"difference": score - np.mean(rru), **interval, "p": p_of_run(score, rru, metric)}
    pairs = (by_seed[name] - by_seed["rru"]).dropna()
    if pairs.empty:
        return unknown
    low, high = mean_interval(pairs)
    with np.errstate(divide="ignore", invalid="ignore"):  # all pairs alike, or a single one
        t = abs(pairs.mean()) / pairs.sem()
    p = 2 * stats.t.sf(np.nan_to_num(t), len(pairs) - 1) if len(pairs) > 1 else np.nan
    return {"difference": pairs.mean(), "low": low, "high": high, "p": p}
