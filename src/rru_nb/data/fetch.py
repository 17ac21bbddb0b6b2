"""Where an upstream file is: in the mirror folder, in the cache, or still to be downloaded.

A file counts only with the content that the registry says. Downloads are checked before they
get their name, so that the cache holds whole files only. Of several processes that want the same
file one downloads it; what a killed one left is removed by the next.
"""

import logging
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import UserError
from ..storage import files, paths, streams
from . import registry
from .checks import check

CONNECT_SECONDS, READ_SECONDS = 10, 60


def locate(name, checked=True):
    """The path of an upstream file with the content of the registry.

    Looks in the folder that `RRU_NB_DATA` names, then in the cache, then downloads.

    Args:
        name: of a file in `registry.FILES`, e.g. `"JSB_Chorales.mat"`.
        checked: False leaves the check of a file that is at hand to the caller, who reads it
            anyway. Downloads are always checked.

    Returns:
        A `pathlib.Path`.

    Raises:
        UserError: if it is nowhere and cannot be downloaded, or not what it should be.
    """
    file = registry.FILES[name]
    mirrored = find(file, mirror())
    if mirrored:
        if checked:
            check(file, mirrored)
        return mirrored
    cached = find(file, downloads())
    if cached and (not checked or _is_good(file, cached)):
        return cached
    return download(file)


def mirror():
    """The folder that `RRU_NB_DATA` names, or None; it has to exist."""
    folder = paths.data_mirror()
    if folder is not None and not folder.is_dir():
        raise UserError(
            f"RRU_NB_DATA names {str(folder)!r}, which is not a folder. Set it to the folder "
            "that holds the upstream data files, or unset it."
        )
    return folder


def downloads():
    """The folder of the cache that downloads go to."""
    return paths.cache_dir() / "downloads"


def find(file, folder):
    """The path of a file in a folder, under one of its names, or None."""
    if folder is None:
        return None
    try:
        return next((folder / name for name in file.names if (folder / name).is_file()), None)
    except OSError as error:
        raise UserError(f"the folder {folder} cannot be read: {error.strerror}.") from error


def download(file):
    """Downloads a file into the cache, from the first address that gives the right content.

    Returns:
        Its path; that of another process' download, if one was under way.

    Raises:
        UserError: if no address gives it, or the cache cannot take it.
    """
    folder = downloads()
    with files.alone(folder / f".{file.name}.lock", f"downloading {file.name}") as locked:
        cached = find(file, folder)
        if cached and _is_good(file, cached):
            return cached
        if locked:
            for left in folder.glob(f".{file.name}-*.part"):
                shutil.rmtree(left, ignore_errors=True)
        return _download(file, folder)


def _download(file, folder):
    failures = []
    for url in file.urls:
        try:
            return _download_from(url, file, folder)
        except Exception as error:  # requests, urllib3, pooch and the system have no common base
            if _is_of_the_disk(error):
                raise UserError(
                    f"{file.name} ({file.download_size / 1e6:.1f} MB) cannot be kept in {folder}: "
                    f"{error.strerror or error}. Mend that, or set RRU_NB_CACHE to another folder."
                ) from error
            failures.append(f"  {url}: {_short(url, error)}")
    raise UserError(_not_found(file, failures))


def _is_of_the_disk(error):
    import requests

    of_the_network = (requests.RequestException, ConnectionError, TimeoutError)
    return isinstance(error, OSError) and not isinstance(error, of_the_network)


def _download_from(url, file, folder):
    import pooch

    # pooch tells at INFO level the hash of what has no known hash; ours is that of the content.
    pooch.get_logger().setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{file.name}-", suffix=".part", dir=folder))
    try:
        pooch.retrieve(url, None, fname=file.name, path=part, downloader=_Downloader(file))
        os.replace(part / file.name, folder / file.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder / file.name


class _Downloader:
    """Downloads to pooch's temporary file and checks it there."""

    def __init__(self, file):
        self.file = file

    def __call__(self, url, output_file, pooch_object):
        import pooch

        progress = _Progress(self.file)
        get = pooch.HTTPDownloader(
            progress, chunk_size=1 << 16, timeout=(CONNECT_SECONDS, READ_SECONDS)
        )
        try:
            get(url, output_file, pooch_object)
        finally:
            progress.close()
        try:
            check(self.file, Path(output_file))
        except UserError as error:
            # The temporary file's name says nothing to the reader.
            raise UserError(str(error).replace(str(output_file), "the download")) from error


class _Progress:
    """A progress bar that stops a download far larger than it should be.

    pooch sets `total` when the answer begins, and calls `update` for each portion.
    """

    def __init__(self, file):
        self.file = file
        self.limit = 2 * file.download_size + (1 << 20)
        self.received = 0
        self.bar = None

    @property
    def total(self):
        return self.bar.total

    @total.setter
    def total(self, total):
        self._refuse_beyond_limit(total)
        self.bar = streams.bar(
            desc=self.file.name,
            total=total or None,
            unit="B",
            unit_scale=True,
            leave=False,
        )

    def update(self, n):
        self.received += n
        self._refuse_beyond_limit(self.received)
        self.bar.update(n)

    def reset(self):
        self.bar.reset(self.bar.total)
        self.received = 0

    def close(self):
        if self.bar is not None:
            self.bar.close()

    def _refuse_beyond_limit(self, n):
        if n > self.limit:
            raise UserError(f"more than {self.limit:,} bytes were sent, so it is another file")


def _is_good(file, path):
    try:
        check(file, path)
    except UserError:
        return False
    return True


def _short(url, error):
    """One line that says why a download failed."""
    import requests

    # requests wraps a pause within the content as an error of the connection.
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"no answer within {CONNECT_SECONDS} or {READ_SECONDS} s"
    if isinstance(error, requests.ConnectionError):
        return f"no connection to {urlsplit(url).hostname}"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _not_found(file, failures):
    folder = paths.data_mirror()
    in_mirror = f"not in {folder}" if folder else "is not set"
    damaged = " (a damaged one is there)" if find(file, downloads()) else ""
    dataset = _first_dataset_of(file.name)
    return "\n".join(
        [
            f"The data file {file.name!r} is not at hand. Looked for:",
            f"  in the mirror folder: RRU_NB_DATA {in_mirror};",
            f"  in the cache: not in {downloads()}{damaged};",
            "  on the network:",
            *failures,
            f"Either set RRU_NB_DATA to a folder that holds {' or '.join(file.names)}, "
            f"or run `rru-nb data fetch {dataset}` with a network.",
        ]
    )


def _first_dataset_of(name):
    return next(d.name for d in registry.DATASETS_BY_NAME.values() if name in d.files)
