"""YAML for human writers: ``2e-3`` is a number, and a duplicate key is a mistake.

Words are read by the core schema of YAML 1.2 (section 10.3.2), as in editors. PyYAML uses that of 1.1, where ``010`` is
8, ``1:30`` is 90, ``1_000`` is a number, ``no`` is false and ``2024-01-01`` a date. Here the first is 10 and the others
are texts, which fields for numbers or truth values refuse.

Any text gives a value or a RecipeError: damaged or malicious files are refused.
"""

from __future__ import annotations

import copy
import functools
import re
from typing import TYPE_CHECKING, Any

import yaml

from pefbench.errors import RecipeError, suggest

if TYPE_CHECKING:
    from pathlib import Path

Values = dict[str, Any]
"""A mapping as read from YAML, not validated."""

MOST_VALUES = 100_000
"""A text is refused if its aliases expand to more values than this."""


MERGE = "tag:yaml.org,2002:merge"
NO_MERGE = "<< is not supported; write the keys themselves, or extend another recipe (extends: FILE)"


class _Loader(yaml.SafeLoader):
    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        if node is not None:
            _expanded_size(node, {})
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
            # As for !!int abc and !!timestamp 2026-99-99: PyYAML passes on the errors of Python's own types.
            raise yaml.constructor.ConstructorError(None, None, _reason(error), node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key should be a word", key_node.start_mark)
            if key_node.tag == MERGE:
                raise yaml.constructor.ConstructorError(None, None, NO_MERGE, key_node.start_mark)
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _whole(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


WORDS = {
    "null": (r"~|null|Null|NULL|", "~nN"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    "merge": ("<<", "<"),
}
"""By their tag, words that are no texts where they stand without quotes, and how such words begin; the first counts."""
_Loader.yaml_implicit_resolvers = {}  # without those of YAML 1.1
for _name, (_pattern, _first) in WORDS.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(f"(?:{_pattern})\\Z"), [*_first, *([""] if _name == "null" else [])]
    )
_Loader.add_constructor("tag:yaml.org,2002:int", _whole)


def parse(text: str) -> Any:
    """The value of a YAML text. Raises RecipeError that begins with the line of the mistake: ``3: key ...``."""
    return copy.deepcopy(_parsed(text))  # the caller may change it


@functools.lru_cache(maxsize=1024)  # a comparison makes hundreds of recipes from a few texts
def _parsed(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise RecipeError(f"{mark.line + 1 if mark else 1}: {error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise RecipeError(f"{line}: the character {chr(error.character)!a} is not allowed in YAML") from None
    except RecursionError:
        raise RecipeError("1: nested too deeply") from None


def read_yaml(path: Path, *, what: str = "recipe", keys: str = "task, model, data, method, train") -> Values:
    """The mapping in a YAML file. Raises RecipeError with the line of a mistake. what, keys: words for its message."""
    try:
        text = path.read_text(encoding="utf8")
    except FileNotFoundError:
        files = path.parent.glob("*.yaml") if path.parent.is_dir() else ()
        near = [file.name for file in files if not file.name.startswith(".")]
        found = suggest(path.name, near)
        hint = f"; {found}" if found.startswith("did you mean") else ""  # other files need not be of this kind
        raise RecipeError(f"no {what} at {path}{hint}") from None
    except OSError as error:
        raise RecipeError(f"cannot read {path}: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"cannot read {path}: not UTF-8 text (byte {error.start + 1})") from None
    except ValueError as error:  # a path that no file can have
        raise RecipeError(f"cannot read {path}: {error}") from None
    try:
        raw = parse(text)
    except RecipeError as error:
        line, _, problem = str(error).partition(": ")
        raise RecipeError(f"{path}:{line}: not a {what}: {problem}") from None
    if not isinstance(raw, dict):
        raise RecipeError(f"{path}: a {what} is a mapping of keys to values ({keys})")
    return raw


def _expanded_size(node: yaml.Node, known: dict[int, int]) -> int:
    """The number of values in a node with its aliases expanded. Raises if there are too many, or endless ones."""
    if id(node) in known:
        if known[id(node)] == 0:
            raise yaml.constructor.ConstructorError(None, None, "an alias is circular", node.start_mark)
        return known[id(node)]
    known[id(node)] = 0  # until it is counted
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        inner = [each for pair in node.value for each in pair]
    elif isinstance(node, yaml.SequenceNode):
        inner = node.value
    size = 1 + sum(_expanded_size(each, known) for each in inner)
    if size > MOST_VALUES:
        raise yaml.constructor.ConstructorError(None, None, f"more than {MOST_VALUES} values", node.start_mark)
    known[id(node)] = size
    return size


def _reason(error: Exception) -> str:
    reason = str(error).partition("\n")[0]
    return "a number with too many digits" if "digits" in reason else reason or type(error).__name__
