"""What the notebook on the datasets draws of texts, reviews and digits."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

from .statistics.labelled import LENGTH_BINS
from .statistics.splits import SPLITS

_LINES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]
_SIDE = 28  # pixels of a digit's side


def coverage_curves(described):
    """Which share of the running symbols the k most frequent ones cover, a line a vocabulary.

    Args:
        described: `{label: [[k, share], ...]}`.
    """
    figure, ax = plt.subplots(figsize=(8, 4.2))
    palette = sns.color_palette("colorblind", len(described))
    for i, (label, points) in enumerate(described.items()):
        ranks, shares = np.transpose(points)
        line = _LINES[i % len(_LINES)]
        ax.plot(ranks, 100 * shares, linestyle=line, color=palette[i], label=label)
    ax.set(xscale="log", ylim=(0, 101))
    ax.set(xlabel="the k most frequent symbols", ylabel="% of the training text")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.legend()
    return figure


def coverages(texts, reviews):
    """The coverage curves of all texts and protocols, and of the reviews, by label."""
    curves = {
        f"{name}, {protocol}": numbers["coverage"]
        for name, text in texts.items()
        for protocol, numbers in text["protocols"].items()
    }
    return curves | {name: numbers["coverage"] for name, numbers in reviews.items()}


def review_lengths(numbers):
    """How long the reviews are in words, all splits together, with the cut at 500 marked."""
    figure, ax = plt.subplots(figsize=(8, 3.6))
    reviews = np.sum([numbers[split]["lengths"] for split in SPLITS], axis=0)
    edges = np.array(LENGTH_BINS)
    colour = sns.color_palette("colorblind")[1]
    shares = 100 * reviews / reviews.sum()
    ax.bar(edges[:-1], shares, width=np.diff(edges), align="edge", color=colour, edgecolor="white")
    ax.axvline(500, color="0.3", linestyle="--", linewidth=1)
    ax.text(510, shares.max() * 0.92, "the last 500 words are kept", color="0.3", fontsize="small")
    ax.set(xlabel="words of a review (the last bar: 950 and more)", ylabel="% of the reviews")
    return figure


def digit_as_sequence(image, permutation, label):
    """One digit three times: as an image, row by row as a sequence, and permuted.

    Args:
        image: array [784], 0 to 255. permutation: int array [784]. label: its class.
    """
    figure, axes = plt.subplot_mosaic(
        [["image", "rows"], ["image", "permuted"]],
        figsize=(9, 3.2),
        width_ratios=[1, 2.4],
        layout="constrained",
    )
    axes["image"].imshow(image.reshape(_SIDE, _SIDE), cmap="gray_r")
    axes["image"].set(title=f"the digit {label}", xticks=[], yticks=[])
    axes["image"].grid(False)
    for name, values in (("rows", image), ("permuted", image[permutation])):
        axes[name].fill_between(np.arange(len(values)), values / 255, step="mid", color="0.25")
        axes[name].set(xlim=(0, len(values)), ylim=(0, 1.02), ylabel="pixel")
    axes["rows"].set(title="mnist: row by row", xticklabels=[])
    axes["permuted"].set(title="pmnist: the same pixels, permuted", xlabel="time step")
    return figure


def ink(numbers):
    """Where the mean training digit has its ink, as an image and along the sequence.

    Args:
        numbers: statistics of `mnist`.
    """
    mean = np.array(numbers["ink"])
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 2.8), width_ratios=[1, 2.4], layout="constrained"
    )
    left.imshow(mean.reshape(_SIDE, _SIDE), cmap="gray_r")
    left.set(title="mean digit", xticks=[], yticks=[])
    left.grid(False)
    right.fill_between(np.arange(len(mean)), mean / 255, step="mid", color="0.25")
    right.set(title="along the sequence", xlim=(0, len(mean)), xlabel="time step", ylabel="pixel")
    return figure
