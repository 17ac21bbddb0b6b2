"""MIDI files become piano rolls and the other way round, and damaged ones are refused."""

import io
import random
import re
import struct
import warnings

import mido
import numpy as np
import pretty_midi
import pytest

from rru_nb import load_dataset, read_midi, write_midi
from rru_nb.errors import UserError


def midi_file(path, events, ticks_per_beat=480, kind=1):
    """Writes events (track, tick, message name, values) as a MIDI file, with mido alone."""
    midi = mido.MidiFile(ticks_per_beat=ticks_per_beat, type=kind)
    for number in sorted({event[0] for event in events}):
        track, now = mido.MidiTrack(), 0
        for _, tick, name, values in sorted(
            (e for e in events if e[0] == number), key=lambda e: e[1]
        ):
            make = mido.MetaMessage if name == "set_tempo" else mido.Message
            track.append(make(name, time=tick - now, **values))
            now = tick
        midi.tracks.append(track)
    midi.save(path)
    return path


def note(pitch, start, end, track=0, channel=0):
    values = {"note": pitch, "channel": channel}
    return [
        (track, start, "note_on", values | {"velocity": 64}),
        (track, end, "note_off", values),
    ]


def keys(roll):
    return [set((np.flatnonzero(row) + 21).tolist()) for row in roll]


@pytest.mark.parametrize("seed, steps_per_quarter", [(0, 1), (1, 2), (2, 3), (3, 4), (4, 300)])
def test_round_trip(tmp_path, seed, steps_per_quarter):
    rng = np.random.default_rng(seed)
    roll = (rng.random([300, 88]) < 0.1).astype(np.uint8)
    roll[0] = 0  # silence at the beginning stays
    path = write_midi(roll, tmp_path / "x.mid", steps_per_quarter, tempo=83.7)
    back = read_midi(path, steps_per_quarter)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, roll)


def test_round_trip_of_chorales(tmp_path):
    for piece in load_dataset("chorales").test[:5]:
        back = read_midi(write_midi(piece, tmp_path / "chorale.mid"))
        np.testing.assert_array_equal(back, piece[: len(back)])
        assert not piece[len(back) :].any()


def test_grid_samples_what_sounds_when_a_step_begins(tmp_path):
    events = [*note(60, 0, 480), *note(64, 240, 720), *note(67, 490, 950), *note(72, 960, 1441)]
    path = midi_file(tmp_path / "x.mid", events)
    assert keys(read_midi(path)) == [{60}, {64}, {72}, {72}]
    assert keys(read_midi(path, steps_per_quarter=2)) == [
        {60},
        {60, 64},
        {64},
        {67},
        {72},
        {72},
        {72},
    ]


def test_seconds_follow_the_tempo(tmp_path):
    tempo = [(0, 0, "set_tempo", {"tempo": 1_000_000}), (0, 480, "set_tempo", {"tempo": 500_000})]
    path = midi_file(tmp_path / "x.mid", [*tempo, *note(60, 0, 480), *note(62, 480, 960)])
    assert keys(read_midi(path)) == [{60}, {62}]
    assert keys(read_midi(path, step_seconds=0.25)) == [{60}] * 4 + [{62}] * 2


def test_a_note_that_ends_where_a_step_begins_is_not_in_it(tmp_path):
    """2.1 s are three steps of 0.7 s, though 2.1 / 0.7 is a little more than 3 in float64."""
    assert 2.1 / 0.7 > 3
    path = midi_file(tmp_path / "x.mid", note(60, 0, 2016))  # of 960 ticks a second
    assert len(read_midi(path, step_seconds=0.7)) == 3


def test_tempi_of_all_tracks_count(tmp_path):
    """As mido plays them; the standard wants them in the first track, and files differ."""
    tempi = [(0, 0, 1_000_000), (1, 240, 250_000), (0, 720, 2_000_000)]
    events = [(number, tick, "set_tempo", {"tempo": t}) for number, tick, t in tempi]
    path = midi_file(tmp_path / "x.mid", [*events, *note(60, 0, 960, track=1)])
    seconds = mido.MidiFile(path).length
    assert seconds == 0.5 + 0.25 + 1.0
    assert len(read_midi(path, step_seconds=0.125)) == seconds / 0.125


