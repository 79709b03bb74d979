"""A real PostgreSQL server on this machine, from Debian's package."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database."""
    path = os.pathsep.join([*PLACES, os.environ["PATH"]])
    found = {name: shutil.which(name, path=path) for name in ("initdb", "pg_ctl")}
    if not all(found.values()):
        pytest.skip("no PostgreSQL server on this machine (Debian: postgresql)")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    as_user: list[str] = []
    folder = tmp_path_factory.mktemp("postgres")
    if os.geteuid() == 0:  # which the server refuses to run as
        as_user = ["runuser", "-u", "postgres", "--"]
        for each in (folder, *folder.parents[:3]):
            each.chmod(0o755)
        shutil.chown(folder, "postgres")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    data = str(folder / "data")

    def do(program: str, *arguments: str) -> None:
        command = [*as_user, str(found[program]), "-D", data, *arguments]
        subprocess.run(command, check="stop" not in arguments, stdout=subprocess.DEVNULL, cwd=folder)

    do("initdb", "--username=tests", "--auth=trust", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    do("pg_ctl", "-o", options, "-l", str(folder / "log"), "-w", "start")
    yield f"postgresql://tests@127.0.0.1:{port}/postgres"
    do("pg_ctl", "-m", "immediate", "stop")
