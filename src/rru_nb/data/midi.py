"""A user's own music: MIDI files to piano rolls of the form of the music sets, and back.

>>> from rru_nb import load_dataset, read_midi, write_midi
>>> roll = load_dataset("chorales").test[0]
>>> write_midi(roll, "chorale.mid")
>>> bool((read_midi("chorale.mid") == roll).all())
True
"""

import io
import os
import re
import uuid
import warnings
from pathlib import Path

import numpy as np

from ..errors import UserError
from .music import KEYS, LOWEST_PITCH

MAX_BYTES = 1 << 19
MAX_STEPS = 100_000
MAX_STEPS_PER_QUARTER = 300
LONGEST_QUARTER = 2**24 - 1  # microseconds: a MIDI file's tempo has 24 bits
MAX_TICKS = 5_000_000  # pretty_midi makes arrays of that length
TICKS_PER_STEP = 48
VELOCITY = 80


def read_midi(path, steps_per_quarter=1, step_seconds=None):
    """Reads a MIDI file as a piano roll.

    Row t of the roll tells which keys sound at the moment at which step t begins: a note counts
    from its onset up to, not including, its end, and a note between two such moments is not
    seen. Instruments are laid on top of each other. Left out are drums (their numbers are no
    pitches), the pedal, and notes beyond the 88 keys, of which a warning tells.

    Args:
        path: of a MIDI file (type 0 or 1) of at most 512 KiB.
        steps_per_quarter: time steps of a quarter note: 1 as in JSB Chorales, 2 for eighths.
        step_seconds: length of a time step in seconds, for recordings of somebody's playing,
            which keep to no grid; then `steps_per_quarter` is not used.

    Returns:
        uint8 array [T, 88] of 0 and 1; column k is MIDI pitch 21 + k. The last row is the last
        one in which a note sounds.

    Raises:
        UserError: if there is no such file, it is not a MIDI file, holds no notes of a piano,
            or is longer than 100,000 steps or 5,000,000 ticks.
    """
    path = Path(path)
    _check_positive("steps_per_quarter", steps_per_quarter, int)
    if step_seconds is not None:
        _check_positive("step_seconds", step_seconds, float)
    content = _read(path)
    with warnings.catch_warnings():
        # Where tempo changes stand matters for seconds only.
        if step_seconds is None:
            warnings.filterwarnings("ignore", "Tempo, Key or Time signature", RuntimeWarning)
        notes = _notes(path, content, steps_per_quarter, step_seconds)
    return _roll(path, notes)


