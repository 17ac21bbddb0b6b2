"""Small generated files in the formats of the upstream data, and registry entries for them.

The content is random but not structureless: melodies move in steps, words follow Zipf's law,
good reviews use other words than bad ones, digits of a class look alike. So a model can learn
something from them, and a pipeline that mixes up inputs and targets shows.
"""

import gzip
import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import scipy.io

from rru_nb.data import registry
from rru_nb.data.reviews import Review, digest_of

SPLITS = ("train", "valid", "test")
LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))


def write_all(folder):
    """Writes a file for each entry of the registry.

    Returns:
        `(files, datasets)`, like `registry.FILES` and `registry.DATASETS_BY_NAME`.
    """
    files, datasets = dict(registry.FILES), dict(registry.DATASETS_BY_NAME)
    for seed, name in enumerate(("jsb", "nottingham", "musedata", "piano-midi")):
        write_music(folder, files, datasets, name, seed)
    write_ptb(folder, files, datasets)
    write_wiki(folder, files)
    write_imdb(folder, files)
    write_mnist(folder, files, datasets)
    return files, datasets


def _put(folder, files, name, packed, content):
    (folder / name).write_bytes(packed)
    sha256 = hashlib.sha256(content).hexdigest()
    files[name] = replace(files[name], size=len(content), sha256=sha256, packed_size=len(packed))


# Music


def melody(rng, steps):
    """A piano roll of four voices that move by small steps."""
    voices = np.cumsum(rng.integers(-2, 3, [steps, 4]), axis=0) + [20, 30, 40, 50]
    roll = np.zeros([steps, 88], np.uint8)
    for voice in voices.T:
        roll[np.arange(steps), np.clip(voice, 0, 87)] = 1
    roll[rng.random(steps) < 0.02] = 0
    return roll


def write_music(folder, files, datasets, name, seed):
    dataset = datasets[name]
    rng = np.random.default_rng([0, seed])
    fields, counts = {}, {}
    for split, n in zip(SPLITS, (18, 5, 4)):
        pieces = [melody(rng, int(rng.integers(20, 60))) for _ in range(n)]
        cells = np.empty([1, n], object)
        cells[0, :] = pieces
        fields[f"{split}data"] = cells
        counts[split] = (n, sum(map(len, pieces)))
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, fields, do_compression=True)
    _put(folder, files, dataset.files[0], buffer.getvalue(), buffer.getvalue())
    datasets[name] = replace(dataset, counts=counts)


# Texts


def vocabulary(rng, n):
    lengths = rng.integers(2, 8, n)
    return list(dict.fromkeys("".join(rng.choice(LETTERS, length)) for length in lengths))


def zipf(rng, words, n):
    weights = 1 / np.arange(1, len(words) + 1)
    return rng.choice(words, n, p=weights / weights.sum()).tolist()


def ptb_lines(rng, words, n):
    tokens = [*words[:3], "<unk>", "N", "'s", "$", "n.v.", *words[3:]]
    return [zipf(rng, tokens, int(rng.integers(3, 20))) for _ in range(n)]


def write_ptb(folder, files, datasets):
    rng = np.random.default_rng(1)
    words = vocabulary(rng, 300)
    counts = {}
    for split, n in zip(SPLITS, (2500, 250, 250)):
        lines = ptb_lines(rng, words, n)
        if split == "train":
            # As in the real files, every word and character of the others is in training too.
            lines += [words, ["<unk>", "N", "'s", "$", "n.v."], list(LETTERS)]
        content = "".join(f" {' '.join(line)} \n" for line in lines).encode()
        _put(folder, files, f"ptb.{split}.txt", content, content)
        counts[split] = (len(lines), sum(map(len, lines)))
    for name in ("ptb-word", "ptb-char"):
        datasets[name] = replace(datasets[name], counts=counts)


def write_wiki(folder, files, size=200_000):
    rng = np.random.default_rng(2)
    words = vocabulary(rng, 500)
    plain = " ".join(zipf(rng, words, size // 2))[:size]
    marked_up = "".join(
        f"[[{w.title()}]] é\n" if w in words[:20] else w + " " for w in plain.split()
    )
    for name, text in (("text8", plain), ("enwik8", marked_up)):
        content = text.encode()[:size]
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        _put(folder, files, f"{name}.zip", buffer.getvalue(), content)


# Reviews


def reviews(n_each=30):
    """Reviews in the order of the registry's digest."""
    rng = np.random.default_rng(3)
    words = vocabulary(rng, 400)
    made = []
    for place in ("train/neg", "train/pos", "test/neg", "test/pos"):
        mood, stars = ("awful", 2) if place.endswith("neg") else ("great", 9)
        for name in sorted(f"aclImdb/{place}/{i}_{stars}.txt" for i in range(n_each)):
            text = zipf(rng, words, int(rng.integers(5, 60)))
            text.insert(int(rng.integers(len(text))), f"{mood}!<br />It's")
            made.append(Review(place, name, " ".join(text).encode()))
    return made


def tar_gz(members):
    """An archive of (name or TarInfo, content) in this order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for info, content in members:
            if isinstance(info, str):
                info = tarfile.TarInfo(info)
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def write_imdb(folder, files):
    made = reviews()
    extra = [("aclImdb/README", b"read me"), ("aclImdb/train/unsup/0_0.txt", b"no label")]
    members = [*extra, *((review.name, review.content) for review in reversed(made))]
    name = "aclImdb_v1.tar.gz"
    (folder / name).write_bytes(tar_gz(members))
    size = sum(len(review.content) for review in made)
    files[name] = replace(files[name], size=size, sha256=digest_of(made), upstream_sha256=None)


# Images


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def digits(rng, n):
    """Images with a bright bar whose place tells the class, and noise."""
    labels = rng.integers(0, 10, n)
    images = rng.integers(0, 40, [n, 28, 28])
    for image, label in zip(images, labels):
        image[2 * label + 4 : 2 * label + 7, 6:22] += 200
    return images.astype(np.uint8), labels.astype(np.uint8)


def write_mnist(folder, files, datasets, n_train=600, n_test=100):
    rng = np.random.default_rng(4)
    for prefix, n in (("train", n_train), ("t10k", n_test)):
        images, labels = digits(rng, n)
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            content = idx(array)
            packed = gzip.compress(content, 1)
            _put(folder, files, f"{prefix}-{name}-ubyte.gz", packed, content)
    counts = {"train": (n_train, n_train), "test": (n_test, n_test)}
    for name in ("mnist", "pmnist"):
        datasets[name] = replace(datasets[name], counts=counts)
