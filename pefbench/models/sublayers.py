"""The sublayers of a transformer's blocks: attentions and feed-forwards, by the names of their linear layers.

A block is a sequence of sublayers: one or two attentions and a feed-forward. Each sublayer reads the hidden state with
some linear layers and writes it back with one:

::

    attention      q, k, v (or one fused)      hidden -> heads      o                hidden <- heads
    feed-forward   up [, gate] (or one fused)  hidden -> width      down             hidden <- width

Nothing else is assumed, so new architectures need no table of names. A block that does not have this shape
is refused with MethodError rather than guessed at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from torch import nn

from pefbench.errors import MethodError
from pefbench.models.architecture import blocks
from pefbench.models.linear_layers import features, is_linear, join, linears

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.models.linear_layers import Linear


@dataclass(frozen=True)
class Attention:
    """The linear layers of one attention sublayer (self or cross), by full name."""

    inputs: tuple[str, ...]
    """The layers that read: queries, keys and values, separate or fused; in some models also relative positions."""
    output: str
    """The layer that writes the hidden state back."""


@dataclass(frozen=True)
class FeedForward:
    """The linear layers of one feed-forward sublayer, by full name."""

    inputs: tuple[str, ...]
    """The layers that read the hidden state: one (plain, or up and gate fused) or two (separate gate and up)."""
    output: str
    """The layer that writes the hidden state back."""


def attentions(model: nn.Module) -> list[Attention]:
    """The attention sublayers, self and cross, in the order of the blocks.

    Raises MethodError if a block does not consist of attentions and one feed-forward.
    """
    return [attention for block in blocks(model) for attention in _sublayers(model, block)[0]]


def attention_outputs(model: nn.Module) -> list[str]:
    """For each attention (self and cross), the name of the linear layer back to the hidden size.

    Raises MethodError if a block does not consist of attentions and one feed-forward.
    """
    return [attention.output for attention in attentions(model)]


def keys_and_values(model: nn.Module) -> list[str]:
    """The linear layers whose output contains the keys or the values, attention by attention.

    Separate ones are the layers whose own name begins with k or v: `key`, `v_proj`. A fused one is the whole layer,
    including the queries if they are in it. Raises MethodError for an attention whose layers cannot be identified.
    """
    return [name for attention in attentions(model) for name in _keys_and_values(model, attention)]


def queries(model: nn.Module) -> list[str]:
    """The linear layer of each attention that outputs only the queries: its name begins with q.

    Raises MethodError if the queries are fused with the keys and values.
    """
    found: list[str] = []
    for inputs in (attention.inputs for attention in attentions(model)):
        apart = _beginning("q", inputs)
        if len(inputs) == 1 or len(apart) != 1:
            raise MethodError(f"{type(model).__name__}: {', '.join(inputs)}: no linear layer for the queries alone")
        found += apart
    return found


def feed_forwards(model: nn.Module) -> list[FeedForward]:
    """The feed-forward sublayer of each block.

    Raises MethodError if a block does not consist of attentions and one feed-forward.
    """
    return [_sublayers(model, block)[1] for block in blocks(model)]


def _keys_and_values(model: nn.Module, attention: Attention) -> list[str]:
    """The linear layers of keys and values among the layers that read in an attention."""
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
    raise MethodError(
        f"{type(model).__name__}: {', '.join(attention.inputs)}: cannot tell which of them are the keys and values"
    )


def _beginning(letters: str, names: tuple[str, ...]) -> list[str]:
    """The names whose last part begins with one of the letters."""
    return [name for name in names if name.rpartition(".")[2][:1].lower() in letters]


def _sublayers(model: nn.Module, block: str) -> tuple[list[Attention], FeedForward]:
    """The block's attentions and its feed-forward.

    The feed-forward is the last sublayer that can be one (fused queries, keys and values can look like one); all others
    must be attentions.
    """
    groups = _groups(model.get_submodule(block), block)
    hidden = groups[0][0].reads
    shapes = [_feed_forward(group, hidden) for group in groups]
    last = max((i for i, shape in enumerate(shapes) if shape), default=-1)
    attentions = [_attention(group, hidden) for i, group in enumerate(groups) if i != last]
    if last < 0 or not attentions or not all(attentions):
        raise MethodError(
            f"{type(model).__name__}: {block} is not made of attentions (q, k, v -> output) and one feed-forward"
            f" ({hidden} -> width -> {hidden}); its linear layers are {_describe(groups, block)}"
        )
    return cast("list[Attention]", attentions), cast("FeedForward", shapes[last])


def _groups(module: nn.Module, name: str) -> list[list[Linear]]:
    """The linear layers of a block, one list per sublayer.

    A child with several linear layers is a sublayer. Consecutive children with one each form a sublayer together:
    BERT's `intermediate` and `output`, BART's `fc1` and `fc2`. A single wrapper (ALBERT's group of one layer) is
    skipped.
    """
    parts = list(_parts(module, name))
    if len(parts) == 1 and not is_linear(parts[0][0]):
        return _groups(*parts[0])
    groups: list[list[Linear]] = []
    row_open = False
    for part in parts:
        group = list(linears(*part))
        if len(group) == 1 and row_open:
            groups[-1] += group
        else:
            groups.append(group)
        row_open = len(group) == 1
    return groups


def _parts(module: nn.Module, name: str) -> Iterator[tuple[nn.Module, str]]:
    """The children that contain linear layers; an inner list (T5's `layer`) is transparent."""
    for child_name, child in module.named_children():
        full = join(name, child_name)
        if isinstance(child, nn.ModuleList):
            yield from _parts(child, full)
        elif any(True for _ in linears(child, full)):
            yield child, full


def _split(group: list[Linear], hidden: int) -> tuple[list[Linear], Linear] | None:
    """The layers that read the hidden state, and the last one that writes it, or None if there is no such pair."""
    writer = next((linear for linear in reversed(group) if linear.writes == hidden), None)
    readers = [linear for linear in group if linear is not writer]
    return (readers, writer) if writer and readers else None


def _feed_forward(group: list[Linear], hidden: int) -> FeedForward | None:
    """The group as a feed-forward, or None: one or two equal readers, or a fused one with twice the width."""
    split = _split(group, hidden)
    if split is None:
        return None
    readers, writer = split
    widths = [reader.writes for reader in readers]
    allowed = ([writer.reads], [writer.reads] * 2, [writer.reads * 2])
    if widths not in allowed or any(reader.reads != hidden for reader in readers):
        return None
    return FeedForward(tuple(reader.name for reader in readers), writer.name)


def _attention(group: list[Linear], hidden: int) -> Attention | None:
    """The group as an attention, or None if it has the shape of a feed-forward.

    Queries, keys and values are three or more layers, two of unequal sizes (fused keys and values), or one fused layer
    that is wider than the input of the output projection.
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


def _describe(groups: list[list[Linear]], block: str) -> str:
    return "; ".join(
        ", ".join(f"{linear.name.removeprefix(block + '.')} {linear.reads}->{linear.writes}" for linear in group)
        for group in groups
    )
