"""Figures as files: links that save them, and the numbers behind them."""

import base64
import io

import matplotlib.pyplot as plt
from IPython.display import HTML, display

_HEAVY = 150_000  # bytes of an SVG, beyond which a figure is offered as PNG: a piano roll, say
_NOT_NUMBERS = ("epochs", "path", "config")  # columns that hold no number or text of a cell

_pending = []  # links to the files of the figures shown since `downloads`


def show(name, numbers=None):
    """Shows the current figure, and has its files ready for `downloads`: SVG, or PNG
    where an SVG would be too heavy for a page, and CSV.

    They are for a cell of their own, because the book takes all that a figure's cell shows for
    the figure.

    Args:
        name: str, the name of the files.
        numbers: the frame behind the figure, or None for a figure that has none.
    """
    _pending.append(_picture(name, plt.gcf()))
    if numbers is not None:
        plain = numbers.drop(columns=[c for c in _NOT_NUMBERS if c in numbers])
        _pending.append(_link(f"{name}.csv", "text/csv", plain.to_csv(index=False).encode()))
    plt.show()


def table(name, frame):
    """Shows a table with a link that saves it as CSV, as it is shown.

    Args:
        name: str, the name of the file.
        frame: the table; an empty one is shown without a link.
    """
    display(frame)
    if len(frame):
        link = _link(f"{name}.csv", "text/csv", frame.to_csv().encode())
        display(HTML(f'<p class="rru-downloads">Save: {link}</p>'))


def downloads():
    """Shows links that save the figures shown since the last call, and the numbers behind them.

    The files are inside the links, so that they come along wherever the notebook goes.
    """
    if _pending:
        display(HTML(f'<p class="rru-downloads">Save: {" · ".join(_pending)}</p>'))
        _pending.clear()


def _picture(name, figure):
    # Text as text: a tenth of the size, and it can be searched. No date: the same file each time.
    with plt.rc_context({"svg.fonttype": "none"}):
        content = _saved(figure, format="svg", metadata={"Date": None})
    if len(content) <= _HEAVY:
        return _link(f"{name}.svg", "image/svg+xml", content)
    return _link(f"{name}.png", "image/png", _saved(figure, format="png", dpi=150))


def _saved(figure, **options):
    file = io.BytesIO()
    figure.savefig(file, bbox_inches="tight", **options)
    return file.getvalue()


def _link(file_name, kind, content):
    encoded = base64.b64encode(content).decode()
    return f'<a download="{file_name}" href="data:{kind};base64,{encoded}">{file_name}</a>'
