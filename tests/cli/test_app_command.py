"""`pefbench app`: the configuration's values reach the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI

from pefbench.apps import registry
from pefbench.apps.app import App
from pefbench.apps.sections import AppSection
from pefbench.cli.main import main
from pefbench.server import Settings, running

if TYPE_CHECKING:
    from pathlib import Path


class Plain(App[AppSection]):
    """An application that needs no model."""

    section = AppSection
    settings: Settings

    def trainings(self, _config: AppSection) -> dict[str, Any]:
        return {}

    def make(self, _config: AppSection, _models: Any, settings: Settings) -> FastAPI:
        self.settings = settings
        return FastAPI()


@pytest.mark.parametrize(
    ("server", "queue", "hosts"),
    [
        ("{}", 256, ()),
        ("{queue: 3, allow_hosts: [box.example]}", 3, ("box.example",)),
        ("{host: 0.0.0.0}", 256, None),
    ],
)
def test_limits_and_names(
    server: str, queue: int, hosts: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, file = Plain(), tmp_path / "app.yaml"
    file.write_text(f"folder: state\nserver: {server}\n", encoding="utf8")
    monkeypatch.setattr(registry, "find", lambda _name: app)
    monkeypatch.setattr(running, "run", lambda _app, listening, _patience: listening.close())
    with pytest.raises(SystemExit) as ended:
        main(["app", "assistant", "--config", str(file), "--port", "0"])
    assert ended.value.code == 0
    assert (app.settings.queue, app.settings.hosts) == (queue, hosts)