def test_tracks_are_laid_on_top_and_drums_left_out(tmp_path):
    events = [*note(60, 0, 480), *note(64, 0, 480, track=1), *note(36, 0, 480, track=2, channel=9)]
    assert keys(read_midi(midi_file(tmp_path / "x.mid", events))) == [{60, 64}]


def test_late_tempo_changes_are_no_warning_on_the_grid(tmp_path):
    events = [*note(60, 0, 480), (1, 240, "set_tempo", {"tempo": 700_000})]
    path = midi_file(tmp_path / "x.mid", [*events, *note(62, 480, 960, track=1)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert keys(read_midi(path)) == [{60}, {62}]


def test_notes_beyond_the_keys_are_left_out_with_a_warning(tmp_path):
    events = [*note(20, 0, 480), *note(21, 0, 480), *note(108, 0, 480), *note(109, 0, 480)]
    path = midi_file(tmp_path / "x.mid", events)
    with pytest.warns(UserWarning, match="left out 2 of 4 notes") as caught:
        assert keys(read_midi(path)) == [{21, 108}]
    assert caught[0].filename == __file__


def test_only_notes_beyond_the_keys(tmp_path):
    with pytest.raises(UserError, match="no notes on the 88 keys"):
        read_midi(midi_file(tmp_path / "x.mid", note(110, 0, 480)))


def test_drums_alone(tmp_path):
    path = midi_file(tmp_path / "x.mid", [*note(36, 0, 9, channel=9), *note(38, 9, 20, channel=9)])
    with pytest.raises(UserError, match="has drums alone: 2 notes, all on channel 10"):
        read_midi(path)


def header(kind=1, tracks=1, division=480):
    return b"MThd" + struct.pack(">LHHH", 6, kind, tracks, division)


def track(*messages, size=None):
    body = b"".join(messages)
    return b"MTrk" + struct.pack(">L", len(body) if size is None else size) + body


END = b"\x00\xff\x2f\x00"
KEY = b"\x00\x90\x3c\x40\x60\x80\x3c\x00"  # middle C for 96 ticks
OTHER = b"\x00\x90\x3e\x40\x60\x80\x3e\x00"
NO_END = b"\x00\x90\x45\x40"
NO_TEMPO = b"\x00\xff\x51\x03\x00\x00\x00"  # a tempo of 0 microseconds


def written(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "is empty"),
        (b"RIFF1234WAVEfmt ", r"is not a MIDI file: it begins with b'RIFF', expected b'MThd'"),
        (b"MThd", "is cut off: it has 4 bytes, and its header alone has 14"),
        (header(), "is cut off or damaged: the number of its tracks is 0, and its header says 1"),
        (header(tracks=3) + track(KEY, END), "tracks is 1, and its header says 3"),
        (header(tracks=0), "has no notes on the 88 keys"),
        (header(tracks=0) + track(KEY, END), "no notes .* left out 1 of 1 tracks, more than its"),
        (header() + track(), "has no notes on the 88 keys"),
        (
            header() + track(NO_END, END),
            "no notes on the 88 .* left out 1 of 1 notes, which nothing",
        ),
        (header(division=0) + track(KEY, END), "has 0 ticks a quarter note"),
        (
            header(division=0xE728) + track(KEY, END),
            r"is divided by SMPTE frames \(25 a second, 40 ticks each\); expected ticks a quarter",
        ),
        (header(kind=2) + track(KEY, END), "is of type 2"),
        (header() + track(b"\x00\x3c\x40"), "expected a message at byte 23, found 3c"),
        (header() + track(b"\x81" * 5000), "the number at byte 22 has no end within four bytes"),
        (header() + track(b"\x00\xff\x01\x7f", KEY), "at byte 24 says it has 127 bytes, and its"),
        (header() + track(b"\x00\x90\xbc\x40"), "a note at byte 24 has the bytes bc 40, expected"),
        (header() + track(KEY, b"\x00\x90\x3c"), "a note at byte 32 has the bytes 3c, expected"),
        (header() + track(KEY, NO_END, size=99), "cut off: a track of 99 bytes begins at byte 22"),
        (
            header() + track(b"\x00\x90\x3c\x40\xff\xff\xff\x7f\x80\x3c\x40", END),
            "has 559,241 time steps, more than 100,000",
        ),
    ],
)
def test_damaged_files(tmp_path, content, message):
    path = written(tmp_path / "x.mid", content)
    with pytest.raises(UserError, match=message) as raised:
        read_midi(path)
    assert str(raised.value).startswith(f"{path} ")


