"""Figures and tables as files: links below them that save them, and the numbers behind them."""

import base64
import io

import matplotlib.pyplot as plt
from IPython.display import HTML, display

_HEAVY = 150_000  # bytes of an SVG, beyond which a figure is offered as PNG: a piano roll, say
_NOT_NUMBERS = ["epochs", "path", "config"]  # columns that hold no number or text of a cell


def show(name, numbers=None):
    """Show the current figure, and links that save it and the numbers behind it.

    The figure is saved as SVG, or as PNG where an SVG would be too heavy for a page; the numbers
    as CSV. The book's builder moves the links below the figure's caption.

    Args:
        name: str, the name of the files.
        numbers: the frame behind the figure, or None for a figure that has none.
    """
    links = [_picture(name, plt.gcf())]
    if numbers is not None:
        links.append(_csv(name, numbers.drop(columns=_NOT_NUMBERS, errors="ignore"), index=False))
    plt.show()
    _display(links)


def table(name, frame):
    """Show a table with a link that saves it as CSV, as it is shown.

    Args:
        name: str, the name of the file.
        frame: the table; an empty one is shown without a link.
    """
    display(frame)
    if len(frame):
        _display([_csv(name, frame)])


def _display(links):
    """Show links whose files are inside them, so that they go wherever the notebook goes."""
    display(HTML(f'<p class="rru-downloads">Save: {" · ".join(links)}</p>'))


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


def _csv(name, frame, **options):
    return _link(f"{name}.csv", "text/csv", frame.to_csv(**options).encode())


def _link(file_name, media_type, content):
    encoded = base64.b64encode(content).decode()
    return f'<a download="{file_name}" href="data:{media_type};base64,{encoded}">{file_name}</a>'
