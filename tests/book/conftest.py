"""What the tests of the pages share: kernels that start quickly, the page Play in a browser."""

import os
import re
import shutil
from pathlib import Path

import forked
import pytest

from book.tools import play
from rru_nb import read_midi
from rru_nb.listen.settings import GRIDS

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
PAGE = (ROOT / "book" / "play.md").read_text(encoding="utf-8")
LIVE = re.findall(r"```\{raw\} html\n(.*?)```", PAGE, re.DOTALL)
# What the scripts and the style sheet expect of the theme, in its own colours.
THEME = """
<style>
html { --pst-color-border: #d1d5da; --pst-color-text-base: #222832; --pst-color-text-muted: #48566b;
  --pst-color-surface: #f3f4f5; --pst-color-primary: #176de8; color: var(--pst-color-text-base) }
html[data-theme="dark"] { --pst-color-border: #48566b; --pst-color-text-base: #ced6dd;
  --pst-color-text-muted: #9ca4af; --pst-color-surface: #29313d; --pst-color-primary: #528fe4;
  background: #121212 }
</style>
"""

# Where a kernel draws; it says so itself before Matplotlib is imported, but here that has been.
# What a page's own code warns of today is an error in a newer pandas, which Colab may have.
KERNEL = """
import warnings

import matplotlib

matplotlib.rcParams["backend"] = "module://matplotlib_inline.backend_inline"
warnings.filterwarnings("error", module="__main__")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder like that of the site, with the live parts of the page and no theme."""
    folder = tmp_path_factory.mktemp("site")
    play.write_weights(folder / "stage")
    for source in (ROOT / play.FOLDER, folder / "stage" / play.FOLDER):
        shutil.copytree(source, folder / "_static" / "play", dirs_exist_ok=True)
    (folder / "book").mkdir()
    (folder / "book" / "play.html").write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Play</title>'
        f'<meta name="viewport" content="width=device-width">{THEME}</head>'
        f"<body><main><h1>Play</h1><h2>The cell by hand</h2>{''.join(LIVE)}</main></body></html>",
        encoding="utf-8",
    )
    return folder / "book" / "play.html"


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("needs Chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, site):
    """A function that opens the page as a file; errors and requests elsewhere fail the test."""
    contexts, faults = [], []

    def open_page(before="", width=1280, **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.add_init_script(before)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.on("request", lambda r: r.url.startswith(("file:", "blob:")) or faults.append(r.url))
        page.goto(site.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_function("document.getElementById('play-opening').options.length > 0")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def download(tmp_path):
    """A function that returns the roll of the MIDI file that the page offers."""

    def save(page, dataset="jsb"):
        with page.expect_download() as waiting:
            page.click("#play-midi")
        waiting.value.save_as(tmp_path / "played.mid")
        return read_midi(tmp_path / "played.mid", GRIDS[dataset].steps_per_quarter)

    return save


@pytest.fixture
def quick_kernels(monkeypatch):
    """Kernels that have TensorFlow at once, and whose short trainings have small graphs."""

    def start(command, env, cwd=None, **_):
        return forked.Popen(command, env, cwd or os.getcwd(), first=forked.QUICK + KERNEL)

    monkeypatch.setattr("jupyter_client.provisioning.local_provisioner.launch_kernel", start)
