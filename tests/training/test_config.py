"""Settings: the paper's values, what the scales change, and what is refused."""

import itertools
import json
from pathlib import Path

import attrs
import numpy as np
import pytest

from rru_nb import RunConfig, UserError, paper_config
from rru_nb.layers.setting import REQUIRED
from rru_nb.training.config import CELLS, KINDS
from rru_nb.training.settings import SETTINGS, changeable

# Typed from the paper's Table 1 a second time, row by row, to catch a slip in params/.
TABLE_1 = """
jsb         7.72    8.20    8.33    8.18
nottingham  2.92    3.22    3.25    3.28
musedata    7.03    7.31    7.24    7.22
piano-midi  7.38    7.58    7.54    7.52
ptb-word    102.56  122.21  140.35  126.88
ptb-char    1.27    1.28    1.34    1.29
enwik8      1.37    1.53    1.49    1.36
text8       1.35    1.55    1.44    1.37
imdb        87.20   87.04   85.89   86.23
mnist       98.74   98.36   92.88   98.14
pmnist      97.67   98.68   97.39   97.81
"""

# Table 4, in the paper's order: learning rate, dropout, parameters in millions, own values.
TABLE_4 = {
    ("jsb", "rru"): (0.00495, 0.79362, 6.9, {"hidden_multiplier": 1.76958}),
    ("jsb", "gru"): (0.00460, 0.67605, 1.8, {}),
    ("jsb", "lstm"): (0.01000, 0.30081, 1.3, {"forget_bias": 0.76843}),
    ("jsb", "mogrifier"): (0.00255, 0.47521, 1.3, {"rounds": 6, "rank": 58}),
    ("nottingham", "rru"): (0.00029, 0.77186, 2.6, {"hidden_multiplier": 7.31994}),
    ("nottingham", "gru"): (0.00454, 0.33787, 3.4, {}),
    ("nottingham", "lstm"): (0.00882, 0.20310, 1.3, {"forget_bias": -0.04104}),
    ("nottingham", "mogrifier"): (0.00169, 0.73808, 6.0, {"rounds": 5, "rank": 48}),
    ("musedata", "rru"): (0.00030, 0.77518, 8.6, {"hidden_multiplier": 6.85699}),
    ("musedata", "gru"): (0.00260, 0.64839, 1.9, {}),
    ("musedata", "lstm"): (0.00493, 0.35383, 1.8, {"forget_bias": 1.85746}),
    ("musedata", "mogrifier"): (0.00135, 0.55499, 10.3, {"rounds": 5, "rank": 76}),
    ("piano-midi", "rru"): (0.00077, 0.71577, 5.9, {"hidden_multiplier": 3.68371}),
    ("piano-midi", "gru"): (0.00932, 0.75069, 2.4, {}),
    ("piano-midi", "lstm"): (0.00727, 0.22951, 11.9, {"forget_bias": 0.59993}),
    ("piano-midi", "mogrifier"): (0.00012, 0.77291, 2.9, {"rounds": 5, "rank": 63}),
    ("ptb-word", "rru"): (0.00683, 0.66035, 25.9, {"hidden_multiplier": 6.86655}),
    ("ptb-word", "gru"): (0.00012, 0.27062, 10.0, {}),
    ("ptb-word", "lstm"): (0.00162, 0.10384, 14.2, {"forget_bias": -2.33114}),
    ("ptb-word", "mogrifier"): (0.00074, 0.46872, 24.2, {"rounds": 5, "rank": 74}),
}

# Table 5 and, for ptb-char, appendix A.1: parameters, context, batch, layers, embedding, patience;
# then ReLU layers, q and output size, forget bias, rounds and rank.
TABLE_5 = {
    "ptb-char": (24_000_000, 512, 64, 2, 16, 11, (2, 4.0, 128), 1.0, (4, 24)),
    "enwik8": (48_000_000, 256, 64, 2, 32, 3, (2, 4.0, 128), 1.0, (6, 79)),
    "text8": (48_000_000, 256, 64, 2, 32, 3, (2, 4.0, 128), 1.0, (6, 79)),
    "imdb": (20_000_000, 512, 64, 2, 64, 5, (1, 2.0, 64), 1.0, (5, 40)),
    "mnist": (70_000, 784, 64, 2, None, 5, (1, 2.0, 64), 1.0, (6, 50)),
    "pmnist": (70_000, 784, 64, 2, None, 5, (1, 2.0, 64), 1.0, (6, 50)),
}

