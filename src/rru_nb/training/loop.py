"""One training under way: epochs, early stopping, the best weights, and its whole state."""

import math
import time
from dataclasses import dataclass, field

import keras
import numpy as np

from ..layers.backend import backend
from .interrupts import Stopped, stop_request
from .metrics import metric_named
from .radam import RAdam


@dataclass
class TrainingLoop:
    """A model, its optimizer, and how far the training is.

    Attributes:
        history: one dict for each epoch done.
        best_epoch, best_score, best_weights: by the metric that stops training.
        failure: where a number was not finite, which ends the training, or None.
        step: the compiled step of the backend, see `backend.TrainStep`; what reads the weights
            during an epoch calls `step.sync()` first.
        take_step: of a batch, its loss and the gradient's norm, once the weights have moved.
        losses, sizes: of the steps taken in the epoch under way.
        seconds: of the epoch under way before this process went on with it.
    """

    config: object
    task: object
    model: keras.Model
    history: list = field(default_factory=list)
    best_epoch: int | None = None
    best_score: float | None = None
    failure: dict | None = None
    losses: list = field(default_factory=list)
    sizes: list = field(default_factory=list)
    seconds: float = 0.0

    def __post_init__(self):
        self.optimizer = RAdam(
            learning_rate=self.config.learning_rate,
            clip_multiplier=self.config.clip_multiplier,
            variant=self.config.optimizer,
        )
        self.optimizer.build(self.model.trainable_variables)
        self.best_weights = self.model.get_weights()
        spec = self.task.batch_spec
        self.step = backend().TrainStep(self.model, self.optimizer, self.task.loss, spec)
        self.take_step = self.step

    @property
    def n_params(self):
        """The number of trainable parameters."""
        return sum(int(np.prod(v.shape)) for v in self.model.trainable_variables)

    def goes_on(self):
        """Return whether another epoch is due."""
        done = len(self.history)
        waited = done - (self.best_epoch or 0)
        limit = self.config.max_epochs or math.inf
        return not self.failure and waited < self.config.patience and done < limit

    def run(self, bar, save=None):
        """Train until early stopping, or a number that is not finite, ends it.

        Args:
            bar: a `Progress`.
            save: called as `save(epoch_ends)` with False after a step, True after an epoch,
                and None when a signal ends the training; returns whether it saved.

        Raises:
            Stopped: when SIGINT or SIGTERM came; the state is saved before.
        """
        with stop_request() as request:
            while self.goes_on():
                for epoch_ends in self._epoch(bar):
                    if save:
                        save(epoch_ends)
                    if request.signum is not None:
                        raise self._stopped(request.signum, save)
            self.step.sync()
            if request.signum is not None:  # it came in the step that failed, which saves nothing
                again = "stopped as the training failed; the same command repeats its last steps"
                raise Stopped(again, request.signum)

    def _stopped(self, signum, save):
        step = f"step {len(self.losses)} of epoch {len(self.history) + 1}"
        if save and save(None):
            return Stopped(f"saved at {step}; the same command goes on from there", signum)
        return Stopped(f"stopped at {step}; nothing could be saved", signum)

    def _epoch(self, bar):
        """Run one epoch; yield False after each step but a failed one, True at the epoch's end."""
        clock, number, before = time.perf_counter(), len(self.history) + 1, self.seconds
        batches = list(self.task.train_batches(number))
        bar.start_epoch(self.task.splits.name, number, len(batches), done=len(self.losses))
        for batch in batches[len(self.losses) :]:
            loss, norm = self.take_step(batch)
            self.losses.append(loss)
            self.sizes.append(len(next(iter(batch.values()))))
            bar.step(loss)
            if not (math.isfinite(loss) and math.isfinite(norm)):
                self._fail(loss=loss, gradient_norm=norm)
                return
            self.seconds = before + time.perf_counter() - clock
            yield False
        self.step.sync()
        scores = self.task.evaluate(self.model, self.config.select_on)
        if not all(math.isfinite(v) for v in scores.values()):
            self._fail(**{f"{self.config.select_on}_{k}": v for k, v in scores.items()})
            return
        self._end_epoch(scores, before + time.perf_counter() - clock)
        bar.end_epoch(self.history[-1], self.best_epoch, self.best_score)
        yield True

    def _fail(self, **numbers):
        if self.failure:  # before the final scores
            return
        where = {"epoch": len(self.history) + 1, "step": len(self.losses)}
        self.failure = where | {name: str(value) for name, value in numbers.items()}

    def _end_epoch(self, scores, seconds):
        number = len(self.history) + 1
        self.history.append(
            {
                "epoch": number,
                "train_loss": float(np.average(self.losses, weights=self.sizes)),
                **{f"{self.config.select_on}_{k}": v for k, v in scores.items()},
                "seconds": round(seconds, 2),
            }
        )
        self.losses, self.sizes, self.seconds = [], [], 0.0
        score, loss = scores[self.config.metric], metric_named(self.config.metric).loss
        if self.best_score is None or loss(score) < loss(self.best_score):
            self.best_epoch, self.best_score = number, score
            self.best_weights = self.model.get_weights()

    def final_scores(self):
        """Return validation and test metrics of the best weights; empty if no epoch scored.

        A training that became unstable after epochs that scored has these weights, too: the
        authors' code goes on with NaN until its patience ends, and tests the best checkpoint.
        """
        nothing = {"valid": {}, "test": {}}
        if self.best_epoch is None:
            return nothing
        self.model.set_weights(self.best_weights)
        scores = {split: self.task.evaluate(self.model, split) for split in nothing}
        flat = {f"{s}_{k}": v for s, of_split in scores.items() for k, v in of_split.items()}
        if not all(math.isfinite(v) for v in flat.values()):
            self._fail(**flat)
            return nothing
        return scores

    # The state of everything that a later step depends on

    _PLAIN = ("history", "best_epoch", "best_score", "losses", "sizes", "seconds")

    def _variables(self):
        # `model.variables` has the states of the seed generators, which `weights` leaves out.
        return [*self.model.variables, *self.optimizer.variables]

    def state(self):
        """Return `(arrays, meta)` from which `restore` goes on bit for bit."""
        self.step.sync()
        arrays = {f"variable_{i}": np.asarray(v) for i, v in enumerate(self._variables())}
        arrays |= {f"best_{i}": w for i, w in enumerate(self.best_weights)}
        return arrays, {name: getattr(self, name) for name in self._PLAIN}

    def restore(self, arrays, meta):
        """Take over a state that `state` gave in another process."""
        self.step.sync()
        for i, variable in enumerate(self._variables()):
            variable.assign(arrays[f"variable_{i}"])
        self.best_weights = [arrays[f"best_{i}"] for i in range(len(self.best_weights))]
        for name in self._PLAIN:
            setattr(self, name, meta[name])
