"""What the notebook on the datasets draws of texts, reviews and digits."""

import matplotlib.pyplot as plt
import seaborn as sns

_LINES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]
_SIDE = 28  # pixels of a digit's side


def coverage_curves(frame):
    """Share of the running symbols that the k most frequent ones cover, a line a vocabulary.

    Args:
        frame: of `datasets.shown.coverage`.
    """
    figure, ax = plt.subplots(figsize=(8, 4.2))
    palette = sns.color_palette("colorblind", frame.text.nunique())
    for i, (label, points) in enumerate(frame.groupby("text", sort=False)):
        style = {"linestyle": _LINES[i % len(_LINES)], "color": palette[i]}
        ax.plot(points.k, points["% of the training text"], label=label, **style)
    ax.set(xscale="log", ylim=(0, 101))
    ax.set(xlabel="the k most frequent symbols", ylabel="% of the training text")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.legend()
    return figure


def review_lengths(frame):
    """How long the reviews are, the cut at 512 words marked.

    Args:
        frame: of `datasets.shown.review_lengths`.
    """
    figure, ax = plt.subplots(figsize=(8, 3.6))
    shares, width = frame["% of the reviews"], frame.to - frame["from"]
    colour = sns.color_palette("colorblind")[1]
    ax.bar(frame["from"], shares, width=width, align="edge", color=colour, edgecolor="white")
    ax.axvline(512, color="0.3", linestyle="--", linewidth=1)
    ax.text(522, shares.max() * 0.92, "the last 512 words are kept", color="0.3", fontsize="small")
    ax.set(xlabel="words of a review (the last bar: 950 and more)", ylabel="% of the reviews")
    return figure


def digit_as_sequence(frame, label):
    """One digit three times: as an image, row by row as a sequence, and permuted.

    Args:
        frame: of `datasets.shown.digit`. label: the digit's class.
    """
    figure, axes = plt.subplot_mosaic(
        [["image", "rows"], ["image", "permuted"]],
        figsize=(9, 3.2),
        width_ratios=[1, 2.4],
        layout="constrained",
    )
    image = frame["row by row"].to_numpy()
    axes["image"].imshow(image.reshape(_SIDE, _SIDE), cmap="gray_r")
    axes["image"].set(title=f"the digit {label}", xticks=[], yticks=[])
    axes["image"].grid(False)
    for name, values in (("rows", image), ("permuted", frame.permuted)):
        axes[name].fill_between(frame["time step"], values, step="mid", color="0.25")
        axes[name].set(xlim=(0, len(frame)), ylim=(0, 1.02), ylabel="pixel")
    axes["rows"].set(title="mnist: row by row", xticklabels=[])
    axes["permuted"].set(title="pmnist: the same pixels, permuted", xlabel="time step")
    return figure


def ink(frame):
    """Where the mean training digit has its ink, as an image and along the sequence.

    Args:
        frame: of `datasets.shown.ink`.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 2.8), width_ratios=[1, 2.4], layout="constrained"
    )
    left.imshow(frame.pixel.to_numpy().reshape(_SIDE, _SIDE), cmap="gray_r")
    left.set(title="mean digit", xticks=[], yticks=[])
    left.grid(False)
    right.fill_between(frame["time step"], frame.pixel, step="mid", color="0.25")
    right.set(title="along the sequence", xlim=(0, len(frame)), xlabel="time step", ylabel="pixel")
    return figure
