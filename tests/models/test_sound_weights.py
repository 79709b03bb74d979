"""NaN, infinity and bare integers are refused where they would be weights, and nowhere else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import BertForSequenceClassification

from pefbench.errors import SourceError
from pefbench.models import loading, remembered, sound_weights
from tests import tiny
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from pefbench.models.checkpoint import Checkpoint
    from pefbench.models.loading import HeadSpec

HEAD = cast("HeadSpec", SimpleNamespace(auto_class="AutoModelForSequenceClassification", task_type="SEQ_CLS"))
LABELS = ["bad", "fair", "good"]
QUERY = "bert.encoder.layer.0.attention.self.query.weight"


def examine(folder: Path, labels: list[str] = LABELS, *, trained: bool = False) -> Checkpoint:
    config: Any = tiny.config("bert", num_labels=len(labels), id2label=dict(enumerate(labels)))
    return loading.examine(folder, config, HEAD, "the model", trained=trained)


def saved(folder: Path, change: Callable[[dict[str, Tensor]], object], prefix: str = "") -> Path:
    config: Any = tiny.config("bert", num_labels=3, id2label=dict(enumerate(LABELS)))
    BertForSequenceClassification(config).save_pretrained(folder)
    file = folder / "model.safetensors"
    weights = load_file(file)
    change(weights)
    save_file({prefix + key: weight for key, weight in weights.items()}, file, metadata={"format": "pt"})
    return folder


def spoil(weights: dict[str, Tensor], key: str, value: float) -> None:
    weights[key].view(-1)[-1] = value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_a_number_that_is_none_is_named(tmp_path: Path, value: float, dtype: torch.dtype) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        weights.update({key: weight.to(dtype) for key, weight in weights.items()})
        spoil(weights, QUERY, value)

    message = refusal(SourceError, examine, saved(tmp_path, change))
    assert message == f"the model: {QUERY} has numbers that are NaN or infinite; the file is damaged"


def test_the_first_is_named_and_the_others_counted(tmp_path: Path) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        for key in weights:
            spoil(weights, key, float("nan"))

    message = refusal(SourceError, examine, saved(tmp_path, change, "_orig_mod."))
    assert message.startswith(
        "the model: _orig_mod.bert.embeddings.LayerNorm.bias has numbers that are NaN or infinite"
    )
    assert "(41 such tensors)" in message


def test_large_numbers_are_numbers(tmp_path: Path) -> None:
    """Their sum is infinite."""
    assert examine(saved(tmp_path, lambda weights: weights[QUERY].fill_(3e38)))


def test_what_the_model_does_not_use_may_be_anything(tmp_path: Path) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        weights["cls.predictions.bias"] = torch.tensor([float("nan")])
        weights["bert.embeddings.position_ids"] = torch.arange(64)[None]
        weights["bert.encoder.layer.0.rotary_emb.inv_freq"] = torch.tensor([float("inf")])
        weights["mask"] = torch.tensor([[0, 1]], dtype=torch.uint8)

    assert examine(saved(tmp_path, change)).head == "kept"


def test_a_head_that_is_drawn_anew_may_be_anything(tmp_path: Path) -> None:
    folder = saved(tmp_path, lambda weights: weights["classifier.bias"].fill_(float("nan")))
    assert examine(folder, ["no", "yes", "perhaps"]).head == "fresh"
    assert "classifier.bias has numbers" in refusal(SourceError, examine, folder)
    assert examine(folder, trained=True), "the round trip of its trial has judged it"


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int32])
def test_integers_without_their_scales_are_refused(tmp_path: Path, dtype: torch.dtype) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        for key in [key for key in weights if key.endswith("query.weight")]:
            weights[key] = (100 * weights[key]).to(dtype)

    message = refusal(SourceError, examine, saved(tmp_path, change))
    kind = {torch.int8: "I8", torch.uint8: "U8", torch.int32: "I32"}[dtype]
    assert message == (
        f"the model: {QUERY} is held as {kind} (2 such tensors), and config.json has no quantization_config that says "
        "what the numbers stand for; name the original model"
    )


def test_numbers_in_8_bits_are_read_where_nothing_scales_them(tmp_path: Path) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        weights[QUERY] = weights[QUERY].to(torch.float8_e4m3fn)

    plain = saved(tmp_path / "plain", change)
    assert examine(plain)

    def scaled(weights: dict[str, Tensor]) -> None:
        change(weights)
        weights[f"{QUERY}_scale_inv"] = torch.ones(1, 1)

    assert f"{QUERY} is held as F8_E4M3, and" in refusal(SourceError, examine, saved(tmp_path / "scaled", scaled))


def test_a_large_file_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "LARGE", 1)
    monkeypatch.setattr(remembered, "STILL", -1.0)
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "cache"))
    folder = saved(tmp_path / "model", lambda weights: spoil(weights, QUERY, float("nan")))
    first = refusal(SourceError, examine, folder)
    monkeypatch.setattr(sound_weights, "finite", lambda _: pytest.fail("read again"))
    assert refusal(SourceError, examine, folder) == first
    monkeypatch.undo()


numbers = st.floats(width=32) | st.sampled_from([float("nan"), float("inf"), 0.0, 3e38, -3e38])


@given(st.lists(numbers), st.sampled_from([torch.float32, torch.bfloat16, torch.float64, torch.float8_e5m2]))
def test_finite_is_what_torch_calls_finite(values: list[float], dtype: torch.dtype) -> None:
    weight = torch.tensor(values, dtype=torch.float32).to(dtype)
    assert sound_weights.finite(weight) == bool(weight.float().isfinite().all())
