"""Files are found in the mirror, the cache or the network, and only good ones are believed."""

import contextlib
import gzip
import hashlib
import http.server
import io
import multiprocessing
import threading
import time
import zipfile
from contextlib import nullcontext
from dataclasses import replace

import pytest

from rru_nb import data
from rru_nb.data import fetch, registry
from rru_nb.data.registry import DataFile
from rru_nb.errors import UserError
from rru_nb.storage import files, streams

CONTENT = bytes(range(256)) * 40
fork = multiprocessing.get_context("fork")
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def zipped(content, member="rolls", **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content, **options)
    return buffer.getvalue()


PACKED = {
    "plain": CONTENT,
    "gzip": gzip.compress(CONTENT),
    "zip": zipped(CONTENT),
}


@pytest.fixture
def register(no_data, monkeypatch):
    """Registers a file of `CONTENT` under the name "rolls.mat"; gives the `DataFile`."""

    def register(packing="plain", urls=("http://127.0.0.1:9/rolls.mat",)):
        member = "rolls" if packing == "zip" else None
        file = DataFile("rolls.mat", tuple(urls), len(CONTENT), SHA256, packing, member)
        jsb = replace(registry.DATASETS_BY_NAME["jsb"], files=("rolls.mat",))
        monkeypatch.setattr(registry, "FILES", {"rolls.mat": file})
        monkeypatch.setattr(registry, "DATASETS_BY_NAME", {"jsb": jsb})
        return file

    return register


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A mirror folder."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("RRU_NB_DATA", str(folder))
    return folder


