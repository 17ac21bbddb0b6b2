"""`rru-nb run`, `show` and `compare`: one run, its record, two records; `rru-nb settings`."""

from contextlib import suppress
from itertools import zip_longest
from typing import Annotated

from typer import Option

from ..data.registry import DATASETS_BY_NAME
from ..errors import UserError
from ..layers.registry import CELL_TITLES
from ..training.config import RunConfig, command, metric_for, paper_config
from ..training.provenance import device_name
from ..training.records import finished_record, found_path, read_records
from ..training.settings import IDENTITY, changeable, owners_of, value_of
from . import options, output

_SET = "change a setting; may be given several times; `rru-nb settings` lists them"
_Changes = Annotated[
    list[str], Option("--set", metavar="NAME=VALUE", help=_SET, autocompletion=options.settings)
]


def run(
    dataset: options.Dataset,
    cell: options.Cell,
    scale: options.Scale = "paper",
    seed: options.Seed = 0,
    changes: _Changes = (),
    quiet: options.Quiet = False,
):
    """Train one setting, or show its record if there is one."""
    config = paper_config(dataset, cell, scale, seed, **parsed(changes))
    record, word = finished_record(config), "stored record"
    if record is None:
        from ..experiments.engines import run_afresh

        record, word = run_afresh(config, progress=not quiet), "new record"
    ends = [(word, found_path(config)), ("next", next_command(config, record))]
    output.print_panel(title_of(record), [*facts_of(record), *ends])


def next_command(config, record):
    """Return the command that is of most use after a run."""
    if record.get("failure"):
        return f"rru-nb show {config.id}"
    if config.scale == "smoke":  # all that one can learn of it is that everything works
        return command(paper_config(config.dataset, config.cell, "laptop"))
    return f"rru-nb results --dataset {config.dataset}"


def parsed(assignments):
    """Return `{"dropout": 0.5}` for `["dropout=0.5"]`; values are read as YAML scalars."""
    changes = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        name = name.strip()
        if not (equals and value.strip()):
            raise UserError(f"--set {assignment!r} is not NAME=VALUE, e.g. --set dropout=0.5")
        if name in IDENTITY:
            raise UserError(f"--set {assignment!r}: that is the option --{name}.")
        if name in changes:
            raise UserError(
                f"--set {name} is given twice, the last as {value!r}. Give one of them."
            )
        changes[name] = value_of(value)
    return changes


def settings():
    """List what `run --set` may change."""
    rows = []
    for name, s in changeable().items():
        whose = ", ".join(CELL_TITLES[cell] for cell in owners_of(name)) or s.whose
        rows.append({"setting": name, "meaning": s.meaning, "valid": s.wanted, "of": whose})
    output.print_table(rows)


def show(record_id: options.RecordId):
    """Show one record: scores, curve, settings, where it is from."""
    record = find(record_id)
    device, commit = record.get("device"), record.get("commit") or {}
    origin = {
        "curve": _curve_text(*curve_of(record)),
        "device": device and device_name(device),
        "versions": output.join(record.get("versions") or {}),
        "commit": commit.get("sha") and commit["sha"] + " +" * bool(commit["dirty"]),
        "started": record["started"],
        "record": record["path"],
        "again": command(RunConfig.from_dict(record["config"])),
    }
    output.print_panel(title_of(record), [*facts_of(record), *origin.items()])


def find(prefix):
    """Return the record whose id begins with `prefix`; a `UserError` unless it is one."""
    fits = [r for r in read_records() if prefix and r["id"].startswith(prefix.casefold())]
    if not fits:
        raise UserError(f"no id begins with {prefix!r}; `rru-nb results --runs` lists them.")
    if len(fits) > 1:
        some = ", ".join(sorted(record["id"] for record in fits)[:5])
        raise UserError(f"{prefix!r} begins {len(fits)} ids, as {some}. Give more digits.")
    return fits[0]


