"""MIDI files become piano rolls and the other way round, and damaged ones are refused."""

import gc
import io
import random
import re
import struct
import time
import warnings

import mido
import numpy as np
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


def header(kind=1, tracks=1, division=480):
    return b"MThd" + struct.pack(">LHHH", 6, kind, tracks, division)


def chunk(body):
    return header() + b"MTrk" + struct.pack(">L", len(body)) + body


END = b"\x00\xff\x2f\x00"


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "is empty"),
        (b"RIFF1234WAVEfmt ", r"is not a MIDI file: it begins with b'RIFF', expected b'MThd'"),
        (b"MThd", "is a damaged MIDI file"),
        (header(), "is a damaged MIDI file: EOFError"),
        (header(tracks=0), "has no tracks with notes"),
        (chunk(b""), "has no tracks with notes"),
        (chunk(END), "has no tracks with notes"),
        (header(division=0) + chunk(END)[14:], "has 0 ticks a quarter note"),
        (header(division=0xE728) + chunk(END)[14:], "has -6360 ticks a quarter note"),
        (header(kind=2) + chunk(END)[14:], "is of type 2"),
        (chunk(b"\x00\x90\x3c\x40" + END), "no notes on the 88 keys"),
        (chunk(b"\x00\xff\x51\x03\x00\x00\x00" + END), "is a damaged MIDI file"),
        (chunk(b"\x81" * 5000 + b"\x00" + END), "1,000 bytes in a row"),
        (
            chunk(b"\x00\x90\x3c\x40\xff\xff\xff\x7f\x80\x3c\x40" + END),
            "has 268,435,455 ticks, more than 5,000,000",
        ),
    ],
)
def test_damaged_files(tmp_path, content, message):
    path = tmp_path / "x.mid"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as raised:
        read_midi(path)
    assert str(path) in str(raised.value)


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
    with pytest.raises(UserError, match=f"steps_per_quarter {wrong!r}"):
        read_midi(tmp_path / "x.mid", steps_per_quarter=wrong)
    with pytest.raises(UserError, match=f"steps_per_quarter {wrong!r}"):
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


@pytest.mark.filterwarnings("ignore:.*left out.*", "ignore:Tempo, Key or Time:RuntimeWarning")
def test_mutated_files_are_read_or_refused(tmp_path, request, n=2000):
    """A piano roll or a `UserError`, nothing else, and none takes long."""
    rng, path, read, slowest = random.Random(0), tmp_path / "x.mid", 0, 0.0
    whole = list(originals(tmp_path))
    for content in whole:
        path.write_bytes(content)
        assert read_midi(path).any(), "each is a good file to begin with"
    # What earlier tests of this process left is no concern of the garbage collector meanwhile: a
    # pass over all their graphs takes seconds, and would count as the reader's.
    request.addfinalizer(gc.unfreeze)
    gc.freeze()
    for i in range(n):
        path.write_bytes(mutated(whole[i % len(whole)], rng))
        begun = time.thread_time()
        try:
            roll = read_midi(path, step_seconds=0.1 if i % 4 == 0 else None)
            assert roll.dtype == np.uint8 and roll.shape[1] == 88 and 0 < len(roll) <= 100_000
            read += 1
        except UserError as error:
            assert str(path) in str(error)
        slowest = max(slowest, time.thread_time() - begun)
    print(f"{read} of {n} read, the others refused; the slowest took {slowest:.2f} s")
    assert n / 10 < read < 0.9 * n, "the mutations reach both ends"
    assert slowest < 2
