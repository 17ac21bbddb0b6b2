"""The comparison over seeds against its textbook formula."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rru_nb.analysis import seeds
from rru_nb.analysis.seeds import holm

RRU, GRU = [7.7, 7.8, 7.9], [8.1, 8.2, 8.5, 8.0]


def frame(**columns):
    return pd.DataFrame({cell: pd.Series(values, dtype=float) for cell, values in columns.items()})


def test_welch_interval_from_the_textbook():
    scores = frame(rru=RRU, gru=GRU, lstm=[8.0], mogrifier=[])
    (row,) = seeds.against_gates(scores).to_dict("records")  # one seed has no variance
    a, b = np.var(GRU, ddof=1) / 4, np.var(RRU, ddof=1) / 3
    freedom = (a + b) ** 2 / (a**2 / 3 + b**2 / 2)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(a + b)
    difference = np.mean(GRU) - np.mean(RRU)
    assert row["difference"] == pytest.approx(difference)
    assert (row["low"], row["high"]) == pytest.approx((difference - half, difference + half))


@pytest.mark.parametrize(
    "gru, ahead",
    [(GRU, True), ([7.0, 7.1, 7.05], False), ([7.7, 7.9], None)],
)
def test_a_difference_is_one_if_its_p_value_is_small(gru, ahead):
    (row,) = seeds.against_gates(frame(rru=RRU, gru=gru, lstm=[], mogrifier=[])).itertuples()
    assert row.p == pytest.approx(stats.ttest_ind(gru, RRU, equal_var=False).pvalue)
    assert (row.difference > 0 if row.p < seeds.SURE else None) is ahead
    assert (row.rru_seeds, row.seeds) == (len(RRU), len(gru))


def test_of_accuracies_the_higher_is_better():
    scores = frame(rru=[90.0, 91.0, 90.5], gru=[80.0, 81.0, 80.5], lstm=[], mogrifier=[])
    errors, losses = (
        seeds.against_gates(scores, metric).iloc[0] for metric in ("accuracy", "nll_window")
    )
    assert list(errors[["rru", "gated", "difference"]]) == pytest.approx([9.5, 19.5, 10.0])
    assert list(losses[["rru", "gated", "difference"]]) == pytest.approx([90.5, 80.5, -10.0])


@pytest.mark.parametrize("rru, gru", [([7.7], GRU), (RRU, [8.1]), ([], GRU), (RRU, [])])
def test_a_single_seed_is_compared_with_nothing(rru, gru):
    table = seeds.against_gates(frame(rru=rru, gru=gru, lstm=[], mogrifier=[]))
    assert table.empty and "p" in table


def test_p_values_are_corrected_after_holm():
    """The example of Holm (1979) as textbooks have it: 4 p, 3 p, 2 p, p, none below the last."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, np.nan, 0.6])[[0, 2]] == pytest.approx([1, 1]), "NaN is no test"
    assert np.isnan(holm([0.5, np.nan])[1]) and len(holm([])) == 0


def test_p_values_against_several_cells_are_corrected_for_their_number():
    lstm = [8.0, 8.1, 8.2]
    table = seeds.against_gates(frame(rru=RRU, gru=GRU, lstm=lstm, mogrifier=[])).set_index("cell")
    samples = {"gru": GRU, "lstm": lstm}
    alone = {c: stats.ttest_ind(s, RRU, equal_var=False).pvalue for c, s in samples.items()}
    low, high = sorted(alone, key=alone.get)
    assert table.p[low] == pytest.approx(2 * alone[low])
    assert table.p[high] == pytest.approx(max(alone[high], 2 * alone[low]))


def test_better_is_against_each_and_worse_against_one():
    def decided(*rows, n_gated=2):
        return seeds.decide(pd.DataFrame(rows, columns=["difference", "p"]), n_gated)

    assert decided((1.0, 0.01), (2.0, 0.04)) == (True, 0.04)
    assert decided((1.0, 0.01), (2.0, 0.06))[0] is None
    assert decided((1.0, 0.01))[0] is None, "the other has no second seed"
    assert decided((1.0, 0.01), (-2.0, 0.03)) == (False, 0.03)
    assert decided(n_gated=0)[0] is None
