"""Section 4.2's search for hyperparameters: HyperOpt's TPE over Table 3's ranges.

Each trial is an ordinary record. An index, `results/trials/<search>.json`, says which records
are the trials of a search and in which order, so that an interrupted search goes on with new
points. Table 1 and its figures ask for runs by their settings and never see trials.
"""

import math

import attrs
import numpy as np

from ..data import canonical_name
from ..errors import UserError, check_choice
from ..storage import files, paths
from ..training.config import CELLS, KINDS, canonical_cell, paper_config
from ..training.metrics import metric_named
from .engines import InProcess
from .results import frame_of
from .sections import Point

SELECT_ON = ("valid", "test")  # "test" is what the authors' code does
_WHAT = "the list of trials"
_REMEDY = (
    "Move it away: the records of its trials are kept, and the search meets them again, one "
    "after the other, without training."
)
_DIGITS = 6  # significant digits of a tried value


@attrs.frozen
class Search:
    """A search: what it tunes, and by which score it chooses.

    TPE minimizes the score of the split `select_on`: "valid", or "test" as in the authors' code.
    Early stopping and the choice of weights go by validation either way. A name that there is
    not, or a search that has no ranges, is a `UserError`.
    """

    dataset: str = attrs.field(converter=canonical_name)
    cell: str = attrs.field(converter=canonical_cell)
    scale: str = "paper"
    select_on: str = "valid"
    seed: int = 0  # of the search and of every training

    def __attrs_post_init__(self):
        check_choice("select_on", self.select_on, SELECT_ON)
        self.config({})
        self.ranges()

    def ranges(self):
        """Return `{setting: {"range": [low, high], "scale": "log" or "uniform"}}`."""
        declared = _declared()
        of_data = declared.get(self.dataset, declared.get(KINDS[self.dataset]))
        if of_data is None:
            raise UserError(
                f"dataset {self.dataset!r} has no ranges in params/search.yml: the paper tunes "
                "the music sets and ptb-word (Table 3)."
            )
        ranges = of_data | declared["cells"].get(self.cell, CELLS[self.cell].search)
        sizes = declared["scales"].get(self.scale, {}).get(KINDS[self.dataset], {})
        if self.scale != "paper" and "n_params" not in sizes:
            raise UserError(f"scale {self.scale!r} has no sizes to search for {self.dataset!r}.")
        return ranges | {name: r for name, r in sizes.items() if name in ranges}

    def config(self, values):
        """Return the `RunConfig` of a trial with these values."""
        return paper_config(self.dataset, self.cell, self.scale, self.seed, **values)

    @property
    def path(self):
        """The file of its index."""
        names = [self.dataset, self.cell, self.scale, self.select_on, f"s{self.seed}"]
        return paths.results_dir() / "trials" / f"{'-'.join(names)}.json"

    def trials(self):
        """Return the trials so far: dicts with `id`, `values` and `loss` (None where it failed).

        Raises:
            UserError: if they were drawn from other ranges than today's.
        """
        path = paths.find_result("trials", self.path.name)
        if path is None:
            return []
        stored = files.read_json(path, _check, _REMEDY)
        if stored["ranges"] != self.ranges():
            raise UserError(
                f"{path} holds trials of other ranges than params/search.yml has now. "
                "Move it away, or search with another seed."
            )
        return stored["trials"]

    def add(self, trial):
        """Write one more trial to the index, if another process has not just done so."""
        lock = paths.state_dir() / "locks" / f"{self.path.stem}.lock"
        with files.alone(lock, f"adding to {self.path.name}"):
            trials = self.trials()
            if trial in trials:
                return
            content = {"ranges": self.ranges(), "trials": [*trials, trial]}
            files.write_json(self.path, content, _WHAT)


def searches(dataset, cells, scale="paper", select_on="valid"):
    """Return the searches of several cells; none where the paper, or the scale, has no ranges."""
    declared, kind = _declared(), KINDS[dataset]
    sizes = declared["scales"].get(scale, {})
    if not {dataset, kind} & set(declared) or (scale != "paper" and kind not in sizes):
        return []
    return [Search(dataset, cell, scale, select_on) for cell in cells]


