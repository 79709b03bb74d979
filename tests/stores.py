"""A real S3 server on this machine, moto's, for the tests of results in a store."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

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
    """The address of an empty bucket, which child processes can reach, too."""
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


@pytest.fixture
def read_only(bucket: str, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty bucket that this test may read but not write."""
    import boto3
    from fsspec import get_filesystem_class

    def refuse_from(requests: str) -> None:
        plain = {"Content-Type": "text/plain"}
        urlopen(Request(f"{s3_server}/moto-api/reset-auth", requests.encode(), plain, method="POST")).close()

    iam, user = boto3.client("iam"), bucket.removeprefix("s3://")
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    allowed = {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName=user, PolicyName="reads", PolicyDocument=policy)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    get_filesystem_class("s3").clear_instance_cache()  # it has the other key
    refuse_from("0")
    yield bucket
    refuse_from("inf")
    get_filesystem_class("s3").clear_instance_cache()


def machine(address: str, folder: Path) -> Mirror:
    """The place as another machine sees it, with its own mirror in a folder."""
    place = Mirror.of(address)
    return Mirror(place.address, place.files, place.root, folder)
