"""A model's folder: an adapter in it is reported, and never loaded without request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import SourceError
from pefbench.models import folders
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World


@pytest.mark.parametrize("kind", ["file", "hf", "warm-started:file"])
def test_an_adapter_beside_the_model_is_refused(world: World, kind: str, tmp_path: Path) -> None:
    where = tmp_path / "both"
    where.mkdir()
    for file in world.model.iterdir():
        (where / file.name).write_bytes(file.read_bytes())
    assert folders.locate(f"file:{where}") == where
    (where / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "some/base"}')
    assert "holds an adapter (adapter_config.json) beside the model; merge it" in refusal(
        SourceError, folders.locate, f"{kind}:{where}"
    )
    (where / "config.json").unlink()
    assert "is an adapter of some/base, not a model" in refusal(SourceError, folders.locate, f"{kind}:{where}")
