"""What happens inside the RRU over time, with and without normalization."""

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

_PANELS = {
    "h": "RMS of the state h",
    "z": "RMS of the pre-activation z",
    "gradient": "gradient norm of the last loss",
}


def inside_lines(frame):
    """Draw the size of state and pre-activation and the norm of the gradient, by time step.

    Blue with normalization, orange without; dashed before training, solid after.

    Args:
        frame: of `inside_views`.
    """
    figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    colours = dict(zip((True, False), sns.color_palette("colorblind")))
    for (normalize, when), rows in frame.groupby(["normalize", "when"], sort=False):
        look = {"color": colours[normalize], "linestyle": "--" if when == "untrained" else "-"}
        label = f"{'with' if normalize else 'without'} normalization, {when}"
        for ax, column in zip(axes, _PANELS):
            rows[rows[column] > 0].plot("step", column, ax=ax, legend=False, label=label, **look)
    for ax, (column, title) in zip(axes, _PANELS.items()):
        ax.set(xlabel="time step", title=title, yscale="linear" if column == "z" else "log")
    # Untrained states decay to nothing, Z being zero: their tail would take the whole panel.
    # Without normalization a state may overflow: then its last finite sizes set the scale.
    axes[0].set_ylim(bottom=frame.h[np.isfinite(frame.h)].max() / 1000)
    axes[1].set_ylim(bottom=0)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