def tune(search, n_trials=100, engine=None, say=print):
    """Run trials until a search has `n_trials`; return them as `Search.trials` does.

    The point of trial k depends on `(seed, k)` and the trials before it alone: a search that was
    interrupted ends as an undisturbed one. Where an engine runs B at a time, the last B - 1 may
    still be running: TPE takes these for failed ones, so that it looks elsewhere. The index grows
    in the order of the trials, whatever order they end in. An engine of `engines` trains, or this
    process; `say` is given a line for each trial.
    """
    done = search.trials()
    if len(done) >= n_trials:
        return done
    files.check_room(search.path, _WHAT)
    with engine or InProcess(progress=True) as running:
        _fill(search, n_trials, running, say)
    return search.trials()


def _fill(search, n_trials, engine, say):
    under_way, losses = [], {}

    def submit():
        while len(under_way) < engine.slots:
            done = search.trials()
            pending = [t for t in under_way if t["id"] not in {trial["id"] for trial in done}]
            if len(done) + len(pending) >= n_trials:
                return
            before = done + pending
            known = max(0, len(before) - engine.slots + 1)
            unknown = [trial | {"loss": None} for trial in before[known:]]
            values = suggest(search, before[:known] + unknown)
            config = search.config(values)
            under_way.append({"id": config.id, "values": values, "loss": None})
            engine.submit(config)

    submit()
    for config, record in engine:
        losses[config.id] = None
        if record["status"] != "failed":
            score = record[search.select_on][config.metric]
            losses[config.id] = metric_named(config.metric).loss(score)
        while under_way and under_way[0]["id"] in losses:
            trial = under_way.pop(0)
            trial["loss"] = losses[trial["id"]]
            search.add(trial)
            loss, point = trial["loss"], [f"{n} {v:,g}" for n, v in trial["values"].items()]
            outcome = "failed" if loss is None else f"{search.select_on} {loss:.4f}"
            place = f"[{len(search.trials())}/{n_trials}] {search.dataset} {search.cell}"
            say(f"{place}: {outcome} with {', '.join(point)}")
        submit()


def _check(stored):
    stored["ranges"]
    for trial in stored["trials"]:
        trial["id"], dict(trial["values"]), trial["loss"]


def _declared():
    return files.read_yaml(paths.params_dir() / "search.yml")


def suggest(search, done):
    """Return the values that TPE wants to see next, after the trials `done`."""
    import hyperopt
    from hyperopt.fmin import generate_trial

    values, documents = {}, []
    for number, trial in enumerate(done):
        result = {"status": "ok", "loss": trial["loss"]}
        if trial["loss"] is None:
            result = {"status": "fail"}
        ended = {"state": hyperopt.JOB_STATE_DONE, "result": result}
        documents.append(generate_trial(number, trial["values"]) | ended)
    hyperopt.fmin(
        lambda point: values.update(point) or 0.0,
        {name: _distribution(name, r) for name, r in search.ranges().items()},
        algo=hyperopt.tpe.suggest,
        max_evals=len(done) + 1,
        trials=hyperopt.trials_from_docs(documents, validate=False),
        rstate=np.random.default_rng([search.seed, len(done)]),
        show_progressbar=False,
        verbose=False,
    )
    return {name: _tidy(values[name], r["range"]) for name, r in search.ranges().items()}


def _distribution(name, declared):
    from hyperopt import hp

    low, high = declared["range"]
    if declared["scale"] == "log":
        return hp.loguniform(name, math.log(low), math.log(high))
    # `uniformint` would take millions of parameters for classes; `_tidy` rounds a whole number.
    return hp.quniform(name, low, high, 1) if isinstance(low, int) else hp.uniform(name, low, high)


def _tidy(value, bounds):
    if isinstance(bounds[0], int):
        return round(value)
    return min(max(float(f"{value:.{_DIGITS}g}"), bounds[0]), bounds[1])


def trials_frame(searches):
    """Return the trials of several searches as a frame, one row a trial; empty if there is none.

    Its columns are `trial` (from 1), each setting that is tuned, and those of `results.results`.
    """
    points = [
        Point({"trial": number} | trial["values"], search.config(trial["values"]))
        for search in searches
        for number, trial in enumerate(search.trials(), 1)
    ]
    return frame_of(points)
