"""The search: Table 3's ranges, trials that are records, and going on where it stopped."""

import json
import shutil

import numpy as np
import pytest
from helpers import a_record

from rru_nb import UserError, load_records
from rru_nb.analysis import tables
from rru_nb.cli import main
from rru_nb.experiments.tuning import Search, searches, suggest, trials_frame, tune
from rru_nb.layers.sizes import dense_parameters
from rru_nb.storage import paths
from rru_nb.tasks.budget import units_within
from rru_nb.tasks.network import output_features, recurrent_parameters
from rru_nb.training.config import CELLS
from rru_nb.training.records import write_record


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"


@pytest.fixture
def bowl(monkeypatch):
    """Trainings whose validation score is best at a learning rate of 0.002, every fifth fails."""
    done = []

    def run(config, progress):
        done.append(config)
        distance = abs(np.log10(config.learning_rate / 2e-3))
        outcome = {"valid": {"nll_window": 8 + distance}, "test": {"nll_window": 9 - distance}}
        if len(done) % 5 == 0:
            outcome = {"status": "failed", "failure": {"epoch": 1}, "valid": {}, "test": {}}
        record = a_record(config, **outcome)
        write_record(record)
        return record

    monkeypatch.setattr("rru_nb.training.trainer.run", run)
    return done


def say(line):
    pass


@pytest.mark.parametrize("cell", CELLS)
def test_suggestions_lie_in_the_ranges_of_table_3(cell):
    search = Search("JSB Chorales", cell)
    own = {"rru": "hidden_multiplier", "lstm": "forget_bias", "mogrifier": "rank"}.get(cell)
    assert own is None or own in search.ranges()
    assert search.ranges()["learning_rate"] == {"range": [1e-4, 1e-2], "scale": "log"}
    for seed in range(20):
        values = suggest(Search("jsb", cell, seed=seed), [])
        for name, declared in search.ranges().items():
            low, high = declared["range"]
            assert low <= values[name] <= high
            assert type(values[name]) is type(low)


def test_learning_rates_are_drawn_on_a_logarithmic_scale():
    rates = [suggest(Search("jsb", "gru", seed=s), [])["learning_rate"] for s in range(60)]
    assert 0.3 < np.mean(np.array(rates) < 1e-3) < 0.7, "half of them below the geometric middle"


def test_words_have_ranges_of_their_own():
    low, high = Search("ptb-word", "gru").ranges()["n_params"]["range"]
    assert (low, high) == (10_000_000, 30_000_000)


@pytest.mark.parametrize("scale", ["paper", "laptop", "smoke"])
@pytest.mark.parametrize("cell", CELLS)
def test_every_corner_of_the_ranges_is_a_model(cell, scale):
    search = Search("nottingham", cell, scale)
    corner = {name: r["range"][1] for name, r in search.ranges().items()}
    corner["n_params"] = search.ranges()["n_params"]["range"][0]
    config = search.config(corner)

    def size(n):
        return recurrent_parameters(config, n, 88) + dense_parameters(
            output_features(config, n), 88
        )

    assert units_within(size, config.n_params) >= 1


def test_tpe_learns_from_the_trials(bowl):
    tune(Search("jsb", "gru", seed=3), 45, say=say)
    distance = [abs(np.log10(config.learning_rate / 2e-3)) for config in bowl]
    # Twenty points at random, then guided: these have to be the closer ones.
    assert np.median(distance[-20:]) < 0.7 * np.median(distance[:20])


def test_an_interrupted_search_ends_as_an_undisturbed_one(bowl, monkeypatch, store):
    search = Search("jsb", "rru")
    tune(search, 8, say=say)
    whole = search.trials()
    assert len({trial["id"] for trial in whole}) == 8, "new points every time"
    assert [trial["loss"] is None for trial in whole].count(True) == 1, "a failure is a trial"
    search.path.unlink()
    bowl.clear()
    tune(search, 3, say=say)
    tune(search, 8, say=say)
    assert search.trials() == whole
    assert tune(search, 8, say=say) == whole and len(bowl) == 8, "nothing is run twice"


