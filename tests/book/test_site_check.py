"""The check of the site finds each fault that it is there for, on a site made of faults."""

import importlib.util
import io
import shutil
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

pytest.importorskip("playwright")
pytest.importorskip("axe_playwright_python")

CHROMIUM = [name for name in ("chromium", "google-chrome") if shutil.which(name)]
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")

PIXEL = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f"
    b"\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00"
    b"\x00\x00IEND\xaeB`\x82"
)
GOOD = (
    '<p id="here">Text. <a href="#here">Here</a> <img src="a.png" alt="A pixel"></p>'
    '<div style="overflow-x: auto"><table><tr><td>It fits</td></tr></table></div>'
    f"<pre>It fits</pre><details><summary>Folded</summary><pre>{'x' * 300}</pre></details>"
)
FAULTS = {  # of each page: {what is said: what the page holds}
    "loads.html": {
        "script error": "<script>undefined_function()</script>",
        "console error": "<script>console.error('no')</script>",
        "request to another host": '<img alt="Far" src="http://example.org/a.png">',
        "answer 404": '<link rel="stylesheet" href="no.css">',
        "does not load": '<img alt="Gone" src="gone.png">',
        "weighs": '<script src="heavy.js"></script>',
    },
    "looks.html": {
        "without alternative text": '<img src="a.png" alt="">',
        "left as TeX": '<span class="math">\\(x\\)</span>'
        "<script>MathJax = {startup: {promise: Promise.resolve()}}</script>",
        "scrolls sideways": '<div style="width: 2000px">wide</div>',
        "does not say so (class rru-scrolls): <p": '<p style="overflow-x: auto" tabindex="0">'
        '<span style="display: block; width: 600px">Wide</span></p>',
        "table wider than its page": '<div style="overflow-x: auto; width: 90%" tabindex="0">'
        '<table style="width: 1900px"><tr><td>Wide</td></tr></table></div>',
        "code wider than its page: 'longg": f"<pre tabindex=0>short\nlong{'g' * 200}</pre>",
        "first-level headings": "<h1>Two</h1>",
        "axe input-image-alt": '<input type="image" src="a.png">',
    },
    "links.html": {
        "file that is not there": '<a href="no.html">No</a>',
        "anchor that is not there": '<a href="good.html#no">No</a>',
    },
}


def page(body):
    return (
        '<!doctype html><html lang="en"><head><title>Title</title><meta name="viewport" '
        'content="width=device-width"></head><body><main><article><h1>Title</h1>'
        f"{body}</article></main></body></html>"
    )


@pytest.fixture(scope="module")
def check_site():
    path = Path(__file__).parents[2] / "scripts" / "check_site.py"
    spec = importlib.util.spec_from_file_location("check_site", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_site"] = module
    spec.loader.exec_module(module)
    return module


def make_site(folder):
    """A site of one good page."""
    (folder / "a.png").write_bytes(PIXEL)
    (folder / "favicon.ico").write_bytes(PIXEL)
    (folder / "heavy.js").write_text("//" + "x" * 1_500_000)
    (folder / "good.html").write_text(page(GOOD))
    return folder


@needs_chromium
def test_a_good_site_passes(check_site, tmp_path, capsys):
    assert check_site.main(make_site(tmp_path)) == 0, capsys.readouterr().out
    assert capsys.readouterr().out == "1 passed, 0 failed\n"


RESULTS = {  # where the verdict of a page of results stands, and what is said of it
    "robustness": ("700px", None),
    "dropout": ("890px", "the verdict ends at 9"),
    "ablation": ("700px; padding-top: 190px", "the verdict ends at 9"),
    "normalization": (None, "no verdict"),
}


@pytest.fixture(scope="module")
def told(check_site, tmp_path_factory):
    """What is told of a site with all faults, a good page and pages of results."""
    site = make_site(tmp_path_factory.mktemp("site"))
    for name, faults in FAULTS.items():
        (site / name).write_text(page(GOOD + "".join(faults.values())))
    (site / "notebooks").mkdir()
    for name, (top, _) in RESULTS.items():
        verdict = (
            f'<div class="rru-verdict" style="position: absolute; top: {top}"><p>Holds.</p></div>'
            '<div class="rru-verdict announced" style="position: absolute; top: 950px"><p>So.</p>'
            "</div>"
        )
        box = GOOD.replace("a.png", "../a.png") + (verdict if top else "")
        (site / "notebooks" / f"{name}.html").write_text(page(box))
    output = io.StringIO()
    with redirect_stdout(output):
        assert check_site.main(site) == 1
    return output.getvalue().splitlines()


@needs_chromium
def test_each_fault_is_found_on_its_page_and_no_other(told):
    for name, faults in FAULTS.items():
        said = [line for line in told if line.startswith(f"{name}: ")]
        for fault in faults:
            assert any(fault in line for line in said), f"{name}: {fault}"
    assert not any(line.startswith("good.html") for line in told)
    assert told[-1] == "2 passed, 6 failed"


@needs_chromium
def test_the_verdict_of_a_results_page_stands_in_its_first_screen(told):
    said = [line for line in told if line.startswith("notebooks/")]
    wanted = [f"notebooks/{name}.html: {what}" for name, (_, what) in RESULTS.items() if what]
    for line, expected in zip(sorted(said), sorted(wanted), strict=True):
        assert line.startswith(expected)


def test_an_empty_folder_is_no_site(check_site, tmp_path):
    assert check_site.main(tmp_path) == 1