@pytest.fixture
def serve():
    """A web server on this machine: `serve({path: bytes or (status, bytes, length)})`.

    What is announced but not sent comes never if `stalls`, else the connection breaks off.
    """
    servers, over = [], threading.Event()

    def serve(answers, stalls=False, asked=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                if asked is not None:
                    asked.append(self.path)
                answer = answers.get(self.path, (404, b"", 0))
                if isinstance(answer, bytes):
                    answer = (200, answer, len(answer))
                status, body, length = answer
                self.send_response(status)
                if length is not None:
                    self.send_header("Content-Length", str(length))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the client may have enough
                    self.wfile.write(body)
                    self.wfile.flush()
                if stalls and len(body) < length:
                    over.wait()

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield serve
    over.set()
    for server in servers:
        server.shutdown()
        server.server_close()


def cached(cache):
    """Names of all files in the cache, also hidden and temporary ones; locks stay."""
    files = [path.name for path in cache.rglob("*") if path.is_file()]
    return sorted(name for name in files if not name.endswith(".lock"))


@pytest.mark.parametrize("packing", PACKED)
def test_mirror(register, folder, packing):
    register(packing)
    (folder / "rolls.mat").write_bytes(PACKED[packing])
    assert fetch.locate("rolls.mat") == folder / "rolls.mat"


def test_mirror_may_hold_the_member_of_a_zip(register, folder):
    register("zip")
    (folder / "rolls").write_bytes(CONTENT)
    assert fetch.locate("rolls.mat") == folder / "rolls"


def test_a_gzip_file_may_be_unpacked_already(register, folder):
    register("gzip")
    (folder / "rolls.mat").write_bytes(CONTENT)
    assert fetch.locate("rolls.mat") == folder / "rolls.mat"


def test_repacked_archive_is_as_good(register, folder):
    register("gzip")
    (folder / "rolls.mat").write_bytes(gzip.compress(CONTENT, 1, mtime=7))
    assert fetch.locate("rolls.mat") == folder / "rolls.mat"


ALTERED = CONTENT[:-1] + b"!"
WRONG = {
    "cut": ("plain", CONTENT[:-7], r"expected 10,240 bytes of content, found 10,233"),
    "long": ("plain", CONTENT + b"x", r"expected 10,240 bytes of content, found more"),
    "altered": ("plain", ALTERED, f"expected content with sha256 {SHA256}, found [0-9a-f]{{64}}"),
    "empty": ("plain", b"", "expected 10,240 bytes of content, found 0"),
    "gzip cut": ("gzip", PACKED["gzip"][:-20], "damaged or cut off: expected a whole gzip file"),
    "gzip altered": ("gzip", gzip.compress(ALTERED), "expected content with sha256"),
    "not gzip": ("gzip", ALTERED, "expected content with sha256"),
    "gzip bomb": ("gzip", gzip.compress(bytes(50_000_000)), "bytes of content, found more"),
    "zip cut": ("zip", PACKED["zip"][:-30], "damaged or cut off: expected a whole zip file"),
    "zip altered": ("zip", zipped(ALTERED), "expected content with sha256"),
    "other member": ("zip", zipped(CONTENT, "../rolls"), "no item named .*rolls"),
    "zip bomb": ("zip", zipped(bytes(50_000_000)), "bytes of content, found more"),
    "not zip": ("zip", CONTENT, "damaged or cut off: expected a whole zip file"),
}


@pytest.mark.parametrize("packing, content, message", WRONG.values(), ids=WRONG)
def test_wrong_file_in_the_mirror_is_refused(register, folder, packing, content, message):
    register(packing)
    (folder / "rolls.mat").write_bytes(content)
    with pytest.raises(UserError, match=message) as raised:
        fetch.locate("rolls.mat")
    assert str(folder / "rolls.mat") in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("packing, content, message", WRONG.values(), ids=WRONG)
def test_wrong_download_is_refused(register, serve, no_data, packing, content, message):
    register(packing, [serve({"/rolls.mat": content}) + "/rolls.mat"])
    with pytest.raises(UserError, match=message):
        fetch.locate("rolls.mat")
    assert cached(no_data) == []


@pytest.mark.parametrize("packing", PACKED)
def test_download_then_cache(register, serve, no_data, packing):
    answers = {"/rolls.mat": PACKED[packing]}
    register(packing, [serve(answers) + "/rolls.mat"])
    path = fetch.locate("rolls.mat")
    assert path.read_bytes() == PACKED[packing]
    assert cached(no_data) == ["rolls.mat"]
    answers.clear()
    assert fetch.locate("rolls.mat") == path


def test_next_address_is_tried(register, serve):
    address = serve({"/a": b"moved", "/c": CONTENT})
    register(urls=[address + "/a", address + "/b", address + "/c"])
    assert fetch.locate("rolls.mat").read_bytes() == CONTENT


def test_broken_off_download(register, serve, no_data):
    address = serve({"/rolls.mat": (200, CONTENT[:5000], len(CONTENT))})
    register(urls=[address + "/rolls.mat"])
    with pytest.raises(UserError, match="rolls.mat: the connection broke off"):
        fetch.locate("rolls.mat")
    assert cached(no_data) == []


def test_download_without_end_is_stopped(register, serve, no_data):
    announced = (200, b"", 10**12)
    unannounced = (200, bytes(4_000_000), None)
    address = serve({"/announced": announced, "/sent": bytes(4_000_000), "/more": unannounced})
    register(urls=[address + path for path in ("/announced", "/sent", "/more")])
    with pytest.raises(UserError) as raised:
        fetch.locate("rolls.mat")
    assert str(raised.value).count("more than 1,069,056 bytes were sent") == 3
    assert cached(no_data) == []


def test_damaged_file_in_the_cache_is_fetched_anew(register, serve, no_data):
    register(urls=[serve({"/rolls.mat": CONTENT}) + "/rolls.mat"])
    (no_data / "downloads").mkdir(parents=True)
    (no_data / "downloads" / "rolls.mat").write_bytes(CONTENT[:100])
    assert fetch.locate("rolls.mat").read_bytes() == CONTENT
    assert cached(no_data) == ["rolls.mat"]


def test_damaged_file_in_the_cache_without_network(register, no_data):
    register()
    (no_data / "downloads").mkdir(parents=True)
    (no_data / "downloads" / "rolls.mat").write_bytes(CONTENT[:100])
    with pytest.raises(UserError, match="a damaged one is there"):
        fetch.locate("rolls.mat")
    assert (no_data / "downloads" / "rolls.mat").read_bytes() == CONTENT[:100]


def test_nowhere(register, folder, no_data):
    register()
    with pytest.raises(UserError) as raised:
        data.load_dataset("jsb")
    message = str(raised.value)
    assert f"RRU_NB_DATA not in {folder}" in message
    assert f"not in {no_data / 'downloads'}" in message
    assert "http://127.0.0.1:9/rolls.mat: no connection to 127.0.0.1" in message
    assert "set RRU_NB_DATA to a folder that holds rolls.mat" in message
    assert "`rru-nb data fetch jsb` with a network" in message


def test_nowhere_and_no_mirror(register):
    register()
    with pytest.raises(UserError, match="RRU_NB_DATA is not set"):
        fetch.locate("rolls.mat")


def test_mirror_that_does_not_exist(register, monkeypatch, tmp_path):
    register()
    monkeypatch.setenv("RRU_NB_DATA", str(tmp_path / "typo"))
    with pytest.raises(UserError, match=r"RRU_NB_DATA names '.*typo', which is not a folder"):
        fetch.locate("rolls.mat")


def test_cache_that_cannot_be_written(register, serve, no_data):
    register(urls=[serve({"/rolls.mat": CONTENT}) + "/rolls.mat"])
    no_data.write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"rolls.mat \(0.0 MB\) cannot be kept in .*RRU_NB_CACHE"):
        fetch.locate("rolls.mat")