def test_the_protocol_decides_which_score_is_minimized(bowl):
    of_valid, of_test = (Search("jsb", "gru", select_on=s) for s in ("valid", "test"))
    for search in (of_valid, of_test):
        tune(search, 1, say=say)
    (first,), (second,) = of_valid.trials(), of_test.trials()
    assert first["id"] == second["id"], "the same first point, the same record"
    assert first["loss"] + second["loss"] == pytest.approx(17.0), "valid 8 + d, test 9 - d"


def test_trials_never_reach_table_1(bowl):
    tune(Search("jsb", "gru"), 6, say=say)
    assert len(load_records(dataset="jsb")) == 6
    table = tables.table_1("jsb")
    assert not table.runs.any()


def test_other_ranges_are_refused(bowl):
    search = Search("jsb", "gru")
    tune(search, 1, say=say)
    stored = json.loads(search.path.read_text())
    stored["ranges"]["dropout"]["range"][1] = 0.9
    search.path.write_text(json.dumps(stored))
    with pytest.raises(UserError, match="other ranges"):
        tune(search, 2, say=say)


def test_the_frame_has_a_row_a_trial(bowl):
    searches = [Search("jsb", cell) for cell in ("rru", "gru")]
    assert trials_frame(searches).empty
    for search in searches:
        tune(search, 5, say=say)
    frame = trials_frame(searches)
    assert len(frame) == 10 and list(frame.trial[:5]) == [1, 2, 3, 4, 5]
    assert (frame.status == "failed").sum() == 2
    assert list(frame.cut_off) == list(frame.status == "ok"), "no patience ended their one epoch"
    config = searches[0].config(searches[0].trials()[0]["values"])
    epochs = [{"epoch": i, "valid_nll_window": 8.0} for i in range(1, 2 + config.patience)]
    write_record(a_record(config, epochs=epochs, best_epoch=1))
    assert not trials_frame(searches).cut_off[0]


def test_a_scale_without_ranges_has_no_search():
    assert searches("ptb-word", ["rru"], "laptop") == []
    assert len(searches("ptb-word", ["rru"])) == 1


def test_two_processes_add_a_trial_once_and_a_damaged_index_is_named(bowl):
    search = Search("jsb", "gru")
    (trial,) = tune(search, 1, say=say)
    search.add(trial)
    assert search.trials() == [trial]
    search.path.write_text(search.path.read_text()[:-40])
    with pytest.raises(UserError, match="damaged.*Move it away"):
        search.trials()


def test_a_dataset_that_is_not_tuned_has_no_search():
    assert searches("imdb", CELLS) == []
    assert [search.cell for search in searches("jsb", CELLS)] == list(CELLS)


def test_the_command_goes_on_and_names_the_best(bowl, capsys):
    arguments = ["tune", "--dataset", "jsb", "--cell", "lstm", "--trials"]
    assert main([*arguments, "2"]) == 0
    assert main([*arguments, "3"]) == 0
    shown = capsys.readouterr().out
    assert "[3/3] jsb lstm" in shown and "best by valid" in shown
    assert len(bowl) == 3


@pytest.mark.parametrize(
    "arguments, fragments",
    [
        (["--dataset", "imdb", "--cell", "rru"], ["'imdb'", "Table 3"]),
        (["--dataset", "jsb", "--cell", "rru", "--select-on", "tset"], ["'tset'", "'test'"]),
        (["--dataset", "jsb", "--cell", "rru", "--trials", "0"], ["--trials 0"]),
    ],
)
def test_mistakes_are_told_before_any_work(arguments, fragments, capsys):
    assert main(["tune", *arguments]) == 2
    message = capsys.readouterr().err
    for fragment in fragments:
        assert fragment in message


def test_own_trials_come_before_packaged_ones(bowl, tmp_path, monkeypatch):
    search = Search("jsb", "gru")
    (first,) = tune(search, 1, say=say)
    packaged = tmp_path / "packaged"
    (packaged / "trials").mkdir(parents=True)
    shutil.copy(search.path, packaged / "trials")
    monkeypatch.setattr(paths, "packaged_results_dir", lambda: packaged)
    second = {"id": "x", "values": {}, "loss": 1.0}
    search.add(second)
    assert search.trials() == [first, second]
    search.path.unlink()
    assert search.trials() == [first], "without own ones, the packaged"
    shutil.rmtree(search.path.parent)
    search.path.parent.write_text("a file where the folder should be")
    assert tune(search, 1, say=say) == [first], "nothing is to be written"
