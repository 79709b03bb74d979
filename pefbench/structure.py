"""What a method must know of a model, read from the model's own modules.

A transformer is a few lists of repeated blocks. A block is a row of sublayers: one or two attentions and a
feed-forward. Each sublayer reads the hidden state with some linear maps and writes it back with one:

::

    attention      q, k, v (or one fused)      hidden -> heads      o                hidden <- heads
    feed-forward   up [, gate] (or one fused)  hidden -> width      down             hidden <- width

That is all that is assumed, so new architectures need no table of names. A block that does not have this shape
is refused with MethodError rather than guessed at.

Names are full dotted names as in ``model.named_modules()``. They stay the same after PEFT has wrapped a linear
map: the wrapper keeps the name and counts as the linear map that it wraps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from torch import nn
from transformers.pytorch_utils import Conv1D

from pefbench.errors import MethodError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class FeedForward:
    """The linear maps of one feed-forward sublayer, by full name."""

    inputs: tuple[str, ...]
    """Those that read the hidden state: one (plain, or up and gate fused) or two (gate and up apart)."""
    output: str
    """The one that writes the hidden state back."""


@dataclass(frozen=True)
class _Linear:
    """One linear map: its full name and its sizes."""

    name: str
    reads: int
    writes: int


def backbone_name(model: nn.Module) -> str:
    """Return the attribute of `model` that holds its pretrained body, or "" when the model is its own backbone.

    A bare `BertModel` and a `T5ForConditionalGeneration` (encoder and decoder side by side) are their own.
    """
    prefix = getattr(model, "base_model_prefix", "")
    return prefix if prefix and isinstance(getattr(model, prefix, None), nn.Module) else ""


def backbone(model: nn.Module) -> nn.Module:
    """Return the pretrained body of `model`: everything but the head. See `backbone_name`."""
    name = backbone_name(model)
    return model.get_submodule(name) if name else model


def head_modules(model: nn.Module) -> list[str]:
    """Return the top-level modules outside the backbone that have parameters, in order.

    They are what a task puts on top, and what must be trained and saved beside an adapter: `classifier`, `score`,
    `qa_outputs`, `pre_classifier` and `classifier`... Empty for language models: their output embeddings come with
    the pretrained weights, tied to the input embeddings or not.
    """
    inside = backbone_name(model)
    if not inside:
        return []
    transformer: Any = model
    output_embeddings = transformer.get_output_embeddings()
    return [
        name
        for name, child in model.named_children()
        if name != inside
        and next(child.parameters(), None) is not None
        and not any(module is output_embeddings for module in child.modules())
    ]


def blocks(model: nn.Module) -> list[str]:
    """Return the names of the repeated transformer layers, encoder before decoder where there are both.

    Raises MethodError when the backbone has no list of layers that hold linear maps.
    """
    found = list(_blocks(backbone(model), backbone_name(model)))
    if not found:
        raise MethodError(f"{type(model).__name__}: no list (ModuleList) of layers with linear maps in its backbone")
    return found


def linear_modules(model: nn.Module) -> list[str]:
    """Return the names of every linear map inside the blocks; never the head, a pooler or embeddings.

    Covers nn.Linear with its quantised subclasses (bitsandbytes) and transformers' Conv1D.
    """
    return [linear.name for block in blocks(model) for linear in _linears(model.get_submodule(block), block)]


def attention_outputs(model: nn.Module) -> list[str]:
    """Return, for each attention (self and cross), the name of the linear map back to the hidden size.

    Raises MethodError when a block is not attentions and one feed-forward.
    """
    return [name for block in blocks(model) for name in _sublayers(model, block)[0]]


def feed_forwards(model: nn.Module) -> list[FeedForward]:
    """Return the feed-forward sublayer of each block.

    Raises MethodError when a block is not attentions and one feed-forward.
    """
    return [_sublayers(model, block)[1] for block in blocks(model)]


def features(module: nn.Module) -> tuple[int, int]:
    """Return the input and output size of a linear map, wrapped by PEFT or not.

    Raises MethodError when `module` is not a linear map.
    """
    core = _unwrapped(module)
    if isinstance(core, nn.Linear):
        return core.in_features, core.out_features
    if isinstance(core, Conv1D):  # stores its weight as (in, out)
        return core.nx, core.nf
    raise MethodError(f"{type(core).__name__} is not a linear map (nn.Linear or transformers' Conv1D)")


def _unwrapped(module: nn.Module) -> nn.Module:
    """Return the module inside PEFT's wrappers."""
    while isinstance(getattr(module, "base_layer", None), nn.Module):
        module = cast("nn.Module", module.base_layer)
    return module


