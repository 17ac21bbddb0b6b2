"""Figures of Matplotlib's as SVG inside the page: crisp, with links, in the page's colours."""

import base64
import re
from html import escape, unescape

from rru_nb.figures.files import svg as svg_of

from .stage import FRAGMENTS

_FILE = re.compile(r'download="([\w.-]+)\.svg" href="data:image/svg\+xml;base64,([^"]+)"')
_PLOT = re.compile(
    r'<img alt="(?P<alt>[^"]*)" class="rru-plot" src="(?P<src>[^"]+?(?P<name>[\w-]+)\.svg)" />'
)
_LEFT_OUT = re.compile(r"<metadata>.*?</metadata>|<style.*?</style>|font-family: [^;]+; ?", re.S)
_IDS = re.compile(r'(\bid="|url\(#|<use href="#)')
_PATTERNS = re.compile(r"(<pattern.*?</pattern>)", re.S)
_GREY = re.compile(r"#(?!ffffff|000000)([0-9a-f]{2})\1\1")
_GROUND = re.compile(r"(?<!text-anchor: middle; )fill: #ffffff")  # not the numbers of dark squares
# Of its own size: type of 11 points can be read on a phone, and is no larger than the page's.
_SIZES = {"min": 0.7, "max": 1.4}
_DARKEST = 0x12  # what white becomes in the dark


def put_inline(cells):
    """Replace the pictures of figures by the SVG files that the links below them save.

    Args:
        cells: of an executed notebook, dicts; outputs are changed in place. Where a figure has no
            SVG, its picture stays.
    """
    for cell in cells:
        options, outputs = cell["metadata"].get("mystnb", {}), cell.get("outputs", [])
        if "figure" not in options:
            continue
        pictures = [output for output in outputs if "image/png" in output.get("data", {})]
        texts = ("".join(output.get("data", {}).get("text/html", "")) for output in outputs)
        for picture, links in zip(pictures, [text for text in texts if "download=" in text]):
            if found := _FILE.search(links):
                svg = base64.b64decode(found[2]).decode()
                picture["data"] = {"text/html": inline(svg, found[1], options["image"]["alt"])}


def write(context, figure, name):
    """Write a figure of a fragment, which shows it as an image of the class `rru-plot`."""
    path = context.folder / FRAGMENTS / f"{name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(svg_of(figure))


def put_plots_inline(text, page):
    """Return a built page with the images of the class `rru-plot` as SVG inside it.

    Args:
        text: of the page. page: Path of its file, which the images' addresses start from.
    """

    def drawn(image):
        svg = (page.parent / image["src"]).read_text(encoding="utf-8")
        return inline(svg, image["name"], unescape(image["alt"]))

    return _PLOT.sub(drawn, text)


def inline(svg, name, alt):
    """Return an SVG file of Matplotlib's as part of a page, in a box that may scroll.

    Args:
        svg: str, the file. name: of the figure, which tells its ids from those of other figures of
            the page. alt: str, its alternative text.
    """
    width, box = re.search(r'width="([\d.]+)pt".*?viewBox="([^"]+)"', svg, re.S).groups()
    body = _LEFT_OUT.sub("", svg[svg.index(">", svg.index("<svg")) + 1 :])
    body = _IDS.sub(rf"\1{name}-", body.replace("xlink:href", "href"))
    body = body.replace('style="fill: #ffffff"', 'style="fill: none"')  # the ground
    body = "".join(map(_with_the_pages_colours, _PATTERNS.split(body)))
    role = "group" if "<a" in body else "img"
    sizes = (f"{side}-width: {scale * float(width):.0f}px" for side, scale in _SIZES.items())
    size = f'viewBox="{box}" style="{"; ".join(sizes)}"'
    head = f'<svg {size} role="{role}" aria-label="{escape(alt)}">'
    return f'<div class="rru-drawn">{head}{body}</div>'


def _with_the_pages_colours(part):
    if part.startswith("<pattern"):  # hatches keep theirs, as squares do
        return part
    return _GREY.sub(_grey, _GROUND.sub("fill: var(--pst-color-background)", part))


def _grey(colour):
    level = max(_DARKEST, 0xFF - int(colour[1], 16))
    return f"light-dark({colour[0]}, #{3 * f'{level:02x}'})"
