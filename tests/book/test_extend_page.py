"""The worked examples of the page "Your own cell, your own music" run as they stand there."""

import re
from pathlib import Path

import numpy as np
import pytest

from rru_nb import load_dataset, unregister_cell, write_midi
from rru_nb.training.config import CELLS

PAGE = Path(__file__).parents[2] / "book" / "extend.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run_blocks(blocks):
    names = {"__name__": "page"}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102, the page's own code
    return names


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("RRU_NB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("RRU_NB_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    yield
    unregister_cell("leaky")


def test_the_examples_run_in_the_order_of_the_page(tmp_path, capsys):
    (tmp_path / "my_midi").mkdir()
    for i, piece in enumerate(load_dataset("chorales").train[:20]):
        ending = ("mid", "MID", "midi", "Midi")[i % 4]
        write_midi(piece, tmp_path / "my_midi" / f"{i:02d}.{ending}", steps_per_quarter=2)
    (tmp_path / "my_midi" / "07b.mid").write_bytes(b"not music")
    (tmp_path / "my_midi" / "contents.txt").write_text("what is no MIDI file is not counted")
    names = run_blocks(BLOCKS)
    printed, shown = capsys.readouterr()
    assert list(CELLS) == ["rru", "gru", "lstm", "mogrifier", "leaky"]
    assert names["record"]["config"]["leak"] == 0.3 and names["record"]["n_params"] <= 25_000
    assert {point.config.cell for point in names["points"]} == {"rru", "leaky"}
    assert "pieces read: 20, files refused: 1\nmy_midi/07b.mid is not a MIDI file" in printed
    assert "chorales leaky smoke, epoch 1" in shown and "my_midi rru smoke, epoch 1" in shown
    scores = [float(s) for s in re.findall(r"'nll_window': ([\d.]+)", printed)]
    assert len(scores) == 2 and np.isfinite(scores).all()
    assert len(names["own"].train) == 16 and names["task"].splits is names["own"]


@pytest.mark.parametrize("batch, units", [(3, 5), (1, 2)])
def test_the_leaky_cell_computes_its_equation(batch, units):
    cell = run_blocks(BLOCKS[:1])["LeakyCell"](units, leak=0.3)
    rng = np.random.default_rng(0)
    x, h = rng.normal(size=(batch, 4)), rng.normal(size=(batch, units))
    cell.build((None, 4))
    cell.bias.assign(rng.normal(size=units))
    kernel, bias = np.asarray(cell.kernel, float), np.asarray(cell.bias, float)
    wanted = 0.7 * h + 0.3 * np.tanh(np.concatenate([x, h], 1) @ kernel + bias)
    output, [state] = cell(x.astype("float32"), [h.astype("float32")])
    np.testing.assert_allclose(output, wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(output, state)
