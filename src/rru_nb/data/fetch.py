"""Where an upstream file is: in the mirror folder, in the cache, or still to be downloaded.

A file counts only with the content that the registry says. Downloads are checked before they
get their name, so that the cache holds whole files only. Of several processes that want the same
file one downloads it; what a killed one left is removed by the next.
"""

import os
import shutil
import tempfile
import warnings
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import UserError
from ..storage import files, paths, streams
from . import registry
from .checks import check, read_content, refusal, sha256_of

PACKAGE = Path(__file__).parent
CONNECT_SECONDS, READ_SECONDS = 10, 60
KERAS_SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"  # its loader's


def read(name):
    """Return the content of an upstream file, unpacked, as bytes; errors as of `locate`."""
    return read_content(registry.FILES[name], locate(name))


def locate(name):
    """Return the path of an upstream file with the content of the registry.

    Looks in the package, then in the folder that `RRU_NB_DATA` names, then in the cache, then
    downloads. A `UserError` if it is nowhere, or not what it should be.
    """
    file = registry.FILES[name]
    if given := find(file, PACKAGE) or find(file, mirror()):
        check(file, given)
        return given
    return _cached(file) or download(file)


def _cached(file):
    """Return the path of a file in the cache that is what it should be, or None."""
    path = find(file, downloads())
    return path if path and not refusal(file, path) else None


def mirror():
    """Return the folder that `RRU_NB_DATA` names, which has to exist, or None."""
    folder = paths.data_mirror()
    if folder is not None and not folder.is_dir():
        raise UserError(
            f"RRU_NB_DATA names {str(folder)!r}, which is not a folder. Set it to the folder "
            "that holds the upstream data files, or unset it."
        )
    return folder


def downloads():
    """Return the folder of the cache that downloads go to."""
    return paths.cache_dir() / "downloads"


def find(file, folder):
    """Return the path of a file in a folder, under one of its names, or None."""
    if folder is None:
        return None
    try:
        return next((folder / name for name in file.names if (folder / name).is_file()), None)
    except OSError as error:
        raise UserError(f"the folder {folder} cannot be read: {error.strerror}.") from error


def find_anywhere(file):
    """Return the path of a file that is here, unchecked, or None."""
    return find(file, PACKAGE) or find(file, mirror()) or find(file, downloads())


def download(file):
    """Download a file into the cache, from the first address that gives the right content.

    Returns its path; that of another process' download, if one was under way.
    """
    folder = downloads()
    lock = paths.cache_dir() / "locks" / f"{file.name}.lock"
    with files.alone(lock, f"downloading {file.name}") as locked:
        if cached := _cached(file):
            return cached
        if locked:
            for left in folder.glob(f".{file.name}-*.part"):
                shutil.rmtree(left, ignore_errors=True)
        failures = []
        for url in file.urls:
            try:
                return _download_from(url, file, folder)
            except ValueError as error:  # also a length of the answer that is no number
                failures.append(f"  {url}: {error}")
            except OSError as error:
                raise UserError(
                    f"{file.name} ({file.download_size / 1e6:.1f} MB) cannot be kept in {folder}: "
                    f"{error.strerror or error}. Mend that, or set RRU_NB_CACHE to another folder."
                ) from error
    raise UserError(_not_found(file, failures))


def _download_from(url, file, folder):
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{file.name}-", suffix=".part", dir=folder, ignore_cleanup_errors=True
    ) as part:
        path = Path(part, "unchecked")
        _receive(url, file, path)
        if wrong := refusal(file, path):
            # The temporary file's name says nothing to the reader.
            raise UserError(wrong.replace(str(path), "the download"))
        os.replace(path, folder / file.name)
    return folder / file.name


def _receive(url, file, path):
    """Write what an address sends to a path; stop when it is far more than it should be.

    A `UserError` says in one line why nothing came; an `OSError` is of the disk.
    """
    import requests
    from urllib3.exceptions import HTTPError

    limit = 2 * file.download_size + (1 << 20)
    too_much = UserError(f"more than {limit:,} bytes were sent, so it is another file")
    timeout = CONNECT_SECONDS, READ_SECONDS
    try:
        with requests.get(url, stream=True, timeout=timeout) as answer, open(path, "wb") as part:
            answer.raise_for_status()
            announced = int(answer.headers.get("content-length", 0))
            if announced > limit:
                raise too_much
            look = {"unit": "B", "unit_scale": True, "leave": False}
            with streams.bar(desc=file.name, total=announced or None, **look) as bar:
                for portion in answer.iter_content(1 << 16):
                    part.write(portion)
                    bar.update(len(portion))
                    if part.tell() > limit:
                        raise too_much
    except (requests.RequestException, HTTPError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        # requests wraps a pause within the content as an error of the connection.
        if isinstance(error, requests.Timeout) or "timed out" in str(error):
            reason = f"no answer within {CONNECT_SECONDS} or {READ_SECONDS} s"
        elif isinstance(error, requests.ConnectionError):
            reason = f"no connection to {urlsplit(url).hostname}"
        elif isinstance(error, requests.exceptions.ChunkedEncodingError):
            reason = "the connection broke off"
        raise UserError(reason) from error


def _not_found(file, failures):
    folder = paths.data_mirror()
    in_mirror = f"not in {folder}" if folder else "is not set"
    damaged = " (a damaged one is there)" if find(file, downloads()) else ""
    dataset = next(d.name for d in registry.DATASETS_BY_NAME.values() if file.name in d.files)
    lines = [
        f"The data file {file.name!r} was not found. Looked for it",
        f"  in the mirror folder: RRU_NB_DATA {in_mirror};",
        f"  in the cache: not in {downloads()}{damaged};",
        *("  on the network:", *failures),
        f"Either set RRU_NB_DATA to a folder that holds {' or '.join(file.names)}, "
        f"or run `rru-nb data fetch {dataset}` with a network.",
    ]
    return "\n".join(lines)


def find_keras_file():
    """Return the path of Keras' `imdb.npz` in Keras' own cache, or None.

    A file there that is not the published one is named in a warning and left alone.
    """
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    path = Path(home) / "datasets" / "imdb.npz"
    if not path.is_file():
        return None
    if sha256_of(path) != KERAS_SHA256:
        warnings.warn(f"{path} is not the file that Keras publishes, and is not used", stacklevel=2)
        return None
    return path