# Table 6: learning rate and dropout rate of RRU, GRU, LSTM, Mogrifier LSTM.
TABLE_6 = {
    "enwik8": [(1e-3, 0.7)] * 4,
    "text8": [(1e-3, 0.7), (1e-4, 0.7), (1e-3, 0.7), (1e-3, 0.7)],
    "imdb": [(1e-3, 0.5)] * 4,
    "mnist": [(1e-3, 0.7), (1e-3, 0.7), (1e-4, 0.7), (5e-5, 0.5)],
    "pmnist": [(1e-3, 0.7), (1e-3, 0.7), (1e-4, 0.7), (5e-5, 0.5)],
}

# Of the authors' code: clip multiplier, label smoothing; and the metric that stops training.
BY_KIND = {
    "music": (1.5, None, "nll_window"),
    "word": (10.0, None, "perplexity"),
    "char": (10.0, None, "bpc"),
    "sentiment": (5.0, 0.1, "accuracy"),
    "digits": (5.0, 0.1, "accuracy"),
}


def test_every_published_number_has_its_settings():
    for line in TABLE_1.split("\n"):
        dataset, *values = line.split() or [None]
        for cell, value in zip(CELLS, values):
            config = paper_config(dataset, cell)
            assert config.published["value"] == float(value), (dataset, cell)
            assert config.differences == {}


def test_tuned_values_are_table_4():
    for (dataset, cell), (learning_rate, dropout, millions, own) in TABLE_4.items():
        config = paper_config(dataset, cell)
        wanted = {"learning_rate": learning_rate, "dropout": dropout, **own}
        assert {name: getattr(config, name) for name in wanted} == wanted, (dataset, cell)
        assert config.n_params == round(millions * 1e6), (dataset, cell)


def test_values_that_were_not_tuned_are_tables_5_and_6():
    names = ("n_params", "window", "batch_size", "layers", "embedding_size", "patience")
    for dataset, cell in itertools.product(TABLE_5, CELLS):
        *common, rru, forget_bias, mogrifier = TABLE_5[dataset]
        wanted = dict(zip(names, common, strict=True))
        wanted["forget_bias"] = forget_bias if cell == "lstm" else None
        wanted["rounds"], wanted["rank"] = mogrifier if cell == "mogrifier" else (None, None)
        if cell == "rru":
            wanted |= zip(("relu_layers", "hidden_multiplier", "output_size"), rru, strict=True)
        if dataset in TABLE_6:
            rates = TABLE_6[dataset][list(CELLS).index(cell)]
            wanted["learning_rate"], wanted["dropout"] = rates
        config = paper_config(dataset, cell)
        assert {name: getattr(config, name) for name in wanted} == wanted, (dataset, cell)


def test_what_the_authors_code_has_for_a_kind_of_task():
    for dataset, cell in itertools.product(set(KINDS) - {"chorales"}, CELLS):
        config = paper_config(dataset, cell)
        found = (config.clip_multiplier, config.label_smoothing, config.metric)
        assert found == BY_KIND[KINDS[dataset]], (dataset, cell)


def test_records_from_before_a_setting_was_added_keep_their_name_and_meaning():
    config = paper_config("jsb", "rru")
    old = config.as_dict()
    del old["residual_speed"], old["loss_average"], old["score_average"]
    assert RunConfig.from_dict(old) == config
    assert paper_config("jsb", "rru", score_average="batches").metric == "nll_batches"
    assert paper_config("jsb", "rru", residual_speed=1.0).id != config.id
    assert paper_config("jsb", "rru", residual_speed=10).id == config.id


def test_committed_records_keep_their_names():
    folder = Path(__file__).parents[2] / "results"
    files = [p for p in folder.glob("*/*.json") if p.parent.name in KINDS]
    assert len(files) > 50
    for path in files:
        record = json.loads(path.read_text(encoding="utf-8"))
        assert RunConfig.from_dict(record["config"]).id == record["id"] == path.stem[-12:]


def test_another_precision_is_another_run_and_a_difference():
    config, other = paper_config("jsb", "rru"), paper_config("jsb", "rru", precision="tf32")
    assert config.precision == "float32" and other.id != config.id
    assert other.differences == {"precision": {"paper": "float32", "here": "tf32"}}
    assert paper_config("jsb", "rru", precision="float32").id == config.id
    with pytest.raises(UserError, match="precision = 'float16'.*'float32', 'tf32', 'bfloat16'"):
        paper_config("jsb", "rru", precision="float16")


