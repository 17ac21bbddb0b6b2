"""Texts as streams of numbers: Penn Treebank by words and by characters, enwik8, text8.

Each split is one array, the symbols in reading order, each a number into the `vocabulary`. In
the vocabularies of the authors' code, 0 is padding and 1 an unknown symbol; `<padding>` never
occurs in a stream.

| dataset | protocol | symbols | vocabulary |
| --- | --- | --- | --- |
| `ptb-word` | authors | words without punctuation, no line ends | 9,650 |
| | standard | words as they stand in the file, `<eos>` at line ends | 10,000 |
| `ptb-char` | authors | characters, no line ends: lines run into each other | 51 |
| | standard | characters, each line ends with a line end | 50 |
| `enwik8` | both | bytes | 207 |
| `text8` | both | a to z and space | 29 |

The protocols of enwik8 and text8 differ in how a model is scored, not in the text.
"""

import numpy as np

from ..errors import UserError
from . import registry
from .checks import check_counts, read_content
from .splits import Splits, combined_digest, read_only
from .words import by_frequency, split_words

PADDING, UNKNOWN, LINE_END = "<padding>", "<unknown>", "<eos>"
UNKNOWN_NUMBER = 1
AUTHORS_WORDS = 9650
SPLITS = ("train", "valid", "test")
WIKI_SYMBOLS = {"enwik8": bytes(range(256)), "text8": b" abcdefghijklmnopqrstuvwxyz"}


# Penn Treebank


def load_ptb_words(dataset, protocol, vocabulary_size=None):
    """`Splits` of word-level Penn Treebank: int32 streams.

    Args:
        dataset: a `registry.Dataset`.
        protocol: "authors" or "standard", see above.
        vocabulary_size: keep that many symbols, the most frequent; default 9,650 for "authors"
            and all for "standard".
    """
    lines = _ptb_lines(dataset)
    if protocol == "authors":
        words = {split: split_words("\n".join(lines[split])) for split in SPLITS}
        special, size = (PADDING, UNKNOWN), vocabulary_size or AUTHORS_WORDS
    else:
        words = {s: [w for line in lines[s] for w in (*line.split(), LINE_END)] for s in SPLITS}
        special, size = (), vocabulary_size
    vocabulary = (*special, *by_frequency(words["train"]))[:size]
    unknown = UNKNOWN_NUMBER if special else _standard_unknown(vocabulary)
    streams = {split: _encode(words[split], vocabulary, unknown, np.int32) for split in SPLITS}
    return _splits(dataset, streams, vocabulary)


def load_ptb_characters(dataset, protocol):
    """`Splits` of character-level Penn Treebank: uint8 streams.

    The text is the word-level one spelled out; its characters, counting one for each line end,
    are as many as in Mikolov's character files.
    """
    lines = _ptb_lines(dataset)
    line_end, special = ("", (PADDING, UNKNOWN)) if protocol == "authors" else ("\n", ())
    texts = {split: "".join(line + line_end for line in lines[split]) for split in SPLITS}
    vocabulary = (*special, *by_frequency(texts["train"]))
    unknown = UNKNOWN_NUMBER if special else None
    streams = {split: _encode(texts[split], vocabulary, unknown, np.uint8) for split in SPLITS}
    return _splits(dataset, streams, vocabulary)


def _ptb_lines(dataset):
    from .fetch import locate

    paths = {split: locate(name) for split, name in zip(SPLITS, dataset.files)}
    lines = {split: read_lines(path) for split, path in paths.items()}
    found = {s: (len(lines[s]), sum(len(line.split()) for line in lines[s])) for s in SPLITS}
    check_counts(", ".join(dataset.files), found, dataset.counts, ("lines", "words"))
    return lines


def read_lines(path):
    """The lines of a text file without the spaces around them.

    Raises:
        UserError: if it is not a text in UTF-8 (or plain ASCII).
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8")
        wrong = content.find(b"\0")  # UTF-16 without a mark reads as UTF-8 full of zeros
    except UnicodeDecodeError as error:
        wrong = error.start
    if wrong >= 0:
        raise UserError(
            f"{path} is not a text in UTF-8: expected a character, found the byte "
            f"0x{content[wrong]:02x} at position {wrong:,}."
        )
    return [line.strip(" ") for line in text.removesuffix("\n").split("\n")]


def _standard_unknown(vocabulary):
    return vocabulary.index("<unk>") if "<unk>" in vocabulary else None


def _encode(symbols, vocabulary, unknown, dtype):
    number = {symbol: i for i, symbol in enumerate(vocabulary)}
    try:
        if unknown is None:
            numbers = (number[symbol] for symbol in symbols)
        else:
            numbers = (number.get(symbol, unknown) for symbol in symbols)
        return read_only(np.fromiter(numbers, dtype, len(symbols)))
    except KeyError as error:
        raise UserError(
            f"the symbol {error.args[0]!r} is not in the training text, and the vocabulary has "
            "no entry for unknown ones."
        ) from None


def _splits(dataset, streams, vocabulary):
    files = [registry.FILES[name] for name in dataset.files]
    return Splits(
        dataset.name,
        **streams,
        digest=combined_digest(file.sha256 for file in files),
        source=", ".join(file.name for file in files),
        vocabulary=vocabulary,
    )


# enwik8 and text8


def load_wiki(dataset):
    """`Splits` of enwik8 or text8: uint8 streams, 90 %, 5 % and 5 % of the file."""
    from .fetch import locate

    file = registry.FILES[dataset.files[0]]
    content = read_content(file, locate(file.name))
    streams, vocabulary = encode_bytes(content, WIKI_SYMBOLS[dataset.name], file.name)
    return _splits(dataset, streams, vocabulary)


def encode_bytes(content, symbols, what):
    """Splits and numbers a text of bytes.

    Args:
        content: bytes.
        symbols: bytes, those that may occur.
        what: the file, for the message.

    Returns:
        The streams `{split: uint8 [length]}`, the last 5 % for test, the 5 % before for
        validation; and the vocabulary: padding, unknown, then the bytes of the training text in
        the order of their first appearance, as in the authors' code.

    Raises:
        UserError: if another symbol occurs.
    """
    text = np.frombuffer(content, np.uint8)
    twentieth = len(text) * 5 // 100
    ends = [len(text) - 2 * twentieth, len(text) - twentieth]
    first = _first_positions(text)
    _refuse_others(first, symbols, what)
    seen = [byte for byte in sorted(first, key=first.get) if first[byte] < ends[0]]
    vocabulary = (PADDING, UNKNOWN, *(bytes([byte]) for byte in seen))
    number = np.full(256, UNKNOWN_NUMBER, np.uint8)
    number[seen] = np.arange(2, len(vocabulary))
    streams = map(read_only, np.split(number[text], ends))
    return dict(zip(SPLITS, streams)), vocabulary


def _first_positions(text, portion=1 << 20):
    """Where each byte that occurs in an array [length] occurs first: `{byte: position}`."""
    first = {}
    for start in range(0, len(text), portion):
        part = text[start : start + portion]
        new = [byte for byte in np.flatnonzero(np.bincount(part)).tolist() if byte not in first]
        first |= {byte: start + int((part == byte).argmax()) for byte in new}
    return first


def _refuse_others(first, symbols, what):
    others = [byte for byte in first if byte not in symbols]
    if others:
        byte = min(others, key=first.get)
        raise UserError(
            f"{what}: expected only the symbols {symbols.decode('latin1')!r}, found the byte "
            f"0x{byte:02x} at position {first[byte]:,}."
        )
