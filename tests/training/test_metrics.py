"""Metrics: a title and a direction. That every number of a task is one: tasks/test_all_tasks."""

import numpy as np
import pandas as pd
import pytest
from helpers import a_record

from rru_nb import UserError
from rru_nb.experiments import results, section
from rru_nb.training.metrics import metric_named
from rru_nb.training.records import write_record


@pytest.mark.parametrize("name, better, worse", [("accuracy", 99.0, 1.0), ("bpc", 1.3, 1.4)])
def test_the_better_of_two_scores_has_the_lower_loss(name, better, worse):
    metric = metric_named(name)
    assert metric.loss(better) < metric.loss(worse)
    scores = pd.Series([worse, better, np.nan], index=["a", "b", "c"])
    assert metric.loss(scores).idxmin() == "b" and np.isnan(metric.loss(scores)["c"])
    assert metric.score(metric.loss(better)) == better


def test_an_accuracy_becomes_an_error_rate_and_a_loss_stays():
    assert metric_named("accuracy").loss(98.5) == 1.5
    assert metric_named("nll_frame").loss(8.25) == 8.25


def test_results_have_a_column_that_is_better_when_lower(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    found = section("ablation")
    points = found.points("mnist", scale="smoke", variant=["rru", "identity", "scalar_rezero"])
    for point, score in zip(points, (98.0, 96.5)):
        scores = {"valid": {"accuracy": score + 0.5}, "test": {"accuracy": score}}
        write_record(a_record(point.config) | scores)
    frame = results(found, points).set_index("variant")
    assert frame.test.tolist()[:2] == [98.0, 96.5] and frame.loss.tolist()[:2] == [2.0, 3.5]
    assert frame.valid_loss.tolist()[:2] == [1.5, 3.0]
    assert frame.loc["scalar_rezero", ["test", "loss", "valid_loss"]].isna().all()


def test_a_metric_that_there_is_not_is_one_error():
    with pytest.raises(UserError, match="'acuracy' is unknown. Did you mean 'accuracy'"):
        metric_named("acuracy")