def title_of(record):
    """Return what a record is of: `"RRU on JSB Chorales, scale paper, seed 0, 580a0e134f89"`."""
    config = record["config"]
    cell, dataset = CELL_TITLES[config["cell"]], DATASETS_BY_NAME[config["dataset"]].title
    return f"{cell} on {dataset}, scale {config['scale']}, seed {config['seed']}, {record['id']}"


def facts_of(record):
    """Return what came of a run as pairs of a word and a text: scores, paper, size, time."""
    ended = "failed" if record["status"] == "failed" else "ended by a failure"
    reasons = (record.get("failure") or {}).items()
    # Not those recorded: what is known of the paper's setting may have changed since.
    differences = RunConfig.from_dict(record["config"]).differences
    differs = [f"{n} {c['paper']} -> {c['here']}" for n, c in differences.items()]
    best = f", the best one {record['best_epoch']}" if record["best_epoch"] else ""
    return [
        *((split, output.join(record[split], ".4f")) for split in ("test", "valid")),
        ("paper", _paper_text(record)),
        (ended, output.join({name: value for name, value in reasons if value is not None})),
        ("model", f"{record['n_params']:,} parameters, n = {record['units']}"),
        ("training", f"{len(record['epochs'])} epochs in {record['seconds'] / 60:.1f} min{best}"),
        ("differs from the paper", ", ".join(differs)),
    ]


def _paper_text(record):
    if not record["published"]:
        return None
    metric, value = record["published"]["metric"], record["published"]["value"]
    score = record["test"].get(metric)
    if record["config"]["scale"] != "paper" or score is None:
        return f"{metric} {value} (scale paper)"
    if metric == "accuracy":
        return f"{metric} {value}; this run {score - value:+.2f} points"
    return f"{metric} {value}; this run {100 * (score / value - 1):+.1f} %"


def curve_of(record):
    """Return the name and the values of the metric that stopped a training, an epoch each."""
    name = f"{record['config']['select_on']}_{metric_for(record['config'])}"
    return name, [epoch[name] for epoch in record["epochs"] if name in epoch]


def _curve_text(name, values):
    if not values:
        return None
    bars = output.sparkline(values, max(10, output.width() - 30))
    ends = f"{values[0]:.3f} to {values[-1]:.3f} in {len(values)} epochs"
    return f"{bars}\n{name} from {ends}, between {min(values):.3f} and {max(values):.3f}"


def compare(first: options.RecordId, second: options.RecordId):
    """Show how two records differ: settings, scores, curves."""
    pair = [find(first), find(second)]
    if pair[0]["id"] == pair[1]["id"]:
        raise UserError(f"{first!r} and {second!r} are the same record, {pair[0]['id']}.")
    a, b = map(_facts_to_compare, pair)
    output.print_table([_compared(n, a.get(n), b.get(n)) for n in a | b if a.get(n) != b.get(n)])
    curves = {f"{n}, {curve_of(r)[0]}": curve_of(r)[1] for n, r in zip(("first", "second"), pair)}
    if not all(curves.values()):
        return
    print()
    if output.is_terminal():
        output.show(output.plot(curves))
    else:
        epochs = enumerate(zip_longest(*curves.values()), 1)
        output.print_table([dict(zip(("epoch", *curves), (n, *v))) for n, v in epochs])


def _facts_to_compare(record):
    """Return settings and outcome of a record, by the names of their rows."""
    facts = {"id": record["id"]} | record["config"]
    with suppress(UserError):  # of a setting to come
        facts |= RunConfig.from_dict(record["config"]).as_dict()  # with those added since
    for split in ("valid", "test"):
        facts |= {f"{split} {metric}": value for metric, value in record[split].items()}
    facts |= {"parameters": record["n_params"], "state size": record["units"]}
    facts |= {"best epoch": record["best_epoch"], "epochs": len(record["epochs"])}
    return facts | {name: record[name] for name in ("status", "seconds")}


def _compared(name, first, second):
    numbers = all(type(value) in (int, float) for value in (first, second))
    difference = f"{second - first:+.4g}" if numbers else ""
    texts = [f"{v:.6g}" if isinstance(v, float) else v for v in (first, second)]
    return {"": name, "first": texts[0], "second": texts[1], "difference": difference}
