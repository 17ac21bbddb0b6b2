"""What the figures of the datasets show, in words, from the frames that they are drawn from."""

import numpy as np

from ..datasets.shown import WINDOW


def lengths(frame):
    """Which share of each set's pieces is longer than a window.

    Args:
        frame: of `datasets.shown.lengths`; the other functions take the frame of their name.
    """
    told = [f"{row.over:.0f} % in {row.set}" for row in _named(frame, over="over a window, %")]
    longest = frame.loc[frame.longest.idxmax()]
    return (
        f"Longer than a window of {WINDOW} time steps, by share of the pieces: {_listed(told)}. "
        f"The longest piece has {longest.longest:,.0f} steps ({longest.set})."
    )


def pitches(frame):
    """How many keys the middle nine tenths of the notes span in each set."""
    told = []
    for name, group in frame.groupby("set", sort=False):
        shares = group["% of the notes"].cumsum().to_numpy()
        low, high = (group.pitch.to_numpy()[np.searchsorted(shares, q)] for q in (5, 95))
        told.append(f"{high - low + 1} in {name}")
    return f"Keys that the middle nine tenths of the notes span: {_listed(told)}."


def polyphony(frame):
    """The most frequent number of keys at once in each set."""
    told = []
    for name, group in frame.groupby("set", sort=False):
        top = group.loc[group["% of the time steps"].idxmax()]
        told.append(
            f"{top['keys']} keys in {name} ({top['% of the time steps']:.0f} % of its steps)"
        )
    return f"Most often sound at once: {_listed(told)}."


def coverage(frame):
    """How many symbols it takes to cover half and 95 % of each text."""
    told = []
    for name, group in frame.groupby("text", sort=False):
        half, most = (_reaching(group, percent) for percent in (50, 95))
        told.append(f"{name} {half} and {most}")
    return (
        "Symbols that it takes to cover half of the running text and 95 % of it, the most frequent "
        f"first, up to the curve's next point: {_listed(told, '; ')}."
    )


def _reaching(group, percent):
    enough = group[group["% of the training text"] >= percent]
    return f"{enough.k.min():,}" if len(enough) else "more than there are"


def review_lengths(frame, numbers):
    """Say which share of the reviews the cut at 512 words shortens, and how long most are.

    Args:
        frame: of `datasets.shown.review_lengths`. numbers: the statistics it was made of.
    """
    shares = frame["% of the reviews"]
    splits = [numbers[name] for name in ("train", "valid", "test")]
    cut = 100 * sum(s["over_512"] for s in splits) / sum(s["examples"] for s in splits)
    top = frame.loc[shares.idxmax()]
    return (
        f"The cut at 512 words takes the beginning of {cut:.0f} % of the reviews; the most "
        f"frequent length is {top['from']:.0f} to {top['to']:.0f} words ({shares.max():.0f} %)."
    )


def ink(frame):
    """How many time steps at either end are blank, almost."""
    first, last = (_hold_at_most(0.005, ink) for ink in (frame.pixel, frame.pixel[::-1]))
    return (
        f"Of {len(frame)} steps the first {first} hold half a per cent of the ink, and the last "
        f"{last} another."
    )


def _hold_at_most(share, ink):
    """How many of the first steps hold this share of the ink or less."""
    return int((ink.cumsum() <= (share + 1e-9) * ink.sum()).sum())


def _named(frame, **columns):
    return frame.rename(columns={title: name for name, title in columns.items()}).itertuples()


def _listed(told, separator=", "):
    return separator.join(told)
