"""The page Play: its cells are those of Keras, and every reader can use it."""

import json
import re

import keras
import numpy as np
import pytest
from pages import NOTEBOOKS, functions_of

pytest.importorskip("axe_playwright_python")

from axe_playwright_python.sync_playwright import Axe

from book.tools import play, speed
from book.tools.generate import Context
from rru_nb import GRUCell, load_dataset, read_midi
from rru_nb.listen import models
from rru_nb.listen.sampling import continue_pieces
from rru_nb.listen.settings import listen_config
from rru_nb.tasks import task_for


@pytest.fixture(scope="module")
def frames():
    """200 time steps of real chorales, at the pitch of JSB Chorales."""
    roll = np.concatenate(load_dataset("chorales").test)[:200]
    return np.roll(roll, play.OCTAVE, axis=1)


# The trained cells


def trained(dataset, cell, rounded=True):
    """Return the Keras model with the weights of the page, or with the committed ones."""
    model = models.load(listen_config(dataset, cell)).model
    for weight in model.weights if rounded else ():
        weight.assign(play.rounded(weight.numpy()))
    return model


def same_logits(logits, model, frames):
    by_keras = np.asarray(model(frames[None].astype("float32")))[0]
    assert np.abs(by_keras).max() > 5
    np.testing.assert_allclose(np.array(logits), by_keras, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("cell", play.CELLS)
def test_with_the_committed_weights_the_cell_is_that_of_keras(visit, frames, cell):
    model = trained("jsb", cell, rounded=False)
    given = {name: array.ravel().tolist() for name, array in play.weights_of(model).items()}
    logits = visit().evaluate(
        """([cell, given, frames]) => {
          const floats = Object.entries(given).map(([k, v]) => [k, Float32Array.from(v)]);
          const model = new rruPlay.Model(cell, Object.fromEntries(floats));
          return frames.map((frame) => Array.from(model.step(frame)));
        }""",
        [cell, given, frames.tolist()],
    )
    same_logits(logits, model, frames)


@pytest.mark.parametrize("dataset", play.TITLES)
@pytest.mark.parametrize("cell", play.CELLS)
def test_with_its_own_weights_too_for_both_datasets(visit, frames, dataset, cell):
    page = visit()
    page.select_option("#play-data", dataset)  # which loads the second only now
    page.wait_for_function("(name) => name in rruPlay.datasets", arg=dataset)
    logits = page.evaluate(
        """([dataset, cell, frames]) => {
          const model = rruPlay.unpackModel(dataset, cell);
          return frames.map((frame) => Array.from(model.step(frame)));
        }""",
        [dataset, cell, frames.tolist()],
    )
    same_logits(logits, trained(dataset, cell), frames)


@pytest.mark.parametrize("shape", [(5, 3), (1, 1)])
def test_a_weight_in_a_byte_is_off_by_half_a_step_of_its_column_at_most(shape):
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    array[:, 0] = 0
    step = np.abs(array).max(axis=0) / 127
    assert np.all(np.abs(play.rounded(array) - array) <= step * 0.5001)
    vector = array[:, -1]
    np.testing.assert_array_equal(play.rounded(vector), vector)


# Composing

COMPOSE = """([cell, opening, length, temperature, draws]) => {
  const random = Array.isArray(draws) ? () => draws.shift() : rruPlay.random(draws);
  const model = rruPlay.unpackModel("jsb", cell);
  return rruPlay.compose(model, opening, length, temperature, random).map((f) => Array.from(f));
}"""


@pytest.mark.parametrize("cell", play.CELLS)
def test_with_the_same_draws_it_plays_what_the_page_listen_plays(visit, frames, cell):
    """`continue_pieces` draws from NumPy's generator of (seed, piece)."""
    opening, length = frames[:16], 40
    draws = np.random.default_rng([7, 0]).random([length, 88]).ravel().tolist()
    played = visit().evaluate(COMPOSE, [cell, opening.tolist(), length, 0.8, draws])
    (expected,) = continue_pieces(trained("jsb", cell), [opening], length, 0.8, seed=7)
    np.testing.assert_array_equal(played, expected)


def test_the_seed_alone_decides_what_is_played(visit, frames):
    page, opening = visit(), frames[:16].tolist()
    one, again, two = (page.evaluate(COMPOSE, ["rru", opening, 20, 1, s]) for s in (1, 1, 2))
    assert one == again != two


def test_random_numbers_are_uniform(visit):
    script = "() => { const r = rruPlay.random(5); return Array.from({length: 20000}, r); }"
    counts, _ = np.histogram(visit().evaluate(script), bins=10, range=(0, 1))
    assert counts.sum() == 20_000 and np.abs(counts - 2000).max() < 5 * np.sqrt(1800)


@pytest.mark.parametrize("steps_per_quarter, tempo", [(1, 100), (2, 120)])
def test_a_midi_file_is_read_back_with_the_same_notes(
    visit, frames, tmp_path, steps_per_quarter, tempo
):
    sparse = np.random.default_rng(0).random([40, 88]) < 0.1
    sparse[-1, 0] = sparse[0, 87] = True
    page = visit()
    for roll in (frames[:60], sparse.astype(int)):
        script = "(given) => Array.from(rruPlay.writeMidi(...given))"
        content = page.evaluate(script, [roll.tolist(), steps_per_quarter, tempo])
        (tmp_path / "a.mid").write_bytes(bytes(content))
        np.testing.assert_array_equal(read_midi(tmp_path / "a.mid", steps_per_quarter), roll)
        seconds = 60 / tempo / steps_per_quarter
        by_clock = read_midi(tmp_path / "a.mid", step_seconds=seconds)
        np.testing.assert_array_equal(by_clock, roll)


# The cell by hand


def worked_example():
    """Return x, h and the weights of the page "The cell in numbers"."""
    cells = json.loads((NOTEBOOKS / "cell_by_numbers.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    names = {"np": np}
    for mark in ("# Parameters.", "share = "):
        (source,) = [source for source in sources if source.startswith(mark)]
        exec(source, names)
    return names["x"], names["h"], names["small"]


def test_at_first_the_page_shows_the_numbers_of_the_worked_example(visit):
    x, h, small = worked_example()
    step = functions_of("cell_by_numbers").rru_step(np.array(x), np.array(h), small)
    rows = visit().eval_on_selector_all("#play-rru tr", "rows => rows.map((r) => r.innerText)")
    shown = {row.split()[0]: re.findall(r"-?\d+\.\d{4}", row) for row in rows}
    expected = {name: [f"{v:.4f}" for v in np.atleast_1d(value)] for name, value in step.items()}
    assert shown == expected


def set_slider(page, name, value):
    page.eval_on_selector(
        f"#play-{name}",
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }",
        str(value),
    )


def states(page, cell, steps):
    for step in steps:
        set_slider(page, "step", step)
        row = page.locator(f"#play-{cell} tr", has=page.locator("th:text-is('h')")).inner_text()
        yield [float(v) for v in re.findall(r"-?\d+\.\d{4}", row)]


def test_without_feedback_the_state_decays_by_its_own_share(visit):
    page = visit()
    page.uncheck("#play-feedback")
    set_slider(page, "keep1", 0.8)
    first, *later = np.array(list(states(page, "rru", range(1, 8))))
    for t, h in enumerate(later, start=1):
        assert h == pytest.approx(first * np.array([0.8, 0.9]) ** t, abs=1e-4)
    page.click("button[type=reset]")
    page.wait_for_function("document.getElementById('play-keep1').value === '0.5'")
    assert page.is_checked("#play-feedback")


def test_the_gru_by_hand_is_that_of_keras(visit):
    page = visit()
    example, start = page.evaluate(
        "() => [Object.fromEntries(Object.entries(rruPlay.examples.gru)"
        ".map(([k, v]) => [k, Array.from(v)])), rruPlay.examples.start]"
    )
    cell = GRUCell(2)
    cell.build((None, 2))
    for weight in cell.weights:
        weight.assign(np.reshape(example[weight.name], weight.shape))
    set_slider(page, "x2", -1.5)
    set_slider(page, "pulse", 3)
    h = keras.ops.convert_to_tensor([start])
    for t, shown in enumerate(states(page, "gru", range(1, 11))):
        h, _ = cell(keras.ops.convert_to_tensor([[1.0, -1.5] if t < 3 else [0.0, 0.0]]), [h])
        assert shown == pytest.approx(np.asarray(h)[0], abs=1e-4)


# Using it


def test_by_keyboard_alone_notes_are_set_and_gone_on_from(visit, download):
    page = visit()
    page.focus("#play-opening")
    page.keyboard.press("End")  # the reader's own notes
    for _ in range(30):
        if page.evaluate("document.activeElement.id") == "play-roll":
            break
        page.keyboard.press("Tab")
    for key in ("Space", "ArrowRight", "ArrowUp", "ArrowUp", "Space"):
        page.keyboard.press(key)
    assert page.inner_text("#play-status") == "Time step 2, D5: on"
    page.focus("#play-compose")
    page.keyboard.press("Enter")
    assert "40 time steps" in page.inner_text("#play-status")
    roll = download(page)
    assert list(np.flatnonzero(roll[0])) == [72 - 21] and list(np.flatnonzero(roll[1])) == [74 - 21]
    opening, seed = roll[:2].tolist(), 0
    played = np.array(page.evaluate(COMPOSE, ["rru", opening, 40, 1, seed]))
    np.testing.assert_array_equal(roll[2:], played[: len(roll) - 2])


def test_a_click_sets_a_note_where_it_is(visit, download):
    page = visit()
    page.click("#play-edit")
    roll = page.locator("#play-roll")
    box = roll.bounding_box()
    before = download(page)
    roll.click(position={"x": box["width"] - 3, "y": box["height"] - 3})
    after = download(page)
    changed = np.argwhere(before != after)
    lowest = min(np.flatnonzero(before.any(axis=0)))
    assert len(changed) == 1 and changed[0][0] == 15 and changed[0][1] < lowest


def test_a_silent_opening_is_refused_with_what_to_do(visit):
    page = visit()
    page.select_option("#play-opening", label="your own notes")
    for button in ("compose", "midi", "round"):
        page.click(f"#play-{button}")
        assert page.inner_text("#play-status").startswith("The opening is silent.")


def test_the_blind_test_plays_both_and_counts(visit, download):
    page = visit("Math.random = () => 0.9")  # B is the RRU
    page.fill("#play-length", "12")
    assert page.is_disabled("#play-hear1")
    for guess, verdict, score in ((1, "Right", "1 of 1"), (0, "No", "1 of 2")):
        page.click("#play-round")
        for number, cell in enumerate(("gru", "rru")):
            page.click(f"#play-hear{number}")
            assert page.get_attribute("#play-roll", "data-cell") == ""
            roll = download(page)
            played = page.evaluate(COMPOSE, [cell, roll[:16].tolist(), 12, 1, 0])
            np.testing.assert_array_equal(roll[16:], np.array(played)[: len(roll) - 16])
        page.click(f"#play-guess{guess}")
        told = page.inner_text("#play-status")
        assert told.startswith(verdict) and "B was the RRU" in told and score in told
        assert page.is_disabled("#play-guess0")


def test_the_music_ends_by_itself_or_by_the_button(visit):
    page = visit()
    page.fill("#play-length", "1")
    page.click("#play-compose")
    assert page.is_enabled("#play-stop")
    page.click("#play-stop")
    assert page.is_disabled("#play-stop")
    page.select_option("#play-opening", label="your own notes")
    page.focus("#play-roll")
    page.keyboard.press("Space")
    page.click("#play-compose")
    page.wait_for_function("document.getElementById('play-stop').disabled")


def test_what_is_heard_are_the_notes_at_their_times(visit):
    listen = """
      const made = [];
      class Context {
        currentTime = 5;
        createGain() { return node({gain: param()}); }
        createDynamicsCompressor() { return node({}); }
        createPeriodicWave() { return {}; }
        createOscillator() {
          const one = node({frequency: {}, setPeriodicWave() {}});
          made.push(one);
          one.start = (t) => { one.from = t; };
          one.stop = (t) => { one.to = t; };
          return one;
        }
        close() {}
      }
      const ramps = ["setValueAtTime", "linearRampToValueAtTime", "setTargetAtTime"];
      const param = () => Object.fromEntries(ramps.map((name) => [name, () => {}]));
      const node = (more) => ({connect: (next) => next, ...more});
      globalThis.AudioContext = Context;
      globalThis.made = made;
    """
    page = visit(listen)
    page.evaluate("rruPlay.start(rruPlay.rollOf([[69], [69, 81], [81]]), 0.5, () => {})")
    heard = page.evaluate("made.map((one) => [one.frequency.value, one.from, one.to])")
    assert heard[0] == pytest.approx([440, 5, 6], abs=0.06)
    assert heard[1] == pytest.approx([880, 5.5, 6.5], abs=0.06)
    assert len(heard) == 2


def test_without_webaudio_the_page_says_so_and_still_plays_on(visit):
    page = visit("delete globalThis.AudioContext; delete globalThis.webkitAudioContext")
    assert "no WebAudio" in page.inner_text("#play-silent")
    page.click("#play-compose")
    assert "40 time steps" in page.inner_text("#play-status")
    assert visit().is_hidden("#play-silent")


def test_without_javascript_the_page_says_what_it_would_do(visit):
    page = visit(java_script_enabled=False)
    assert "needs JavaScript" in page.inner_text("noscript")
    assert not page.is_visible("#play-hand") and not page.is_visible("#play-music")


@pytest.mark.parametrize("width, theme", [(390, "dark"), (1280, "light")])
def test_it_fits_a_phone_and_has_no_barrier(visit, width, theme):
    page = visit(width=width)
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    for action in ("#play-compose", "#play-round", "#play-edit", "#play-record summary"):
        page.click(action)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        options = {"preload": False, "resultTypes": ["violations"]}
        found = Axe().run(page, options=options).response["violations"]
        assert [violation["id"] for violation in found] == []


# What the page says of itself


def test_the_sentence_of_what_is_measured_follows_the_record(monkeypatch, tmp_path):
    rows = [{"float32": 8.0, "int8": 8.04}, {"float32": 4.0, "int8": 3.99}]
    times = {"rru": {"min": 0.5, "median": 0.6}, "gru": {"min": 0.7, "median": 0.8}}
    machine = {"device": {"cpu": "a processor", "cores": 2}, "load_average": 1.5}
    made_up = {"nll": rows, "step": {"throttling": 4, "ms": times} | machine}
    monkeypatch.setattr(speed, "record", lambda name: made_up)
    told = speed.play_measured(Context(tmp_path, None))
    assert "−0.25 to +0.50 %" in told and "slowed 4 times" in told
    assert "0.5 ms (median 0.6)" in told and "0.7 ms (median 0.8)" in told
    assert "a processor, 2 cores, load 1.5" in told
    monkeypatch.setattr(speed, "record", lambda name: None)
    assert "measure_play" in speed.play_measured(Context(tmp_path, None))


def test_the_measured_nll_is_that_of_the_weights_of_the_page(mirror):
    config = listen_config("jsb", "rru")
    rows = speed.record("play")["nll"]
    (row,) = [row for row in rows if (row["dataset"], row["cell"]) == ("jsb", "rru")]
    score = task_for(config).evaluate(trained("jsb", "rru"), "test")["nll_window"]
    assert score == pytest.approx(row["int8"], abs=1e-4)
