"""MNIST as sequences, its permutations, and files that are not upstream's."""

import gzip

import fakes
import numpy as np
import pytest

from rru_nb import load_dataset, paper_config
from rru_nb.data import _load, catalogue, mnist, registry, verify
from rru_nb.errors import UserError


def test_real_files(mirror):
    splits = load_dataset("Sequential MNIST")
    assert splits.train.inputs.shape == (50_000, 784)
    assert splits.valid.inputs.shape == splits.test.inputs.shape == (10_000, 784)
    assert splits.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert splits.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    # The usual normalization constants are over all 60,000 images.
    pixels = np.concatenate([splits.train.inputs, splits.valid.inputs])
    assert pixels.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert np.bincount(splits.test.labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009
    ]  # fmt: skip


def test_real_permutations(mirror):
    plain = load_dataset("mnist")
    for protocol in ("authors", "paper"):
        permuted = load_dataset("P-MNIST", protocol)
        order = mnist.permutation(protocol)
        np.testing.assert_array_equal(permuted.valid.inputs, plain.valid.inputs[:, order])
        np.testing.assert_array_equal(permuted.valid.labels, plain.valid.labels)


def test_a_dataset_and_its_trainings_have_the_same_protocol_by_default():
    defaults = {name: d.protocols[0] for name, d in registry.DATASETS_BY_NAME.items()}
    trained = {name: paper_config(name, "rru", "smoke").protocol for name in defaults}
    assert trained == defaults and defaults["pmnist"] == "paper"


def test_pixels_stay_in_their_rows_by_default(fake_data):
    assert load_dataset("pmnist") is load_dataset("pmnist", "paper")


def test_permutation_of_the_authors_code():
    order = mnist.permutation("authors")
    # What numpy.random.RandomState(0).permutation(784) gives.
    assert order[:8].tolist() == [693, 85, 647, 392, 765, 14, 299, 711]
    assert sorted(order) == list(range(784))


def test_permutation_of_the_papers_text():
    order = mnist.permutation("paper").reshape(28, 28)
    columns = order % 28
    assert (order // 28 == np.arange(28)[:, None]).all()  # each row keeps its pixels
    assert (columns == columns[0]).all()
    assert sorted(columns[0]) == list(range(28)) and columns[0].tolist() != list(range(28))


def test_generated_files(fake_data):
    splits = load_dataset("mnist")
    images, labels = fakes.digits(np.random.default_rng(4), 600)
    images = images.reshape(600, 784)
    np.testing.assert_array_equal(splits.train.inputs, images[:500])
    np.testing.assert_array_equal(splits.train.labels, labels[:500])
    np.testing.assert_array_equal(splits.valid.inputs, images[500:])
    np.testing.assert_array_equal(splits.valid.labels, labels[500:])
    assert splits.test.inputs.shape == (100, 784)
    assert splits.train.inputs.dtype == np.uint8 and splits.train.labels.dtype == np.int32
    with pytest.raises(ValueError, match="read-only"):
        splits.train.inputs[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        load_dataset("pmnist").test.labels[0] = 1


@pytest.mark.parametrize("unpacked", [True, False])
@pytest.mark.parametrize("mark", ["-", "."])
def test_other_spellings_and_unpacked_files(fake_data, unpacked, mark):
    wanted = load_dataset("mnist")
    _load.cache_clear()
    for path in fake_data.glob("*-ubyte.gz"):
        name = path.name.replace("-idx", f"{mark}idx").removesuffix(".gz" if unpacked else "")
        content = gzip.decompress(path.read_bytes()) if unpacked else path.read_bytes()
        path.unlink()
        (fake_data / name).write_bytes(content)
    row = next(row for row in catalogue() if row["name"] == "mnist")
    assert row["found"] == "mirror" and all(row["ok"] for row in verify("mnist"))
    found = load_dataset("mnist")
    assert found.digest == wanted.digest
    np.testing.assert_array_equal(found.test.inputs, wanted.test.inputs)


def test_an_unpacked_file_with_other_content_is_refused(fake_data):
    path = fake_data / "t10k-labels-idx1-ubyte.gz"
    content = gzip.decompress(path.read_bytes())
    path.with_suffix("").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    path.unlink()
    with pytest.raises(UserError, match="t10k-labels-idx1-ubyte is not the upstream file"):
        load_dataset("mnist")


def test_damaged_gzip(fake_data):
    path = fake_data / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match="train-images-idx3-ubyte.gz is damaged or cut off"):
        load_dataset("mnist")


def test_gzip_bomb(fake_data):
    path = fake_data / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(bytes(100_000_000), 1))
    with pytest.raises(UserError, match="expected 470,416 bytes of content, found more"):
        load_dataset("pmnist")