def _is_linear(module: nn.Module) -> bool:
    return isinstance(_unwrapped(module), nn.Linear | Conv1D)


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _linears(module: nn.Module, name: str) -> Iterator[_Linear]:
    """Yield the linear maps at and below `module`, in order of registration."""
    if _is_linear(module):
        reads, writes = features(module)
        yield _Linear(name, reads, writes)
        return
    for child_name, child in module.named_children():
        yield from _linears(child, _join(name, child_name))


def _blocks(module: nn.Module, name: str) -> Iterator[str]:
    """Yield the outermost members of module lists that hold linear maps; a list of lists counts as one."""
    for child_name, child in module.named_children():
        full = _join(name, child_name)
        if isinstance(module, nn.ModuleList) and not isinstance(child, nn.ModuleList):
            if any(True for _ in _linears(child, full)):
                yield full
        else:
            yield from _blocks(child, full)


def _parts(module: nn.Module, name: str) -> Iterator[tuple[nn.Module, str]]:
    """Yield the children that hold linear maps; an inner list (T5's `layer`) is transparent."""
    for child_name, child in module.named_children():
        full = _join(name, child_name)
        if isinstance(child, nn.ModuleList):
            yield from _parts(child, full)
        elif any(True for _ in _linears(child, full)):
            yield child, full


def _groups(module: nn.Module, name: str) -> list[list[_Linear]]:
    """Return the linear maps of a block, one list per sublayer.

    A child with several linear maps is a sublayer. Children with one each stand in a row and form a sublayer
    together: BERT's `intermediate` and `output`, BART's `fc1` and `fc2`. A lone wrapper (ALBERT's group of one
    layer) is looked through.
    """
    parts = list(_parts(module, name))
    if len(parts) == 1 and not _is_linear(parts[0][0]):
        return _groups(*parts[0])
    groups: list[list[_Linear]] = []
    row_open = False
    for part in parts:
        linears = list(_linears(*part))
        if len(linears) == 1 and row_open:
            groups[-1] += linears
        else:
            groups.append(linears)
        row_open = len(linears) == 1
    return groups


def _sublayers(model: nn.Module, block: str) -> tuple[list[str], FeedForward]:
    """Return the output projections of the block's attentions, and its feed-forward.

    The last sublayer that can be a feed-forward is it (fused queries, keys and values can look like one); all others
    must be attentions.
    """
    groups = _groups(model.get_submodule(block), block)
    hidden = groups[0][0].reads
    shapes = [_feed_forward(group, hidden) for group in groups]
    last = max((i for i, shape in enumerate(shapes) if shape), default=-1)
    outputs = [_attention_output(group, hidden) for i, group in enumerate(groups) if i != last]
    if last < 0 or not outputs or not all(outputs):
        raise MethodError(
            f"{type(model).__name__}: {block} is not attentions (q, k, v -> output) and one feed-forward"
            f" ({hidden} -> width -> {hidden}); its linear maps are {_describe(groups, block)}"
        )
    return cast("list[str]", outputs), cast("FeedForward", shapes[last])


def _split(group: list[_Linear], hidden: int) -> tuple[list[_Linear], _Linear] | None:
    """Return the maps that read and the last one that writes the hidden state, or None when there is no such pair."""
    writer = next((linear for linear in reversed(group) if linear.writes == hidden), None)
    readers = [linear for linear in group if linear is not writer]
    return (readers, writer) if writer and readers else None


def _feed_forward(group: list[_Linear], hidden: int) -> FeedForward | None:
    """Return the feed-forward that `group` is, or None: one or two equal readers, or a fused one of twice the width."""
    split = _split(group, hidden)
    if split is None:
        return None
    readers, writer = split
    widths = [reader.writes for reader in readers]
    allowed = ([writer.reads], [writer.reads] * 2, [writer.reads * 2])
    if widths not in allowed or any(reader.reads != hidden for reader in readers):
        return None
    return FeedForward(tuple(reader.name for reader in readers), writer.name)


def _attention_output(group: list[_Linear], hidden: int) -> str | None:
    """Return the output projection of an attention, or None when `group` has the shape of a feed-forward.

    Queries, keys and values are three maps or more, two of unequal sizes (fused keys and values), or one fused map
    that is wider than what the output projection reads.
    """
    split = _split(group, hidden)
    if split is None:
        return None
    readers, writer = split
    widths = [reader.writes for reader in readers]
    if len(widths) == 1:
        return writer.name if widths[0] > writer.reads else None
    return writer.name if len(widths) > 2 or widths[0] != widths[1] else None


def _describe(groups: list[list[_Linear]], block: str) -> str:
    return "; ".join(
        ", ".join(f"{linear.name.removeprefix(block + '.')} {linear.reads}->{linear.writes}" for linear in group)
        for group in groups
    )
