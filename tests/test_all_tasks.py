"""Every task with every cell through the whole trainer, on real data where it is at hand."""

import math

import pytest

from rru_nb import DATASETS, paper_config
from rru_nb.data.registry import DATASETS_BY_NAME
from rru_nb.training.config import CELLS
from rru_nb.training.trainer import train


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dataset", DATASETS)
def test_trains_validates_and_tests(dataset, cell, any_data):
    check(paper_config(dataset, cell, scale="smoke", max_epochs=1))


OTHER_PROTOCOLS = [
    (d.name, protocol) for d in DATASETS_BY_NAME.values() for protocol in d.protocols[1:]
]


@pytest.mark.parametrize("dataset, protocol", OTHER_PROTOCOLS)
def test_other_protocols(dataset, protocol, any_data):
    check(paper_config(dataset, "gru", scale="smoke", max_epochs=1, protocol=protocol))


def check(config):
    record = train(config, progress=False)
    assert record["status"] == "ok" and len(record["epochs"]) == 1
    assert len(record["test"]) == (3 if config.kind == "music" else 2)
    assert set(record["valid"]) == set(record["test"])
    assert all(math.isfinite(score) for score in record["test"].values())
    assert f"valid_{config.metric}" in record["epochs"][0]
    assert record["n_params"] <= config.n_params
    assert record["recurrence"] == ["fused"]
    assert record["data"]["name"] == config.dataset and len(record["data"]["digest"]) == 64