def test_the_papers_spellings_are_accepted():
    assert paper_config("JSB Chorales", "Mogrifier LSTM") == paper_config("jsb", "mogrifier")


def test_a_config_is_frozen_and_knows_its_differences():
    config = paper_config("nottingham", "rru", dropout=0.5, seed=3)
    assert config.differences == {"dropout": {"paper": 0.77186, "here": 0.5}}
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        config.dropout = 0.1


def test_a_scale_is_a_difference():
    differences = paper_config("jsb", "gru", scale="smoke").differences
    assert differences["n_params"]["paper"] == 1_800_000
    assert set(differences) >= {"n_params", "max_epochs", "train_limit"}


def test_ids_name_settings_and_nothing_else():
    config = paper_config("jsb", "rru")
    assert config.id == paper_config("JSB Chorales", "RRU").id
    assert config.id != paper_config("jsb", "rru", seed=1).id
    assert config.id != paper_config("jsb", "rru", dropout=0.5).id
    assert paper_config("jsb", "gru", dropout=0).id == paper_config("jsb", "gru", dropout=0.0).id
    assert RunConfig.from_dict(config.as_dict()) == config


def test_the_id_of_the_first_record_never_changes():
    """Committed records are found by this hash: a new setting must not move it."""
    assert paper_config("jsb", "rru").id == "580a0e134f89"


@pytest.mark.parametrize(
    "call, fragments",
    [
        (lambda: paper_config("notingham", "rru"), ["'notingham'", "mean 'nottingham'"]),
        (lambda: paper_config("jsb", "lstn"), ["'lstn'", "mean 'lstm'"]),
        (lambda: paper_config("jsb", "rru", scale="papr"), ["'papr'", "mean 'paper'"]),
        (lambda: paper_config("jsb", "rru", droput=0.5), ["'droput'", "mean 'dropout'"]),
        (lambda: paper_config("jsb", "gru", forget_bias=1.0), ["'forget_bias'", "'lstm'"]),
        (lambda: paper_config("jsb", "rru", embedding_size=8), ["'embedding_size'", "'jsb'"]),
        (lambda: paper_config("jsb", "rru", dropout=1.0), ["dropout = 1.0", "[0, 1)"]),
        (lambda: paper_config("jsb", "rru", dropout="0.5"), ["dropout = '0.5'", "number"]),
        (lambda: paper_config("jsb", "rru", layers=0), ["layers = 0", "at least 1"]),
        (lambda: paper_config("jsb", "rru", seed=True), ["seed = True", "whole"]),
        (lambda: paper_config("jsb", "rru", learning_rate=None), ["learning_rate = None"]),
        (lambda: paper_config("jsb", "rru", n_params=None), ["n_params = None", "units = None"]),
        (
            lambda: paper_config("jsb", "rru", n_params=9999, units=10),
            ["n_params = 9999 and units = 10: give one of them"],
        ),
        (lambda: paper_config("chorales", "rru"), ["'chorales'", "'laptop'"]),
        (lambda: paper_config("ptb-word", "rru", window=35), ["window = 35", "Give 36"]),
    ],
)
def test_mistakes_are_quoted_and_the_fix_is_named(call, fragments):
    with pytest.raises(UserError) as error:
        call()
    for fragment in fragments:
        assert fragment in str(error.value)


def test_each_setting_is_declared_once_with_a_meaning_and_a_default_that_is_valid():
    of_cells = [name for spec in CELLS.values() for name in spec.settings]
    assert len(set(of_cells) | set(SETTINGS)) == len(of_cells) + len(SETTINGS)
    for name, setting in (SETTINGS | changeable()).items():
        assert setting.meaning and setting.wanted, name
        assert setting.default in (None, REQUIRED) or setting.valid(setting.default), name
    for cell in CELLS:
        config = paper_config("jsb", cell)
        assert config.as_dict().keys() == {*SETTINGS, *of_cells}
        assert {n for n in of_cells if getattr(config, n) is not None} == set(CELLS[cell].settings)


