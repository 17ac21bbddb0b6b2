"""The numbers that are reported: what they are called, and which way is better."""

from dataclasses import dataclass

from ..errors import check_choice


@dataclass(frozen=True)
class Metric:
    """A number that a record holds.

    Attributes:
        name: in records, e.g. `"nll_window"`.
        title: for tables and axes, with the unit.
        unit: `"nats"`, `"bits"`, `"%"`, or `""` for a perplexity.
        higher_is_better: whether the larger of two numbers is the better one.
    """

    name: str
    title: str
    unit: str
    higher_is_better: bool = False

    @property
    def loss_title(self):
        """Return the title of what `loss` gives, with the unit."""
        return "errors in %" if self.higher_is_better else self.title

    def loss(self, score):
        """Return what is better when lower: the score itself, or the error rate of an accuracy."""
        return 100 - score if self.higher_is_better else score

    def score(self, loss):
        """Return the score of a loss."""
        return self.loss(loss)  # it is its own inverse


_METRICS = (
    Metric("nll_window", "NLL, mean of windows", "nats"),
    Metric("nll_batches", "NLL, mean of batches", "nats"),
    Metric("nll_frame", "NLL, mean of time steps", "nats"),
    Metric("perplexity", "perplexity", ""),
    Metric("perplexity_words", "perplexity, every word once", ""),
    Metric("bpc", "bits per character", "bits"),
    Metric("bpc_contiguous", "bits per character, every one once", "bits"),
    Metric("accuracy", "accuracy in %", "%", higher_is_better=True),
    Metric("cross_entropy", "cross-entropy", "nats"),
)
METRICS = {metric.name: metric for metric in _METRICS}


def metric_named(name):
    """Return the `Metric` of that name."""
    return METRICS[check_choice("metric", name, METRICS)]


def metric_of_row(metric, by_batches):
    """Return the metric of a row that compares runs: of music the authors' own average if it can.

    Args:
        metric: str, that of the runs. by_batches: list of bool, whether each run has `nll_batches`
            too, which the first records lack.
    """
    by_batches = list(by_batches)
    return "nll_batches" if metric == "nll_window" and by_batches and all(by_batches) else metric
