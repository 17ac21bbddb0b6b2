"""The notes, tempi and division of a Standard MIDI File; all its other messages are passed over.

Libraries decode every message and refuse a whole piece for one that is wrong, such as a key
signature of 18 flats. A piano roll does not depend on those: of them it matters here only where
they end, not what they say.

Source: Standard MIDI Files 1.0, RP-001, MIDI Manufacturers Association (1996).
"""

import struct
from collections import defaultdict
from typing import NamedTuple

from ..errors import UserError

NOTE_OFF, NOTE_ON, SYSEX, ESCAPE, META = 0x80, 0x90, 0xF0, 0xF7, 0xFF
END_OF_TRACK, SET_TEMPO = 0x2F, 0x51
SMPTE = 0x8000
LONGEST_NUMBER = 4  # bytes of a wait or a length
SHORTEST_NOTE = 3  # bytes: a wait, and a pitch and a velocity without a status of their own

# How many bytes follow a status: of channel messages by their kind, of system messages, none of
# those that are not listed.
DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
DATA_BYTES |= {0xF1: 1, 0xF2: 2, 0xF3: 1}


class Note(NamedTuple):
    """A note from tick `start` to tick `end`, which is None if nothing ends it."""

    start: int
    end: int | None
    pitch: int
    channel: int


class Music(NamedTuple):
    """What a piano roll depends on.

    The tempo messages, in the order of time, are not yet decoded: a wrong one matters for seconds.
    """

    ticks_per_quarter: int  # 1 or more
    notes: list  # of `Note`
    tempi: list  # of (tick, bytes)
    n_tracks: int  # as the header counts them
    n_beyond: int  # tracks after those, which are not read


class Message(NamedTuple):
    """A message at a tick; of a meta message, `data` begins with its type. It ends at `end`."""

    tick: int
    status: int
    data: bytes
    end: int


def read_music(content):
    """Read the bytes of a MIDI file of type 0 or 1 as `Music`.

    Raises:
        UserError: if header, tracks or notes cannot be read; it goes on after the file's name.
    """
    at, n_tracks, ticks_per_quarter = _header(content)
    tracks, n_beyond = _tracks(content, at, n_tracks)
    notes, tempi = [], []
    for begin, end in tracks:
        messages = list(_messages(content, begin, end))
        notes += _notes(m for m in messages if m.status & 0xF0 in (NOTE_OFF, NOTE_ON))
        tempi += [(m.tick, m.data[1:]) for m in messages if _is_meta(m, SET_TEMPO)]
    tempi.sort(key=lambda tempo: tempo[0])
    return Music(ticks_per_quarter, notes, tempi, n_tracks, n_beyond)


def _header(content):
    """Return where the header ends, the number of tracks, and the ticks of a quarter note."""
    if len(content) < 14:
        raise UserError(f"is cut off: it has {len(content)} bytes, and its header alone has 14.")
    size, kind, n_tracks, division = struct.unpack_from(">LHHH", content, 4)
    if kind == 2:
        raise UserError("is of type 2, independent sequences; expected type 0 or 1.")
    if division & SMPTE:
        frames, ticks = 256 - (division >> 8), division & 0xFF
        raise UserError(
            f"is divided by SMPTE frames ({frames} a second, {ticks} ticks each); expected ticks "
            "a quarter note: export it with these."
        )
    if division == 0:
        raise UserError("has 0 ticks a quarter note, expected 1 or more.")
    return 8 + max(size, 6), n_tracks, division


def _tracks(content, at, n_tracks):
    """Return where each track begins and ends, and how many follow that the header leaves out."""
    tracks = []
    while len(tracks) < n_tracks:
        if at + 8 > len(content):
            raise UserError(
                f"is cut off or damaged: the number of its tracks is {len(tracks):,}, and its "
                f"header says {n_tracks:,}."
            )
        name, size = struct.unpack_from(">4sL", content, at)
        begin, at = at + 8, at + 8 + size
        if name == b"MTrk":  # the standard has readers pass over chunks of other names
            at = at if at <= len(content) else _end_of_track(content, begin, size)
            tracks.append((begin, at))
    return tracks, content.count(b"MTrk", at)


def _end_of_track(content, begin, size):
    """Return where a track longer than the file ends: where its messages say so."""
    for message in _messages(content, begin, len(content)):
        if _is_meta(message, END_OF_TRACK) and len(message.data) == 1:
            return message.end
    raise UserError(
        f"is cut off: a track of {size:,} bytes begins at byte {begin:,}, and there are "
        f"{len(content) - begin:,}."
    )


def _messages(content, at, end):
    """Yield the messages of the track from byte `at` up to byte `end`."""
    tick, running = 0, None
    while at < end:
        wait, at = _number(content, at, end)
        if at == end:
            return
        tick += wait
        status = content[at] if content[at] >= NOTE_OFF else running
        if status is None:
            raise UserError(
                f"is damaged: expected a message at byte {at:,}, found {content[at]:02x}."
            )
        at += content[at] >= NOTE_OFF
        running = status if status < SYSEX else running
        data, at = _data(content, status, at, end)
        yield Message(tick, status, data, at)


def _data(content, status, at, end):
    """Return the bytes that follow a status, and where they end."""
    if status not in (SYSEX, ESCAPE, META):
        size = DATA_BYTES.get(status if status >= SYSEX else status & 0xF0, 0)
        data = content[at : min(at + size, end)]
        if status & 0xF0 in (NOTE_OFF, NOTE_ON) and (len(data) < size or data[0] > 127):
            raise UserError(
                f"is damaged: a note at byte {at:,} has the bytes {data.hex(' ') or 'none'}, "
                "expected a pitch from 00 to 7f and a velocity."
            )
        return data, at + len(data)
    kind = content[at : min(at + 1, end)] if status == META else b""
    size, begin = _number(content, at + len(kind), end)
    # A track's last message may be cut short; elsewhere, a wrong length would swallow notes.
    if size > end - begin >= SHORTEST_NOTE:
        raise UserError(
            f"is damaged: a message at byte {at:,} says it has {size:,} bytes, and its track "
            f"ends after {end - begin:,}."
        )
    return kind + content[begin : min(begin + size, end)], min(begin + size, end)


def _number(content, at, end):
    """Return a number of seven bits a byte, and where it ends; 0 if the track ends within it."""
    value = 0
    for after, byte in enumerate(content[at : min(at + LONGEST_NUMBER, end)], at + 1):
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, after
    if at + LONGEST_NUMBER < end:
        raise UserError(f"is damaged: the number at byte {at:,} has no end within four bytes.")
    return 0, end


def _notes(messages):
    """Return the notes of the messages that begin and end them in one track.

    An end ends all notes of its pitch and channel, but not one of the same tick that follows
    an earlier one: that is a note struck again.
    """
    notes, sounding = [], defaultdict(list)
    for tick, status, (pitch, velocity), _ in messages:
        key = pitch, status & 0x0F
        if status & 0xF0 == NOTE_ON and velocity:
            sounding[key].append(tick)
        elif starts := sounding.pop(key, None):
            earlier = [start for start in starts if start < tick]
            notes += [Note(start, tick, *key) for start in earlier or starts]
            if again := starts[len(earlier) :] if earlier else []:
                sounding[key] = again
    return notes + [Note(s, None, *key) for key, starts in sounding.items() for s in starts]


def _is_meta(message, kind):
    return message.status == META and message.data[:1] == bytes([kind])
