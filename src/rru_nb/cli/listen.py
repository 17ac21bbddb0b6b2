"""The commands behind the page "Listen": `rru-nb weights`, `rru-nb listen`."""


def add_to(commands):
    """Adds the commands to the subparsers of `rru-nb`."""
    weights = commands.add_parser(
        "weights",
        help="train a small music model and keep its weights, for the page Listen",
        description="Trains the model that params/listen.yml declares, writes its record as "
        "`rru-nb run` does, and its weights under results/weights/.",
    )
    weights.add_argument("--dataset", required=True, help="a music set, e.g. jsb")
    weights.add_argument("--cell", required=True, help="rru, gru, lstm or mogrifier")
    weights.add_argument("--scale", help="laptop (default, as declared) or smoke")
    weights.add_argument("--seed", type=int, default=0, help="default 0")
    weights.add_argument("--quiet", action="store_true", help="no progress bar")
    weights.set_defaults(do=_weights)
    listen = commands.add_parser(
        "listen",
        help="count what the kept models play beside the data, for the page Listen",
        description="Lets the models of `rru-nb weights` play on after the opening of each test "
        "piece and writes what can be counted, theirs and the data's, to results/listen/.",
    )
    listen.add_argument("--dataset", required=True, help="jsb, nottingham or chorales")
    listen.set_defaults(do=_listen)


def _weights(options):
    from ..listen import models
    from ..training.records import find_record

    config = models.listen_config(options.dataset, options.cell, options.scale, options.seed)
    stored = models.find(config) is not None
    path = models.make(config, progress=not options.quiet)
    print(
        "stored weights:" if stored else "new weights:", f"{path} ({path.stat().st_size:,} bytes)"
    )
    record = find_record(config)
    if record:
        scores = "  ".join(f"{name} {value:.4f}" for name, value in record["test"].items())
        print(f"record {config.id}: test  {scores}")


def _listen(options):
    from ..data import canonical_name
    from ..listen import counts, models
    from ..listen.player import grid_of

    dataset = canonical_name(options.dataset)
    grid_of(dataset)
    counts.check_room(dataset)
    path = counts.write(counts.count(dataset, models.settings()["cells"]))
    print(f"counted: {path}")
