"""What the page Listen plays: a test piece as it goes on, and as trained models play on."""

import base64
import importlib.util
import io
import tempfile
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..data import catalogue
from ..data.midi import write_midi
from ..errors import UserError, check_choice
from ..tasks.music import KEYS
from ..training.config import CELL_TITLES
from . import models
from .sampling import continue_pieces, opening

DATA = "data"
RATE = 16_000  # samples a second: the highest notes have a few overtones below 8 kHz
_OVERTONES = (1.0, 0.5, 0.25, 0.12, 0.06)  # of each note; a plain sine is hard to tell in a chord
_COMPRESSION = 0.85  # of libsndfile's 0 to 1: about 3 kB a second


class Grid(NamedTuple):
    """How a music set is played."""

    steps_per_quarter: int
    tempo: float  # quarter notes a minute, our choice
    prime_frames: int  # time steps of the opening, if nobody says
    frames: int  # and after it


GRIDS = {  # chorales in quarter notes; tunes in eighths: 192 steps are 32 bars of a jig
    "jsb": Grid(1, 100.0, prime_frames=16, frames=40),
    "chorales": Grid(1, 100.0, prime_frames=16, frames=24),
    "nottingham": Grid(2, 120.0, prime_frames=24, frames=96),
}


def grid_of(dataset):
    """Return the `Grid` of a dataset; a `UserError` for one that has none."""
    return GRIDS[check_choice("dataset to listen to", dataset, GRIDS)]


# What is heard


