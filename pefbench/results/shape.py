"""Checks whether a JSON value has the shape of a TypedDict of the schema, and says where it has not."""

from __future__ import annotations

import json
from functools import cache
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NotRequired,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pefbench.errors import DataError
from pefbench.results.schema import CurvePoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    _Check = Callable[[Any], str | None]

Record = TypeVar("Record")


def read_record(path: Path, kind: type[Record], schema: int, name: str) -> Record:
    """Read a JSON file with a TypedDict's shape. Raises DataError if it is damaged or has another schema.

    name: what the file holds, such as "a comparison", for the error message.
    """
    try:
        value = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as {name} ({type(error).__name__})") from None
    if not isinstance(value, dict) or not isinstance(found := value.get("schema"), int):
        raise DataError(f"{path}: not {name}")
    if found != schema:
        advice = "run its command again, which keeps finished trials" if found < schema else "update pefbench"
        raise DataError(f"{path}: {name} of schema {found}, and this version reads schema {schema}: {advice}")
    if problem := mismatch(kind, value):
        raise DataError(f"{path}: damaged {name.partition(' ')[2]}: {problem[1:]}")
    return cast("Record", value)


def mismatch(kind: Any, value: Any) -> str | None:
    """Where a JSON value does not match a TypedDict, as ``.field should be ...``; None if it matches."""
    return _checker(kind)(value)


def optional(kind: Any) -> frozenset[str]:
    """The names of a TypedDict's fields that may be missing."""
    # __optional_keys__ misses NotRequired if annotations are postponed.
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(name for name, hint in hints.items() if get_origin(hint) is NotRequired)


_PLAIN: dict[Any, tuple[str, frozenset[type]]] = {
    str: ("a string", frozenset({str})),
    int: ("an integer", frozenset({int})),
    float: ("a finite number", frozenset({int, float})),
    bool: ("true or false", frozenset({bool})),
}


_UNCHECKED = frozenset({Any, object})


@cache
def _checker(kind: Any) -> _Check:
    """Compile a type of the schema into a function: value -> None, or ``.field.name should be ...``.

    Compiled once, because thousands of files are checked.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if is_typeddict(kind):
        return _anything if kind is CurvePoint else _record(kind)
    if origin is dict:
        return _collection(dict, "an object", _checker(arguments[1]))
    if origin is list:
        return _collection(list, "a list", _checker(arguments[0]))
    if origin is Literal:
        return lambda value: None if value in arguments else f" should be {' or '.join(arguments)}"
    if type(None) in arguments:
        inner = _checker(next(each for each in arguments if each is not type(None)))
        return lambda value: None if value is None else inner(value)
    return _anything if kind in _UNCHECKED else _plain(*_PLAIN[kind])


def _plain(name: str, accepted: frozenset[type]) -> _Check:
    # The exact type, because True is an int to isinstance. JSON's 1e999 is read as infinity.
    if float in accepted or int in accepted:
        return lambda value: None if type(value) in accepted and -1e300 < value < 1e300 else f" should be {name}"
    return lambda value: None if type(value) in accepted else f" should be {name}"


def _collection(kind: type[dict[str, object] | list[object]], name: str, item: _Check) -> _Check:
    def check(value: Any) -> str | None:
        if type(value) is not kind:
            return f" should be {name}"
        if item is _anything:
            return None
        items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in items:
            if problem := item(each):
                return f".{key}{problem}"
        return None

    return check


def _anything(value: Any) -> str | None:  # noqa: ARG001 - not looked at, because a curve has thousands of such values
    return None


def _record(kind: Any) -> _Check:
    fields = {name: _checker(hint) for name, hint in get_type_hints(kind).items()}
    may_lack = optional(kind)

    def check(value: Any) -> str | None:
        if type(value) is not dict:
            return " should be an object"
        for name, checker in fields.items():
            if name in value:
                if problem := checker(value[name]):
                    return f".{name}{problem}"
            elif name not in may_lack:
                return f".{name} is missing"
        return None

    return check