def write_midi(roll, path, steps_per_quarter=1, tempo=90.0):
    """Writes a piano roll as a MIDI file for piano.

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
    path = Path(path)
    roll = _checked_roll(roll)
    _check_positive("steps_per_quarter", steps_per_quarter, int)
    if steps_per_quarter > MAX_STEPS_PER_QUARTER:
        raise UserError(
            f"steps_per_quarter {steps_per_quarter} is more than the 300 of a MIDI file."
        )
    _check_positive("tempo", tempo, float)
    if not LONGEST_QUARTER >= 60e6 / tempo >= 1:
        raise UserError(f"tempo {tempo!r} is not within 3.6 to 60,000,000 quarter notes a minute.")
    pretty_midi = _pretty_midi()
    seconds = 60.0 / (tempo * steps_per_quarter)
    resolution = TICKS_PER_STEP * steps_per_quarter
    midi = pretty_midi.PrettyMIDI(resolution=resolution, initial_tempo=tempo)
    piano = pretty_midi.Instrument(program=0, name="Piano")
    for key, start, end in _held_notes(roll):
        pitch = int(LOWEST_PITCH + key)
        piano.notes.append(pretty_midi.Note(VELOCITY, pitch, start * seconds, end * seconds))
    midi.instruments.append(piano)
    _write(midi, path)
    return path


def _read(path):
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UserError(f"{path} has {size:,} bytes; MIDI files are read up to {MAX_BYTES:,}.")
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not content:
        raise UserError(f"{path} is empty.")
    if not content.startswith(b"MThd"):
        raise UserError(
            f"{path} is not a MIDI file: it begins with {content[:4]!r}, expected b'MThd'."
        )
    return content


def _notes(path, content, steps_per_quarter, step_seconds):
    """Onsets and ends in time steps, and pitches: a list of (start, end, pitch)."""
    try:
        midi = _parse(content)
        notes = [n for i in midi.instruments if not i.is_drum for n in i.notes]
        if step_seconds is not None:
            return [
                (_ceil(n.start / step_seconds), _ceil(n.end / step_seconds), n.pitch) for n in notes
            ]
        ticks = [(midi.time_to_tick(n.start), midi.time_to_tick(n.end), n.pitch) for n in notes]
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except Exception as error:  # damaged files make mido and pretty_midi raise whatever comes
        reason = str(error) or type(error).__name__
        raise UserError(f"{path} is a damaged MIDI file: {reason}.") from error
    per_step = midi.resolution
    return [
        (-(-start * steps_per_quarter // per_step), -(-end * steps_per_quarter // per_step), pitch)
        for start, end, pitch in ticks
    ]


def _parse(content):
    """The file as `pretty_midi.PrettyMIDI`, unless it would take hours or gigabytes to read."""
    import mido

    # mido reads a number as long as bytes of 128 and more follow each other.
    if re.search(rb"[\x80-\xff]{1000}", content):
        raise UserError("damaged MIDI file: 1,000 bytes in a row are no data bytes.")
    midi = mido.MidiFile(file=io.BytesIO(content))
    if midi.ticks_per_beat <= 0:
        raise UserError(f"has {midi.ticks_per_beat} ticks a quarter note, expected 1 or more.")
    if midi.type == 2:
        raise UserError("is of type 2, independent sequences; expected type 0 or 1.")
    midi.tracks = [mido.MidiTrack(_telling(track)) for track in midi.tracks]
    midi.tracks = [track for track in midi.tracks if track]
    if not midi.tracks:
        raise UserError("has no tracks with notes in them.")
    ticks = max(sum(message.time for message in track) for track in midi.tracks)
    if ticks > MAX_TICKS:
        raise UserError(f"has {ticks:,} ticks, more than {MAX_TICKS:,}: cut the file.")
    return _pretty_midi().PrettyMIDI(mido_object=midi)


def _telling(track):
    """The messages of a track that a roll depends on: tempo, and beginnings and ends of notes."""
    waited = 0
    for message in track:
        waited += message.time
        if message.type in ("note_on", "note_off", "set_tempo"):
            message.time, waited = waited, 0
            yield message


def _roll(path, notes):
    on_piano = [n for n in notes if LOWEST_PITCH <= n[2] < LOWEST_PITCH + KEYS]
    if not on_piano:
        raise UserError(f"{path} has no notes on the 88 keys of a piano (MIDI pitches 21 to 108).")
    if len(on_piano) < len(notes):
        warnings.warn(
            f"{path}: left out {len(notes) - len(on_piano)} of {len(notes)} notes, which are "
            "beyond the 88 keys of a piano (MIDI pitches 21 to 108)",
            stacklevel=3,
        )
    length = max(end for _, end, _ in on_piano)
    if length > MAX_STEPS:
        raise UserError(
            f"{path} has {length:,} time steps, more than {MAX_STEPS:,}: "
            "take fewer steps a quarter note or longer ones, or cut the file."
        )
    roll = np.zeros([length, KEYS], np.uint8)
    for start, end, pitch in on_piano:
        roll[start:end, pitch - LOWEST_PITCH] = 1
    if not roll.any():
        raise UserError(f"{path}: no note sounds at the beginning of a time step; take more steps.")
    return roll[: np.flatnonzero(roll.any(axis=1))[-1] + 1]


def _held_notes(roll):
    """Each run of ones in a column, as (key, first step, step after the last), by onset."""
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


def _write(midi, path):
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        try:
            midi.write(str(part))
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}.") from error


def _check_positive(name, value, kind):
    numbers = (int, np.integer) if kind is int else (int, float, np.integer, np.floating)
    if isinstance(value, bool) or not isinstance(value, numbers) or not 0 < value < float("inf"):
        what = "a whole number, 1 or more" if kind is int else "a number greater than 0"
        raise UserError(f"{name} {value!r} is not {what}.")


def _ceil(steps):
    """The first whole step at or after a time; tolerant of the last bits of its seconds."""
    return int(np.ceil(steps - 1e-6))


def _pretty_midi():
    with warnings.catch_warnings():
        # Older versions import the deprecated pkg_resources.
        warnings.filterwarnings("ignore", ".*pkg_resources")
        import pretty_midi
    return pretty_midi
