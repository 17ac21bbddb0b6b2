"""Texts as streams of numbers: Penn Treebank by words and by characters, enwik8, text8.

Each split is one array, the tokens in reading order, each a number into the `vocabulary`. In
the vocabularies of the authors' code, 0 is padding and 1 an unknown token; `<padding>` never
occurs in a stream.

| dataset | protocol | tokens | vocabulary |
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

from . import fetch
from .splits import SPLITS, read_only, splits_of_files

PADDING, UNKNOWN, LINE_END = "<padding>", "<unknown>", "<eos>"
UNKNOWN_NUMBER = 1
AUTHORS_WORDS = 9650

# What Keras' text `Tokenizer`, which the authors use, makes a space of.
_TO_SPACE = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))


def split_words(text):
    """Return the words of a text as Keras' `Tokenizer`: `"Wash. St. 's"` has wash, st and 's."""
    return [word for word in text.lower().translate(_TO_SPACE).split(" ") if word]


def by_frequency(tokens):
    """Return the distinct tokens, the most frequent first; of equals, the one seen first."""
    return [token for token, _ in Counter(tokens).most_common()]


# Penn Treebank


def load_ptb_words(dataset, protocol, vocabulary_size=None):
    """Return `Splits` of word-level Penn Treebank: int32 streams.

    The vocabulary keeps so many tokens, the most frequent; None: 9,650 of "authors", all of
    "standard".
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
    """Return the lines of each split without the spaces around them."""
    texts = [fetch.read(name).decode() for name in dataset.files]
    lines = [text.removesuffix("\n").split("\n") for text in texts]
    return {split: [line.strip(" ") for line in part] for split, part in zip(SPLITS, lines)}


def _encoded(dataset, texts, vocabulary, dtype):
    number = {token: i for i, token in enumerate(vocabulary)}
    unknown = number.get(UNKNOWN, number.get("<unk>"))
    streams = {}
    for split, tokens in texts.items():
        numbers = (number.get(token, unknown) for token in tokens)
        streams[split] = read_only(np.fromiter(numbers, dtype, len(tokens)))
    return splits_of_files(dataset, **streams, vocabulary=vocabulary)


# enwik8 and text8


def load_wiki(dataset):
    """Return `Splits` of enwik8 or text8: uint8 streams, 90 %, 5 % and 5 % of the file."""
    streams, vocabulary = encode_bytes(fetch.read(dataset.files[0]))
    return splits_of_files(dataset, **streams, vocabulary=vocabulary)


def encode_bytes(content):
    """Return the streams of a text of bytes, `{split: uint8 [length]}`, and the vocabulary.

    The last 5 % are for test, the 5 % before for validation. The vocabulary is padding, unknown,
    then the training text's bytes in the order of first appearance, as in the authors' code.
    """
    text = np.frombuffer(content, np.uint8)
    twentieth = len(text) * 5 // 100
    ends = [len(text) - 2 * twentieth, len(text) - twentieth]
    occurs = np.zeros(256, bool)
    occurs[text] = True
    first = {byte: content.find(byte) for byte in np.flatnonzero(occurs).tolist()}
    in_order = sorted(first, key=first.get)
    seen = [byte for byte in in_order if first[byte] < ends[0]]
    vocabulary = (PADDING, UNKNOWN, *(bytes([byte]) for byte in seen))
    number = np.full(256, UNKNOWN_NUMBER, np.uint8)
    number[seen] = np.arange(2, len(vocabulary))
    streams = map(read_only, np.split(number[text], ends))
    return dict(zip(SPLITS, streams)), vocabulary
