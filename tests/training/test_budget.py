"""The state size from the budget of parameters, over the whole model."""

import pytest

from rru_nb import UserError, paper_config
from rru_nb.tasks import task_for
from rru_nb.tasks.budget import units_within
from rru_nb.tasks.network import recurrent_layer
from rru_nb.training.config import CELLS


@pytest.mark.parametrize("budget", [3, 4, 17, 1000, 12345])
def test_largest_that_fits(budget):
    assert units_within(lambda n: n * n + 2, budget) == max(
        n for n in range(1, 200) if n * n + 2 <= budget
    )


def test_too_small_a_budget_is_refused():
    with pytest.raises(UserError, match="n_params = 10 is too small.*100"):
        units_within(lambda n: 100 * n, 10)


@pytest.mark.parametrize(
    "cell, changes",
    [(cell, {}) for cell in CELLS]
    + [
        ("rru", {"relu_layers": 3, "layers": 2}),
        ("rru", {"rezero": "scalar", "residual": "identity"}),
        ("mogrifier", {"rounds": 3, "layers": 2}),
        ("gru", {"layers": 3}),
    ],
)
def test_parameters_are_those_of_the_built_model(cell, changes):
    task = task_for(paper_config("chorales", cell, "smoke", **changes))
    for units in (1, 7):
        model = task.network(units)
        assert task.parameters(units) == model.count_params()
        assert len(model.non_trainable_variables) == sum(
            "seed" in v.path for v in model.non_trainable_variables
        )


@pytest.mark.parametrize("n", [2, 3, 5, 8, 13, 16])
def test_a_budget_that_fits_exactly_is_used_up(n):
    assert units_within(lambda n: n * n + 2, n * n + 2) == n


@pytest.mark.parametrize(
    "cell, settings",
    [
        ("rru", {"dropout": 0.3, "residual_speed": 2.0, "relu_outputs": True}),
        ("rru", {"normalize": False, "rezero": "scalar", "residual": 0.5, "relu_layers": 3}),
        ("rru", {"output_size": 7, "hidden_multiplier": 1.5}),
        ("gru", {"dropout": 0.3}),
        ("lstm", {"dropout": 0.3, "forget_bias": 2.0}),
        ("mogrifier", {"dropout": 0.3, "rounds": 3, "rank": 2}),
    ],
)
def test_every_setting_of_a_cell_reaches_it(cell, settings):
    config = paper_config("jsb", cell, **settings)
    found = recurrent_layer(config, 4).cell.get_config()
    assert {name: found[name] for name in settings} == settings
