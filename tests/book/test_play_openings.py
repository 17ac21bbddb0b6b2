"""The page Play: an opening of the reader's own, from a MIDI file or from the piano."""

import struct

import numpy as np
import pretty_midi
import pytest

from rru_nb import load_dataset, read_midi, write_midi
from rru_nb.data import catalogue
from rru_nb.errors import UserError

READ = """([files, stepsPerQuarter]) => files.map((file) => {
  try {
    return rruPlay.readMidi(Uint8Array.from(file), stepsPerQuarter).roll.map((f) => Array.from(f));
  } catch (error) {
    if (error instanceof rruPlay.MidiError) return error.message;
    throw error;
  }
})"""
DROP = """([name, bytes]) => {
  const given = new DataTransfer();
  given.items.add(new File([Uint8Array.from(bytes)], name));
  for (const type of ["dragover", "drop"]) {
    const options = {dataTransfer: given, bubbles: true, cancelable: true};
    document.getElementById("play-roll").dispatchEvent(new DragEvent(type, options));
  }
}"""


def midi(path, *instruments, tempi=()):
    """Write instruments, lists of (pitch, start, end) in seconds, by pretty_midi."""
    file = pretty_midi.PrettyMIDI(resolution=220, initial_tempo=120)
    for number, notes in enumerate(instruments):
        instrument = pretty_midi.Instrument(program=0, is_drum=number == 9)
        instrument.notes = [pretty_midi.Note(80, *note) for note in notes]
        file.instruments.append(instrument)
    file.write(str(path))
    return path


def by_hand(path, *tracks, kind=1, division=96, size=None):
    """Write tracks of bytes with the header of a MIDI file."""
    header = b"MThd" + struct.pack(">LHHH", 6, kind, len(tracks), division)
    chunks = (b"MTrk" + struct.pack(">L", size or len(track)) + track for track in tracks)
    path.write_bytes(header + b"".join(chunks))
    return path


def random_notes(seed, n=60):
    """Return notes that keep to no grid; some overlap, and some lie beyond the 88 keys."""
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0, 20, n)
    ends = starts + rng.uniform(0.01, 3, n)
    return list(zip(rng.integers(10, 118, n).tolist(), starts.tolist(), ends.tolist()))


def chorale(path):
    return write_midi(load_dataset("chorales").test[0], path)


def folk_tune(path):
    if next(row["found"] == "missing" for row in catalogue() if row["name"] == "nottingham"):
        pytest.skip("Nottingham.mat is not at hand")
    return write_midi(load_dataset("nottingham").test[0], path, 2, tempo=90)


def with_running_status(path):
    """One track: a chord whose notes leave out their status, and end by a velocity of 0."""
    struck = bytes.fromhex("00 90 3c 40 00 40 40 00 43 40")
    left = bytes.fromhex("81 40 3c 00 00 40 00 60 43 00")  # after 192 ticks and after 96 more
    tempo = bytes.fromhex("00 ff 51 03 07 a1 20")
    return by_hand(path, tempo + struck + left + bytes.fromhex("00 ff 2f 00"), kind=0)


FILES = {
    "chords": lambda path: midi(path, [(60, 0, 1), (64, 0, 1.5), (67, 0.5, 2)], [(40, 0, 2)]),
    "off the grid": lambda path: midi(path, random_notes(0), random_notes(1)),
    "drums": lambda path: midi(path, *[random_notes(i, 5) for i in range(10)]),
    "running status": with_running_status,
    "chorale": chorale,
    "folk tune": folk_tune,
}


@pytest.fixture
def drop(visit, tmp_path):
    """A function that opens the page and drops a file on it."""

    def open_and_drop(path, page=None):
        page = page or visit()
        page.evaluate(DROP, [path.name, list(path.read_bytes())])
        page.wait_for_function("document.getElementById('play-status').textContent !== ''")
        return page

    return open_and_drop


def sounding(roll):
    """Return a roll without the silence at its beginning."""
    return roll[np.flatnonzero(roll.any(axis=1))[0] :]


@pytest.mark.filterwarnings("ignore:.*left out")
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_as_the_package_reads_it(visit, tmp_path, name):
    path, page = FILES[name](tmp_path / "x.mid"), visit()
    for steps_per_quarter in (1, 2, 3):
        (roll,) = page.evaluate(READ, [[list(path.read_bytes())], steps_per_quarter])
        np.testing.assert_array_equal(roll, read_midi(path, steps_per_quarter))


def test_running_status_and_a_velocity_of_0_by_the_standard(visit, tmp_path):
    path = with_running_status(tmp_path / "x.mid")
    (roll,) = visit().evaluate(READ, [[list(path.read_bytes())], 1])
    pitches = [(np.flatnonzero(frame) + 21).tolist() for frame in roll]
    assert pitches == [[60, 64, 67], [60, 64, 67], [67]]


@pytest.mark.filterwarnings("ignore:.*left out")
def test_damaged_files_are_read_alike_or_refused(visit, tmp_path):
    """A byte is changed or the end cut off; whatever both can read, they read alike."""
    whole = midi(tmp_path / "x.mid", random_notes(0, 12)).read_bytes()
    rng = np.random.default_rng(0)
    damaged = []
    for i in range(300):
        content = bytearray(whole[: rng.integers(len(whole))] if i % 5 == 0 else whole)
        if content:
            content[rng.integers(len(content))] = rng.integers(256)
        damaged.append(bytes(content))
    read = visit().evaluate(READ, [list(map(list, damaged)), 2])
    both = 0
    for content, roll in zip(damaged, read, strict=True):
        (tmp_path / "y.mid").write_bytes(content)
        try:
            expected = read_midi(tmp_path / "y.mid", 2)
        except UserError:
            continue
        if not isinstance(roll, str):
            both += 1
            np.testing.assert_array_equal(roll, expected)
    assert both > 100


