"""Pickled weights become the same numbers in safetensors, without running any code in them."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForTokenClassification

from pefbench.errors import SourceError
from pefbench.models import folders, pickled
from tests import tiny
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def written(folder: Path, model: PreTrainedModel, wrap: str | None = None) -> Path:
    """A folder with the model's config and its weights as torch pickles them."""
    model.config.save_pretrained(folder)
    weights: Any = model.state_dict()
    torch.save({wrap: weights, "epoch": 3} if wrap else weights, folder / "pytorch_model.bin")
    return folder


@pytest.mark.parametrize("wrap", [None, "state_dict", "model"])
def test_the_numbers_are_the_same(tmp_path: Path, wrap: str | None) -> None:
    model = tiny.token_classifier("bert")
    folder = written(tmp_path, model, wrap)
    assert "pefbench convert FOLDER" in refusal(SourceError, folders.locate, f"file:{folder}")
    assert pickled.convert(folder) == folder / "model.safetensors"
    assert folders.locate(f"file:{folder}") == folder
    again = AutoModelForTokenClassification.from_pretrained(folder, use_safetensors=True)
    assert again.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(weight, model.state_dict()[name]) for name, weight in again.state_dict().items())


def test_tied_weights_and_shards(tmp_path: Path) -> None:
    model = tiny.causal_lm("gpt2")
    model.config.save_pretrained(tmp_path)
    weights = model.state_dict()
    assert weights["lm_head.weight"].data_ptr() == weights["transformer.wte.weight"].data_ptr()
    names = sorted(weights)
    shards = {f"pytorch_model-{i}.bin": names[i::2] for i in range(2)}
    for shard, inside in shards.items():
        torch.save({name: weights[name] for name in inside}, tmp_path / shard)
    index = {"weight_map": {name: shard for shard, inside in shards.items() for name in inside}}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    pickled.convert(tmp_path)
    assert load_file(tmp_path / "model.safetensors").keys() == weights.keys()
    again = AutoModelForCausalLM.from_pretrained(tmp_path, use_safetensors=True)
    assert all(torch.equal(weight, weights[name]) for name, weight in again.state_dict().items())


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.canary, "ran")


@pytest.mark.parametrize("by_torch", [True, False])
def test_nothing_is_run(tmp_path: Path, by_torch: bool) -> None:
    content = {"weight": Evil(tmp_path / "canary")}
    with (tmp_path / "pytorch_model.bin").open("wb") as stream:
        torch.save(content, stream) if by_torch else pickle.dump(content, stream)
    assert "without running code" in refusal(SourceError, pickled.convert, tmp_path)
    assert not (tmp_path / "canary").exists()
    assert not (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "which file holds the weights"),
        ({"a.pt": {}, "b.pth": {}}, "which file holds the weights; rename it to pytorch_model.bin: a.pt, b.pth"),
        ({"a.pt": {}}, "should hold weights by name, holds a dict"),
        ({"a.pt": [1, 2]}, "should hold weights by name, holds a list"),
        ({"a.pt": {"epoch": 3}}, "epoch is not a tensor but a int"),
        ({"model.safetensors": {}}, "already has its weights in safetensors: model.safetensors"),
    ],
)
def test_what_is_no_pickled_model_is_refused(tmp_path: Path, files: dict[str, Any], said: str) -> None:
    for name, content in files.items():
        torch.save(content, tmp_path / name)
    assert said in refusal(SourceError, pickled.convert, tmp_path)
    assert "not a folder" in refusal(SourceError, pickled.convert, tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["nowhere.bin", "../outside.bin", 3])
def test_an_index_that_names_other_files_is_refused(tmp_path: Path, name: Any) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    torch.save({"a": torch.zeros(1)}, tmp_path / "outside.bin")
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    assert "names files" in refusal(SourceError, pickled.convert, folder)


def test_damaged_files_are_one_line(tmp_path: Path) -> None:
    file = written(tmp_path, tiny.token_classifier("bert")) / "pytorch_model.bin"
    whole = file.read_bytes()
    for content in (b"", b"x" * 100, whole[:100], whole[: len(whole) // 2]):
        file.write_bytes(content)
        assert len(refusal(SourceError, pickled.convert, tmp_path)) < 500
