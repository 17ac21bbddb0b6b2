"""A user's own music: MIDI files to piano rolls of the form of the music sets, and back.

>>> from rru_nb import load_dataset, read_midi, write_midi
>>> roll = load_dataset("chorales").test[0]
>>> write_midi(roll, "chorale.mid")
>>> bool((read_midi("chorale.mid") == roll).all())
True
"""

import warnings
from bisect import bisect_right
from itertools import accumulate
from math import ceil
from pathlib import Path

import numpy as np

from ..errors import UserError, check_count, check_number
from ..storage import files
from .midi_notes import read_music
from .music import KEYS, LOWEST_PITCH

MAX_BYTES = 1 << 19
MAX_STEPS = 100_000
MAX_STEPS_PER_QUARTER = 300
LONGEST_QUARTER = 2**24 - 1  # microseconds: a MIDI file's tempo has 24 bits
DEFAULT_TEMPO = 500_000  # microseconds a quarter note, until a file says otherwise
DRUMS = 9  # the channel, counted from 0
PIANO = "the 88 keys of a piano (MIDI pitches 21 to 108)"
TICKS_PER_STEP = 48
VELOCITY = 80


def read_midi(path, steps_per_quarter=1, step_seconds=None):
    """Read a MIDI file as a piano roll.

    Row t of the roll tells which keys sound at the moment at which step t begins: a note counts
    from its onset up to, not including, its end, and a note between two such moments is not
    seen. Instruments are laid on top of each other. Left out are drums (their numbers are no
    pitches) and the pedal; and with a warning notes beyond the 88 keys, notes that nothing ends,
    and tracks after as many as the header counts. Of all messages only notes and, for seconds,
    tempo have to be right.

    Args:
        path: of a MIDI file (type 0 or 1) of at most 512 KiB.
        steps_per_quarter: time steps of a quarter note: 1 as in JSB Chorales, 2 for eighths.
        step_seconds: length of a time step in seconds, for recordings of somebody's playing,
            which keep to no grid; then `steps_per_quarter` is not used.

    Returns:
        uint8 array [T, 88] of 0 and 1; column k is MIDI pitch 21 + k. The last row is the last
        one in which a note sounds.

    Raises:
        UserError: if there is no such file, it is not a MIDI file, its notes cannot be read, it
            has none of a piano, its time is divided by SMPTE frames, or it is longer than
            100,000 steps.
    """
    path = Path(path)
    check_count("steps_per_quarter", steps_per_quarter)
    if step_seconds is not None:
        check_number("step_seconds", step_seconds, above=0)
    try:
        music = read_music(_read(path))
        notes, left_out = _on_piano(music)
        to_step = _clock(music, step_seconds) if step_seconds else _grid(music, steps_per_quarter)
        roll = _roll(notes, to_step)
    except UserError as error:
        raise UserError(f"{path} {error}") from error
    if left_out:
        warnings.warn(f"{path}: left out {left_out}", stacklevel=2)
    return roll


def write_midi(roll, path, steps_per_quarter=1, tempo=90.0):
    """Write a piano roll as a MIDI file for piano.

    Consecutive steps of a key become one long note. Steps of silence at the end are lost;
    otherwise `read_midi` with the same `steps_per_quarter` gives the roll back.

    Args:
        roll: array [T, 88] of 0 and 1 (or False and True); column k is MIDI pitch 21 + k.
        path: of the file to write; it replaces one of that name.
        steps_per_quarter: time steps of a quarter note, at most 300.
        tempo: quarter notes per minute, 3.6 to 60 million: a file holds microseconds per
            quarter note, in 24 bits.

    Returns:
        The `pathlib.Path` of the file.

    Raises:
        UserError: if `roll` is no piano roll, a number is out of its range, or the file cannot be
            written.
    """
    import pretty_midi

    path = Path(path)
    roll = _checked_roll(roll)
    check_count("steps_per_quarter", steps_per_quarter)
    if steps_per_quarter > MAX_STEPS_PER_QUARTER:
        raise UserError(
            f"steps_per_quarter {steps_per_quarter} is more than the 300 of a MIDI file."
        )
    check_number("tempo", tempo, above=0)
    if not LONGEST_QUARTER >= 60e6 / tempo >= 1:
        raise UserError(f"tempo {tempo!r} is not within 3.6 to 60,000,000 quarter notes a minute.")
    seconds = 60.0 / (tempo * steps_per_quarter)
    resolution = TICKS_PER_STEP * steps_per_quarter
    midi = pretty_midi.PrettyMIDI(resolution=resolution, initial_tempo=tempo)
    piano = pretty_midi.Instrument(program=0, name="Piano")
    for key, start, end in _held_notes(roll):
        pitch = int(LOWEST_PITCH + key)
        piano.notes.append(pretty_midi.Note(VELOCITY, pitch, start * seconds, end * seconds))
    midi.instruments.append(piano)
    try:
        files.write_whole(path, midi.write)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}.") from error
    return path


