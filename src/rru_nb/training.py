"""The one training loop: a config in, a record out. It knows no task and no cell."""

import datetime
import math
import time
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from . import provenance
from .budget import units_within
from .progress import Progress
from .radam import RAdam
from .records import SCHEMA, find_record, write_record
from .tasks import task_for


def run(config, progress=True):
    """The record of a run: the stored one if there is one, else trained, written, returned.

    Early stopping and the choice of weights go by the validation score; the test data is
    scored once, at the end, with the best weights.

    Args:
        config: a `RunConfig`, see `paper_config`.
        progress: bool, whether to show a progress bar.

    Returns:
        The record, a dict; see the book's page on records for its fields.

    Raises:
        UserError: if the data is not at hand or the budget too small. A training that
            diverges raises nothing: its record has the status "failed".
    """
    record = find_record(config)
    if record is None:
        record = train(config, progress)
        write_record(record)
    return record


def train(config, progress=True):
    """Trains a config whatever is stored, and returns its record without writing it."""
    started, clock = datetime.datetime.now(datetime.UTC), time.perf_counter()
    commit = provenance.commit()  # now: the checkout may move on while the run goes on
    keras.utils.set_random_seed(config.seed)
    task = task_for(config)
    units = config.units or units_within(task.parameters, config.n_params)
    model = task.network(units)
    fit = _Fit(config, task, model)
    with Progress(config, enabled=progress) as bar:
        while fit.goes_on():
            fit.epoch(bar)
    scores = fit.final_scores()
    return {
        "schema": SCHEMA,
        "id": config.id,
        "config": config.as_dict(),
        "differences": config.differences,
        "published": config.published,
        "status": "failed" if fit.failure else "ok",
        "failure": fit.failure,
        "units": units,
        "n_params": model.count_params(),
        "recurrence": sorted({_recurrence(layer) for layer in model.layers} - {None}),
        "epochs": fit.history,
        "best_epoch": fit.best_epoch,
        **scores,
        "seconds": round(time.perf_counter() - clock, 1),
        "started": started.isoformat(timespec="seconds"),
        "device": provenance.device(),
        "versions": provenance.versions(),
        "data": {
            "name": task.splits.name,
            "digest": task.splits.digest,
            "source": task.splits.source,
        },
        "commit": commit,
    }


def _recurrence(layer):
    if not isinstance(layer, keras.layers.RNN):
        return None
    return "fused" if getattr(layer, "fused", False) else "cell"


@dataclass
class _Fit:
    """One training under way: epochs, early stopping, the best weights."""

    config: object
    task: object
    model: keras.Model
    history: list = field(default_factory=list)
    best_epoch: int | None = None
    best_score: float | None = None
    failure: dict | None = None

    def __post_init__(self):
        self.optimizer = RAdam(
            learning_rate=self.config.learning_rate,
            clip_multiplier=self.config.clip_multiplier,
            variant=self.config.optimizer,
        )
        self.optimizer.build(self.model.trainable_variables)
        self.best_weights = self.model.get_weights()
        self._step = tf.function(self._train_step, input_signature=[self.task.batch_spec])

    def _train_step(self, batch):
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            loss = self.task.loss(self.model, batch)
        # Zero rather than None for what a loss does not touch: a classifier reads the last
        # layer's state, so that W^o of that layer has no part in it.
        unconnected = tf.UnconnectedGradients.ZERO
        self.optimizer.apply(tape.gradient(loss, variables, unconnected), variables)
        return loss

    def goes_on(self):
        """Whether another epoch is due."""
        done = len(self.history)
        waited = done - (self.best_epoch or 0)
        limit = self.config.max_epochs or math.inf
        return not self.failure and waited < self.config.patience and done < limit

    def epoch(self, bar):
        """Trains one epoch and scores it; a loss that is not finite ends the training."""
        clock, number = time.perf_counter(), len(self.history) + 1
        losses, sizes = [], []
        batches = list(self.task.train_batches(number))
        bar.start_epoch(number, len(batches))
        for i, batch in enumerate(batches):
            losses.append(float(self._step(batch)))
            sizes.append(len(next(iter(batch.values()))))
            bar.step(losses[-1])
            if not math.isfinite(losses[-1]):
                self.failure = {"epoch": number, "step": i + 1, "loss": str(losses[-1])}
                return
        scores = self.task.evaluate(self.model, self.config.select_on)
        self.history.append(
            {
                "epoch": number,
                "train_loss": float(np.average(losses, weights=sizes)),
                **{f"{self.config.select_on}_{k}": v for k, v in scores.items()},
                "seconds": round(time.perf_counter() - clock, 2),
            }
        )
        if not all(math.isfinite(v) for v in scores.values()):
            self.failure = {"epoch": number, "step": len(batches), "loss": "validation"}
            self.history.pop()
            return
        self._keep_if_best(number, scores[self.config.metric])
        bar.end_epoch(self.history[-1], self.best_epoch, self.best_score)

    def _keep_if_best(self, number, score):
        if self.task.is_better(score, self.best_score):
            self.best_epoch, self.best_score = number, score
            self.best_weights = self.model.get_weights()

    def final_scores(self):
        """Validation and test metrics of the best weights; empty for a failed training."""
        if self.failure:
            return {"valid": {}, "test": {}}
        self.model.set_weights(self.best_weights)
        return {split: self.task.evaluate(self.model, split) for split in ("valid", "test")}
