"""Which models may be loaded while a server runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import DataError
from pefbench.server.settings import Settings
from pefbench.trial.saved import TRIAL

if TYPE_CHECKING:
    from pathlib import Path


def test_models_are_named_by_their_folders_or_by_recipe_and_id(tmp_path: Path) -> None:
    for name in ("plain", ".hidden", "lora_ner/0123", "lora_ner/4567", "lora_ner/broken"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "lora_ner" / "0123" / TRIAL).touch()
    (tmp_path / "lora_ner" / "4567" / TRIAL).touch()
    settings = Settings(models=tmp_path)
    assert settings.there() == ["lora_ner.0123", "lora_ner.4567", "plain"]
    assert settings.folder("lora_ner.0123") == tmp_path / "lora_ner" / "0123"
    assert settings.folder("plain") == tmp_path / "plain"
    for name in ("lora_ner", "lora_ner/0123", "../lora_ner.0123", ".hidden", "lora_ner.broken", ""):
        with pytest.raises(DataError, match="can be loaded"):
            settings.folder(name)
    assert Settings().there() == []