def _read(path):
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UserError(f"has {size:,} bytes; MIDI files are read up to {MAX_BYTES:,}.")
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}.") from error
    if not content:
        raise UserError("is empty.")
    if not content.startswith(b"MThd"):
        raise UserError(f"is not a MIDI file: it begins with {content[:4]!r}, expected b'MThd'.")
    return content


def _on_piano(music):
    """Return the notes on the 88 keys, and in words what else there is that makes no difference."""
    pitched = [note for note in music.notes if note.channel != DRUMS]
    ended = [note for note in pitched if note.end is not None]
    on_piano = [n for n in ended if LOWEST_PITCH <= n.pitch < LOWEST_PITCH + KEYS]
    counts = {
        f"of {music.n_tracks + music.n_beyond} tracks, more than its header counts": music.n_beyond,
        f"of {len(pitched)} notes, which nothing ends": len(pitched) - len(ended),
        f"of {len(pitched)} notes, which are beyond {PIANO}": len(ended) - len(on_piano),
    }
    left_out = "; ".join(f"{count} {what}" for what, count in counts.items() if count)
    if on_piano:
        return on_piano, left_out
    if music.notes and not pitched:
        raise UserError(
            f"has drums alone: {len(music.notes)} notes, all on channel 10, whose numbers are no "
            "pitches."
        )
    raise UserError(f"has no notes on {PIANO}{left_out and f': left out {left_out}'}.")


def _grid(music, steps_per_quarter):
    """Return a function from a tick to the first time step that begins at it or later."""
    return lambda tick: -(-tick * int(steps_per_quarter) // music.ticks_per_quarter)


def _clock(music, step_seconds):
    """Return the same for steps in seconds: by the tempi, which may change in any track."""
    tempi = {0: DEFAULT_TEMPO} | {tick: _tempo(tick, data) for tick, data in music.tempi}
    ticks, tempi = list(tempi), list(tempi.values())
    passed = [(end - start) * tempo for start, end, tempo in zip(ticks, ticks[1:], tempi)]
    began = list(accumulate(passed, initial=0))  # at each change, in microseconds x ticks a quarter

    def to_step(tick):
        i = bisect_right(ticks, tick) - 1
        passed = began[i] + (tick - ticks[i]) * tempi[i]
        steps = passed / (1e6 * music.ticks_per_quarter) / float(step_seconds)
        # Tolerant of the seconds' last bits; whole numbers know no infinity.
        return ceil(min(steps, 1e15) - 1e-6)

    return to_step


def _tempo(tick, data):
    microseconds = int.from_bytes(data)
    if len(data) != 3 or microseconds == 0:
        raise UserError(
            f"is damaged: the tempo at tick {tick:,} has the bytes {data.hex(' ') or 'none'}, "
            "expected three that are not all 0. Only `step_seconds` depends on it."
        )
    return microseconds


def _roll(notes, to_step):
    length = to_step(max(note.end for note in notes))
    if length > MAX_STEPS:
        raise UserError(
            f"has {length:,} time steps, more than {MAX_STEPS:,}: "
            "take fewer steps a quarter note or longer ones, or cut the file."
        )
    changes = np.zeros([length + 1, KEYS], np.int32)  # of the number of notes that hold a key
    keys = [note.pitch - LOWEST_PITCH for note in notes]
    np.add.at(changes, ([to_step(note.start) for note in notes], keys), 1)
    np.add.at(changes, ([to_step(note.end) for note in notes], keys), -1)
    roll = (changes[:-1].cumsum(axis=0) > 0).astype(np.uint8)
    if not roll.any():
        raise UserError("has no note that sounds when a time step begins: take more steps.")
    return roll[: np.flatnonzero(roll.any(axis=1))[-1] + 1]


def _held_notes(roll):
    """Return each run of ones in a column, as (key, first step, step after the last), by onset."""
    edges = np.diff(np.pad(roll.astype(np.int8), [(1, 1), (0, 0)]), axis=0)
    keys, starts = np.nonzero(edges.T == 1)
    _, ends = np.nonzero(edges.T == -1)
    return sorted(zip(keys.tolist(), starts.tolist(), ends.tolist()), key=lambda note: note[1])


def _checked_roll(roll):
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.shape[1] != KEYS:
        raise UserError(f"a piano roll has the shape [T, {KEYS}], not {list(roll.shape)}.")
    if roll.dtype.kind not in "buif" or not np.isin(roll, (0, 1)).all():
        raise UserError(
            "a piano roll holds 0 and 1 only; draw samples from probabilities or compare them "
            "with 0.5 first."
        )
    if not roll.any():
        raise UserError("the piano roll is silent: there is no note to write.")
    if len(roll) > MAX_STEPS:
        raise UserError(f"the piano roll has {len(roll):,} time steps, more than {MAX_STEPS:,}.")
    return roll
