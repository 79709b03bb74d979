"""The wheel, built from the files in the container's image: it has the recipes, and runs in its own environment."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import threading
import tomllib
import venv
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pefbench.apps import registry
from pefbench.cli.main import _parser as parser
from pefbench.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf8").replace("\\\n", " ")
PYPROJECT: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf8"))


def instructions(name: str) -> list[str]:
    """What follows each of these instructions of the Dockerfile."""
    return re.findall(rf"^\s*{name} (.*)$", DOCKERFILE, re.MULTILINE)


def copied() -> list[str]:
    """The files and folders of the project that the image copies."""
    own = [shlex.split(line) for line in instructions("COPY") if not line.startswith("--from")]
    return [source for *sources, _ in own for source in sources]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as the first stage of the image builds it."""
    folder = tmp_path_factory.mktemp("source")
    for name in copied():
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    build = "from setuptools import build_meta; print(build_meta.build_wheel('dist'))"
    subprocess.run([sys.executable, "-c", build], cwd=folder, check=True, capture_output=True)
    [found] = (folder / "dist").glob("*.whl")
    return found


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed from the wheel; other packages are those of the tests."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder)  # without a pip of its own, which takes seconds
    [site] = (folder / "lib").glob("*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_path("purelib"), encoding="utf8")
    pip = [sys.executable, "-m", "pip", "--python", str(folder), "install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    return folder / "bin" / "pefbench"


def run(command: Path, folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_wheel_has_the_recipes_and_no_tests(wheel: Path) -> None:
    there = zipfile.ZipFile(wheel).namelist()
    recipes = {f"pefbench/{file.relative_to(PROJECT)}" for file in (PROJECT / "recipes").rglob("*.*")}
    assert recipes == {name for name in there if name.startswith("pefbench/recipes/")}
    pages = {str(file.relative_to(PROJECT)) for file in (PROJECT / "pefbench").rglob("page.[hcj]*")}
    pages = {name for name in pages if "__pycache__" not in name}
    assert len(pages) > 6
    assert pages <= set(there)
    assert not [name for name in there if name.startswith(("tests", "docs", "benchmarks"))]


def test_the_source_distribution_has_what_its_wheel_needs() -> None:
    manifest = (PROJECT / "MANIFEST.in").read_text(encoding="utf8")
    assert "graft recipes" in manifest


def test_recipes_are_found_by_name_from_the_wheel(command: Path, tmp_path: Path) -> None:
    listed = run(command, tmp_path, "list", "recipes")
    assert "site-packages" not in listed
    assert re.search(r"^lora_ner\b", listed, re.MULTILINE)


def test_the_main_job_runs_from_the_wheel(command: Path, world: World, tmp_path: Path) -> None:
    changes = {
        "model.name": f"file:{world.model}",
        "data.source": f"file:{world.folder / 'corpus.conll'}",
        "train.epochs": "0.2",
        "train.precision": "fp32",
        "train.threads": "1",
    }
    options = [part for name, value in changes.items() for part in ("-o", f"{name}={value}")]
    said = run(command, tmp_path, "run", "lora_ner", *options)
    [result] = (tmp_path / "results").glob("*/*.json")
    assert json.loads(result.read_text(encoding="utf8"))["round_trip"]["reproduced"]
    assert "entity_f1" in said


def test_the_image_copies_what_is_there_and_not_ignored() -> None:
    kept = (PROJECT / ".dockerignore").read_text(encoding="utf8").splitlines()
    assert kept[0] == "*"
    for name in copied():
        assert (PROJECT / name).exists(), name
        assert f"!{name}" in kept, name
    assert {name.removeprefix("!") for name in kept if name.startswith("!")} == {*copied()}


def test_the_image_runs_the_command_as_nobody_in_particular() -> None:
    assert json.loads(instructions("ENTRYPOINT")[-1]) == [*PYPROJECT["project"]["scripts"]]
    [user] = instructions("USER")
    assert user.isdecimal()
    assert int(user) >= 10_000
    for base in instructions("FROM"):
        assert re.match(r"python:3\.(\d+)-slim\b", base)
    assert "torch.version.cuda is None" in DOCKERFILE
    extras = [line.partition("=")[2] for line in instructions("ARG") if line.startswith("EXTRAS=")]
    assert {*extras} <= PYPROJECT["project"]["optional-dependencies"].keys()


def test_the_health_check_tells_whether_it_is_served() -> None:
    [check] = re.findall(r"HEALTHCHECK .*CMD (\[.*\])", DOCKERFILE)
    command: list[str] = json.loads(check)
    assert command[0] == "python"
    asked: list[str] = []

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if len(asked) == 1 else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = json.loads(instructions("CMD")[-1])[-1]
        here = [sys.executable, *(part.replace(f":{port}/", f":{server.server_port}/") for part in command[1:])]
        assert here[1:] != command[1:]
        done = [subprocess.run(here, check=False, capture_output=True).returncode for _ in range(2)]
        server.shutdown()
    assert asked == ["/health", "/health"]
    assert done == [0, 1]


def test_the_containers_own_command_is_one_of_pefbench() -> None:
    assert json.loads(instructions("ENTRYPOINT")[-1]) == ["pefbench"]
    found = parser().parse_args(json.loads(instructions("CMD")[-1]))
    assert (str(found.models), found.host, found.port, found.trials) == ("/models", "0.0.0.0", 8000, [])


def test_the_compose_file_builds_this_image_and_is_reached_from_this_machine_alone() -> None:
    service = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf8"))["services"]["serve"]
    assert service["build"]["context"] == "."
    assert service["build"]["args"].keys() <= {line.partition("=")[0] for line in instructions("ARG")}
    asked = json.loads(instructions("CMD")[-1])
    port = asked[asked.index("--port") + 1]
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
    folders = {volume.split(":")[1] for volume in service["volumes"]}
    assert asked[asked.index("--models") + 1] in folders
    assert all(any(value.startswith(folder) for folder in folders) for value in re.findall(r"=(/cache\S*)", DOCKERFILE))
    assert service["read_only"]
    found = parser().parse_args(service["command"])
    same = parser().parse_args(asked)
    assert (found.models, found.host, found.port) == (same.models, same.host, same.port)
    assert found.allow_host == ["localhost"]


def test_the_compose_file_has_each_application_in_a_profile_of_its_own() -> None:
    services = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf8"))["services"]
    assert services.keys() == {"serve", *registry.names()}
    checked = json.loads(instructions("CMD")[-1])[-1]  # the port that the health check asks
    home = instructions("WORKDIR")[-1]
    ports = set()
    for name in registry.names():
        service = services[name]
        assert service["profiles"] == [name]
        assert service["build"]["args"]["EXTRAS"] == "app"
        found = parser().parse_args(service["command"])
        assert (found.name, found.action, found.host, str(found.port)) == (name, "start", "0.0.0.0", checked)
        assert found.allow_host == ["localhost"]
        [port] = service["ports"]
        assert re.fullmatch(rf"127\.0\.0\.1:\d+:{checked}", port)
        ports.add(port)
        assert home in {volume.split(":")[1] for volume in service["volumes"]}
        kept = ("read_only", "tmpfs", "security_opt", "cap_drop", "restart", "environment", "stop_grace_period")
        assert {key: service[key] for key in kept} == {key: services["serve"][key] for key in kept}
    assert len(ports | {*services["serve"]["ports"]}) == len(services)


def test_the_override_in_the_how_to_starts_an_application_with_a_configuration() -> None:
    page = (PROJECT / "docs" / "how-to" / "container.md").read_text(encoding="utf8")
    [block] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    [(name, service)] = yaml.safe_load(block)["services"].items()
    found = parser().parse_args(service["command"])
    [mounted] = service["volumes"]
    assert (found.name, found.action, str(found.config)) == (name, "start", f"{mounted.split(':')[1]}/{name}.yaml")
    base = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf8"))["services"][name]
    assert (found.host, str(found.port)) == (parser().parse_args(base["command"]).host, base["command"][-1])
