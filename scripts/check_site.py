"""Opens every page of the built site in Chromium and lists what a reader would stumble on.

    python scripts/check_site.py _build/html

Each page is opened at the width of a desktop and of a phone, light and dark, from a server on this
machine and with no way to any other. Findings, each of which makes the exit code 1:

- a script's error on the console, a request that fails or that goes to another host;
- an image that does not load or has no alternative text;
- an equation that MathJax left as TeX, or could not read;
- a link to a page of the site, or to an anchor, that is not there;
- a phone page that scrolls sideways, a box on it that scrolls and does not say so;
- a desktop table or a line of code of which a part is hidden;
- a page without a title or with other than one first-level heading;
- a page of results (`RESULTS`) whose verdict is not told in the first 900 pixels;
- what axe-core calls a serious or critical barrier, the theme's own aside (`THEMES_OWN`);
- a page heavier than `HEAVIEST_PAGE`, or than its own limit in `HEAVIER`;
- a site heavier than `HEAVIEST_SITE`.

Chromium is taken from the path, or from the variable CHROMIUM.
"""

import functools
import http.server
import os
import shutil
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

# The theme follows what the browser asks for.
DEVICES = {
    f"{device}, {scheme}": (width, height, scheme)
    for device, width, height in (("desktop", 1280, 900), ("phone", 390, 844))
    for scheme in ("light", "dark")
}
HEAVIEST_PAGE = 1_000_000  # bytes of the page and what it loads, the site's shared files aside
HEAVIER = {"notebooks/listen.html": 4_000_000}  # it has sound
HEAVIEST_SITE = 40_000_000
RESULTS = ("book/index.html",) + tuple(
    f"notebooks/{name}.html"
    for name in ("main_results", "listen", "robustness", "dropout", "ablation", "normalization")
)
NOT_PAGES = ("genindex.html", "search.html")
# Barriers that sphinx-book-theme brings and no page of ours can mend: {rule: part of the element}.
THEMES_OWN = {
    "scrollable-region-focusable": "<pre",
    "aria-allowed-role": "pst-",
    "landmark-unique": "bd-",
    "aria-required-children": "citation-list",
    "color-contrast": "highlight",  # Pygments' colours of code
}
# axe would fetch imported style sheets a second time, from addresses that it guesses.
AXE_OPTIONS = {"preload": False, "resultTypes": ["violations"]}

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

PAGE_FACTS = r"""
() => {
  const text = (e) => e.outerHTML.slice(0, 120);
  const shown = (e) => e.getClientRects().length > 0;
  return {
    title: document.title,
    headings: document.querySelectorAll("article h1").length,
    // Not a.href, which is no text for a link inside an SVG.
    links: [...document.querySelectorAll("a[href]")].map((a) =>
      new URL(a.getAttribute("href"), document.baseURI).href),
    anchors: [...document.querySelectorAll("[id], a[name]")].map((e) => e.id || e.name),
    broken: [...document.images].filter((i) => shown(i) && !(i.complete && i.naturalWidth))
      .map(text),
    mute: [...document.querySelectorAll("article img, .rru-drawn svg")].filter((i) =>
      !(i.alt || i.getAttribute("aria-label") || ".png").replace(/.*[.]png$/, "").trim()).map(text),
    sources: document.querySelectorAll("article .math").length,
    rendered: document.querySelectorAll("article .math mjx-container").length,
    wrong: [...document.querySelectorAll("mjx-merror, [data-mjx-error]")].map(text),
    width: document.documentElement.scrollWidth,
    wide: [...document.querySelectorAll("article *")].filter((e) =>
      e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(
        "pre, .rru-table, .pst-scrollable-table-container, .cell_output, mjx-container, table"))
      .slice(0, 3).map(text),
    silent: [...document.querySelectorAll("article :not(pre, .rru-scrolls)")].filter((e) =>
      e.clientWidth && e.scrollWidth > e.clientWidth + 1 && e.checkVisibility() &&
      /auto|scroll/.test(getComputedStyle(e).overflowX)).map(text),
    // Where the first sentences of the verdicts end, and those that announce another below.
    verdict: [...document.querySelectorAll(
      ".rru-verdict:not(.announced) > :is(:first-child, p:has(> strong))")].map((e) =>
      e.getBoundingClientRect().bottom + scrollY).at(-1),
    code: [...document.querySelectorAll("article pre")].filter((e) =>
      e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).map((e) =>
      e.innerText.split("\n").reduce((a, b) => b.length > a.length ? b : a)),
    cut: [...document.querySelectorAll("article table")].filter((e) => {
      let box = e.parentElement;
      while (box && !/auto|scroll/.test(getComputedStyle(box).overflowX)) box = box.parentElement;
      return shown(e) && box && box.scrollWidth > box.clientWidth + 1;
    }).map((e) => e.innerText.trim().slice(0, 60)),
  };
}
"""


def main(folder):
    """Checks the site in `folder` and returns the exit code."""
    folder = Path(folder).resolve()
    names = sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*.html")
        if path.name not in NOT_PAGES and "_static" not in path.parts
    )
    if not names:
        print(f"no pages in {folder}", file=sys.stderr)
        return 1
    with serve(folder) as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        pages = {name: Page(browser, origin, name) for name in names if not redirects(folder, name)}
        browser.close()
    findings = {name: page.findings for name, page in pages.items()}
    for name, found in dead_links(pages, folder, origin):
        findings[name].append(found)
    weight = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if weight > HEAVIEST_SITE:
        findings[next(iter(findings))].append(f"the whole site weighs {weight / 1e6:.0f} MB")
    for name, found in findings.items():
        for finding in dict.fromkeys(found):
            print(f"{name}: {finding}")
    failed = sum(bool(found) for found in findings.values())
    print(f"{len(pages) - failed} passed, {failed} failed")
    return 1 if failed else 0


