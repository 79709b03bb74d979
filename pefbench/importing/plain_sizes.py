"""What torch asks of its symbolic sizes where all sizes are plain numbers, answered without importing sympy.

What: functions of `torch.fx.experimental.symbolic_shapes`, as `imports` gives them to torch while that module waits.
Why: torch asks them of every tensor that is made without numbers, and the module takes half a second to import. Since:
torch 2.9; where torch asks for others, or of sizes that are no plain numbers, the module is imported. Undone with
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
    """A condition that is known."""
    return condition


def equal(x: Any, y: Any) -> bool:
    """Whether two sizes are the same, or two shapes."""
    return tuple(x) == tuple(y) if isinstance(x, tuple | list) else bool(x == y)


ANSWERS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("expect_true", "guard_or_false", "guard_or_true", "statically_known_true"), itself),
    "sym_eq": equal,
    "sym_and": lambda *conditions: functools.reduce(operator.and_, conditions),
    "sym_or": lambda *conditions: functools.reduce(operator.or_, conditions),
    "is_nested_int": lambda _: False,
}
"""By their names in the module."""


def answer(name: str) -> Callable[..., Any] | None:
    """The function of this whole name, for plain numbers; None: there is none."""
    module, _, function = name.rpartition(".")
    return ANSWERS.get(function) if module == MODULE else None


def are_plain(values: tuple[Any, ...]) -> bool:
    """Whether all values are whole numbers, conditions, or lists of such."""
    return all(
        type(value) in {int, bool} or (isinstance(value, tuple | list) and are_plain(tuple(value))) for value in values
    )
