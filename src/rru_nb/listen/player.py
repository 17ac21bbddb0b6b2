"""What the page "Listen" plays: a test piece as it goes on, and as trained models play on."""

from dataclasses import dataclass, field

import numpy as np

from ..data import catalogue, load_dataset
from ..errors import UserError
from ..tasks.music import without_silences
from ..training.config import CELL_TITLES
from . import weights
from .declared import listen_config
from .music import grid_of, player
from .sampling import continue_pieces, opening

DATA = "data"


@dataclass
class Listening:
    """What is heard.

    Attributes:
        dataset, temperature, piece: as asked for.
        n_prime: int, the frames of the test piece that everything begins with.
        rolls: `{"data" or cell: uint8 [T, 88]}`, each with the opening.
        configs: the `RunConfig` of each cell asked for.
        missing: those of them that have no weights.
        whole: bool, whether the data was at hand; without, "data" is the stored opening alone.
    """

    dataset: str
    temperature: float
    piece: int
    n_prime: int
    rolls: dict
    configs: list
    missing: list = field(default_factory=list)
    whole: bool = True

    def titles(self):
        """`{"data" or cell: what is heard}`."""
        return {name: self._title(name) for name in self.rolls}

    def _title(self, name):
        piece = f"test piece {self.piece} of {self.dataset}"
        if name == DATA:
            return piece if self.whole else f"the opening of {piece} (the data is not at hand)"
        after = f"after the first {self.n_prime} time steps of {piece}"
        return f"{CELL_TITLES[name]}, temperature {self.temperature:g}, {after}"

    def captioned(self):
        """`{short title: roll}`, for a figure."""
        drawn = f"temperature {self.temperature:g}"
        written = f"{self.dataset}, test piece {self.piece}"
        return {
            written if name == DATA else f"{CELL_TITLES[name]}, {drawn}": roll
            for name, roll in self.rolls.items()
        }

    def players(self):
        """HTML: a player for each roll, with its MIDI file."""
        grid, titles = grid_of(self.dataset), self.titles()
        return "\n".join(
            player(roll, grid, titles[name], f"{self.dataset}-{self.piece}-{name}")
            for name, roll in self.rolls.items()
        )


def listen(
    dataset,
    cells=("rru", "gru"),
    scale=None,
    temperature=1.0,
    prime_frames=None,
    frames=None,
    piece=weights.PIECE,
    seed=0,
    train=False,
):
    """Lets trained models play on after the opening of a test piece.

    Args:
        dataset: "jsb", "nottingham" or "chorales". cells: list of names.
        scale: of the models; None for the declared one, whose weights are committed.
        temperature: float above 0. prime_frames, frames: ints, the time steps of the opening and
            after it; None for the dataset's own. piece: int, index into the test pieces.
        seed: int, of the draws. train: bool, whether to train where weights are missing.

    Returns:
        A `Listening`.

    Raises:
        UserError: if an argument is not valid, or asks for data that is not at hand.
    """
    grid = grid_of(dataset)
    configs = [listen_config(dataset, cell, scale) for cell in cells]
    n_prime = grid.prime_frames if prime_frames is None else prime_frames
    n_frames = grid.frames if frames is None else frames
    whole = _at_hand(dataset)
    missing = [config for config in configs if weights.find(config) is None]
    if whole:  # before a training that would be for nothing
        written = _piece(dataset, piece, configs[0])
        opening(written, n_prime)
    if train and missing and whole:
        for config in missing:
            weights.make(config)
        missing = []
    trained = [weights.load(config) for config in configs if config not in missing]
    if not whole:
        written = _stored(trained, piece, dataset)
    rolls = {DATA: written[: n_prime + n_frames]} if len(written) else {}
    for one in trained:
        prime = opening(written, n_prime)
        played = continue_pieces(one.model, [prime], n_frames, temperature, seed)[0]
        rolls[one.config.cell] = np.concatenate([prime, played])
    return Listening(dataset, temperature, piece, n_prime, rolls, configs, missing, whole)


def _at_hand(dataset):
    return next(row["found"] != "missing" for row in catalogue() if row["name"] == dataset)


def _piece(dataset, piece, config):
    pieces = load_dataset(dataset).test
    if type(piece) is not int or not 0 <= piece < len(pieces):
        raise UserError(
            f"piece {piece!r} is no test piece of {dataset}: give a whole number from 0 to "
            f"{len(pieces) - 1}."
        )
    return pieces[piece] if config.silences == "kept" else without_silences(pieces[piece])


def _stored(trained, piece, dataset):
    if piece != weights.PIECE:
        raise UserError(
            f"piece {piece!r} of {dataset} needs the data, which is not at hand: "
            f"`rru-nb data fetch {dataset}`, or piece {weights.PIECE}, whose opening lies beside "
            "the weights."
        )
    return trained[0].opening if trained else np.zeros([0, 88], np.uint8)
