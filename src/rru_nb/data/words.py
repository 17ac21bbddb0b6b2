"""Words as the authors' code makes them, with Keras' text `Tokenizer`: rules written out again.

Text is lower-cased, punctuation becomes space, and what stands between spaces is a word. Words
are numbered by how often they occur in the training text, the most frequent first; of equally
frequent ones, the one that occurs first.
"""

from collections import Counter

PUNCTUATION = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_TO_SPACE = str.maketrans(dict.fromkeys(PUNCTUATION, " "))


def split_words(text):
    """The words of a text, a list of str: `"Wash. St. 's"` has wash, st and 's."""
    return [word for word in text.lower().translate(_TO_SPACE).split(" ") if word]


def by_frequency(symbols):
    """The distinct symbols of an iterable, the most frequent first."""
    return [symbol for symbol, _ in Counter(symbols).most_common()]
