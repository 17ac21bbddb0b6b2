"""What commands print: fitted to the width of a terminal, plain and complete in a pipe.

Standard output gets the answer alone; what is to be said about it goes to standard error.
"""

import math
import shutil
import sys
import textwrap

from ..storage.streams import tell

_SHORT = 14  # a column of such words is never broken
BARS = "▁▂▃▄▅▆▇█"


def is_terminal():
    """Return whether standard output is a terminal."""
    return sys.stdout.isatty()


def show(renderable):
    """Print what rich renders, at the width of the terminal."""
    from rich.console import Console

    Console(file=sys.stdout, highlight=False, markup=False).print(renderable)


def print_table(rows, styles=None):
    """Print rows as a table; in a pipe as columns parted by two spaces, nothing cut off.

    Args:
        rows: list of dicts with the same keys, the heads of the columns; of texts and numbers.
        styles: `{head: function of a row that returns rich's style}`, for a terminal.
    """
    if not rows:
        return
    lines = [{h: "" if cell is None else str(cell) for h, cell in row.items()} for row in rows]
    right = {h for h in rows[0] if all(_is_number(line[h]) for line in lines)}
    if is_terminal():
        _show_table(lines, right, rows, styles or {})
        return
    lines = [{h: cell or "-" for h, cell in line.items()} for line in lines]
    lines = [dict(zip(rows[0], rows[0])), *lines]
    width = {h: max(len(line[h]) for line in lines) for h in rows[0]}
    for line in lines:
        cells = [c.rjust(width[h]) if h in right else c.ljust(width[h]) for h, c in line.items()]
        print("  ".join(cells).rstrip())


def _is_number(cell):
    return cell.replace(".", "").lstrip("-").isdigit() or not cell


def _show_table(lines, right, rows, styles):
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for head in lines[0]:
        short = all(len(line[head]) <= _SHORT and " " not in line[head] for line in lines)
        side = "right" if head in right else "left"
        table.add_column(head, justify=side, overflow="fold", no_wrap=short)
    for line, row in zip(lines, rows):
        style = {head: of_row(row) or "" for head, of_row in styles.items()}
        table.add_row(*(Text(cell, style.get(head, "")) for head, cell in line.items()))
    show(table)


def print_panel(title, facts):
    """Print facts in a box; in a pipe as plain lines.

    Args:
        title: of the box. facts: list of `(word, text)`; without a text it is left out.
    """
    facts = [(word, str(text)) for word, text in facts if text not in (None, "")]
    if not is_terminal():
        print(title, *(f"{word}: {text}" for word, text in facts), sep="\n")
        return
    from rich.panel import Panel
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for fact in facts:
        grid.add_row(*fact)
    show(Panel(grid, title=title, title_align="left", expand=False))


def note(text):
    """Say something about the answer on standard error."""
    for line in textwrap.wrap(text, width()):
        tell(line)


def score(number, digits=4):
    """Return a score as tables have it; empty without one."""
    return "" if number is None else f"{number:.{digits}f}"


def width():
    """Return the columns of the terminal; of a pipe, which has none, 80."""
    return shutil.get_terminal_size((80, 24)).columns


def sparkline(values, columns, low=None, high=None):
    """Return a curve as a line of bars, the low ones small.

    Args:
        values: list of numbers. columns: the most bars; more values are averaged.
        low, high: the ends of the scale; None for those of the values.
    """
    n = min(columns, len(values))
    parts = [values[i * len(values) // n : (i + 1) * len(values) // n] for i in range(n)]
    means = [sum(part) / len(part) for part in parts]
    low, high = (min(means) if low is None else low), (max(means) if high is None else high)
    steps = len(BARS) - 1
    share = [(m - low) / (high - low) if high > low else 0.0 for m in means]
    return "".join(BARS[round(steps * min(1.0, max(0.0, s)))] for s in share if math.isfinite(s))
