"""`pefbench app`: the configuration's values reach the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI

import pefbench
from pefbench.apps import registry
from pefbench.apps.app import App
from pefbench.apps.sections import AppSection, TrainingSection
from pefbench.cli.main import main
from pefbench.errors import DataError
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


class Double(Plain):
    """An application that trains a model, and takes another from a trial of the one right task."""

    trial: str

    def trainings(self, _config: AppSection) -> dict[str, Any]:
        section = {"recipe": "topic", "overrides": []}
        return {
            "first": TrainingSection.model_validate(section),
            "second": TrainingSection.model_validate(section | {"trial": self.trial}),
        }

    def check(self, _config: AppSection, models: Any) -> None:
        assert [*models] == ["second"]
        raise DataError("a trial of another task")


@pytest.mark.parametrize(("there", "said"), [(False, "nowhere"), (True, "a trial of another task")])
def test_a_wrong_trial_is_refused_before_another_model_is_trained(
    there: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app, file = Double(), tmp_path / "app.yaml"
    app.trial = str(tmp_path / "nowhere")
    file.write_text(f"folder: {tmp_path / 'state'}\n", encoding="utf8")
    monkeypatch.setattr(registry, "find", lambda _name: app)
    monkeypatch.setattr(pefbench, "run", lambda *_, **__: pytest.fail("it was trained"))
    if there:
        monkeypatch.setattr(pefbench, "find", lambda _trial: tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["app", "assistant", "train", "--config", str(file)])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
