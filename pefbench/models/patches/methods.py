"""A method of one object, replaced on that object alone.

What: an attribute on the instance, which Python finds before the method of its class. Why: a layer or a model of a
library must compute by other operations, but the library creates it, so it cannot be of another class. Since: any
version; each caller says what it relies on. Undone by `restore`, after which the class's own method is found.
"""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def replace(instance: Any, name: str, function: Callable[..., Any]) -> None:
    """Make `instance.name` call `function(instance, ...)`, instead of the method of its class."""
    setattr(instance, name, MethodType(function, instance))


def put(instance: Any, name: str, bound: Callable[..., Any]) -> None:
    """Make `instance.name` a callable that needs no instance, such as the method of another object."""
    setattr(instance, name, bound)


def restore(instance: Any, name: str) -> None:
    """Undo `replace` and `put`; does nothing if the method was not replaced."""
    vars(instance).pop(name, None)


def is_replaced(instance: Any, name: str, function: Callable[..., Any]) -> bool:
    """Whether `replace` made `instance.name` call this function."""
    return getattr(vars(instance).get(name), "__func__", None) is function


def original(instance: Any, name: str) -> Any:
    """The method of the object's class, bound to it, whatever replaced it."""
    return MethodType(getattr(type(instance), name), instance)
