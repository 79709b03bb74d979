"""One cell of the grid: a method on a tiny model of an architecture with a head. It works, is refused, or has a bug."""

from __future__ import annotations

import random
import re
import warnings
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import torch
import transformers

from pefbench.errors import MethodError
from pefbench.heads import ROWS, TARGETS, Encoded, Head, forward
from pefbench.heads.choice import ChoiceHead
from pefbench.heads.sequence import SequenceHead
from pefbench.heads.span import SpanHead
from pefbench.heads.token import TokenHead
from pefbench.methods import _trained
from pefbench.models import architecture as structure
from pefbench.models import loading
from pefbench.registry import find
from pefbench.trial import artifacts
from pefbench.trial.optimizer import make_optimizer
from tests import tiny
from tests.sampling import WHOLE
from tests.tokenizers import words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor, nn
    from transformers import PreTrainedConfig

    from pefbench.methods import Method
    from pefbench.models.checkpoint import Checkpoint
    from pefbench.sections import TrainSection

Batch = dict[str, "Tensor"]
HEADS = ("sequence", "token", "span", "choice", "generation")
LABELS = ["O", "B-X", "I-X"]
RATE = 3e-3
# Options that methods need for a hidden size of 16.
OPTIONS: dict[str, dict[str, Any]] = {
    "peft": {"type": "MISS", "options": {"r": 4}},
}


@dataclass(frozen=True, eq=False)
class Cell:
    """A model of one architecture with one head, and a batch that it can learn."""

    architecture: str
    head_name: str
    head: Head
    config: PreTrainedConfig
    batch: Batch

    def pretrained(self, folder: Path, seed: int) -> nn.Module:
        """Return the backbone that lies in `folder` under a head drawn by `seed`."""
        found = _examined(self, folder)
        torch.manual_seed(seed)
        return loading.load_pretrained(folder, self.config, self.head, attention="eager", found=found).eval()


@cache
def _examined(cell: Cell, folder: Path) -> Checkpoint:
    return loading.examine(folder, cell.config, cell.head, str(folder))


def sampled(methods: Sequence[str], architectures: Sequence[str], seed: str) -> list[tuple[str, str]]:
    """Return the cells to try: two architectures per method, drawn by `seed`, every architecture at least once.

    There must be at most twice as many architectures as methods.
    """
    if seed == WHOLE:
        return [(method, architecture) for method in methods for architecture in architectures]
    draw = random.Random(seed)
    order = draw.sample(architectures, len(architectures))
    dealt = [(order[2 * i % len(order)], order[(2 * i + 1) % len(order)]) for i in range(len(methods))]
    return [(method, each) for method, two in zip(methods, dealt, strict=True) for each in two]


def sampled_heads(there: Sequence[str], seed: str) -> list[str]:
    """Two of a cell's heads, drawn by `seed`; all if it is `WHOLE`."""
    return [*there] if seed == WHOLE else random.Random(seed).sample(there, min(2, len(there)))


def heads(architecture: str) -> list[str]:
    """Return the heads that transformers has for an architecture."""
    kind = type(tiny.config(architecture))
    return [
        head_name
        for head_name in HEADS
        if (head := _head(architecture, head_name)) and kind in _auto(head)._model_mapping
    ]


@cache
def cell(architecture: str, head_name: str) -> Cell:
    """Return the model, the head and the batch of a cell."""
    head = _head(architecture, head_name)
    assert head is not None
    config = tiny.config(architecture)
    for name, value in head.config().items():
        setattr(config, name, value)
    return Cell(architecture, head_name, head, config, _batch(architecture, head_name))


def write_base(cell: Cell, folder: Path) -> None:
    """Save the checkpoint that a trial starts from: the backbone alone, or a whole language model."""
    torch.manual_seed(0)
    model = _auto(cell.head).from_config(cell.config)
    inner = model if cell.head_name == "generation" else getattr(model, model.base_model_prefix, model)
    inner.save_pretrained(folder)


def attempt(name: str, cell: Cell, base: Path, folder: Path) -> str | None:
    """Try a method on a cell; return why it is refused, or None. Raises AssertionError if the method is wrong."""
    method: Method = find("method", name)(name=name, **OPTIONS.get(name, {}))
    pretrained = cell.pretrained(base, seed=1)
    sizes = _trained.head_sizes(pretrained)
    try:
        model = method.apply(pretrained, cell.head.task_type)
        _trained.check_trained(model, method, sizes)
        method.on_train_begin(model, words(cell.architecture), _encoded(cell), 100)
    except MethodError as error:
        return reason(error)
    method.on_model_ready(model)
    _trains_what_it_says(model, method, sizes)
    _learns_and_leaves_the_rest(model, method, cell)
    answers = outputs(cell, model)
    _is_the_same_when_loaded(model, method, cell, base, folder, answers)
    if method.merges:
        cast("Any", model).merge_adapter()
        _close(outputs(cell, model), answers, 1e-4, "merged")
    return None


def reason(error: MethodError) -> str:
    """Return the reason without method and model, which the cell already names."""
    return re.sub(r"^(method )?\S+( does not work)? on \S+: ", "", str(error)).strip()


def outputs(cell: Cell, model: nn.Module) -> list[Tensor]:
    """Return the model's outputs for the batch: logits, and generated tokens."""
    model.eval()
    with torch.no_grad():
        output = forward(model, cell.batch)
        logits = [output.start_logits, output.end_logits] if cell.head_name == "span" else [output.logits]
        if cell.head_name == "generation":
            logits.append(_generated(cell, model))
    return [tensor.detach().clone() for tensor in logits]