@dataclass
class Listening:
    """A piece and its continuations by models.

    Attributes:
        dataset, temperature, piece: as asked for.
        n_prime: int, the time steps of the test piece that everything begins with.
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
    missing: list = ()
    whole: bool = True

    def captioned(self):
        """Return `{short title: roll}`, for a figure."""
        titles = {DATA: f"{self.dataset}, test piece {self.piece}"}
        titles |= {c: f"{t}, temperature {self.temperature:g}" for c, t in CELL_TITLES.items()}
        return {titles[name]: roll for name, roll in self.rolls.items()}

    def after_opening(self):
        """Return a frame with a row for each roll that goes on: `keys at once`, `silent, %`."""
        keys = {name: roll[self.n_prime :].sum(axis=1) for name, roll in self.rolls.items()}
        rows = {
            name: {"keys at once": n.mean(), "silent, %": 100 * (n == 0).mean()}
            for name, n in keys.items()
            if len(n)
        }
        return pd.DataFrame.from_dict(rows, orient="index")

    def players(self):
        """Return HTML: a player for each roll, with its MIDI file."""
        grid = grid_of(self.dataset)
        return "\n".join(
            player(roll, grid, self.title(name), f"{self.dataset}-{self.piece}-{name}")
            for name, roll in self.rolls.items()
        )

    def title(self, name):
        """Return what is heard in the roll of a name."""
        piece = f"test piece {self.piece} of {self.dataset}"
        if name == DATA:
            return piece if self.whole else f"the opening of {piece} (the data is not at hand)"
        after = f"after the first {self.n_prime} time steps of {piece}"
        return f"{CELL_TITLES[name]}, temperature {self.temperature:g}, {after}"


def listen(
    dataset,
    cells=("rru", "gru"),
    scale=None,
    temperature=1.0,
    prime_frames=None,
    frames=None,
    piece=models.PIECE,
    seed=0,
    train=False,
):
    """Let trained models play on after the opening of a test piece.

    Args:
        dataset: "jsb", "nottingham" or "chorales". cells: list of names.
        scale: of the models; None for the one whose weights are committed.
        temperature: float above 0. prime_frames, frames: ints, the time steps of the opening and
            after it; None for the dataset's own. piece: int, index into the test pieces.
        seed: int, of the draws. train: bool, whether to train where weights are missing.

    Returns:
        A `Listening`.

    Raises:
        UserError: if an argument is not valid, or asks for data that is not at hand.
    """
    grid = grid_of(dataset)
    configs = [models.listen_config(dataset, cell, scale) for cell in cells]
    n_prime = grid.prime_frames if prime_frames is None else prime_frames
    n_frames = grid.frames if frames is None else frames
    whole = _is_at_hand(dataset)
    missing = [config for config in configs if models.find(config) is None]
    if whole:
        written = _test_piece(configs[0], piece)
        opening(written, n_prime)  # refused before a training that would be for nothing
        if train:
            for config in missing:
                models.make(config)
            missing = []
    trained = [models.load(config) for config in configs if config not in missing]
    if not whole:
        written = _stored_opening(trained, dataset, piece)
    rolls = {DATA: written[: n_prime + n_frames]} if len(written) else {}
    for config, model, _ in trained:
        prime = opening(written, n_prime)
        (played,) = continue_pieces(model, [prime], n_frames, temperature, seed)
        rolls[config.cell] = np.concatenate([prime, played])
    return Listening(dataset, temperature, piece, n_prime, rolls, configs, missing, whole)


def _is_at_hand(dataset):
    return next(row["found"] != "missing" for row in catalogue() if row["name"] == dataset)


def _test_piece(config, piece):
    test = models.pieces(config, "test")
    if type(piece) is not int or not 0 <= piece < len(test):
        raise UserError(
            f"piece {piece!r} is no test piece of {config.dataset}: give a whole number from 0 to "
            f"{len(test) - 1}."
        )
    return test[piece]


def _stored_opening(trained, dataset, piece):
    if piece != models.PIECE:
        raise UserError(
            f"piece {piece!r} of {dataset} needs the data, which is not at hand: "
            f"`rru-nb data fetch {dataset}`, or piece {models.PIECE}, whose opening lies beside "
            "the weights."
        )
    return trained[0].opening if trained else np.zeros([0, KEYS], np.uint8)


# Sound


def player(roll, grid, title, name):
    """Return HTML of a player and of a link to its MIDI file, the files inside.

    Args:
        roll: array [T, 88]. grid: a `Grid`. title: str, what is heard.
        name: str, of the MIDI file without its ending.
    """
    files = midi_and_audio(roll, grid)
    midi, audio = (base64.b64encode(content).decode("ascii") for content in files)
    label, file = escape(title, quote=True), escape(f"{name}.mid", quote=True)
    return (
        f'<p class="rru-player"><strong>{label}</strong><br>\n'
        f'<audio controls style="width: 100%" aria-label="{label}" '
        f'src="data:audio/mpeg;base64,{audio}"></audio><br>\n'
        f'<a download="{file}" href="data:audio/midi;base64,{midi}">'
        f"{file}</a>, {len(files[0]):,} bytes</p>"
    )


def midi_and_audio(roll, grid):
    """Return a piano roll as the bytes of a MIDI file and of an MP3 file, made from it.

    Args:
        roll: array [T, 88] of 0 and 1 with at least one note. grid: a `Grid`.

    Raises:
        UserError: if the roll is none or silent, or the package soundfile is missing.
    """
    if importlib.util.find_spec("soundfile") is None:
        raise UserError("the package 'soundfile' writes the sound and is missing: pip install it.")
    import pretty_midi
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        path = write_midi(roll, Path(folder) / "roll.mid", grid.steps_per_quarter, grid.tempo)
        sound = pretty_midi.PrettyMIDI(str(path)).synthesize(fs=RATE, wave=_wave)
        midi, audio = path.read_bytes(), io.BytesIO()
    options = {"bitrate_mode": "VARIABLE", "compression_level": _COMPRESSION}
    soundfile.write(audio, 0.8 * sound, RATE, "MPEG_LAYER_III", format="MP3", **options)
    return midi, audio.getvalue()


def _wave(phase):
    return sum(a * np.sin((k + 1) * phase) for k, a in enumerate(_OVERTONES))