@pytest.mark.parametrize(
    "content, message",
    [
        (header() + track(KEY, END) + track(OTHER, END), "1 of 2 tracks, more than its header"),
        (header() + track(KEY, NO_END, NO_END, END), "2 of 3 notes, which nothing ends"),
    ],
)
def test_what_is_left_out_is_told(tmp_path, content, message):
    path = written(tmp_path / "x.mid", content)
    with pytest.warns(UserWarning, match=f"left out {message}") as caught:
        assert keys(read_midi(path)) == [{60}]
    assert caught[0].filename == __file__


@pytest.mark.parametrize("size", [0x7FFFFFFF, 13])
def test_a_track_that_says_it_is_longer_than_the_file_ends_at_its_end_of_track(tmp_path, size):
    content = header(tracks=2) + track(KEY, END, size=size) + track(OTHER, END, size=size)
    if size == 13:  # by one byte too long, as in files of some editors: only as the last track
        content = header() + track(KEY, END, size=size)
    assert 60 in keys(read_midi(written(tmp_path / "x.mid", content)))[0]
    assert (62 in keys(read_midi(tmp_path / "x.mid"))[0]) == (size > 13)


def test_chunks_of_other_names_are_passed_over(tmp_path):
    other = b"XFIH" + struct.pack(">L", 5) + b"MTrk!"
    content = header() + other + track(KEY, END) + bytes(7)
    assert keys(read_midi(written(tmp_path / "x.mid", content))) == [{60}]


@pytest.mark.parametrize("wrong", [NO_TEMPO, b"\x00\xff\x51\x02\x07\xa1", b"\x00\xff\x51\x00"])
def test_a_wrong_tempo_matters_for_seconds_only(tmp_path, wrong):
    path = written(tmp_path / "x.mid", header() + track(wrong, KEY, END))
    assert keys(read_midi(path)) == [{60}]
    with pytest.raises(UserError, match="is damaged: the tempo at tick 0 has the bytes"):
        read_midi(path, step_seconds=0.1)


@pytest.mark.parametrize("seconds", [1e-5, 1e-320])
def test_too_short_a_step(tmp_path, seconds):
    path = midi_file(tmp_path / "x.mid", note(60, 0, 4800))
    with pytest.raises(UserError, match="time steps, more than 100,000"):
        read_midi(path, step_seconds=seconds)


def test_paths_of_other_alphabets_and_endings(tmp_path):
    path = tmp_path / "мои ноты" / "夜想曲 № 1.MIDI"
    path.parent.mkdir()
    roll = np.eye(3, 88)
    np.testing.assert_array_equal(read_midi(write_midi(roll, path)), roll)


def test_absurd_lengths(tmp_path):
    path = midi_file(tmp_path / "x.mid", note(60, 0, 4_800_000), ticks_per_beat=24)
    with pytest.raises(UserError, match="has 200,000 time steps, more than 100,000"):
        read_midi(path)
    path.write_bytes(b"MThd" + bytes(2 << 20))
    with pytest.raises(UserError, match="has 2,097,156 bytes; MIDI files are read up to 524,288"):
        read_midi(path)


def test_no_such_file(tmp_path):
    with pytest.raises(UserError, match=r"none\.mid cannot be read: No such file"):
        read_midi(tmp_path / "none.mid")
    with pytest.raises(UserError, match="cannot be read"):
        read_midi(tmp_path)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", None, True])
def test_wrong_grid(tmp_path, wrong):
    with pytest.raises(UserError, match=f"steps_per_quarter = {wrong!r}"):
        read_midi(tmp_path / "x.mid", steps_per_quarter=wrong)
    with pytest.raises(UserError, match=f"steps_per_quarter = {wrong!r}"):
        write_midi(np.ones([1, 88]), tmp_path / "x.mid", steps_per_quarter=wrong)


@pytest.mark.parametrize("tempo", [3.5, 1e8])
def test_a_tempo_that_no_file_can_hold(tmp_path, tempo):
    with pytest.raises(UserError, match=f"tempo {tempo!r} is not within".replace("+", r"\+")):
        write_midi(np.ones([1, 88]), tmp_path / "x.mid", tempo=tempo)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tempo", [3.6, 6e7])
