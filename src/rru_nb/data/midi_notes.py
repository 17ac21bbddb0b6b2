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
END_OF_TRACK, SET_TEMPO = b"\x2f", b"\x51"  # types of meta messages
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


def read_music(content):
    """Read the bytes of a MIDI file of type 0 or 1 as `Music`.

    Raises:
        UserError: if header, tracks or notes cannot be read; it goes on after the file's name.
    """
    at, n_tracks, ticks_per_quarter = _header(content)
    n_read, notes, tempi = 0, [], []
    while n_read < n_tracks:
        if at + 8 > len(content):
            raise UserError(
                f"is cut off or damaged: the number of its tracks is {n_read:,}, and its "
                f"header says {n_tracks:,}."
            )
        name, size = struct.unpack_from(">4sL", content, at)
        track = _Track(content, at + 8, size)
        at = track.end
        if name == b"MTrk":  # the standard has readers pass over chunks of other names
            messages = list(track.messages())
            notes += _notes(m for m in messages if m[1] & 0xF0 in (NOTE_OFF, NOTE_ON))
            metas = [(tick, data) for tick, status, data in messages if status == META]
            tempi += [(tick, data[1:]) for tick, data in metas if data.startswith(SET_TEMPO)]
            at, n_read = track.at, n_read + 1
    tempi.sort(key=lambda tempo: tempo[0])
    return Music(ticks_per_quarter, notes, tempi, n_tracks, content.count(b"MTrk", at))


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


class _Track:
    """A reader of the track of `size` bytes from byte `begin` on; it has come to byte `at`."""

    def __init__(self, content, begin, size):
        self.content, self.begin, self.size = content, begin, size
        self.at, self.end = begin, min(begin + size, len(content))

    def messages(self):
        """Yield each message as `(tick, status, data)`; the data of a meta begins with its type.

        A track longer than the file ends where its messages say so.
        """
        tick, running = 0, None
        cut_off = self.begin + self.size > len(self.content)
        while True:
            tick += self._number()
            if self.at == self.end:
                break
            status = self.content[self.at]
            if status >= NOTE_OFF:
                self.at += 1
                running = status if status < SYSEX else running
            elif running is not None:
                status = running
            else:
                raise UserError(
                    f"is damaged: expected a message at byte {self.at:,}, found {status:02x}."
                )
            data = self._data(status)
            yield tick, status, data
            if cut_off and (status, data) == (META, END_OF_TRACK):
                return
        if cut_off:
            raise UserError(
                f"is cut off: a track of {self.size:,} bytes begins at byte {self.begin:,}, and "
                f"there are {self.end - self.begin:,}."
            )

    def _data(self, status):
        """Return the bytes that follow a status."""
        at = self.at
        if status not in (SYSEX, ESCAPE, META):
            kind = status if status >= SYSEX else status & 0xF0
            data = self._take(size := DATA_BYTES.get(kind, 0))
            if kind in (NOTE_OFF, NOTE_ON) and (len(data) < size or data[0] > 127):
                raise UserError(
                    f"is damaged: a note at byte {at:,} has the bytes {data.hex(' ') or 'none'}, "
                    "expected a pitch from 00 to 7f and a velocity."
                )
            return data
        kind = self._take(1 if status == META else 0)
        size, left = self._number(), self.end - self.at
        # A track's last message may be cut short; elsewhere, a wrong length would swallow notes.
        if size > left >= SHORTEST_NOTE:
            raise UserError(
                f"is damaged: a message at byte {at:,} says it has {size:,} bytes, and its track "
                f"ends after {left:,}."
            )
        return kind + self._take(size)

    def _number(self):
        """Return a number of seven bits a byte; 0 if the track ends within it."""
        begin, value = self.at, 0
        while byte := self._take(1):
            value = value << 7 | byte[0] & 0x7F
            if byte[0] < 0x80:
                return value
            if self.at == begin + LONGEST_NUMBER < self.end:
                raise UserError(
                    f"is damaged: the number at byte {begin:,} has no end within four bytes."
                )
        return 0

    def _take(self, size):
        """Return the next bytes, as far as the track has so many."""
        begin, self.at = self.at, min(self.at + size, self.end)
        return self.content[begin : self.at]


def _notes(messages):
    """Return the notes of the messages that begin and end them in one track.

    An end ends all notes of its pitch and channel, but not one of the same tick that follows
    an earlier one: that is a note struck again.
    """
    notes, sounding = [], defaultdict(list)
    for tick, status, (pitch, velocity) in messages:
        key = pitch, status & 0x0F
        if status & 0xF0 == NOTE_ON and velocity:
            sounding[key].append(tick)
        elif starts := sounding.pop(key, None):
            earlier = [start for start in starts if start < tick] or starts
            notes += [Note(start, tick, *key) for start in earlier]
            sounding[key] = starts[len(earlier) :]
    return notes + [Note(s, None, *key) for key, starts in sounding.items() for s in starts]
