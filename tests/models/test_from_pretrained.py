"""No code from a source is run, and damage is reported in one line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoModelForTokenClassification

from pefbench.errors import DataError, SourceError
from pefbench.methods.lora import Lora
from pefbench.models import from_pretrained
from pefbench.paths import PACKAGE, PROJECT, child_command
from tests import tiny
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

DOOR = PACKAGE / "models" / "from_pretrained.py"
CANARY = """
import pathlib
pathlib.Path({canary!r}).write_text("ran")
from transformers import BertTokenizerFast as Own, BertConfig as OwnConfig, BertModel as OwnModel
"""


CARD, USAGE = PACKAGE / "trial" / "card.py", PACKAGE / "export" / "pipelines.py"
"""They write what other people's programs call."""


def test_there_is_one_door() -> None:
    others = [
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if file not in (DOOR, CARD, USAGE) and re.search(r"\.from_\w*pretrained\(", file.read_text(encoding="utf8"))
    ]
    assert not others, f"call models.from_pretrained instead: {others}"


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """A copy of the world's model that may be changed."""
    return shutil.copytree(world.model, tmp_path / "model")


def change(file: Path, **fields: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def with_code(folder: Path, canary: Path) -> None:
    (folder / "own.py").write_text(CANARY.format(canary=str(canary)))


CODE: dict[str, dict[str, dict[str, Any]]] = {
    "tokenizer": {
        "config.json": {"model_type": "vit", "image_size": 8, "patch_size": 4},  # has no tokenizer in transformers
        "tokenizer_config.json": {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": [None, "own.Own"]}},
    },
    "config": {"config.json": {"model_type": "their_own", "auto_map": {"AutoConfig": "own.OwnConfig"}}},
    "model": {"config.json": {"auto_map": {"AutoModel": "own.OwnModel"}}},
    "tokenizer beside a known type": {"tokenizer_config.json": {"auto_map": {"AutoTokenizer": ["own.Own", None]}}},
}


@pytest.mark.parametrize("address", ["file", "hf"])
@pytest.mark.parametrize("kind", CODE)
def test_the_code_of_a_folder_never_runs(world: World, folder: Path, tmp_path: Path, kind: str, address: str) -> None:
    canary = tmp_path / "canary"
    with_code(folder, canary)
    for file, fields in CODE[kind].items():
        change(folder / file, **fields)
    recipe = world.recipe("code", model={"name": f"{address}:{folder}"})
    done = subprocess.run(
        child_command("run", str(recipe), "--out", str(tmp_path / "out")),
        input="y\n" * 100,
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
    )
    assert not canary.exists()
    assert done.returncode == 2, done.stderr
    said = r"error: .*it needs custom code \(.*[a-z_]+\.json\), and code from a source is never run\n"
    assert re.fullmatch(said, done.stderr), done.stderr


def test_code_that_is_not_needed_stays_where_it_is(folder: Path, tmp_path: Path) -> None:
    with_code(folder, tmp_path / "canary")
    change(folder / "config.json", auto_map={"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"})
    assert type(from_pretrained.config(folder, "x")).__name__ == "BertConfig"
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe{",
        b"[" * 10**5,
        b'{"model_type": 3}',
        b'{"model_type": "bert", "hidden_size": "wide"}',
    ],
)
def test_a_damaged_config_is_one_line(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    message = refusal(SourceError, from_pretrained.config, folder, "the model")
    assert message.startswith("the model: not a model that transformers knows: ") or "config.json" in message
    assert len(message) < 500


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"version": "1.0", "model": {"type": "None"}}', b"\xff" * 9])
def test_a_damaged_tokenizer_is_one_line(folder: Path, content: bytes) -> None:
    (folder / "tokenizer.json").write_bytes(content)
    message = refusal(SourceError, from_pretrained.tokenizer, folder, "the model")
    assert message.startswith("the model: no tokenizer: ")
    assert len(message) < 500


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """The folder of a trained LoRA on a tiny BERT."""
    model: Any = Lora(name="lora").apply(tiny.token_classifier("bert"), "TOKEN_CLS")
    model.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def load(adapter: Path) -> Any:
    return from_pretrained.adapter(tiny.token_classifier("bert"), adapter)


def test_an_adapter_is_loaded(adapter: Path) -> None:
    assert load(adapter).peft_config["default"].r == 8


@pytest.mark.parametrize(
    "fields",
    [
        {"auto_mapping": {"base_model_class": "Own", "parent_library": "own"}},
        {"auto_mapping": "own"},
        {"megatron_config": {}, "megatron_core": "own"},
    ],
)
def test_an_adapter_imports_nothing(adapter: Path, fields: dict[str, Any]) -> None:
    change(adapter / "adapter_config.json", **fields)
    assert "code from a source is never run" in refusal(DataError, load, adapter)


@pytest.mark.parametrize(
    "fields",
    [
        {"r": 10_000_000},
        {"r": -1},
        {"r": "8"},
        {"r": 4},
        {"peft_type": "NONE_SUCH"},
        {"peft_type": 3},
        {"target_modules": ["nowhere"]},
        {"target_modules": 5},
        {"lora_alpha": "many"},
        {"rank_pattern": 7},
    ],
)
def test_a_damaged_adapter_config_is_one_line(adapter: Path, fields: dict[str, Any]) -> None:
    change(adapter / "adapter_config.json", **fields)
    assert refusal(DataError, load, adapter).startswith(f"{adapter}: the adapter ")


def test_an_adapter_without_its_head_is_refused(adapter: Path) -> None:
    change(adapter / "adapter_config.json", modules_to_save=None, task_type=None)
    assert "does not hold the model's head (classifier)" in refusal(DataError, load, adapter)


@pytest.mark.parametrize("part", ["classifier.weight", "query.lora_A.weight"])
def test_an_adapter_that_lacks_a_weight_is_refused(adapter: Path, part: str) -> None:
    file = adapter / "adapter_model.safetensors"
    weights = {name: weight for name, weight in load_file(file).items() if not name.endswith(part)}
    save_file(weights, file)
    assert re.search(
        f"the adapter cannot be loaded: .*{part}", refusal(DataError, load, adapter).replace(".default", "")
    )


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 10**5, b"\xff\xfe"])
def test_an_adapter_config_that_is_no_object_is_one_line(adapter: Path, content: bytes) -> None:
    (adapter / "adapter_config.json").write_bytes(content)
    assert "adapter_config.json: " in refusal(DataError, load, adapter)


@pytest.mark.parametrize("cut", [0, 4, 100, -1])
def test_damaged_adapter_weights_are_one_line(adapter: Path, cut: int) -> None:
    file = adapter / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:cut])
    assert refusal(DataError, load, adapter).startswith(f"{adapter}: the adapter cannot be loaded: ")
    file.unlink()
    assert "no adapter_model.safetensors" in refusal(DataError, load, adapter)


@pytest.mark.parametrize("cut", [0, 4, 100, -1])
def test_damaged_base_weights_are_one_line(folder: Path, cut: int) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:cut])
    config = from_pretrained.config(folder, "x")
    kind = AutoModelForTokenClassification
    message = refusal(SourceError, from_pretrained.model, kind, folder, "the model", config=config)
    assert message.startswith("the model: model.safetensors cannot be loaded: ")