def _generated(cell: Cell, model: Any) -> Tensor:
    left = {name: cell.batch[name].flip(1) for name in ("input_ids", "attention_mask")}  # padding on the left
    generated: Tensor = model.generate(**left, max_new_tokens=4, do_sample=False, pad_token_id=tiny.PAD)
    return generated


def _trains_what_it_says(model: nn.Module, method: Method, sizes: dict[str, int]) -> None:
    bare = structure.unwrap(model)
    in_head = {id(weight) for name in sizes for weight in bare.get_submodule(name).parameters()}
    fixed = structure.fixed_weights(bare) if method.trains_everything else set()
    for key, weight in model.named_parameters():
        said = id(weight) in in_head or re.search(method.trainable_pattern, key)
        # PEFT keeps the head's first weights beside it.
        expected = bool(said) and "original_module" not in key and key not in fixed
        assert weight.requires_grad == expected, f"{key}: trained {weight.requires_grad}, said {expected}"


def _learns_and_leaves_the_rest(model: nn.Module, method: Method, cell: Cell) -> None:
    frozen = {key: weight.detach().clone() for key, weight in model.named_parameters() if not weight.requires_grad}
    own = {
        key: weight.detach().clone()
        for key, weight in model.named_parameters()
        if weight.requires_grad and re.search(method.trainable_pattern, key)
    }
    settings = SimpleNamespace(learning_rate=RATE, head_learning_rate=None, weight_decay=0.0, optimizer="adamw")
    optimizer = make_optimizer(model, method, cast("TrainSection", settings))
    model.eval()  # without dropout: the loss is a function of the weights alone
    losses = []
    for step in (1, 2, 3):
        loss = cell.head.loss_sum(model, cell.batch)
        losses.append(loss.item())
        if step == 3:
            break
        penalty = method.penalty(model)
        (loss if penalty is None else loss + penalty).backward()
        optimizer.step()
        method.after_step(model, step)
        optimizer.zero_grad()
    assert losses[2] < losses[0], losses
    after = dict(model.named_parameters())
    for key, weight in frozen.items():
        assert torch.equal(after[key], weight), f"{key} is frozen and has changed"
    if own:
        assert any(not torch.equal(after[key], weight) for key, weight in own.items()), "only the head has learned"


def _is_the_same_when_loaded(
    model: nn.Module, method: Method, cell: Cell, base: Path, folder: Path, answers: list[Tensor]
) -> None:
    assert artifacts.save(model, folder, method) > 0
    torch.manual_seed(2)  # another head, should it not be loaded
    loaded = artifacts.load_saved(folder, base, cell.config, cell.head, attention="eager")
    method.on_model_ready(loaded)
    # P-tuning saves what its encoder computed: the same but for the order of sums.
    _close(outputs(cell, loaded), answers, 1e-5, "loaded")


def _close(found: list[Tensor], expected: list[Tensor], tolerance: float, what: str) -> None:
    for one, other in zip(found, expected, strict=True):
        difference = (one.double() - other.double()).abs().max().item()
        assert difference <= tolerance, f"{what}: outputs differ by {difference:.2g}"


def _auto(head: Head) -> Any:
    return getattr(transformers, head.auto_class)


def _head(architecture: str, head_name: str) -> Head | None:
    match head_name:
        case "sequence":
            return SequenceHead(LABELS)
        case "token":
            return TokenHead(LABELS)
        case "span":
            return SpanHead()
        case "choice":
            return ChoiceHead()
        case _:
            return _language_head(architecture)


def _language_head(architecture: str) -> Head | None:
    from pefbench.heads.generation import GenerationDataset

    if architecture in tiny.ENCODERS + tiny.MORE_ENCODERS:
        return None
    return GenerationDataset({}).head(tiny.config(architecture))


def _batch(architecture: str, head_name: str) -> Batch:
    batch = tiny.batch(architecture)
    ids, mask = batch["input_ids"], batch["attention_mask"]
    ids[torch.arange(len(ids)), mask.sum(1) - 1] = tiny.END  # heads of BART and T5 read the end token
    rows, length = ids.shape
    if head_name == "span" and architecture in ("bigbird", "longformer"):
        ids[:, 0] = tiny.END  # their heads look for the end of the question
    targets = {
        "sequence": torch.tensor([0, 1, 2, 0]),
        "token": (ids % len(LABELS)).masked_fill(mask == 0, -100),
        "span": torch.tensor([[1, 2], [0, 0], [2, 5], [1, 1]]),
        "choice": torch.tensor([0, 1, 1, 0]),
        "generation": ids.masked_fill((mask == 0) | (torch.arange(length) < 2), -100),
    }[head_name]
    found = {"input_ids": ids, "attention_mask": mask, TARGETS: targets}
    if head_name == "choice":
        found[ROWS] = torch.tensor([2, rows - 2])
    if head_name == "generation" and architecture in tiny.ENCODER_DECODERS + tiny.MORE_PAIRS:
        found["decoder_input_ids"] = torch.cat([torch.full((rows, 1), tiny.START), ids[:, :-1]], 1)
    return found


def _encoded(cell: Cell) -> Encoded:
    import numpy as np

    batch = cell.batch
    ids = [row[mask.bool()].numpy() for row, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)]
    return Encoded({"input_ids": ids}, np.ones(len(ids)), [None] * len(ids), padding={"input_ids": tiny.PAD})


warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*")
