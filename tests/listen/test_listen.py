"""The page Listen: weights kept and refused, sound, what is heard with and without the data."""

import base64
import contextlib
import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import a_record

from rru_nb import load_dataset
from rru_nb.cli import main
from rru_nb.data.midi import read_midi
from rru_nb.errors import UserError
from rru_nb.listen import counts, models
from rru_nb.listen.player import RATE, listen, midi_and_audio, player
from rru_nb.listen.settings import GRIDS, command, listen_config, settings
from rru_nb.storage import files, paths
from rru_nb.tasks import task_for
from rru_nb.tasks.music import without_silences
from rru_nb.training.records import find_record, write_record

MIDI = re.compile(r'href="data:audio/midi;base64,([^"]+)"')


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))


def a_model(config, seed=0):
    model, rng = models.network(config), np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    return model


@pytest.fixture
def config():
    return listen_config("chorales", "rru", "smoke")


@pytest.fixture
def kept(config):
    model = a_model(config)
    return model, models.save(config, model)


# Weights


def test_the_command_writes_a_record_and_weights_that_score_as_it_says(config, capsys):
    asked = ["weights", "--dataset", "chorales", "--cell", "rru", "--scale", "smoke", "--quiet"]
    assert main(asked) == 0
    record, path = find_record(config), models.find(config)
    assert record["id"] == config.id and config.id in path.name
    model = models.load(config).model
    scores = task_for(config).evaluate(model, "test")
    assert scores == pytest.approx(record["test"], abs=1e-5)
    written = path.stat().st_mtime_ns
    assert main(asked) == 0
    assert path.stat().st_mtime_ns == written, "stored weights trained again"
    assert "stored weights" in capsys.readouterr().out


def test_weights_that_another_process_made_meanwhile_are_not_made_again(config, monkeypatch):
    made = []

    @contextlib.contextmanager
    def after_the_other(_):
        made.append(models.save(config, a_model(config)))
        yield

    monkeypatch.setattr(models.RunFiles, "alone", after_the_other)
    monkeypatch.setattr(models, "train", None)
    assert models.make(config) == made[0]


def test_weights_are_of_the_run_that_the_record_tells_of(config):
    """A second training has to score as the record that is there."""
    write_record(a_record(config, test={"nll_window": 1.0, "nll_frame": 1.0}))
    with pytest.raises(UserError, match="its record 1.00000"):
        models.make(config, progress=False)
    assert models.find(config) is None


def test_loaded_weights_are_those_kept_bit_for_bit(config, kept):
    trained = models.load(config)
    for mine, theirs in zip(trained.model.get_weights(), kept[0].get_weights()):
        np.testing.assert_array_equal(mine, theirs)
    piece = load_dataset("chorales").test[models.PIECE]
    np.testing.assert_array_equal(trained.opening, piece[: models.OPENING])


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def describe(path, **changes):
    meta = path.with_suffix(".json")
    meta.write_text(json.dumps(json.loads(meta.read_text()) | changes))


def other_shapes(path):
    with np.load(path) as file:
        arrays = {name: file[name][..., :1] for name in file.files}
    np.savez(path, **arrays)
    describe(path, sha256=models._digest(path))


@pytest.mark.parametrize(
    "damage, fragment",
    [
        (flip_a_byte, "SHA-256"),
        (lambda path: path.write_bytes(b""), "SHA-256"),
        (other_shapes, "shape"),
        (lambda path: describe(path, id="0" * 12), "000000000000"),
        (lambda path: describe(path, schema=99), "of run"),
        (lambda path: path.with_suffix(".json").write_text("{"), "damaged"),
        (lambda path: path.with_suffix(".json").write_text("[]"), "damaged"),
    ],
    ids=["flipped", "empty", "shapes", "run", "schema", "json", "form"],
)
def test_a_damaged_file_is_one_error_that_names_it_and_the_way_out(config, kept, damage, fragment):
    damage(kept[1])
    with pytest.raises(UserError) as error:
        models.load(config)
    for part in (fragment, kept[1].name, command(config)):
        assert part in str(error.value)


def test_without_weights_the_error_is_the_command_that_makes_them(config):
    with pytest.raises(UserError, match="rru-nb weights --dataset chorales --cell rru --scale"):
        models.load(config)


def test_cells_of_one_page_differ_in_the_cell_alone():
    for dataset in ("jsb", "nottingham"):
        configs = [listen_config(dataset, cell).as_dict() for cell in settings()["cells"]]
        shared = [{k: v for k, v in c.items() if k != "cell"} for c in configs]
        own = ("output_size", "relu_layers", "hidden_multiplier", "normalize", "rezero")
        own += ("relu_outputs", "residual", "residual_speed")
        for common in shared:
            for name in own:
                del common[name]
        assert all(settings == shared[0] for settings in shared)


# Sound