@pytest.mark.parametrize("name", ["chorale", "folk tune"])
def test_a_dropped_file_becomes_the_opening(drop, download, tmp_path, name):
    path = FILES[name](tmp_path / "mine.mid")
    page = drop(path)
    assert page.inner_text("#play-opening option:checked") == "mine.mid"
    np.testing.assert_array_equal(download(page), sounding(read_midi(path))[:32])
    page.select_option("#play-data", "nottingham")  # in eighths
    page.wait_for_function("document.getElementById('play-length').value === '96'")
    page.select_option("#play-opening", label="mine.mid")
    eighths = sounding(read_midi(path, 2))[:32]
    np.testing.assert_array_equal(download(page, "nottingham"), eighths)


def test_a_file_chosen_by_the_button_is_gone_on_from(visit, download, tmp_path):
    path = chorale(tmp_path / "<b>mine.mid")
    page = visit()
    with page.expect_file_chooser() as waiting:
        page.click("#play-open")
    waiting.value.set_files(path)
    page.wait_for_function("document.getElementById('play-opening').value === '5'")
    page.click("#play-compose")
    roll = download(page)
    np.testing.assert_array_equal(roll[:32], sounding(read_midi(path))[:32])
    assert len(roll) > 32 and page.locator("#play-opening b").count() == 0


def beyond_the_keys(path):
    return midi(path, [(12, 0, 1), (120, 0, 1)])


def some_beyond_the_keys(path):
    return midi(path, [(12, 0, 1), (60, 0, 1), (120, 0, 1)])


def written(content):
    def write(path):
        path.write_bytes(content)
        return path

    return write


REFUSED = {
    "is empty.": written(b""),
    "is not a MIDI file.": written(b"RIFF0000WAVEfmt "),
    "is cut off or damaged.": lambda path: by_hand(path, b"\x00\x90\x3c\x40", size=99),
    "has no note on the 88 keys at the beginning of a time step.": beyond_the_keys,
    "is a MIDI file of type 2; types 0 and 1 are read here.": lambda path: by_hand(path, kind=2),
    "counts film frames; quarter notes are read here.": lambda path: by_hand(path, division=0xE728),
    "has more than 512 KiB.": written(b"MThd" + bytes(1 << 19)),
}


def test_a_file_that_cannot_be_an_opening_is_one_sentence(drop, visit, download, tmp_path):
    page = visit()
    opening = download(page)
    for sentence, write in REFUSED.items():
        drop(write(tmp_path / "x.mid"), page)
        page.wait_for_function(
            "(t) => document.getElementById('play-status').textContent === t",
            arg=f"x.mid {sentence}",
        )
        np.testing.assert_array_equal(download(page), opening, err_msg="it stays as it was")


def test_notes_beyond_the_keys_are_left_out_and_counted(drop, download, tmp_path):
    page = drop(some_beyond_the_keys(tmp_path / "x.mid"))
    assert "2 notes beyond the 88 keys" in page.inner_text("#play-status")
    assert np.argwhere(download(page)).tolist() == [[0, 39], [1, 39]]


# The piano


def test_every_key_is_a_button_with_its_name(visit):
    page = visit()
    page.click("#play-record summary")
    names = page.eval_on_selector_all("#play-keys button", "keys => keys.map((k) => k.ariaLabel)")
    expected = [pretty_midi.note_number_to_name(pitch) for pitch in range(21, 109)]
    assert [name.replace("♯", "#") for name in names] == expected
    assert page.locator("#play-keys [tabindex='0']").count() == 1, "one stop for Tab"


def press(page, name, how="click"):
    getattr(page.get_by_role("button", name=name, exact=True), how)()


@pytest.mark.parametrize("how, width", [("click", 1280), ("tap", 390)])
def test_chords_pressed_with_mouse_or_finger_become_the_opening(visit, download, how, width):
    page = visit(width=width, has_touch=True)
    page.click("#play-record summary")
    for chord in (["C5", "E5", "G5", "A5"], ["A5"]):  # the last is taken out of the first again
        for name in chord:
            press(page, name, how)
        if len(chord) > 1:
            press(page, "A5", how)
        press(page, "Add the chord", how)
    assert page.inner_text("#play-opening option:checked") == "your own notes"
    expected = np.zeros([4, 88], int)
    expected[:2, [51, 55, 58]] = expected[2:, 60] = 1
    np.testing.assert_array_equal(download(page), expected)
    press(page, "Take the last one back", how)
    np.testing.assert_array_equal(download(page), expected[:2])


def test_chords_pressed_on_a_computers_keyboard(visit, download):
    page = visit()
    page.focus("#play-record summary")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "C5"
    for key in ("ArrowLeft", "Space", "ArrowRight", "d", "g", "PageDown", "a"):
        page.keyboard.press(key)  # B4; E5 and G5 of the octave of C5; C4
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expected = np.zeros([2, 88], int)
    expected[:, [39, 50, 55, 58]] = 1
    np.testing.assert_array_equal(download(page), expected)


def test_a_full_opening_and_no_key_are_said(visit, download):
    page = visit()
    page.click("#play-record summary")
    for button in ("add", "back"):
        page.click(f"#play-{button}")
        assert page.inner_text("#play-status").startswith("No ")
    page.fill("#play-hold", "16")
    for _ in range(3):
        press(page, "C5")
        page.click("#play-add")
    assert "room for 32 time steps" in page.inner_text("#play-status")
    assert len(download(page)) == 32
