"""The how-to's application runs as written, and uses only pefbench's public names."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

import pytest
import yaml
from starlette.testclient import TestClient

from docs.generate.reference import PUBLIC
from pefbench.errors import RecipeError
from pefbench.paths import PROJECT
from tests.test_structure_of_project import used_of_pefbench

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

PAGE = PROJECT / "docs" / "how-to" / "apps" / "own.md"
KEY = "a key of some length"


def written(folder: Path, **config: object) -> Path:
    """The application's file with its configuration beside it."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf8"), re.DOTALL)
    (folder / "names.yaml").write_text(yaml.safe_dump(config), encoding="utf8")
    (folder / "names.py").write_text(code, encoding="utf8")
    return folder / "names.py"


def imported(file: Path) -> ModuleType:
    """What it is to who runs it."""
    spec = importlib.util.spec_from_file_location("names_of_the_how_to", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_answers_counts_and_refuses(tagger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PEFBENCH_API_KEYS", KEY)
    app = imported(written(tmp_path, trial=str(tagger), characters=20)).app
    with TestClient(app, headers={"Authorization": f"Bearer {KEY}"}) as client:
        found = client.post("/v1/names", json={"text": "Anna saw Paris"}).json()["names"]
        assert [each["text"] for each in found] == ["Anna", "Paris"]
        assert 'names_found_total{type="PER"} 1.0' in client.get("/metrics").text
        long = client.post("/v1/names", json={"text": "Anna saw " * 9})
        assert (long.status_code, long.json()["error"]["message"]) == (
            413,
            "text: has 81 characters; at most 20 are allowed",
        )
        assert client.post("/v1/names", json={"words": 3}).json()["error"]["message"] == "text: is missing"
        assert client.post("/v1/names", headers={"Authorization": "Bearer wrong"}, json={}).status_code == 401
        assert client.get("/health").json() == {"status": "ok"}
        assert client.get("/").status_code == 404


def test_a_mistake_in_its_configuration_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match="tria1: unknown key; did you mean 'trial'"):
        imported(written(tmp_path, tria1="results"))


def test_it_uses_what_is_public(tmp_path: Path) -> None:
    used = used_of_pefbench(written(tmp_path))
    assert ("pefbench", "load") in used
    assert used <= {(module, name) for module, names in PUBLIC.items() for name in names}