@pytest.mark.parametrize("dataset", GRIDS)
def test_midi_gives_the_roll_back_and_the_sound_is_as_long_as_the_music(dataset, tmp_path):
    soundfile = pytest.importorskip("soundfile")
    grid, piece = GRIDS[dataset], load_dataset("chorales").test[1][:12]
    midi, audio = midi_and_audio(piece, grid)
    path = tmp_path / "piece.mid"
    path.write_bytes(midi)
    np.testing.assert_array_equal(read_midi(path, grid.steps_per_quarter), piece)
    sound, rate = soundfile.read(io.BytesIO(audio))
    assert rate == RATE and np.abs(sound).max() > 0.1
    assert len(sound) / rate == pytest.approx(
        12 * 60 / (grid.tempo * grid.steps_per_quarter) + 1, abs=0.3
    )


def test_a_note_sounds_at_its_frequency():
    soundfile = pytest.importorskip("soundfile")
    roll = np.zeros([4, 88], np.uint8)
    roll[:, 69 - 21] = 1  # A4, 440 Hz
    _, audio = midi_and_audio(roll, GRIDS["jsb"])
    sound, rate = soundfile.read(io.BytesIO(audio))
    strongest = np.abs(np.fft.rfft(sound[:rate])).argmax()  # one second: a bin is one hertz
    assert abs(strongest - 440) <= 2


def test_a_player_has_a_label_the_midi_file_and_no_other_host():
    pytest.importorskip("soundfile")
    html = player(np.eye(4, 88, 40, dtype=np.uint8), GRIDS["jsb"], 'a "title" <b>', "name")
    assert html.count('aria-label="a &quot;title&quot; &lt;b&gt;"') == 1 and "http" not in html
    assert 'aria-label="Piano roll: a &quot;title&quot; &lt;b&gt;"' in html
    (midi,) = MIDI.findall(html)
    assert base64.b64decode(midi).startswith(b"MThd") and 'download="name.mid"' in html


def test_a_player_draws_each_note_and_moves_its_line_with_the_music():
    pytest.importorskip("soundfile")
    roll = np.zeros([4, 88], np.uint8)
    roll[0, 39] = roll[3, [38, 41]] = 1  # C4 at first, then B3 and D4
    html = player(roll, GRIDS["jsb"], "a title", "name", n_prime=1)
    assert 'viewBox="0 0 4 6"' in html, "four steps; four keys and the two beside them"
    notes = re.findall(r"M(\d+) (\d+)h", html)
    assert notes == [("0", "3"), ("3", "4"), ("3", "1")], "the higher the note the further up"
    assert "left: 25.00%" in html, "the opening ends after one step of four"
    assert ">C4</span>" in html and "this.currentTime / 2.4)" in html, "100 steps a minute"


def test_without_soundfile_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="soundfile"):
        midi_and_audio(np.ones([2, 88], np.uint8), GRIDS["jsb"])


# What is heard


@pytest.fixture
def two_cells():
    configs = [listen_config("chorales", cell, "smoke") for cell in ("rru", "gru")]
    for config in configs:
        models.save(config, a_model(config))
    return configs


def test_all_begin_alike_and_then_go_their_own_way(two_cells):
    heard = listen("chorales", scale="smoke", prime_frames=5, frames=7, piece=2)
    piece = load_dataset("chorales").test[2]
    np.testing.assert_array_equal(heard.rolls["data"], piece[:12])
    for cell in ("rru", "gru"):
        assert heard.rolls[cell].shape == (12, 88)
        np.testing.assert_array_equal(heard.rolls[cell][:5], piece[:5])
    assert (heard.rolls["rru"][5:] != heard.rolls["gru"][5:]).any()
    assert not heard.missing and list(heard.rolls) == ["data", "rru", "gru"]


def test_without_the_data_the_piece_beside_the_weights_serves(two_cells, monkeypatch):
    with_data = listen("chorales", scale="smoke")
    monkeypatch.setattr("rru_nb.listen.player._has_data", lambda dataset: False)
    monkeypatch.setattr("rru_nb.listen.models.load_dataset", lambda name: pytest.fail("loaded"))
    without = listen("chorales", scale="smoke")
    assert len(without.rolls["data"]) == len(without.rolls["rru"]) == 16 + 24, "to its end"
    for name in ("data", "rru", "gru"):
        np.testing.assert_array_equal(without.rolls[name], with_data.rolls[name])
    with pytest.raises(UserError, match="rru-nb data fetch chorales"):
        listen("chorales", scale="smoke", piece=1)


def test_missing_weights_are_named_and_the_piece_is_heard_all_the_same(config):
    models.save(config, a_model(config))
    heard = listen("chorales", scale="smoke", prime_frames=5, frames=7)
    assert list(heard.rolls) == ["data", "rru"]
    assert [c.cell for c in heard.missing] == ["gru"]


@pytest.mark.parametrize(
    "given, fragments",
    [
        ({"dataset": "musedata"}, ["'musedata'", "'jsb'"]),
        ({"piece": 57}, ["piece 57", "0 to 56"]),
        ({"piece": -1}, ["piece -1"]),
        ({"prime_frames": 1000}, ["prime_frames 1000"]),
        ({"temperature": 0.0}, ["temperature = 0.0"]),
        ({"cells": ["gur"]}, ["'gur'", "'gru'"]),
    ],
)
def test_a_mistake_is_one_error(two_cells, given, fragments):
    with pytest.raises(UserError) as error:
        listen(**{"dataset": "chorales", "scale": "smoke"} | given)
    for fragment in fragments:
        assert fragment in str(error.value)


