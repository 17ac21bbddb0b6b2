"""Prediction intervals, against simulations and the textbook formula."""

import numpy as np
import pytest
from scipy import stats

from book.tools.prediction import expected_run


def test_one_more_run_is_expected_where_it_falls_19_times_of_20():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(2000):
        *seen, new = rng.normal(8.2, 0.05, size=5)
        low, high = expected_run(seen)
        hits += low <= new <= high
    assert 0.93 < hits / 2000 < 0.97
    assert expected_run([8.1, 8.2]) is None


def test_the_interval_of_accuracies_is_one_of_log_odds():
    scores = [90.52, 91.33, 94.20]
    low, high = expected_run(scores, "accuracy")
    odds = [np.log((100 - s) / s) for s in scores]
    reach = stats.t.ppf(0.975, 2) * np.std(odds, ddof=1) * np.sqrt(4 / 3)
    assert np.log((100 - low) / low) == pytest.approx(np.mean(odds) + reach)
    assert np.log((100 - high) / high) == pytest.approx(np.mean(odds) - reach)
    assert low < 90.52 and 94.20 < high < 100 < expected_run(scores)[1]
    assert expected_run([99.0, 100.0, 100.0], "accuracy")[1] < 100, "no errors, finite odds"


def test_the_best_of_a_hundred_runs_is_expected_where_it_falls():
    """Of the bests of 100 runs 2.5 % lie beyond the interval; on the worse side it is the same."""
    rng = np.random.default_rng(1)
    beyond = 0
    for _ in range(4000):
        seen = list(rng.normal(8.2, 0.05, size=4))
        beyond += rng.normal(8.2, 0.05, size=100).min() < expected_run(seen, trials=100)[0]
    assert 0.018 < beyond / 4000 < 0.032
    one, best = expected_run(seen), expected_run(seen, trials=100)
    assert best[1] == one[1] and best[0] < one[0]
    above = expected_run([90.0, 91.0, 92.0], "accuracy", trials=10)
    assert above[0] == expected_run([90.0, 91.0, 92.0], "accuracy")[0]
    assert above[1] > expected_run([90.0, 91.0, 92.0], "accuracy")[1], "higher is better"
