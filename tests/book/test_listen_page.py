"""What the page Listen says follows its numbers: the functions of its notebook."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from helpers import a_record
from pages import functions_of

from rru_nb.listen import counts
from rru_nb.listen.player import Listening
from rru_nb.listen.settings import listen_config
from rru_nb.training.records import write_record

page = functions_of("listen")


def test_the_music_after_the_opening_is_told():
    roll = np.zeros([6, 88], np.uint8)
    roll[:4, [40, 52]] = 1  # an opening of two steps, two steps of two keys, two of silence
    heard = Listening("jsb", 1.0, 0, 2, {"data": roll[:4], "rru": roll}, configs=[])
    assert "the piece 2.0 and 0 %, the RRU 1.0 and 50 %" in page.after_opening(heard)
    opening = Listening("jsb", 1.0, 0, 4, {"data": roll[:4]}, configs=[])
    assert "nothing is played" in page.after_opening(opening)


@pytest.mark.parametrize("seed", range(6))
def test_the_answer_of_the_blind_test_is_right_and_nothing_else_gives_it_away(seed):
    rolls = dict.fromkeys(["data", "rru", "gru"])
    heard = SimpleNamespace(rolls=rolls, player=lambda cell, letter: f"[{letter}:{cell.upper()}]")
    html = page.blind(heard, seed)
    played = dict(re.findall(r"\[(\w):(\w+)\]", html))
    answer = html[html.index("<details") :]
    assert dict(re.findall(r"(\w) is the (\w+)", answer)) == played
    assert set(played) == {"A", "B"} and set(played.values()) == {"RRU", "GRU"}


def test_both_orders_occur_and_one_cell_is_no_test():
    heard = SimpleNamespace(rolls={"rru": 0, "gru": 0}, player=lambda cell, letter: cell)
    assert len({page.blind(heard, seed)[:3] for seed in range(10)}) == 2
    assert "<details" not in page.blind(SimpleNamespace(rolls={"data": 0, "rru": 0}), 0)


def test_a_player_that_is_blind_does_not_name_its_cell():
    pytest.importorskip("soundfile")
    heard = Listening("jsb", 1.0, 0, 2, {"rru": np.eye(4, 88, 40, dtype=np.uint8)}, configs=[])
    html = re.sub('base64,[^"]*', "", heard.player("rru", "A"))
    assert "jsb-0-A.mid" in html and "<strong>A</strong>" in html
    assert "rru" not in html.lower().replace("rru-play", "")
    assert "RRU, temperature 1" in heard.player("rru")


@pytest.fixture
def configs(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path))
    return [listen_config("chorales", cell, "smoke") for cell in ("rru", "gru")]


def score(config, window, frame=9.0, **outcome):
    epochs = [{"epoch": i + 1, "valid_nll_window": 9.0} for i in range(config.patience + 1)]
    scores = {"nll_window": window, "nll_frame": frame}
    write_record(a_record(config, **{"test": scores, "epochs": epochs} | outcome))


def test_one_seed_of_each_cell_decides_nothing(configs):
    verdict = page.verdict(page.measured(configs))
    assert verdict.held == "inconclusive" and "2 of 2 runs are not measured" in verdict.limits
    score(configs[0], 8.0)
    score(configs[1], 9.5)
    verdict = page.verdict(page.measured(configs))
    assert (verdict.held, verdict.limits) == ("inconclusive", ("one seed only",))
    assert verdict.note == "test NLL 8.00 of the RRU, 9.50 of the GRU"
    score(configs[0], 8.0, best_epoch=configs[0].patience)
    verdict = page.verdict(page.measured(configs))
    assert verdict.limits[0] == "the limit of epochs ended 1 of 2 trainings"


def test_the_scores_of_the_two_cells_are_compared(configs):
    assert "not both measured" in page.difference(page.measured(configs))
    score(configs[0], 8.0, frame=5.0)
    score(configs[1], 10.0, frame=6.5)
    told = page.difference(page.measured(configs))
    assert "20.0 % below" in told and "1.500 nats apart" in told and "RRU gives" in told
    assert f"{np.exp(1.5):.2f} times" in told and "last one allowed" not in told
    score(configs[1], 4.0, frame=4.5, best_epoch=configs[1].max_epochs)
    told = page.difference(page.measured(configs))
    assert "100.0 % above" in told and "0.500 nats apart" in told and "GRU gives" in told
    assert "best epoch of the GRU was the last one allowed" in told
    score(configs[1], 4.0, status="failed", test={})
    assert "not both measured" in page.difference(page.measured(configs))


def counted(who, temperature, **means):
    means = dict.fromkeys(counts.MEASURES, 10.0) | means
    numbers = {f"{name}.mean": mean for name, mean in means.items()}
    errors = {f"{name}.error": 0.5 for name in means}
    return {"who": who, "temperature": temperature} | numbers | errors


def test_the_cell_nearer_to_the_data_is_named_only_where_the_errors_allow():
    rows = [
        counted("data", None, new=20.0, silent=30.0),
        counted("rru", 1.0, new=40.0, notes=10.4, silent=12.0, outside=11.3, repeated=11.7),
        counted("gru", 1.0, new=50.0, silent=27.0),
        counted("rru", 0.6, new=25.0, silent=30.0),
    ]
    expected = {"notes": None, "repeated": None, "silent": "gru", "outside": None, "new": "rru"}
    assert page.nearer_to_data(pd.DataFrame(rows)) == expected, "2.4 standard errors are not enough"
    assert page.nearer_to_data(pd.DataFrame(rows), sure=0.25)["repeated"] == "gru"
    assert page.nearer(pd.DataFrame(rows[:2])) == ""