def test_the_slowest_and_the_fastest_tempo_are_read_back(tmp_path, tempo):
    roll = np.eye(3, 88)
    path = write_midi(roll, tmp_path / "x.mid", tempo=tempo)
    np.testing.assert_array_equal(read_midi(path, steps_per_quarter=1), roll)


@pytest.mark.parametrize(
    "roll, message",
    [
        (np.ones([3, 87]), r"shape \[T, 88\], not \[3, 87\]"),
        (np.ones([88]), r"not \[88\]"),
        (np.full([3, 88], 0.3), "holds 0 and 1 only; draw samples"),
        (np.full([3, 88], np.nan), "holds 0 and 1 only"),
        (np.full([3, 88], "x"), "holds 0 and 1 only"),
        (np.zeros([3, 88]), "is silent"),
        (np.ones([100_001, 88], bool), "100,001 time steps"),
    ],
)
def test_wrong_rolls(tmp_path, roll, message):
    with pytest.raises(UserError, match=message):
        write_midi(roll, tmp_path / "x.mid")
    assert list(tmp_path.iterdir()) == []


def test_folder_that_does_not_exist(tmp_path):
    with pytest.raises(UserError, match="cannot be written: No such file or directory"):
        write_midi(np.ones([1, 88]), tmp_path / "nowhere" / "x.mid")


def test_longest_roll_is_read_back(tmp_path):
    roll = np.zeros([100_000, 88], np.uint8)
    roll[[0, 50_000, -1], [0, 40, 87]] = 1
    back = read_midi(write_midi(roll, tmp_path / "x.mid"))
    np.testing.assert_array_equal(back, roll)


def test_messages_that_a_roll_does_not_depend_on_are_passed_over(tmp_path):
    other = [
        (0, 100, "control_change", {"control": 64, "value": 127}),
        (0, 200, "program_change", {"program": 40}),
        (0, 300, "pitchwheel", {"pitch": 100}),
        (0, 4_000_000, "control_change", {"control": 64, "value": 0}),
    ]
    path = midi_file(tmp_path / "x.mid", [*note(60, 0, 480), *other, *note(62, 480, 960)])
    assert keys(read_midi(path)) == [{60}, {62}]


# Damaged files


def flipped(content, at, rng):
    content[at] ^= 1 << rng.randrange(8)


def overwritten(content, at, rng):
    content[at] = rng.choice([0, 0x7F, 0x80, 0xF0, 0xF7, 0xFF])


def cut_out(content, at, rng):
    del content[at : at + rng.randrange(1, 40)]


def put_in(content, at, rng):
    content[at:at] = rng.randbytes(rng.randrange(1, 40))


def repeated(content, at, rng):
    content[at:at] = content[at : at + rng.randrange(1, 400)]


def truncated(content, at, rng):
    del content[at:]


def other_length(content, at, rng):
    """A length, or a number of tracks, or of ticks, that is not that of the content."""
    places = [10, 12, *(m.start() + 4 for m in re.finditer(b"MTrk|MThd", content))]
    place = rng.choice(places)
    size = 2 if place in (10, 12) else 4
    content[place : place + size] = rng.choice(
        [bytes(size), b"\xff" * size, b"\x7f" + b"\xff" * (size - 1), rng.randbytes(size)]
    )


def doubled_chunk(content, at, rng):
    starts = [m.start() for m in re.finditer(b"MTrk|MThd", content)] or [0]
    start = rng.choice(starts)
    end = next((s for s in starts if s > start), len(content))
    content[start:start] = bytes(content[start:end]) * rng.choice([1, 2, 30])


MUTATIONS = [
    *(flipped, overwritten, cut_out, put_in, repeated, truncated),
    *(other_length, doubled_chunk),
]


def mutated(content, rng):
    """Bytes changed, or what they say: such a file is well formed and reaches further in."""
    if rng.random() < 0.5:
        content = absurd(content, rng)
        if rng.random() < 0.5:
            return content
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        rng.choice(MUTATIONS)(content, rng.randrange(len(content)), rng)
        content = content or bytearray(b"M")
    return bytes(content)


