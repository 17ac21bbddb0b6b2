"""What a training shows while it runs: epoch, loss, validation, seconds left."""

import time

from ..storage import streams


class Progress:
    """A line over the batches of an epoch; `enabled=False` shows nothing.

    How long a training lasts is unknown before early stopping ends it, so the line gives the
    time until it would stop if no epoch were better than the best so far.
    """

    def __init__(self, config, enabled=True):
        self._config = config
        self._bar = streams.bar(
            disable=not enabled,
            bar_format="{desc}{n_fmt}/{total_fmt}{postfix}",
            dynamic_ncols=True,
            mininterval=0.5,
        )
        self._began, self._epochs, self._best, self._ends = time.perf_counter(), 0, "", None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._bar.close()

    def start_epoch(self, data, number, n_batches, done=0):
        """Begin an epoch of `n_batches` steps on `data`; `done` of them were taken before."""
        title = f"{data} {self._config.cell} {self._config.scale}"
        self._bar.set_description(f"{title}, epoch {number}")
        self._bar.reset(total=n_batches)
        self._bar.update(done)

    def step(self, loss):
        """Count one batch with its loss."""
        left = ""
        if self._ends is not None:
            left = f", {max(0.0, self._ends - time.perf_counter()):.0f} s left"
        self._bar.set_postfix_str(f"loss {loss:.3f}{self._best}{left}", refresh=False)
        self._bar.update()

    def end_epoch(self, scores, best_epoch, best_score):
        """Note the scores of an epoch and how long patience lasts."""
        self._epochs += 1
        per_epoch = (time.perf_counter() - self._began) / self._epochs
        left = best_epoch + self._config.patience - scores["epoch"]
        if self._config.max_epochs:
            left = min(left, self._config.max_epochs - scores["epoch"])
        self._best = f", best {best_score:.3f} ({best_epoch})"
        self._ends = time.perf_counter() + max(left, 0) * per_epoch
        watched = scores[f"{self._config.select_on}_{self._config.metric}"]
        self._bar.set_postfix_str(f"{self._config.select_on} {watched:.3f}{self._best}")
