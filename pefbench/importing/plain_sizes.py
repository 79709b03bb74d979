"""Answers torch's questions about symbolic sizes without importing sympy, if all sizes are plain numbers.

What: functions of `torch.fx.experimental.symbolic_shapes`, which `imports` gives to torch while that module is
deferred. Why: torch calls them for every tensor on the meta device, and the module takes half a second to import.
Since: torch 2.9; if torch calls others, or with sizes that are not plain numbers, the module is imported. Undone with
`imports.later`.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MODULE = "torch.fx.experimental.symbolic_shapes"


def itself(condition: bool) -> bool:  # noqa: FBT001 - as torch calls it
    """A known condition, unchanged."""
    return condition


def equal(x: Any, y: Any) -> bool:
    """Whether two sizes or two shapes are equal."""
    return tuple(x) == tuple(y) if isinstance(x, tuple | list) else bool(x == y)


ANSWERS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("expect_true", "guard_or_false", "guard_or_true", "statically_known_true"), itself),
    "sym_eq": equal,
    "sym_and": lambda *conditions: functools.reduce(operator.and_, conditions),
    "sym_or": lambda *conditions: functools.reduce(operator.or_, conditions),
    "is_nested_int": lambda _: False,
}
"""Name in the module -> function."""


def answer(name: str) -> Callable[..., Any] | None:
    """The function with this full name, for plain numbers; None if there is none."""
    module, _, function = name.rpartition(".")
    return ANSWERS.get(function) if module == MODULE else None


def are_plain(values: tuple[Any, ...]) -> bool:
    """Whether all values are integers, booleans, or lists of these."""
    return all(
        type(value) in {int, bool} or (isinstance(value, tuple | list) and are_plain(tuple(value))) for value in values
    )