def absurd(content, rng):
    """A well-formed file with waits, tempi, resolutions and repetitions as nobody writes them."""
    midi = mido.MidiFile(file=io.BytesIO(content))
    for _ in range(rng.choice([1, 2, 5])):
        track = rng.choice(midi.tracks)
        at = rng.randrange(len(track))
        kind = rng.randrange(6)
        if kind == 0:
            track[at].time = rng.choice([1, 10**5, 10**7, (1 << 28) - 1])
        elif kind == 1:
            tempo = rng.choice([0, 1, (1 << 24) - 1, rng.randrange(1 << 24)])
            track.insert(at, mido.MetaMessage("set_tempo", tempo=tempo, time=rng.choice([0, 99])))
        elif kind == 2:
            midi.ticks_per_beat = rng.choice([0, 1, 0x7FFF, rng.randrange(1, 1000)])
        elif kind == 3:
            midi.tracks += [track] * rng.choice([1, 30])
            midi.type = 1
        elif kind == 4:
            track[at:at] = track[at : at + 50] * rng.choice([1, 30])
        else:
            released = [m for m in track if m.type == "note_off" and rng.random() < 0.5]
            track[:] = [m for m in track if m not in released] or track
    written = io.BytesIO()
    midi.save(file=written)
    return written.getvalue()


def originals(folder):
    """Whole files of both types, of this package, of mido, and with everything in them."""
    path = folder / "original.mid"
    chorales = load_dataset("chorales")
    for piece, steps in ((chorales.test[0], 1), (chorales.train[3], 4), (chorales.valid[1], 2)):
        yield write_midi(piece, path, steps).read_bytes()
    events = [(0, 0, "set_tempo", {"tempo": 700_000}), (0, 300, "set_tempo", {"tempo": 100_000})]
    events += [e for i in range(40) for e in note(40 + i, 120 * i, 120 * i + 200, i % 3, i % 10)]
    yield midi_file(path, events).read_bytes()
    single = [e for e in events if e[0] == 0]
    events = [*single, (0, 50, "sysex", {"data": [1] * 30}), (0, 60, "pitchwheel", {"pitch": 9})]
    yield midi_file(path, events, ticks_per_beat=24, kind=0).read_bytes()


@pytest.mark.filterwarnings("ignore:.*left out.*")
def test_mutated_files_are_read_or_refused(tmp_path, n=1000):
    """A piano roll or a `UserError` in words, nothing else."""
    rng, path, read = random.Random(0), tmp_path / "x.mid", 0
    whole = list(originals(tmp_path))
    for content in whole:
        assert read_midi(written(path, content)).any(), "each is a good file to begin with"
    for i in range(n):
        path.write_bytes(mutated(whole[i % len(whole)], rng))
        try:
            roll = read_midi(path, step_seconds=0.1 if i % 4 == 0 else None)
            assert roll.dtype == np.uint8 and roll.shape[1] == 88 and 0 < len(roll) <= 100_000
            read += 1
        except UserError as error:
            assert re.match(r"(is|has) (\S+ ){3,}\S+\.$", str(error).removeprefix(f"{path} "))
    assert n / 10 < read < 0.9 * n, "the mutations reach both ends"


# Messages that a roll does not depend on, and what other readers make of the notes


def random_notes(rng):
    """Messages (tick, bytes) of notes that overlap, repeat and are struck again, by tick."""
    notes = []
    for _ in range(rng.randrange(1, 60)):
        start, channel, pitch = rng.randrange(2000), rng.choice([0, 3, 9]), rng.randrange(15, 115)
        end = start + rng.choice([0, 1, 120, 700])
        off = rng.choice([[0x80 | channel, pitch, 64], [0x90 | channel, pitch, 0]])
        notes += [
            (start, bytes([0x90 | channel, pitch, 1 + rng.randrange(127)])),
            (end, bytes(off)),
        ]
    return sorted([*notes, (0, b"\x90\x3c\x40"), (480, b"\x80\x3c\x40")], key=lambda n: n[0])


def other_message(rng, tempo):
    """A message other than a note's, of any kind and with any bytes, but as long as it says."""
    kind, data = rng.randrange(4), rng.randbytes(rng.choice([0, 1, 2, 5, 127, 128, 300]))
    if kind == 0:
        status = bytes([0xFF, rng.choice([k for k in range(256) if tempo or k != 0x51])])
    elif kind == 1:
        status = bytes([rng.choice([0xF0, 0xF7])])
    elif kind == 2:
        status = rng.randrange(0xA0, 0xF0)
        return bytes([status]) + rng.randbytes(1 if 0xC0 <= status < 0xE0 else 2)
    else:
        status = rng.choice([*range(0xF1, 0xF7), *range(0xF8, 0xFF)])
        return bytes([status]) + rng.randbytes({0xF1: 1, 0xF2: 2, 0xF3: 1}.get(status, 0))
    return status + number(len(data)) + data


