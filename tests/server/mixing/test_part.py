"""Adapters of every type that shares batches: each row has the numbers that its adapter gives alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from transformers import AutoModel, AutoModelForSequenceClassification

from pefbench.registry import find
from pefbench.server.base import Base
from pefbench.server.heads import HeadModel, Shell, rows_of
from pefbench.server.mixing.part import Adapter, Unmixed
from pefbench.server.reading import read
from pefbench.trial import artifacts
from tests import tiny

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

ARCHITECTURES = ("bert", "roberta", "distilbert", "electra", "deberta-v2", "modernbert")
METHODS: dict[str, dict[str, Any]] = {
    "lora": {},
    "rslora": {"name": "lora", "rslora": True, "rank": 4},
    "lora_of_queries": {"name": "lora", "target_modules": ["query", "q_lin", "query_proj", "Wqkv"]},
    "ia3": {},
    "bottleneck": {},
    "parallel": {"name": "bottleneck", "variant": "scaled_parallel"},
    "compacter": {"phm_dim": 2, "reduction_factor": 4},
    "prefix": {"num_virtual_tokens": 3},
    "long_prefix": {"name": "prefix", "num_virtual_tokens": 7},
    "mam": {"num_virtual_tokens": 3, "reduction_factor": 4},
    "bitfit": {},
    "ln_tuning": {},
    "vera": {"rank": 8},
    "head_only": {},
}
APART = {("deberta-v2", method) for method in ("lora", "rslora", "vera", "bitfit", "prefix", "long_prefix", "mam")}
"""DeBERTa's layers of positions see distances, which have no rows, and its attentions have a way of their own."""
NOT_AT_ALL = {("modernbert", "bitfit")}
"""It has no biases."""


class Spec:
    """What loading knows of a sequence head."""

    auto_class = "AutoModelForSequenceClassification"
    task_type = "SEQ_CLS"
    reads_words = needs_alignment = False

    def config(self) -> dict[str, object]:
        return {}


class Case:
    """A tiny base on disk, and adapters of it, each alone as PEFT has it."""

    def __init__(self, architecture: str, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        self.folder, self.architecture, self.dtype = folder, architecture, dtype
        if not (folder / "base").exists():
            tiny.sequence_classifier(architecture).save_pretrained(folder / "base")
        self.base = Base(AutoModel.from_pretrained(folder / "base").to(dtype), "fp32")
        self.alone: dict[str, torch.nn.Module] = {}
        self.adapters: dict[str, Adapter] = {}

    def add(self, name: str) -> None:
        values = {"name": name, **METHODS[name]}
        if "target_modules" in values:
            there = [name.rpartition(".")[2] for name, _ in self.base.backbone.named_modules()]
            values["target_modules"] = [each for each in values["target_modules"] if each in there]
        method = find("method", values["name"])(**values)
        torch.manual_seed(len(self.alone))
        model = AutoModelForSequenceClassification.from_pretrained(self.folder / "base")
        self.shell = Shell(model.config, Spec(), self.base)
        model = method.apply(model, "SEQ_CLS")
        with torch.no_grad():
            for weight in model.parameters():
                if weight.requires_grad:
                    weight.add_(torch.randn_like(weight) * 0.3)
        artifacts.save(model, self.folder / name, method)
        method.on_model_ready(model)
        self.alone[name] = model.to(self.dtype).eval()
        adapter = self.adapters[name] = read(self.folder / name, self.shell, self.base)
        adapter.head = {key: weight.to(self.dtype) for key, weight in adapter.head.items()}

    def mixed(self, batch: dict[str, Tensor], names: list[str]) -> list[Tensor]:
        """The logits of rows of these adapters, one each, in the order of `names`."""
        order = sorted(range(len(names)), key=lambda i: (self.adapters[names[i]].prefix_length, names[i]))
        rows = [(at, at + 1, self.adapters[names[i]]) for at, i in enumerate(order)]
        given = {name: tensor[order] for name, tensor in batch.items()}
        states = self.base.run(given, rows)
        found: dict[int, Tensor] = {}
        for at, i in enumerate(order):
            model: Any = HeadModel(self.shell, self.adapters[names[i]].head, rows_of(states, at, at + 1))
            with torch.inference_mode():
                found[i] = model(**{name: tensor[at : at + 1] for name, tensor in given.items()}).logits[0]
        return [found[i] for i in range(len(names))]


def texts(rows: int, length: int) -> dict[str, Tensor]:
    torch.manual_seed(7)
    ids = torch.randint(4, tiny.VOCABULARY, (rows, length))
    mask = torch.ones_like(ids)
    for row in range(rows):
        mask[row, length - 1 - row % 5 :] = 0
    return {"input_ids": ids * mask, "attention_mask": mask}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def exact(case: Case) -> Case:
    """The same in double precision, in which what is left of differences is the rounding of saved weights."""
    return Case(case.architecture, case.folder, torch.float64)


@pytest.mark.sample(24)
@pytest.mark.parametrize("name", METHODS)
def test_an_adapter_gives_what_it_gives_alone(exact: Case, name: str) -> None:
    if (exact.architecture, name) in APART:
        with pytest.raises(Unmixed):
            exact.add(name)
        return
    if (exact.architecture, name) in NOT_AT_ALL:
        pytest.skip("the method does not work on this architecture")
    exact.add(name)
    batch = texts(4, 16)
    with torch.inference_mode():
        alone = exact.alone[name](**batch).logits
        plain = AutoModelForSequenceClassification.from_pretrained(exact.folder / "base").eval()(**batch).logits
    found = torch.stack(exact.mixed(batch, [name] * 4))
    assert float((found - alone).abs().max()) < 1e-6
    assert float((found - plain).abs().max()) > 1e-3


@pytest.fixture(params=[1, 2], ids=["one-thread", "two-threads"])
def _threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """Products are divided among so many threads, which is where a row's place in a batch may come to matter."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.mark.sample(6)
@pytest.mark.usefixtures("_threads")
def test_a_row_has_the_same_bits_whatever_stands_beside_it(case: Case) -> None:
    for name in METHODS:
        if (case.architecture, name) not in APART | NOT_AT_ALL:
            case.add(name)
    names = sorted(case.adapters)
    batch = texts(len(names), 16)
    together = case.mixed(batch, names)
    for i, name in enumerate(names):
        [apart] = case.mixed({key: tensor[i : i + 1] for key, tensor in batch.items()}, [name])
        assert torch.equal(apart, together[i]), name
    twice = {key: torch.cat([tensor, tensor]) for key, tensor in batch.items()}
    again = case.mixed(twice, names + names[::-1])
    for i, name in enumerate(names):
        assert torch.equal(again[i], together[i]), name


def test_an_adapter_takes_little_more_memory_than_its_file(case: Case) -> None:
    case.add("ia3")
    for name, adapter in case.adapters.items():
        held = sum(tensor.numel() * tensor.element_size() for tensor in adapter.head.values())
        assert adapter.bytes() >= held > 0
        file = next((case.folder / name).glob("*.safetensors"))
        assert adapter.bytes() <= 1.2 * file.stat().st_size, name
