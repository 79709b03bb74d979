"""The models of an application: one whose training was broken off goes on the next time."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from pefbench.apps import training
from pefbench.apps.sections import TrainingSection
from pefbench.errors import DataError, TrialError


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
