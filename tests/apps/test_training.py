"""The models of an application: interrupted training resumes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import pefbench
from pefbench.apps import training
from pefbench.apps.sections import TrainingSection
from pefbench.errors import DataError, TrialError, UserError
from pefbench.trial.saved import TRIAL


def test_training_that_was_killed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []

    def killed(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        runs.append(command)
        trial = Path(command[command.index("--out") + 1]) / "lora_topic" / "0123456789ab"
        trial.mkdir(parents=True, exist_ok=True)
        (trial / "checkpoint.pt").write_bytes(b"weights")
        return subprocess.CompletedProcess(command, -9)

    monkeypatch.setattr(subprocess, "run", killed)
    section = TrainingSection.model_validate({"recipe": "topic"})
    with pytest.raises(TrialError, match="topics: training ended with status -9"):
        training.train("topics", section, tmp_path)
    with pytest.raises(DataError, match="the model topics is not trained yet"):
        training.trained("topics", section, tmp_path)
    with pytest.raises(TrialError, match="topics: training ended with status -9"):
        training.train("topics", section, tmp_path)
    assert len(runs) == 2
    assert runs[0] == runs[1]


def test_a_trained_model_needs_no_recipe(tmp_path: Path) -> None:
    trial = tmp_path / "trial"
    section = TrainingSection.model_validate({"trial": str(trial)})
    with pytest.raises(DataError, match="trial: no such trial"):
        training.train("topics", section, tmp_path)


def test_a_model_needs_a_recipe_or_a_trial() -> None:
    with pytest.raises(ValidationError, match="should name a recipe to train, or a trial that is trained already"):
        TrainingSection.model_validate({"method": "lora"})


def test_a_wrong_recipe_is_the_users_mistake(tmp_path: Path) -> None:
    section = TrainingSection.model_validate({"recipe": "no_such_recipe"})
    with pytest.raises(UserError, match="topics: training ended with status 2; see its output above"):
        training.train("topics", section, tmp_path)


def test_other_data_are_trained_by_and_those_before_are_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings name a file, and a model of what it held before is not the one that was asked for."""
    data, trials = tmp_path / "data.csv", []

    def run(_recipe: str, out: Path, **_: Any) -> Path:
        trial = out / "lora_topic" / f"{data.read_text(encoding='utf8')}23456789ab"
        trials.append(trial)
        trial.mkdir(parents=True, exist_ok=True)
        (trial / TRIAL).write_text("{}", encoding="utf8")
        return trial.with_suffix(".json")

    monkeypatch.setattr(pefbench, "run", run)
    section = TrainingSection.model_validate({"recipe": "topic", "overrides": [f"data.source=file:{data}"]})
    for written in ("00", "11", "00"):
        data.write_text(written, encoding="utf8")
        trial = training.train("topics", section, tmp_path)
        assert trial.samefile(trials[-1])
        assert training.trained("topics", section, tmp_path) == trial
        assert trial.name.startswith(written)


def test_models_are_found_where_their_folder_was_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that was trained on one machine is started on another, with another path."""

    def run(_recipe: str, out: Path, **_: Any) -> Path:
        trial = out / "lora_topic" / "0123456789ab"
        trial.mkdir(parents=True)
        (trial / TRIAL).write_text("{}", encoding="utf8")
        return trial.with_suffix(".json")

    def section(folder: Path, *more: str) -> TrainingSection:
        overrides = [f"data.source=file:{folder / 'data'}", *more]
        return TrainingSection.model_validate({"recipe": "topic", "overrides": overrides})

    monkeypatch.setattr(pefbench, "run", run)
    before, after = tmp_path / "here", tmp_path / "there" / "app"
    training.train("topics", section(before), before)
    after.parent.mkdir()
    before.rename(after)
    assert training.trained("topics", section(after), after).is_relative_to(after)
    for other in (section(after, "train.epochs=2"), section(tmp_path / "elsewhere")):
        with pytest.raises(DataError, match="the model topics is not trained yet"):
            training.trained("topics", other, after)
