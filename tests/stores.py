"""A real S3 server on this machine, moto's, for the tests of results in a store."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from pefbench.results.mirror import Mirror

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The server's address."""
    pytest.importorskip("s3fs", reason="s3fs is not installed: pip install 'pefbench[s3]'")
    server = pytest.importorskip("moto.server", reason="moto is not installed").ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty bucket, which child processes reach too."""
    from fsspec.core import url_to_fs

    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": s3_server,
    }.items():
        monkeypatch.setenv(name, value)
    name = f"b{secrets.token_hex(6)}"
    files, _ = url_to_fs(f"s3://{name}", use_listings_cache=False)
    files.mkdir(name)
    return f"s3://{name}"


def machine(address: str, folder: Path) -> Mirror:
    """The place as a machine of its own sees it, with its mirror in a folder."""
    place = Mirror.of(address)
    return Mirror(place.address, place.files, place.root, folder)
