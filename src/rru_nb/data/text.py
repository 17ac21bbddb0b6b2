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

from collections import Counter

import numpy as np

from ..errors import UserError
from . import registry
from .checks import check_counts, read_content
from .fetch import locate
from .splits import SPLITS, read_only, splits_of_files

PADDING, UNKNOWN, LINE_END = "<padding>", "<unknown>", "<eos>"
UNKNOWN_NUMBER = 1
AUTHORS_WORDS = 9650
WIKI_SYMBOLS = {"enwik8": bytes(range(256)), "text8": b" abcdefghijklmnopqrstuvwxyz"}

# What Keras' text `Tokenizer`, which the authors use, makes a space of.
_TO_SPACE = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))


def split_words(text):
    """Return the words of a text as Keras' `Tokenizer`: `"Wash. St. 's"` has wash, st and 's."""
    return [word for word in text.lower().translate(_TO_SPACE).split(" ") if word]


def by_frequency(symbols):
    """Return the distinct symbols, the most frequent first; of equals, the one seen first."""
    return [symbol for symbol, _ in Counter(symbols).most_common()]


# Penn Treebank


def load_ptb_words(dataset, protocol, vocabulary_size=None):
    """Return `Splits` of word-level Penn Treebank: int32 streams.

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
    return _encoded(dataset, words, vocabulary, np.int32)


def load_ptb_characters(dataset, protocol):
    """Return `Splits` of character-level Penn Treebank: uint8 streams.

    The text is the word-level one spelled out; its characters, counting one for each line end,
    are as many as in Mikolov's character files.
    """
    lines = _ptb_lines(dataset)
    line_end, special = ("", (PADDING, UNKNOWN)) if protocol == "authors" else ("\n", ())
    texts = {split: "".join(line + line_end for line in lines[split]) for split in SPLITS}
    return _encoded(dataset, texts, (*special, *by_frequency(texts["train"])), np.uint8)


def _ptb_lines(dataset):
    lines = {split: read_lines(locate(name)) for split, name in zip(SPLITS, dataset.files)}
    counted = {s: (len(lines[s]), sum(len(line.split()) for line in lines[s])) for s in SPLITS}
    check_counts(", ".join(dataset.files), counted, dataset.counts, ("lines", "words"))
    return lines


def read_lines(path):
    """Return the lines of a text file without the spaces around them."""
    text = decoded(path.read_bytes(), path)
    return [line.strip(" ") for line in text.removesuffix("\n").split("\n")]


def decoded(content, what):
    """Return bytes as a str; raise a `UserError` if they are no text in UTF-8 or plain ASCII."""
    try:
        text = content.decode("utf-8")
        wrong = content.find(b"\0")  # UTF-16 without a mark reads as UTF-8 full of zeros
    except UnicodeDecodeError as error:
        wrong = error.start
    if wrong >= 0:
        raise UserError(
            f"{what} is not a text in UTF-8: expected a character, found the byte "
            f"0x{content[wrong]:02x} at position {wrong:,}."
        )
    return text


def _encoded(dataset, texts, vocabulary, dtype):
    number = {symbol: i for i, symbol in enumerate(vocabulary)}
    unknown = number.get(UNKNOWN, number.get("<unk>"))
    streams = {}
    for split, symbols in texts.items():
        numbers = (number.get(symbol, unknown) for symbol in symbols)
        try:
            streams[split] = read_only(np.fromiter(numbers, dtype, len(symbols)))
        except TypeError:
            lacking = next(symbol for symbol in symbols if symbol not in number)
            raise UserError(
                f"the symbol {lacking!r} is not in the training text, and the vocabulary has no "
                "entry for unknown ones."
            ) from None
    return splits_of_files(dataset, **streams, vocabulary=vocabulary)


# enwik8 and text8


def load_wiki(dataset):
    """Return `Splits` of enwik8 or text8: uint8 streams, 90 %, 5 % and 5 % of the file."""
    file = registry.FILES[dataset.files[0]]
    content = read_content(file, locate(file.name))
    streams, vocabulary = encode_bytes(content, WIKI_SYMBOLS[dataset.name], file.name)
    return splits_of_files(dataset, **streams, vocabulary=vocabulary)


def encode_bytes(content, symbols, what):
    """Split and number a text of bytes.

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
    occurs = np.zeros(256, bool)
    occurs[text] = True
    first = {byte: content.find(byte) for byte in np.flatnonzero(occurs).tolist()}
    in_order = sorted(first, key=first.get)
    for byte in in_order:
        if byte not in symbols:
            raise UserError(
                f"{what}: expected only the symbols {symbols.decode('latin1')!r}, found the byte "
                f"0x{byte:02x} at position {first[byte]:,}."
            )
    seen = [byte for byte in in_order if first[byte] < ends[0]]
    vocabulary = (PADDING, UNKNOWN, *(bytes([byte]) for byte in seen))
    number = np.full(256, UNKNOWN_NUMBER, np.uint8)
    number[seen] = np.arange(2, len(vocabulary))
    streams = map(read_only, np.split(number[text], ends))
    return dict(zip(SPLITS, streams)), vocabulary
