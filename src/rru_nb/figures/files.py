"""Figures and tables as files: links below them that save them, and the numbers behind them."""

import base64
import io
import re

import matplotlib.pyplot as plt
from IPython.display import HTML, display

from ..analysis.tables import minus

_HEAVY = 250_000  # bytes of an SVG, beyond which a figure is offered as PNG: a piano roll, say
_SHORT = 20  # characters: a table of such cells has none that breaks
_NOT_NUMBERS = ["epochs", "path", "config"]  # columns that hold no number or text of a cell


def show(name, numbers=None):
    """Show the current figure, and links that save it and the numbers behind it.

    The figure is saved as SVG, or as PNG where an SVG would be too heavy for a page; the numbers,
    the frame behind it if there is one, as CSV. The book's builder shows the SVG itself, whose
    marks are links, and moves the links that save it below the figure's caption.
    """
    figure, content = plt.gcf(), svg(plt.gcf())
    if len(content) <= _HEAVY:
        links = [_link(f"{name}.svg", "image/svg+xml", content)]
    else:
        links = [_link(f"{name}.png", "image/png", _saved(figure, format="png", dpi=150))]
    if numbers is not None:
        links.append(_csv(name, numbers.drop(columns=_NOT_NUMBERS, errors="ignore"), index=False))
    plt.show()
    _display(links)


def table(name, frame):
    """Show a table of plain values and of links, see `link`, and a link that saves it as CSV.

    An empty one has no link.
    """
    corner, no_names = frame.index.name, [None] * frame.index.nlevels
    plain = frame.map(lambda cell: re.sub("<[^>]+>", "", cell) if type(cell) is str else cell)
    longest = max((len(str(cell)) for cell in plain.to_numpy().flat), default=0)
    look = "rru-short" if longest <= _SHORT else None
    shown = frame.rename_axis(index=no_names, columns=corner)  # one row of heads
    display(HTML(minus(shown.to_html(escape=False, classes=look))))
    if len(frame):
        _display([_csv(name, plain)])


def _display(links):
    """Show links whose files are inside them, so that they go wherever the notebook goes."""
    display(HTML(f'<p class="rru-downloads">Save: {" · ".join(links)}</p>'))


def svg(figure):
    """Return a figure as an SVG file, in bytes."""
    # Text as text: a tenth of the size, and it can be searched. No date: the same file each time.
    with plt.rc_context({"svg.fonttype": "none"}):
        return _compact(_saved(figure, format="svg", metadata={"Date": None}))


def _compact(content):
    """Round what no eye sees, and make titles of what `links.url` put behind the addresses."""
    text = re.sub(
        r' (d|x|y|transform)="[^"]+"',
        lambda place: re.sub(r"(\.\d\d)\d+", r"\1", re.sub(r"\s+", " ", place[0])),
        content.decode(),
    )
    text = re.sub(r"\n +", "\n", re.sub(r' id="(patch|text|line2d)_\d+"', "", text))
    return re.sub(r'<a xlink:href="([^"|]*)\|([^"]*)"[^>]*>', _titled, text).encode()


def _titled(link):
    address, title = link.groups()
    to = f' xlink:href="{address}"' if address else ""
    return f"<a{to}><title>{title}</title>"


def _saved(figure, **options):
    file = io.BytesIO()
    figure.savefig(file, bbox_inches="tight", **options)
    return file.getvalue()


def _csv(name, frame, **options):
    return _link(f"{name}.csv", "text/csv", frame.to_csv(**options).encode())


def _link(file_name, media_type, content):
    encoded = base64.b64encode(content).decode()
    return f'<a download="{file_name}" href="data:{media_type};base64,{encoded}">{file_name}</a>'
