"""From a piano roll to something that can be heard: MIDI by pretty_midi, MP3 by libsndfile."""

import base64
import importlib.util
import io
import tempfile
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from ..data.midi import write_midi
from ..errors import UserError, check_choice

RATE = 16_000  # samples a second: the highest notes have a few overtones below 8 kHz
_OVERTONES = (1.0, 0.5, 0.25, 0.12, 0.06)  # of each note; a plain sine is hard to tell in a chord
_COMPRESSION = 0.85  # of libsndfile's 0 to 1: about 3 kB a second


@dataclass(frozen=True)
class Grid:
    """How a music set is played.

    Attributes:
        steps_per_quarter: time steps of a quarter note. tempo: quarter notes a minute, ours.
        prime_frames, frames: how many time steps open, and how many follow, if nobody says.
    """

    steps_per_quarter: int
    tempo: float
    prime_frames: int
    frames: int

    @property
    def seconds(self):
        """Of a time step."""
        return 60.0 / (self.tempo * self.steps_per_quarter)


GRIDS = {  # chorales in quarter notes; tunes in eighths: 192 steps are 32 bars of a jig
    "jsb": Grid(1, 100.0, prime_frames=16, frames=40),
    "chorales": Grid(1, 100.0, prime_frames=16, frames=24),
    "nottingham": Grid(2, 120.0, prime_frames=24, frames=96),
}


def grid_of(dataset):
    """The `Grid` of a dataset; a `UserError` for one that has none."""
    return GRIDS[check_choice("dataset to listen to", dataset, GRIDS)]


def midi_and_audio(roll, grid):
    """A piano roll as the bytes of a MIDI file and of an MP3 file, the one made from the other.

    Args:
        roll: array [T, 88] of 0 and 1 with at least one note. grid: a `Grid`.

    Raises:
        UserError: if the roll is none or silent, or the package soundfile is missing.
    """
    check_packages()
    import pretty_midi

    with tempfile.TemporaryDirectory() as folder:
        path = write_midi(roll, Path(folder) / "roll.mid", grid.steps_per_quarter, grid.tempo)
        sound = pretty_midi.PrettyMIDI(str(path)).synthesize(fs=RATE, wave=_wave)
        return path.read_bytes(), _mp3(sound)


def check_packages():
    """Raises a `UserError` if what writes MP3 is not installed."""
    if importlib.util.find_spec("soundfile") is None:
        raise UserError("the package 'soundfile' writes the sound and is missing: pip install it.")


def _wave(phase):
    return sum(a * np.sin((k + 1) * phase) for k, a in enumerate(_OVERTONES))


def _mp3(sound):
    import soundfile

    file = io.BytesIO()
    options = {"bitrate_mode": "VARIABLE", "compression_level": _COMPRESSION}
    soundfile.write(file, 0.8 * sound, RATE, "MPEG_LAYER_III", format="MP3", **options)
    return file.getvalue()


def player(roll, grid, title, name):
    """HTML of a player with a download of its MIDI file, both inside: no file, no other host.

    Args:
        roll: array [T, 88]. grid: a `Grid`. title: str, what is heard.
        name: str, of the MIDI file without its ending.
    """
    midi, audio = midi_and_audio(roll, grid)
    label, file = escape(title, quote=True), escape(f"{name}.mid", quote=True)
    return (
        '<p class="rru-player"><strong>' + label + "</strong><br>\n"
        f'<audio controls style="width: 100%" aria-label="{label}" '
        f'src="data:audio/mpeg;base64,{_base64(audio)}"></audio><br>\n'
        f'<a download="{file}" href="data:audio/midi;base64,{_base64(midi)}">'
        f"{file}</a>, {len(midi):,} bytes</p>"
    )


def _base64(content):
    return base64.b64encode(content).decode("ascii")
