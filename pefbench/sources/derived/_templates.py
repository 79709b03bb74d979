"""Home Assistant's sentence templates, and the sentences that they generate.

The syntax is that of hassil, Home Assistant's template language::

    turn on [the] (light|lamp)     an optional part, and alternatives; [a|b] is both
    (in here;to {brightness})      these parts in any order
    {brightness} {area:room}       a value of a list; the slot's name after the colon is ignored
    <in>                           the template with this name
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Resolve = Callable[[str], "Node"]

TOKEN = re.compile(
    r"\\(?P<escaped>.)|\{(?P<list>[^{}:]+)(?::[^{}]*)?\}|<(?P<rule>[^<>]+)>|(?P<sign>[()\[\]|;])|(?P<words>[^\\{}<>()\[\]|;]+)"
)
CLOSING = {"(": ")", "[": "]"}
MOST_IN_ANY_ORDER = 6  # 720 orders
TRIES = 10  # draws for each requested text before giving up on finding more different ones


@dataclass(frozen=True)
class Words:
    """Literal text."""

    text: str
    count: int = 1


@dataclass(frozen=True)
class InOrder:
    """Parts, one after the other."""

    parts: Sequence[Node]

    @cached_property
    def count(self) -> int:
        """The number of texts; a text that can be formed in two ways counts twice."""
        return math.prod(part.count for part in self.parts)


@dataclass(frozen=True)
class OneOf:
    """Alternatives."""

    parts: Sequence[Node]

    @cached_property
    def count(self) -> int:
        """The number of texts; a text that can be formed in two ways counts twice."""
        return sum(part.count for part in self.parts)


Node = Words | InOrder | OneOf


def parse(template: str, from_list: Resolve, from_rule: Resolve) -> Node:
    """Parse a template. from_list, from_rule: a name in braces or in angle brackets -> its node.

    Raises ValueError that states what is wrong with the template.
    """
    tokens = list(_tokens(template))
    try:
        node, rest = _group(tokens, 0, None, from_list, from_rule)
    except RecursionError:
        raise ValueError("brackets nested too deeply") from None
    if rest != len(tokens):
        raise ValueError(f"a {tokens[rest][1]} that nothing opened")
    return node


def _tokens(template: str) -> Iterator[tuple[str, str]]:
    """The kind and the text of each token."""
    end = 0
    for match in TOKEN.finditer(template):
        if match.start() != end:
            break
        end = match.end()
        kind = str(match.lastgroup)
        yield "words" if kind == "escaped" else kind, match[kind].strip() if kind in {"list", "rule"} else match[kind]
    if end != len(template):
        raise ValueError(f"a {template[end]} that is not closed")


def _group(
    tokens: Sequence[tuple[str, str]], at: int, closing: str | None, from_list: Resolve, from_rule: Resolve
) -> tuple[Node, int]:
    """Parse up to the closing sign or the end. Also returns the position of the closing sign."""
    branches: list[list[Node]] = [[]]
    separators = set()
    while at < len(tokens):
        kind, text = tokens[at]
        match kind:
            case "words":
                branches[-1].append(Words(text))
            case "list":
                branches[-1].append(from_list(text))
            case "rule":
                branches[-1].append(from_rule(text))
            case _ if text in CLOSING:
                node, at = _group(tokens, at + 1, CLOSING[text], from_list, from_rule)
                branches[-1].append(OneOf([node, Words("")]) if text == "[" else node)
            case _ if text in CLOSING.values():
                break
            case _:
                separators.add(text)
                branches.append([])
        at += 1
    found = tokens[at][1] if at < len(tokens) else None
    if closing is not None and found != closing:
        raise ValueError(f"a {closing} is missing")
    return _joined([InOrder(branch) for branch in branches], separators), at


def _joined(branches: list[InOrder], separators: set[str]) -> Node:
    if len(separators) > 1:
        raise ValueError("| and ; in one pair of brackets")
    if separators == {";"}:
        if len(branches) > MOST_IN_ANY_ORDER:
            raise ValueError(f"more than {MOST_IN_ANY_ORDER} parts in any order")
        orders = itertools.permutations(branches)
        return OneOf([InOrder(list(_spaced(order))) for order in orders])
    return OneOf(branches) if separators else branches[0]


def _spaced(parts: Sequence[Node]) -> Iterator[Node]:
    for i, part in enumerate(parts):
        if i:
            yield Words(" ")
        yield part


def texts(node: Node, key: str, limit: int) -> list[str]:
    """The different texts of a template, single-spaced: all if it has at most `limit`, otherwise `limit` or fewer.

    They are drawn by a hash of `key`, with all alternatives in a group equally likely. The same key gives the same
    texts on every machine, whatever else is read.
    """
    if node.count <= limit:
        drawn = _every(node)
    else:
        drawn = (_draw(node, _Dice(f"{key}\n{number}")) for number in range(TRIES * limit))
    different: dict[str, None] = {}  # an ordered set
    for text in drawn:
        if text.strip():
            different[" ".join(text.split())] = None
        if len(different) == limit:
            break
    return list(different)


def _every(node: Node) -> Iterator[str]:
    match node:
        case Words():
            yield node.text
        case InOrder():
            for parts in itertools.product(*(list(_every(part)) for part in node.parts)):
                yield "".join(parts)
        case OneOf():
            for part in node.parts:
                yield from _every(part)


class _Dice:
    """Pseudo-random numbers that depend only on a key."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.thrown = 0

    def below(self, sides: int) -> int:
        self.thrown += 1
        digest = sha256(f"{self.key}\n{self.thrown}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % sides


def _draw(node: Node, dice: _Dice) -> str:
    match node:
        case Words():
            return node.text
        case InOrder():
            return "".join(_draw(part, dice) for part in node.parts)
        case OneOf():
            return _draw(node.parts[dice.below(len(node.parts))], dice)
