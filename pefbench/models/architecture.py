"""What a method must know of a model, read from the model's own modules.

A transformer is a few lists of repeated blocks. A block is a row of sublayers: one or two attentions and a
feed-forward. Each sublayer reads the hidden state with some linear layers and writes it back with one:

::

    attention      q, k, v (or one fused)      hidden -> heads      o                hidden <- heads
    feed-forward   up [, gate] (or one fused)  hidden -> width      down             hidden <- width

That is all that is assumed, so new architectures need no table of names. A block that does not have this shape
is refused with MethodError rather than guessed at.

Names are full dotted names as in ``model.named_modules()``. They stay the same after PEFT has wrapped a linear
layer: the wrapper keeps the name and counts as the linear layer that it wraps.
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
class Attention:
    """The linear layers of one attention sublayer (self or cross), by full name."""

    inputs: tuple[str, ...]
    """Those that read: queries, keys and values, apart or fused; with some, relative positions beside them."""
    output: str
    """The one that writes the hidden state back."""


@dataclass(frozen=True)
class FeedForward:
    """The linear layers of one feed-forward sublayer, by full name."""

    inputs: tuple[str, ...]
    """Those that read the hidden state: one (plain, or up and gate fused) or two (gate and up apart)."""
    output: str
    """The one that writes the hidden state back."""


@dataclass(frozen=True)
class _Linear:
    """One linear layer: its full name and its sizes."""

    name: str
    reads: int
    writes: int


def unwrap(model: Any) -> Any:
    """The pretrained model inside PEFT's wrapper, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def backbone_name(model: nn.Module) -> str:
    """The attribute of `model` that holds its pretrained body, or "" when the model is its own backbone.

    A bare `BertModel` and a `T5ForConditionalGeneration` (encoder and decoder side by side) are their own.
    """
    prefix = getattr(model, "base_model_prefix", "")
    return prefix if prefix and isinstance(getattr(model, prefix, None), nn.Module) else ""


def backbone(model: nn.Module) -> nn.Module:
    """The pretrained body of `model`: everything but the head. See `backbone_name`."""
    name = backbone_name(model)
    return model.get_submodule(name) if name else model


def head_modules(model: nn.Module) -> list[str]:
    """The top-level modules outside the backbone that have parameters, in order.

    They are what a task puts on top, and what must be trained and saved beside an adapter: `classifier`, `score`,
    `qa_outputs`, `pre_classifier` and `classifier`... Empty for language models: their output embeddings come with
    the pretrained weights, tied to the input embeddings or not.
    """
    inside = backbone_name(model)
    children = dict(model.named_children())
    pretrained = {inside} if inside else {"encoder", "decoder"}  # side by side, as in T5ForQuestionAnswering
    if not pretrained <= children.keys():
        return []
    transformer: Any = model
    embeddings = (transformer.get_input_embeddings(), transformer.get_output_embeddings())
    return [
        name
        for name, child in children.items()
        if name not in pretrained
        and next(child.parameters(), None) is not None
        and not any(module is each for module in child.modules() for each in embeddings)
    ]


def blocks(model: nn.Module) -> list[str]:
    """The names of the repeated transformer layers, encoder before decoder where there are both.

    Raises MethodError when the backbone has no list of layers that hold linear layers.
    """
    found = list(_blocks(backbone(model), backbone_name(model)))
    if not found:
        raise MethodError(f"{type(model).__name__}: no list (ModuleList) of layers with linear layers in its backbone")
    return found


def fused_experts(model: nn.Module) -> dict[str, nn.Parameter]:
    """The weights of experts that are held as one tensor a layer, shape (experts, out, in), by name.

    They are no linear layers: `linear_modules` and the methods that adapt those leave them out.
    """
    return {
        name: weight for name, weight in model.named_parameters() if weight.ndim == 3 and "experts" in name.split(".")
    }


def linear_modules(model: nn.Module) -> list[str]:
    """The names of every linear layer inside the blocks; never the head, a pooler or embeddings.

    Covers nn.Linear with its quantised subclasses (bitsandbytes) and transformers' Conv1D.
    """
    return [linear.name for block in blocks(model) for linear in _linears(model.get_submodule(block), block)]


def attentions(model: nn.Module) -> list[Attention]:
    """The attention sublayers, self and cross, in the order of the blocks.

    Raises MethodError when a block is not attentions and one feed-forward.
    """
    return [attention for block in blocks(model) for attention in _sublayers(model, block)[0]]