def chromium():
    """Chromium's path, or an exit with the way to get it."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        sys.exit("check_site: no Chromium found. Install the package chromium, or set CHROMIUM.")
    return found


def redirects(folder, name):
    """Whether a page only forwards to another, as the site's first page does."""
    return 'http-equiv="Refresh"' in (folder / name).read_text(encoding="utf-8")[:1000]


class serve:  # noqa: N801, used like a function
    """A server of a folder on a free port of 127.0.0.1, for the time of a `with` block."""

    def __init__(self, folder):
        handler = functools.partial(_Quiet, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}/"

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


class Page:
    """What was found on one page: `findings`, its `links` and `anchors`."""

    def __init__(self, browser, origin, name):
        self.origin, self.name = origin, name
        self.findings, self.links, self.anchors = [], set(), set()
        for device, (width, height, scheme) in DEVICES.items():
            self.device = device
            viewport = {"width": width, "height": height}
            context = browser.new_context(viewport=viewport, color_scheme=scheme)
            context.set_default_navigation_timeout(120_000)  # Listen's sound, on a busy machine
            self._open(context.new_page())
            context.close()

    def _say(self, finding):
        self.findings.append(finding)

    def _open(self, page):
        self.bytes = 0
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._say(f"script error: {error}"))
        page.on("request", self._request)
        page.on("requestfailed", lambda r: self._say(f"request failed: {r.url}"))
        page.on("response", self._response)
        page.goto(self.origin + self.name, wait_until="load")
        self._wait_for_math(page)
        facts = page.evaluate(PAGE_FACTS)
        self.links |= set(facts["links"])
        self.anchors |= set(facts["anchors"])
        self._judge(facts, page.viewport_size["width"])
        self._find_barriers(page)

    def _console(self, message):
        if message.type in ("error", "warning"):
            where = message.location.get("url", "").removeprefix(self.origin)
            self._say(f"console {message.type}: {message.text} ({where})")

    def _request(self, request):
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self._say(f"request to another host: {request.url}")

    def _response(self, response):
        if response.status >= 400:
            self._say(f"answer {response.status}: {response.url}")
        elif "/_static/" not in response.url and response.url.startswith(self.origin):
            self.bytes += int(response.headers.get("content-length", 0))

    def _wait_for_math(self, page):
        if page.locator("article .math").count():
            page.wait_for_function("window.MathJax?.startup?.promise != null", timeout=10_000)
            page.evaluate("() => MathJax.startup.promise")
        page.wait_for_load_state("networkidle")

    def _judge(self, facts, width):
        if not facts["title"] or facts["headings"] != 1:
            self._say(f"title {facts['title']!r}, {facts['headings']} first-level headings")
        for kind, what in (
            ("broken", "image that does not load"),
            ("mute", "image without alternative text"),
            ("wrong", "equation that MathJax cannot read"),
        ):
            for element in facts[kind]:
                self._say(f"{what}: {element}")
        if facts["rendered"] < facts["sources"]:
            self._say(f"{facts['sources'] - facts['rendered']} equations left as TeX")
        if self.device.startswith("phone") and facts["width"] > width:
            self._say(f"scrolls sideways, {facts['width']} px of {width}: {facts['wide']}")
        if self.device.startswith("phone"):
            for box in facts["silent"]:
                self._say(f"scrolls and does not say so (class rru-scrolls): {box}")
        if self.device == "desktop, light" and self.name in RESULTS:
            self._judge_verdict(facts["verdict"])
        if self.device.startswith("desktop"):
            for table in facts["cut"]:
                self._say(f"table wider than its page: {table!r}")
            for line in facts["code"]:
                self._say(f"code wider than its page: {line!r}")
        if self.bytes > HEAVIER.get(self.name, HEAVIEST_PAGE):
            self._say(f"weighs {self.bytes / 1e6:.1f} MB")

    def _judge_verdict(self, end):
        height = DEVICES["desktop, light"][1]
        if not end:
            self._say("no verdict (class rru-verdict)")
        elif end > height:
            self._say(f"the verdict ends at {end:.0f} px, beyond the first {height}")

    def _find_barriers(self, page):
        for rule in Axe().run(page, options=AXE_OPTIONS).response["violations"]:
            if rule["impact"] not in ("serious", "critical"):
                continue
            own = THEMES_OWN.get(rule["id"])
            nodes = [n for n in rule["nodes"] if not (own and own in n["html"])]
            if nodes:
                html = nodes[0]["html"][:160]
                self._say(f"axe {rule['id']}, {self.device}, {len(nodes)} times: {html}")


def dead_links(pages, folder, origin):
    """`(page, finding)` for each link to a file or an anchor of the site that is not there."""
    for name, page in pages.items():
        for link in sorted(link for link in page.links if link.startswith(origin)):
            address, anchor = urldefrag(link)
            target = unquote(urlsplit(address).path).lstrip("/")
            if not (folder / target).is_file():
                yield name, f"link to a file that is not there: {target}"
            elif anchor and target in pages and unquote(anchor) not in pages[target].anchors:
                yield name, f"link to an anchor that is not there: {target}#{anchor}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python scripts/check_site.py FOLDER")
    sys.exit(main(sys.argv[1]))
