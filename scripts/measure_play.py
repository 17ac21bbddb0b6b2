"""What one byte a weight does to the models of the page Play, and how long its time steps take.

    python -m scripts.measure_play         # both
    python -m scripts.measure_play step    # the times alone

Writes `benchmarks/records/play.json`: the test NLL of each model with its committed weights and
with those of the page, by Keras; and the milliseconds of a time step in Chromium, whose processor
is slowed down as developers do to stand for a phone. It needs the data of both sets and Chromium.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from playwright.sync_api import sync_playwright

from book.tools import play
from rru_nb.listen import models
from rru_nb.listen.settings import listen_config
from rru_nb.tasks import task_for
from rru_nb.training import provenance
from scripts.check_site import CHROMIUM_FLAGS, chromium

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "benchmarks" / "records" / "play.json"
THROTTLING = 4
TIME_STEPS = """
(cell) => {
  const model = rruPlay.unpackModel("jsb", cell);
  const opening = rruPlay.rollOf(rruPlay.datasets.jsb.openings[0].pitches);
  const times = [];
  for (let i = 0; i < 60; i++) {
    const began = performance.now();
    rruPlay.compose(model, opening, 84, 1, rruPlay.random(i));
    times.push((performance.now() - began) / (opening.length + 84));
  }
  times.splice(0, 10);  // the warm-up
  times.sort((a, b) => a - b);
  return {median: times[times.length / 2], min: times[0]};
}
"""


def main():
    """Measures what is asked for and writes it into the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", choices=MEASURES, help="one alone; without, both")
    what = parser.parse_args().what
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    record |= {name: measure() for name, measure in MEASURES.items() if what in (None, name)}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(RECORD.read_text(encoding="utf-8"))


def losses():
    """Return the test NLL (mean of windows) of each model with both kinds of its weights."""
    return [_losses_of(dataset, cell) for dataset in play.TITLES for cell in play.CELLS]


def _losses_of(dataset, cell):
    config, model, _ = models.load(listen_config(dataset, cell))
    scores = {"float32": task_for(config).evaluate(model, "test")["nll_window"]}
    for weight in model.weights:
        weight.assign(play.rounded(weight.numpy()))
    # Another task, since one remembers its compiled model.
    scores["int8"] = task_for(config).evaluate(model, "test")["nll_window"]
    return {"dataset": dataset, "cell": cell} | scores


def step_times():
    """Return the milliseconds of a time step of each cell in a slowed Chromium, and where."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        play.write_weights(Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        page = browser.new_page()
        scripts = ROOT / play.FOLDER, Path(folder) / play.FOLDER
        for name, place in {"rru": 0, "music": 0, "jsb": 1}.items():
            page.add_script_tag(path=scripts[place] / f"{name}.js")
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLING})
        ms = {cell: page.evaluate(TIME_STEPS, cell) for cell in play.CELLS}
        version = browser.version
        browser.close()
    where = {"device": provenance.machine(), "load_average": os.getloadavg()[0]}
    return {"ms": ms, "throttling": THROTTLING, "chromium": version} | where


MEASURES = {"nll": losses, "step": step_times}


if __name__ == "__main__":
    main()