def attention_outputs(model: nn.Module) -> list[str]:
    """For each attention (self and cross), the name of the linear layer back to the hidden size.

    Raises MethodError when a block is not attentions and one feed-forward.
    """
    return [attention.output for attention in attentions(model)]


def keys_and_values(model: nn.Module) -> list[str]:
    """The linear layers whose output holds the keys or the values, attention by attention.

    Apart, they are the layers whose own name begins with k or v: `key`, `v_proj`. Fused, it is the whole layer, the
    queries included if they are in it. Raises MethodError for an attention whose layers show neither.
    """
    return [name for attention in attentions(model) for name in _keys_and_values(model, attention)]


def queries(model: nn.Module) -> list[str]:
    """The linear layer of each attention whose output is the queries and nothing else: its name begins with q.

    Raises MethodError where the queries are fused with the keys and values.
    """
    found: list[str] = []
    for inputs in (attention.inputs for attention in attentions(model)):
        apart = _beginning("q", inputs)
        if len(inputs) == 1 or len(apart) != 1:
            raise MethodError(f"{type(model).__name__}: {', '.join(inputs)}: no linear layer of the queries alone")
        found += apart
    return found


def feed_forwards(model: nn.Module) -> list[FeedForward]:
    """The feed-forward sublayer of each block.

    Raises MethodError when a block is not attentions and one feed-forward.
    """
    return [_sublayers(model, block)[1] for block in blocks(model)]


def norms(model: nn.Module) -> list[str]:
    """The layer norms and RMS norms of the backbone that have weights, by what they are and not by their name.

    A norm is torch's LayerNorm or RMSNorm, or an architecture's own class called ...Norm that is one vector of weights.
    """
    return list(_norms(backbone(model), backbone_name(model)))


def is_quantised(module: nn.Module) -> bool:
    """Whether a linear layer, wrapped by PEFT or not, stores its weight in the 4 or 8 bits of bitsandbytes."""
    weight = getattr(_unwrapped(module), "weight", None)
    return type(weight).__module__.partition(".")[0] == "bitsandbytes"


def is_transposed(module: nn.Module) -> bool:
    """Whether a linear layer, wrapped or not, is transformers' Conv1D: its weight has shape (in, out)."""
    return isinstance(_unwrapped(module), Conv1D)


def features(module: nn.Module) -> tuple[int, int]:
    """The input and output size of a linear layer, wrapped by PEFT or not.

    Raises MethodError when `module` is not a linear layer.
    """
    core = _unwrapped(module)
    if isinstance(core, nn.Linear):
        return core.in_features, core.out_features
    if isinstance(core, Conv1D):  # stores its weight as (in, out)
        return core.nx, core.nf
    raise MethodError(f"{type(core).__name__} is not a linear layer (nn.Linear or transformers' Conv1D)")


def _unwrapped(module: nn.Module) -> nn.Module:
    """The module inside PEFT's wrappers."""
    while isinstance(getattr(module, "base_layer", None), nn.Module):
        module = cast("nn.Module", module.base_layer)
    return module


def _is_linear(module: nn.Module) -> bool:
    return isinstance(_unwrapped(module), nn.Linear | Conv1D)


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _linears(module: nn.Module, name: str) -> Iterator[_Linear]:
    """Yield the linear layers at and below `module`, in order of registration."""
    if _is_linear(module):
        reads, writes = features(module)
        yield _Linear(name, reads, writes)
        return
    for child_name, child in module.named_children():
        yield from _linears(child, _join(name, child_name))


def _blocks(module: nn.Module, name: str) -> Iterator[str]:
    """Yield the outermost members of module lists that hold linear layers; a list of lists counts as one."""
    for child_name, child in module.named_children():
        full = _join(name, child_name)
        if isinstance(module, nn.ModuleList) and not isinstance(child, nn.ModuleList):
            if any(True for _ in _linears(child, full)):
                yield full
        else:
            yield from _blocks(child, full)


def _parts(module: nn.Module, name: str) -> Iterator[tuple[nn.Module, str]]:
    """Yield the children that hold linear layers; an inner list (T5's `layer`) is transparent."""
    for child_name, child in module.named_children():
        full = _join(name, child_name)
        if isinstance(child, nn.ModuleList):
            yield from _parts(child, full)
        elif any(True for _ in _linears(child, full)):
            yield child, full