def number(value):
    """A MIDI number of variable length."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.insert(0, 0x80 | value & 0x7F)
    return bytes(digits)


def file_of(messages, rng):
    """A MIDI file of one track of messages (tick, bytes); some leave out a repeated status."""
    parts, now, running = [], 0, None
    for tick, message in messages:
        parts += [number(tick - now), message]
        if message[0] == running and message[1] < 0x80 and rng.random() < 0.5:
            parts[-1] = message[1:]
        now, running = tick, message[0] if message[0] < 0xF0 else running
    return header() + track(*parts, END)


READINGS = [{"steps_per_quarter": 1}, {"steps_per_quarter": 7}, {"step_seconds": 0.07}]


@pytest.mark.filterwarnings("ignore:.*left out.*")
@pytest.mark.parametrize("reading", READINGS)
def test_no_other_message_changes_a_roll_whatever_its_bytes(tmp_path, reading, n=100):
    rng = random.Random(1)
    for i in range(n):
        notes = random_notes(rng)
        alone = read_midi(written(tmp_path / "alone.mid", file_of(notes, rng)), **reading)
        others = [
            (rng.randrange(3000), other_message(rng, tempo="step_seconds" not in reading))
            for _ in range(rng.choice([1, 5, 50]))
        ]
        messages = sorted([*notes, *others], key=lambda m: m[0])
        path = written(tmp_path / "among others.mid", file_of(messages, rng))
        np.testing.assert_array_equal(read_midi(path, **reading), alone, err_msg=f"file {i}")


@pytest.mark.filterwarnings("ignore:.*left out.*")
@pytest.mark.parametrize("reading", READINGS)
def test_the_notes_are_those_of_pretty_midi(tmp_path, reading, n=100):
    rng = random.Random(2)
    for i in range(n):
        path = written(tmp_path / "x.mid", file_of(random_notes(rng), rng))
        steps = 960 / 480 * reading.get("steps_per_quarter", 0.5 / reading.get("step_seconds", 1))
        wanted = np.zeros([3000, 88], np.uint8)
        for instrument in pretty_midi.PrettyMIDI(str(path)).instruments:
            for n_ in () if instrument.is_drum else instrument.notes:
                start, end = (int(np.ceil(t * steps - 1e-6)) for t in (n_.start, n_.end))
                if 21 <= n_.pitch <= 108:
                    wanted[start:end, n_.pitch - 21] = 1
        roll = read_midi(path, **reading)
        np.testing.assert_array_equal(roll, wanted[: len(roll)], err_msg=f"file {i}")
        assert not wanted[len(roll) :].any()


def test_a_velocity_beyond_127_is_a_note_all_the_same(tmp_path):
    content = header() + track(b"\x00\x90\x3c\xe0\x60\x80\x3c\xff", END)
    assert keys(read_midi(written(tmp_path / "x.mid", content))) == [{60}]


@pytest.mark.parametrize(
    "wrong",
    [
        b"\xff\x59\x02\xee\x01",  # 18 flats
        b"\xff\x59\x02\x00\x07",  # neither major nor minor
        b"\xff\x58\x01\x04",  # a metre without a unit
        b"\xff\x54\x05\xff\xff\xff\xff\xff",  # an hour of 255
        b"\xff\x2f\x00",  # an end of track, and notes after it
        b"\xb0\x07\xc8",  # a volume of 200
        b"\xf4",  # undefined
    ],
)
def test_messages_that_libraries_refuse(tmp_path, wrong):
    content = header() + track(b"\x00", wrong, KEY, END)
    assert keys(read_midi(written(tmp_path / "x.mid", content), 4)) == [{60}]


@pytest.mark.parametrize(
    "last", [b"\xff\x2f\x85", b"\xff\x2f", b"\xff", b"\xb0\x07", b"\xf0\x09\x01"]
)
def test_a_last_message_that_its_track_cuts_short(tmp_path, last):
    content = header(tracks=2) + track(KEY, b"\x00", last) + track(OTHER, END)
    assert keys(read_midi(written(tmp_path / "x.mid", content))) == [{60, 62}]