def test_numpy_numbers_are_those_of_python():
    """A seed of `np.arange` gives the same run, whose settings JSON can hold."""
    given = paper_config("jsb", "rru", seed=np.int64(1), dropout=np.float32(0.5))
    assert given == paper_config("jsb", "rru", seed=1, dropout=0.5)
    assert given.id == paper_config("jsb", "rru", seed=1, dropout=0.5).id


def test_units_replace_the_budget():
    for given in ({"units": 10}, {"units": 10, "n_params": None}):  # as `command` writes it
        config = paper_config("jsb", "rru", **given)
        assert (config.units, config.n_params) == (10, None)


def test_each_scale_is_smaller_than_the_one_before():
    for dataset, cell in itertools.product(KINDS, CELLS):
        scales = ["paper", "laptop", "smoke"][dataset == "chorales" :]  # which the paper lacks
        sizes = [paper_config(dataset, cell, scale).n_params for scale in scales]
        assert sizes == sorted(sizes, reverse=True) and sizes[-1] < sizes[0], (dataset, cell)


@pytest.mark.parametrize(
    "call, fragments",
    [
        (lambda: paper_config("ptb-char", "rru", window=35), ["window = 35", "Give 36"]),
        (lambda: paper_config("jsb", "rru", residual=None), ["residual = None", "'uniform'"]),
        (lambda: paper_config("jsb", "rru", learning_rate=0), ["learning_rate = 0", "above 0"]),
        (lambda: paper_config("jsb", "rru", clip_multiplier=0), ["clip_multiplier = 0"]),
        (lambda: paper_config("jsb", "rru", residual=1.0), ["residual = 1.0", "(0, 1)"]),
        (lambda: paper_config("jsb", "rru", dropout=True), ["dropout = True"]),
        (
            lambda: paper_config("jsb", "rru", loss_average=None),
            ["loss_average = None", "'window'"],
        ),
        (lambda: paper_config("ptb-word", "rru", embedding_size=None), ["embedding_size = None"]),
        (lambda: paper_config("imdb", "rru", label_smoothing=None), ["label_smoothing = None"]),
        (lambda: paper_config("jsb", "rru", seed=2**32), ["seed = 4294967296", "4294967295"]),
        (lambda: paper_config("jsb", "rru", seed=True), ["seed = True"]),
        (lambda: paper_config("jsb", "rru", normalize=0), ["normalize = 0", "True, False"]),
        (lambda: paper_config("jsb", "rru", learning_rate=200), ["learning_rate = 200", "100"]),
    ],
)
def test_values_at_the_edge_are_refused(call, fragments):
    with pytest.raises(UserError) as error:
        call()
    for fragment in fragments:
        assert fragment in str(error.value)


@pytest.mark.parametrize(
    "dataset, cell, name, value",
    [
        ("jsb", "rru", "learning_rate", 1),
        ("jsb", "rru", "clip_multiplier", 5),
        ("jsb", "rru", "hidden_multiplier", 2),
        ("jsb", "rru", "residual_speed", 2),
        ("jsb", "lstm", "forget_bias", 1),
        ("imdb", "gru", "label_smoothing", 0),
    ],
)
def test_a_whole_number_and_the_same_float_are_one_run(dataset, cell, name, value):
    whole, real = (paper_config(dataset, cell, **{name: v}) for v in (value, float(value)))
    assert whole.id == real.id


def test_a_scale_may_have_sizes_for_one_dataset_of_a_kind():
    chorales, jsb = (paper_config(name, "rru", "laptop") for name in ("chorales", "jsb"))
    assert (chorales.n_params, chorales.max_epochs) == (100_000, 25)
    assert (jsb.n_params, jsb.max_epochs) == (300_000, 100)


def test_the_authors_last_script_for_imdb_is_a_protocol():
    """Their commit 83acd39, "Final IMDB configurations set"."""
    changed = {"n_params": 2_000_000, "vocabulary_size": 24_902, "window": 512}
    for cell in CELLS:
        final = paper_config("imdb", cell, protocol="final")
        assert changed.items() <= final.as_dict().items()
        assert final.relu_layers == (2 if cell == "rru" else None)
        table_5 = paper_config("imdb", cell)
        assert (table_5.n_params, table_5.vocabulary_size, table_5.window) == (
            20_000_000,
            10_000,
            512,
        )


def test_a_number_of_numpy_is_the_number_it_holds():
    config = paper_config("jsb", "rru", dropout=np.float32(0.5))
    assert type(config.dropout) is float
    assert config.id == paper_config("jsb", "rru", dropout=0.5).id