def _groups(module: nn.Module, name: str) -> list[list[_Linear]]:
    """The linear layers of a block, one list per sublayer.

    A child with several linear layers is a sublayer. Children with one each stand in a row and form a sublayer
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


def _norms(module: nn.Module, name: str) -> Iterator[str]:
    """Yield the norms at and below `module`; what PEFT put into one is not looked at."""
    if _is_norm(_unwrapped(module)):
        yield name
        return
    for child_name, child in module.named_children():
        yield from _norms(child, _join(name, child_name))


def _is_norm(module: nn.Module) -> bool:
    named = isinstance(module, nn.LayerNorm | nn.RMSNorm) or type(module).__name__.endswith("Norm")
    weight = getattr(module, "weight", None)
    return named and isinstance(weight, nn.Parameter) and weight.ndim == 1 and not any(True for _ in module.children())


def _beginning(letters: str, names: tuple[str, ...]) -> list[str]:
    """The names whose last part begins with one of the letters."""
    return [name for name in names if name.rpartition(".")[2][:1].lower() in letters]


def _keys_and_values(model: nn.Module, attention: Attention) -> list[str]:
    """The linear layers of keys and values among those that an attention reads with."""
    if len(attention.inputs) == 1:
        return [*attention.inputs]
    apart = _beginning("kv", attention.inputs)
    if apart:
        return apart
    beside_queries = [name for name in attention.inputs if name not in _beginning("q", attention.inputs)]
    heads = features(model.get_submodule(attention.output))[0]
    fused = [name for name in beside_queries if features(model.get_submodule(name))[1] > heads]
    for found in (fused, beside_queries):
        if len(found) == 1:
            return found
    raise MethodError(f"{type(model).__name__}: {', '.join(attention.inputs)}: which of them are the keys and values?")


def _sublayers(model: nn.Module, block: str) -> tuple[list[Attention], FeedForward]:
    """The block's attentions and its feed-forward.

    The last sublayer that can be a feed-forward is it (fused queries, keys and values can look like one); all others
    must be attentions.
    """
    groups = _groups(model.get_submodule(block), block)
    hidden = groups[0][0].reads
    shapes = [_feed_forward(group, hidden) for group in groups]
    last = max((i for i, shape in enumerate(shapes) if shape), default=-1)
    attentions = [_attention(group, hidden) for i, group in enumerate(groups) if i != last]
    if last < 0 or not attentions or not all(attentions):
        raise MethodError(
            f"{type(model).__name__}: {block} is not attentions (q, k, v -> output) and one feed-forward"
            f" ({hidden} -> width -> {hidden}); its linear layers are {_describe(groups, block)}"
        )
    return cast("list[Attention]", attentions), cast("FeedForward", shapes[last])


def _split(group: list[_Linear], hidden: int) -> tuple[list[_Linear], _Linear] | None:
    """The linear layers that read and the last one that writes the hidden state, or None when there is no such pair."""
    writer = next((linear for linear in reversed(group) if linear.writes == hidden), None)
    readers = [linear for linear in group if linear is not writer]
    return (readers, writer) if writer and readers else None


def _feed_forward(group: list[_Linear], hidden: int) -> FeedForward | None:
    """The feed-forward that `group` is, or None: one or two equal readers, or a fused one of twice the width."""
    split = _split(group, hidden)
    if split is None:
        return None
    readers, writer = split
    widths = [reader.writes for reader in readers]
    allowed = ([writer.reads], [writer.reads] * 2, [writer.reads * 2])
    if widths not in allowed or any(reader.reads != hidden for reader in readers):
        return None
    return FeedForward(tuple(reader.name for reader in readers), writer.name)


def _attention(group: list[_Linear], hidden: int) -> Attention | None:
    """The attention that `group` is, or None when it has the shape of a feed-forward.

    Queries, keys and values are three layers or more, two of unequal sizes (fused keys and values), or one fused layer
    that is wider than what the output projection reads.
    """
    split = _split(group, hidden)
    if split is None:
        return None
    readers, writer = split
    widths = [reader.writes for reader in readers]
    fused = len(widths) == 1 and widths[0] > writer.reads
    if fused or len(widths) > 2 or (len(widths) == 2 and widths[0] != widths[1]):
        return Attention(tuple(reader.name for reader in readers), writer.name)
    return None


def _describe(groups: list[list[_Linear]], block: str) -> str:
    return "; ".join(
        ", ".join(f"{linear.name.removeprefix(block + '.')} {linear.reads}->{linear.writes}" for linear in group)
        for group in groups
    )
