"""A fifth cell, defined here and nowhere in the package, goes wherever the paper's four go."""

import re
from types import SimpleNamespace

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import seaborn as sns
from helpers import a_record
from keras import ops
from pages import functions_of

import rru_nb
from book.tools.generate import FRAGMENTS
from rru_nb import UserError, load_records, paper_config, register_cell, run, unregister_cell
from rru_nb.analysis.tables import paper_datasets, table_1
from rru_nb.cells import GatedCell, drop, split
from rru_nb.experiments import results, section
from rru_nb.experiments.costs import Costs
from rru_nb.experiments.tuning import Search
from rru_nb.figures.style import COLOURS, DASHES, MARKERS, cell_legend, cell_style
from rru_nb.layers.setting import number
from rru_nb.tasks import task_for
from rru_nb.tasks.budget import units_within
from rru_nb.tasks.network import recurrent_layer
from rru_nb.training.checkpoints import Checkpoint
from rru_nb.training.config import CELL_TITLES, CELLS, KINDS, SCALES, RunConfig
from rru_nb.training.records import find_record, write_record

PAPERS = ["rru", "gru", "lstm", "mogrifier"]


@keras.saving.register_keras_serializable(package="tests")
class LeakyCell(GatedCell):
    """h' = (1 − a) ⊙ h + a ⊙ Dropout(tanh([x, h] W + b))."""

    def __init__(self, units, dropout=0.0, leak=0.5, seed=None, **kwargs):
        super().__init__(units, dropout, seed, **kwargs)
        self.state_size, self.leak = self.units, leak

    def build(self, input_shape):
        rows = input_shape[-1] + self.units
        self.kernel = self.add_weight(shape=(rows, self.units), name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, inputs, states, training=False):
        (x, keep), [h] = split(inputs), states
        c = ops.tanh(ops.concatenate([x, h], axis=-1) @ self.kernel + self.bias)
        h = (1 - self.leak) * h + self.leak * drop(self, c, keep, training)
        return h, [h]

    def get_config(self):
        return super().get_config() | {"leak": self.leak}


@pytest.fixture(autouse=True)
def leaky(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))
    yield register_cell(
        "leaky",
        title="Leaky RNN",
        cell=LeakyCell,
        settings={"leak": number(0, 1, default=0.5)},
        search={"leak": {"range": [0.1, 1.0], "scale": "uniform"}},
        parameters=lambda config, n, m: (m + n + 1) * n,
    )
    unregister_cell("leaky")
    assert list(CELLS) == list(CELL_TITLES) == list(COLOURS) == PAPERS


@pytest.mark.parametrize(
    "dataset, scale",
    [(d, scale) for d in KINDS for scale in SCALES if (d, scale) != ("chorales", "paper")],
)
def test_it_has_a_config_for_every_dataset_at_the_values_of_the_gru(dataset, scale):
    config, gru = (paper_config(dataset, cell, scale) for cell in ("leaky", "gru"))
    assert config.as_dict() == gru.as_dict() | {"cell": "leaky", "leak": 0.5}
    assert config.published is None and config.kind == gru.kind
    assert RunConfig.from_dict(config.as_dict()) == config
    assert config.id != gru.id and set(config.differences) == set(gru.differences)


def test_its_own_setting_is_one_like_the_papers():
    config = paper_config("jsb", "Leaky RNN", leak=1)
    assert config.leak == 1.0 and config.differences == {"leak": {"paper": 0.5, "here": 1.0}}
    assert config.id == paper_config("jsb", "leaky", leak=1.0).id != paper_config("jsb", "leaky").id
    with pytest.raises(UserError, match=r"leak = 2 .*\[0, 1\]"):
        paper_config("jsb", "leaky", leak=2)
    with pytest.raises(UserError, match="'leak' belongs to cell 'leaky'.* 'rru'"):
        paper_config("jsb", "rru", leak=0.1)
    with pytest.raises(UserError, match="'forget_bias' belongs to cell 'lstm'.* 'leaky'"):
        paper_config("jsb", "leaky", forget_bias=0.1)
    with pytest.raises(UserError, match="'leek' is unknown. Did you mean 'leak'"):
        paper_config("jsb", "leaky", leek=0.1)
    with pytest.raises(AttributeError, match="'leak'"):
        _ = paper_config("jsb", "rru").leak