def test_no_space_left(register, serve, no_data, monkeypatch):
    asked = []
    address = serve({"/rolls.mat": CONTENT}, asked=asked)
    register(urls=[address + "/rolls.mat", address + "/rolls.mat"])

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetch.os, "replace", full)
    with pytest.raises(UserError, match=f"in {no_data / 'downloads'}: No space left on device"):
        fetch.locate("rolls.mat")
    assert cached(no_data) == [] and len(asked) == 1, "another address is no help"


def _locate_in_little_space(queue):
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
    try:
        fetch.locate("rolls.mat")
    except UserError as error:
        queue.put(str(error))


def test_space_that_ends_within_the_download(register, serve, no_data):
    """The system itself refuses the second half of the file."""
    pytest.importorskip("resource")
    register(urls=[serve({"/rolls.mat": CONTENT}) + "/rolls.mat"])
    queue = fork.Queue()
    process = fork.Process(target=_locate_in_little_space, args=(queue,))
    process.start()
    assert "cannot be kept" in (told := queue.get(timeout=30)) and "File too large" in told
    process.join()
    assert cached(no_data) == []


def test_a_folder_that_cannot_be_searched_is_one_error(register, folder, monkeypatch):
    register()

    def refuse(path):
        if path.parent == folder:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(fetch.Path, "is_file", refuse)
    with pytest.raises(UserError, match=f"{folder} cannot be read: Permission denied"):
        fetch.locate("rolls.mat")


def test_a_mirror_is_only_read(register, folder, no_data):
    register("gzip")
    path = folder / "rolls.mat"
    path.write_bytes(PACKED["gzip"])
    path.chmod(0o444)
    folder.chmod(0o555)
    try:
        assert fetch.locate("rolls.mat") == path
        path.chmod(0o644)
        path.write_bytes(PACKED["gzip"][:-20])
        before = folder.stat().st_mtime_ns, path.stat().st_mtime_ns
        with pytest.raises(UserError, match="damaged or cut off"):
            fetch.locate("rolls.mat")
        assert (folder.stat().st_mtime_ns, path.stat().st_mtime_ns) == before
        assert list(folder.iterdir()) == [path]
    finally:
        folder.chmod(0o755)


