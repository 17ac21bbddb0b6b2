"""What commands print: fitted to a terminal, plain and complete in a pipe; notes go to stderr."""

import math
import shutil
import sys
import textwrap

from ..storage.streams import tell

_SHORT = 14  # a column of such words is never broken
BARS = "▁▂▃▄▅▆▇█"
MARKS = {"o": "cyan", "x": "magenta", "#": "bold"}  # of two curves, and of both at one place


def is_terminal():
    """Return whether standard output is a terminal."""
    return sys.stdout.isatty()


def width():
    """Return the columns of the terminal; of a pipe, which has none, 80."""
    return shutil.get_terminal_size((80, 24)).columns


def show(renderable):
    """Print a text, or what rich renders, at the width of the terminal; as it is in a pipe."""
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    console.print(renderable, soft_wrap=not is_terminal())


def note(text):
    """Say something about the answer on standard error."""
    for line in textwrap.wrap(text, width()):
        tell(line)


def score(number):
    """Return a score as tables have it; empty without one."""
    return "" if number is None else f"{number:.4f}"


def join(values, form=""):
    """Return `{name: value}` as a line, the values in a format."""
    return ", ".join(f"{name} {value:{form}}" for name, value in values.items())


class Styled(str):
    """A cell of a table with its `style`, one of rich's, which a terminal shows."""

    def __new__(cls, text, style):
        cell = super().__new__(cls, text)
        cell.style = style
        return cell


def print_table(rows):
    """Print dicts with the same keys as a table; in a pipe as columns with two spaces between."""
    if not rows:
        return
    texts = [{h: "" if cell is None else cell for h, cell in row.items()} for row in rows]
    columns = {head: [f"{row[head]}" for row in texts] for head in rows[0]}
    right = [h for h, cells in columns.items() if "".join(cells).strip("-.0123456789") == ""]
    if not is_terminal():
        for head, cells in columns.items():
            cells = [head, *(cell or "-" for cell in cells)]
            side = ">" if head in right else "<"
            columns[head] = [f"{cell:{side}{max(map(len, cells))}}" for cell in cells]
        for line in zip(*columns.values()):
            print("  ".join(line).rstrip())
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for head, cells in columns.items():
        short = all(len(cell) <= _SHORT and " " not in cell for cell in cells)
        side = "right" if head in right else "left"
        table.add_column(head, justify=side, overflow="fold", no_wrap=short)
    for row in texts:
        table.add_row(*(Text(f"{cell}", getattr(cell, "style", "")) for cell in row.values()))
    show(table)


def print_panel(title, facts):
    """Print `(word, text)` pairs in a box, in a pipe as lines; those without a text not."""
    facts = [(word, str(text)) for word, text in facts if text not in (None, "")]
    if not is_terminal():
        print(title, *map(": ".join, facts), sep="\n")
        return
    from rich.panel import Panel
    from rich.table import Column, Table

    grid = Table.grid(Column(style="dim", no_wrap=True), Column(overflow="fold"), padding=(0, 2))
    for fact in facts:
        grid.add_row(*fact)
    show(Panel(grid, title=title, title_align="left", expand=False))


def sparkline(values, columns):
    """Return a list of numbers as a line of bars, of at most `columns`: more are averaged."""
    n = min(columns, len(values))
    parts = [values[i * len(values) // n : (i + 1) * len(values) // n] for i in range(n)]
    means = [mean for mean in (sum(part) / len(part) for part in parts) if math.isfinite(mean)]
    low, span = min(means, default=0), max(means, default=0) - min(means, default=0)
    return "".join(BARS[round((len(BARS) - 1) * (mean - low) / (span or 1))] for mean in means)


def plot(curves):
    """Return two curves, `{title: numbers}`, over one another, as wide as the terminal.

    The scale is that of all but the first tenth of the steps, which may lie beyond the edges.
    """
    from rich.text import Text

    steps, rows = max(map(len, curves.values())), range(12)
    late = [v for curve in curves.values() for v in curve[steps // 10 :] if math.isfinite(v)]
    low, high = min(late, default=0), max(late, default=0)
    margin = len(f"{high:.3f} ")
    lines = [[" "] * width() for _ in rows]
    lines[0][:margin], lines[-1][:margin] = (f"{n:.3f}".ljust(margin) for n in (high, low))
    for mark, curve in zip(MARKS, curves.values()):
        for step, value in enumerate(curve):
            if math.isfinite(value):
                row = round(rows[-1] * (high - value) / (high - low or 1))
                line = lines[min(max(row, 0), rows[-1])]
                column = margin + (width() - margin - 1) * step // max(1, steps - 1)
                line[column] = mark if line[column] in (" ", mark) else "#"
    text = Text("\n".join(map("".join, lines)))
    for mark, style in MARKS.items():
        text.highlight_words([mark], style)
    legend = "   ".join(map(" ".join, zip(MARKS, (*curves, "both"))))
    return text.append(f"\n{legend}")