@pytest.mark.parametrize("n_params", [12_000, 40_000])
def test_its_budget_is_that_of_the_network(n_params):
    task = task_for(paper_config("chorales", "leaky", "smoke", n_params=n_params, layers=2))
    units = units_within(task.parameters, n_params)
    n, more = (task.network(k).count_params() for k in (units, units + 1))
    assert n == task.parameters(units) <= n_params < more


def test_it_trains_and_its_record_is_found(recwarn):
    config = paper_config("chorales", "leaky", "smoke", leak=0.3, max_epochs=1)
    record = run(config, progress=False)
    assert record["status"] == "ok" and record["recurrence"] == ["cell"]
    assert np.isfinite(record["test"]["nll_window"]) and record["published"] is None
    assert find_record(config) == record
    write_record(a_record(paper_config("chorales", "mogrifier", "smoke")))
    assert load_records().cell.tolist() == ["mogrifier", "leaky"]
    assert Costs().seconds(config) > 0
    unregister_cell("leaky")
    with pytest.warns(UserWarning, match="'leaky' is not one of rru, gru.*left out"):
        assert load_records().cell.tolist() == ["mogrifier"]


def test_table_1_has_no_number_of_the_papers_for_it(tmp_path):
    table = table_1().set_index(["cell", "dataset"])
    assert table.loc["leaky"].paper.isna().all() and table.loc[PAPERS].paper.notna().all()
    assert (table.runs == 0).all() and len(table) == 5 * len(paper_datasets())
    write_record(a_record(paper_config("jsb", "leaky")))
    row = table_1("jsb").set_index("cell").loc["leaky"]
    assert row.measured == 8.0 and np.isnan(row.difference_percent)
    parameters = SimpleNamespace(cells=["rru", "leaky"], scale="paper", seeds=[0])
    page = functions_of("main_results", P=parameters, main=section("main_results"))
    shown = page.table_1(page.every_seed("jsb")).loc["jsb"]
    assert shown["mean"]["leaky"] == 8.0 and np.isnan(shown.paper["leaky"])
    assert shown.paper["rru"] == 7.72 and np.isnan(shown["mean"]["rru"])


@pytest.mark.parametrize("fragment", ["answer.md", "dots.md", "table_1.md", "small_table.md"])
def test_the_front_page_can_show_it(fragment, tmp_path):
    class Context:
        folder = tmp_path

    for seed, score in enumerate((8.0, 8.1, 8.2)):
        scores = {"test": {"nll_window": score, "nll_frame": score}}
        write_record(a_record(paper_config("jsb", "leaky", seed=seed)) | scores)
    shown = FRAGMENTS[fragment](Context)
    assert "nan" not in shown
    if fragment == "table_1.md":
        assert '<td class="rru-single"><span class="rru-paper">–</span>' in shown
    if fragment == "dots.md":
        assert shown.count("Leaky RNN: one seed, ") == 2 * 2 * 3, "title and label, wide and narrow"
    if fragment == "answer.md":
        assert "0 of the 44 numbers" in shown


@pytest.mark.parametrize("name", ["main_results", "robustness", "dropout"])
@pytest.mark.parametrize("scale", SCALES)
def test_a_sweep_has_as_many_points_of_it_as_of_the_gru(name, scale):
    points = section(name).points("nottingham", scale=scale)
    cells = [point.config.cell for point in points]
    assert cells.count("leaky") == cells.count("gru") == len(points) / 5
    places = {
        cell: [p.coordinates for p in points if p.config.cell == cell] for cell in ("leaky", "gru")
    }
    assert places["leaky"] == places["gru"]


@pytest.mark.parametrize("name", ["ablation", "normalization"])
def test_it_is_not_in_the_sections_about_the_rru(name):
    assert section(name).cells == ("rru",)


def test_its_line_has_a_look_of_its_own():
    found = section("dropout")
    points = found.points("chorales", scale="smoke")
    for i, point in enumerate(points):
        scores = {"nll_window": 8.0 + i, "nll_frame": 8.0 + i}
        write_record(a_record(point.config) | {"valid": scores, "test": scores})
    frame = results(found, points)
    ax = sns.lineplot(frame, x="dropout", y="test", hue="cell", style="cell", **cell_style())
    cell_legend(ax)
    colours = {line.get_color() for line in ax.lines if len(line.get_xdata()) == 2}
    assert COLOURS["leaky"] in colours
    assert "Leaky RNN" in [text.get_text() for text in ax.get_legend().texts]
    plt.close()
    for looks in (COLOURS, MARKERS, DASHES):
        assert len(looks) == len(set(looks.values())) == 5