def test_a_download_that_stalls_is_given_up(register, serve, no_data, monkeypatch):
    monkeypatch.setattr(fetch, "READ_SECONDS", 0.3)
    address = serve({"/rolls.mat": (200, CONTENT[:5000], len(CONTENT))}, stalls=True)
    register(urls=[address + "/rolls.mat"])
    with pytest.raises(UserError, match=r"rolls.mat: no answer within 10 or 0.3 s"):
        fetch.locate("rolls.mat")
    assert cached(no_data) == []


def test_what_a_killed_download_left_is_never_taken_and_is_removed(register, serve, no_data):
    stalling = serve({"/rolls.mat": (200, CONTENT[:5000], len(CONTENT))}, stalls=True)
    good = serve({"/rolls.mat": CONTENT})
    register(urls=[stalling + "/rolls.mat"])
    process = fork.Process(target=fetch.locate, args=("rolls.mat",))
    process.start()
    while not cached(no_data):  # a partial file
        assert process.is_alive()
        time.sleep(0.01)
    process.kill()
    process.join()
    assert "rolls.mat" not in cached(no_data) and cached(no_data)
    register(urls=[good + "/rolls.mat"])
    assert fetch.locate("rolls.mat").read_bytes() == CONTENT
    assert cached(no_data) == ["rolls.mat"]
    assert [p.name for p in (no_data / "downloads").iterdir()] == ["rolls.mat"]


def test_a_process_killed_while_it_draws_a_bar_stops_no_other():
    def draw(started):
        bar = streams.bar(total=1, leave=False)
        with bar.get_lock():
            started.set()
            time.sleep(60)

    streams.bar(total=1, leave=False).close()  # whose lock a forked process could share
    started = fork.Event()
    process = fork.Process(target=draw, args=(started,))
    process.start()
    assert started.wait(30)
    process.kill()
    process.join()
    other = threading.Thread(target=lambda: streams.bar(total=1, leave=False).close(), daemon=True)
    other.start()
    other.join(30)
    assert not other.is_alive()


def _locate(barrier, queue):
    barrier.wait()
    queue.put(fetch.locate("rolls.mat").read_bytes() == CONTENT)


@pytest.mark.parametrize("locking", [True, False], ids=["locks", "no locks"])
def test_processes_that_want_the_same_file(register, serve, no_data, monkeypatch, locking):
    if not locking:
        monkeypatch.setattr(files, "alone", lambda *_: nullcontext(False))
    asked = []
    register(urls=[serve({"/rolls.mat": CONTENT}, asked=asked) + "/rolls.mat"])
    barrier, queue = fork.Barrier(4), fork.Queue()
    processes = [fork.Process(target=_locate, args=(barrier, queue)) for _ in range(4)]
    for process in processes:
        process.start()
    assert [queue.get(timeout=60) for _ in processes] == [True] * 4
    for process in processes:
        process.join()
    assert cached(no_data) == ["rolls.mat"]
    assert len(asked) == 1 or not locking


def test_verify_tells_what_is_wrong(register, folder):
    register()
    assert data.verify("jsb")[0]["found"] == "missing"
    (folder / "rolls.mat").write_bytes(CONTENT[:-7])
    row = data.verify("jsb")[0]
    assert not row["ok"] and "found 10,233" in row["found"]
    (folder / "rolls.mat").write_bytes(CONTENT)
    row = data.verify("jsb")[0]
    assert row["ok"] and row["dataset"] == "jsb" and row["file"] == str(folder / "rolls.mat")


def test_catalogue_and_fetch_all(register, folder, serve, no_data):
    register(urls=[serve({"/rolls.mat": CONTENT}) + "/rolls.mat"])
    assert data.catalogue()[0]["found"] == "missing"
    assert data.fetch_all("JSB Chorales") == [no_data / "downloads" / "rolls.mat"]
    assert data.catalogue()[0]["found"] == "cache"
    (folder / "rolls.mat").write_bytes(CONTENT)
    assert data.catalogue()[0]["found"] == "mirror"
