"""What the page Listen plays: a test piece as it goes on, and as trained models play on."""

import base64
import importlib.util
import io
import tempfile
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from ..data import catalogue
from ..data.midi import write_midi
from ..data.music import LOWEST_PITCH
from ..data.registry import DATASETS_BY_NAME
from ..errors import UserError
from ..tasks.music import KEYS
from ..training.config import CELL_TITLES
from . import models
from .sampling import continue_pieces, opening
from .settings import grid_of, listen_config

DATA = "data"
RATE = 16_000  # samples a second: the highest notes have a few overtones below 8 kHz
_OVERTONES = (1.0, 0.5, 0.25, 0.12, 0.06)  # of each note; a plain sine is hard to tell in a chord
_COMPRESSION = 0.85  # of libsndfile's 0 to 1: about 3 kB a second


@dataclass
class Listening:
    """A piece and its continuations by models, as `listen` was asked for them."""

    dataset: str
    temperature: float
    piece: int
    n_prime: int  # the time steps of the test piece that everything begins with
    rolls: dict  # `{"data" or cell: uint8 [T, 88]}`, each with the opening
    configs: list  # the `RunConfig` of each cell asked for
    missing: list = ()  # those without weights

    def player(self, name, title=None):
        """Return HTML of the player of a roll; by its title if one is given, else by its name."""
        file = f"{self.dataset}-{self.piece}-{title or name}"
        title = title or self.title(name)
        return player(self.rolls[name], grid_of(self.dataset), title, file, self.n_prime)

    def title(self, name):
        """Return what is heard in the roll of a name."""
        piece = f"test piece {self.piece} of {DATASETS_BY_NAME[self.dataset].title}"
        if name == DATA:
            return f"T{piece[1:]}"
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
    """Let trained models play on after the opening of a test piece; return a `Listening`.

    Without the data, the piece is the one that is stored beside the weights.

    Args:
        dataset: one of `settings.GRIDS`. cells: list of names. temperature: float above 0.
        scale: of the models; None for the one whose weights are committed.
        prime_frames, frames: ints, the time steps of the opening and after it; None for those of
            `GRIDS`. piece: int, index into the test pieces. seed: int, of the draws.
        train: bool, whether to train where weights are missing.

    Raises:
        UserError: if an argument is not valid, or needs data that is not there.
    """
    grid = grid_of(dataset)
    configs = [listen_config(dataset, cell, scale) for cell in cells]
    n_prime = grid.prime_frames if prime_frames is None else prime_frames
    n_frames = grid.frames if frames is None else frames
    written = _test_piece(configs[0], piece) if _has_data(dataset) else None
    if train and written is not None:
        opening(written, n_prime)  # refused before a training that would be for nothing
        for config in configs:
            models.make(config)
    missing = [config for config in configs if models.find(config) is None]
    trained = [models.load(config) for config in configs if config not in missing]
    if written is None:
        written = _stored_piece(trained, dataset, piece)
    rolls = {DATA: written[: n_prime + n_frames]} if len(written) else {}
    for config, model, _ in trained:
        prime = opening(written, n_prime)
        (played,) = continue_pieces(model, [prime], n_frames, temperature, seed)
        rolls[config.cell] = np.concatenate([prime, played])
    return Listening(dataset, temperature, piece, n_prime, rolls, configs, missing)


def _has_data(dataset):
    return next(row["found"] != "missing" for row in catalogue() if row["name"] == dataset)


def _test_piece(config, piece):
    test = models.pieces(config, "test")
    if type(piece) is not int or not 0 <= piece < len(test):
        wanted = f"give a whole number from 0 to {len(test) - 1}"
        raise UserError(f"piece {piece!r} is no test piece of {config.dataset}: {wanted}.")
    return test[piece]


def _stored_piece(trained, dataset, piece):
    if piece != models.PIECE:
        raise UserError(
            f"piece {piece!r} of {dataset} needs the data: `rru-nb data fetch {dataset}`. Without "
            f"it there is piece {models.PIECE}, which lies beside the weights."
        )
    return trained[0].opening if trained else np.zeros([0, KEYS], np.uint8)


_PLAYER = Path(__file__).with_suffix(".html").read_text(encoding="utf-8").rstrip()
_OCTAVE = """<span style="position: absolute; left: 2px; font-size: 0.7rem;
 top: clamp(0.4rem, {top:.1f}%, 100% - 0.4rem); line-height: 0; opacity: 0.7">C{octave}</span>"""
_LINE = """<span style="position: absolute; left: {left:.2f}%; top: 0; bottom: 0;
 border-left: 2px dashed"></span>"""


def player(roll, grid, title, name, n_prime=0):
    """Return HTML that plays a roll [T, 88] by its `Grid`: notes with a playhead, sound, MIDI file.

    Args:
        title: str, what is heard. name: str, of the MIDI file without its ending.
        n_prime: int, time steps of the opening, before a dashed line; 0 for no line.
    """
    midi, audio = (base64.b64encode(b).decode("ascii") for b in midi_and_audio(roll, grid))
    used = np.flatnonzero(np.any(roll, axis=0))
    low, high = used.min() - 1, used.max() + 1
    steps, keys = len(roll), high - low + 1
    marks = [_LINE.format(left=100 * n_prime / steps)] if n_prime else []
    for key in range(low, high):
        octave, above_c = divmod(key + LOWEST_PITCH, 12)
        if not above_c:
            marks.append(_OCTAVE.format(top=100 * (high - key) / keys, octave=octave - 1))
    notes = "".join(f"M{t} {high - k}h1.03v1h-1.03z" for t, k in np.argwhere(roll))
    size = {"steps": steps, "keys": keys}
    size |= {"seconds": steps * 60 / (grid.tempo * grid.steps_per_quarter)}
    texts = {"title": escape(title, quote=True), "file": escape(name, quote=True)}
    content = {"notes": notes, "marks": "\n".join(marks), "midi": midi, "audio": audio}
    return _PLAYER.format(**size, **texts, **content)


def midi_and_audio(roll, grid):
    """Return a roll [T, 88], played by a `Grid`, as the bytes of a MIDI file and of an MP3 file."""
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
