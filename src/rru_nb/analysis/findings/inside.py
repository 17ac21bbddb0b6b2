"""What the views inside the RRU say (appendix C)."""

from ..inside import GRADIENT_STEPS
from .grids import NORMALIZE_TITLES

WINDOW = 200  # time steps of a training window
BACK = 50  # how far the gradient is followed back


def inside(frame):
    """How the pre-activation, the state and the gradient behave with and without normalization.

    Args:
        frame: of `inside_views`.
    """
    trained = frame[frame.when == "trained"]
    sentences = [
        f"The training {NORMALIZE_TITLES[kind]} failed; these are its best weights before."
        for kind in frame.attrs.get("failed", [])
    ]
    sentences += [_of_one(kind, rows) for kind, rows in trained.groupby("normalize", sort=False)]
    return " ".join(sentences)


def _of_one(kind, rows):
    by_step = rows.set_index("step")
    last = by_step.index.max()
    growth = by_step.h[last] / by_step.h[WINDOW]
    far, near = by_step.gradient[GRADIENT_STEPS - BACK], by_step.gradient[GRADIENT_STEPS - 1]
    return (
        f"After training {NORMALIZE_TITLES[kind]}, the root mean square of the pre-activation lies "
        f"between {by_step.z.min():.2g} and {by_step.z.max():.2g}; from step {WINDOW}, where "
        f"training windows end, to step {last} the state changes its size by a factor of "
        f"{growth:.2g}; {BACK} steps back the gradient has {100 * far / near:.2g} % of the size "
        "that it has one step back."
    )