def test_a_model_of_it_comes_back_from_its_file(tmp_path):
    config = paper_config("chorales", "leaky", "smoke", leak=0.3)
    model = task_for(config).network(6)
    model.save(tmp_path / "model.keras")
    assert LeakyCell in rru_nb.custom_objects().values()
    again = keras.models.load_model(tmp_path / "model.keras", rru_nb.custom_objects())
    x = np.random.default_rng(0).random((4, 9, 88)).astype("float32")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    cells = [m.layers[1].cell for m in (model, again)]
    assert [(c.leak, c.dropout) for c in cells] == [(0.3, config.dropout)] * 2


def test_its_layer_drops_out_in_training_and_computes_its_equation_without(leaky):
    config = paper_config("chorales", "leaky", "smoke", leak=0.3, dropout=0.9)
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    layer = recurrent_layer(config, 4, return_sequences=True)
    dropped, found = layer(x, training=True), layer(x)
    kernel, h = np.asarray(layer.cell.kernel, float), np.zeros((2, 4))
    for t in range(5):
        h = 0.7 * h + 0.3 * np.tanh(np.concatenate([x[:, t], h], 1) @ kernel)
        np.testing.assert_allclose(found[:, t], h, rtol=1e-4, atol=1e-6)
    assert not np.allclose(dropped, found)


def test_a_search_has_the_ranges_of_its_task_and_its_own():
    assert set(Search("jsb", "leaky").ranges()) == {
        *("learning_rate", "dropout", "n_params", "leak")
    }


@pytest.mark.parametrize(
    "name, fragments",
    [
        ("rru", ["'rru'", "another name"]),
        ("Leaky RNN", ["'Leaky RNN'", "'leaky'"]),
        ("../leaky", ["'../leaky'", "small letters"]),
        (None, ["None"]),
    ],
)
def test_a_name_that_cannot_be_used_is_one_error(name, fragments):
    with pytest.raises(UserError) as error:
        register_cell(name, cell=LeakyCell, parameters=None)
    assert all(fragment in str(error.value) for fragment in fragments)
    assert list(CELLS) == [*PAPERS, "leaky"]


@pytest.mark.parametrize(
    "wrong, wanted",
    [
        ({"cell": LeakyCell(3)}, "of cell 'odd' must be a class on the base"),
        ({"cell": keras.layers.GRUCell}, "must be a class on the base `rru_nb.cells.GatedCell`"),
        ({"settings": ["leak"]}, "settings ['leak'] of cell 'odd' must be a dict"),
        ({"parameters": 5}, "parameters 5 of cell 'odd' must be a function of (config, n, m)"),
        ({"settings": {"leak": 0.5}}, "settings {'leak': 0.5} of cell 'odd' must be a dict of"),
    ],
)
def test_what_is_no_part_of_a_cell_is_one_error(wrong, wanted):
    right = {"cell": LeakyCell, "parameters": lambda config, n, m: n}
    with pytest.raises(UserError, match=re.escape(wanted)):
        register_cell("odd", **right | wrong)
    assert "odd" not in CELLS


def test_a_training_does_not_go_on_with_other_equations(leaky):
    """A name, settings and shapes tell nothing of them; a record would mix both."""
    config = paper_config("chorales", "leaky", "smoke")

    class Other(LeakyCell):
        def call(self, inputs, states, training=False):
            (x, _), [h] = split(inputs), states
            return ops.relu(ops.concatenate([x, h], axis=-1) @ self.kernel + self.bias), [h]

    identities = [Checkpoint(config, "data").identity]
    for cell in (LeakyCell, Other):
        register_cell("leaky", cell=cell, parameters=leaky.parameters, settings=leaky.settings)
        identities.append(Checkpoint(config, "data").identity)
    first, same, other = identities
    assert first == same and {n for n in first if first[n] != other[n]} == {"cell"}
    assert "cell" not in Checkpoint(paper_config("chorales", "gru", "smoke"), "data").identity


def test_a_second_registration_replaces_the_first(leaky):
    again = register_cell("leaky", cell=LeakyCell, parameters=leaky.parameters)
    assert CELLS["leaky"] is again and CELL_TITLES["leaky"] == "leaky"
    assert (again.colour, again.marker) == (leaky.colour, leaky.marker)
    other = register_cell("leaky_2", cell=LeakyCell, parameters=leaky.parameters)
    assert other.colour not in {COLOURS[cell] for cell in CELLS if cell != "leaky_2"}
    unregister_cell("leaky_2")