# Counts


def test_counts_are_of_the_test_pieces_and_of_as_much_of_the_samples(two_cells):
    found = counts.count("chorales", ["rru", "gru"], "smoke")
    who = [(row["who"], row["temperature"]) for row in found["rows"]]
    assert who[0] == ("data", None) and len(set(who)) == 7
    pieces = [without_silences(p) for p in load_dataset("chorales").test]
    pieces = [p for p in pieces if len(p) >= 24]
    assert found["pieces"] == len(pieces)
    by_hand = np.mean([p[16:64].sum(axis=1).mean() for p in pieces])
    assert found["rows"][0]["notes"]["mean"] == pytest.approx(by_hand, abs=1e-3)
    path = counts.write("chorales", ["rru", "gru"], "smoke")
    assert json.loads(path.read_text()) == found
    stored = counts.load("chorales")
    assert list(stored.who) == [row["who"] for row in found["rows"]]
    assert list(stored.id[1:]) == [row["id"] for row in found["rows"][1:]]
    assert stored["new.error"].tolist() == [row["new"]["error"] for row in found["rows"]]
    assert stored.attrs == {"pieces": len(pieces), "prime_frames": 16, "frames": 48}


def test_the_command_counts_only_what_can_be_heard(capsys):
    assert main(["listen", "--dataset", "musedata"]) == 2
    assert "'musedata'" in capsys.readouterr().err
    assert main(["listen", "--dataset", "chorales"]) == 2
    assert "rru-nb weights --dataset chorales --cell rru" in capsys.readouterr().err


def test_damaged_counts_are_one_error(tmp_path):
    path = paths.results_dir() / "listen" / "jsb.json"
    files.write_json(path, {"dataset": "jsb", "schema": 1, "rows": [{"who": "data"}]}, "")
    with pytest.raises(UserError, match="rru-nb listen --dataset jsb"):
        counts.load("jsb")
    path.unlink()
    assert counts.load("jsb") is None


def test_the_error_is_that_of_the_mean_over_pieces():
    rolls = np.zeros([2, 4, 88], np.uint8)
    rolls[0, :, 40] = rolls[1, :, [40, 44, 47]] = 1  # one key at once, and three
    assert counts._means(rolls, set())["notes"] == {"mean": 2.0, "error": 1.0}


def test_samples_are_counted_for_as_long_as_their_piece(two_cells, monkeypatch):
    lengths = []

    def spy(rolls, known):
        lengths.append([len(roll) for roll in rolls])
        return {}

    monkeypatch.setattr(counts, "_means", spy)
    counts.count("chorales", ["rru"], "smoke")
    written, *played = lengths
    assert len(set(written)) > 1 and played == [written] * 3


def test_the_declared_scale_by_name_is_the_declared_run():
    scale = settings()["scale"]
    assert listen_config("jsb", "rru", scale) == listen_config("jsb", "rru")


def test_a_training_that_failed_leaves_no_weights(config, monkeypatch):
    failed = {"status": "failed", "failure": {"epoch": 1}, "test": {}, "valid": {}}

    def train(config, progress, keep, finished):
        finished(a_model(config))
        return a_record(config, **failed)

    monkeypatch.setattr(models, "train", train)
    with pytest.raises(UserError, match="the training failed"):
        models.make(config, progress=False)
    assert models.find(config) is None


def test_own_weights_come_before_packaged_ones(config, tmp_path, monkeypatch):
    packaged = tmp_path / "packaged"
    monkeypatch.setattr(paths, "packaged_results_dir", lambda: packaged)
    with monkeypatch.context() as patch:
        patch.setenv("RRU_NB_RESULTS", str(packaged))
        theirs = models.save(config, a_model(config, seed=1))
    assert models.find(config) == theirs
    own = models.save(config, a_model(config))
    assert models.find(config) == own != theirs


def test_what_is_heard_lacks_the_silences_that_training_lacked(two_cells, monkeypatch):
    piece = load_dataset("chorales").test[0].copy()
    piece[2] = 0
    splits = SimpleNamespace(test=[piece])
    monkeypatch.setattr("rru_nb.listen.models.load_dataset", lambda name: splits)
    assert two_cells[0].silences == "removed"
    heard = listen("chorales", scale="smoke", prime_frames=5, frames=7)
    np.testing.assert_array_equal(heard.rolls["data"], without_silences(piece)[:12])


@pytest.mark.parametrize("wrong", [{"piece": 1000}, {"prime_frames": 10**6}])
def test_a_passage_that_is_not_there_is_refused_before_a_training(wrong, monkeypatch):
    def make(config):
        raise AssertionError("a training began")

    monkeypatch.setattr("rru_nb.listen.models.find", lambda config: None)
    monkeypatch.setattr("rru_nb.listen.models.make", make)
    with pytest.raises(UserError, match="piece 1000|prime_frames 1000000"):
        listen("chorales", scale="smoke", train=True, **wrong)
