"""A method of one object, replaced on that object alone.

What: an attribute on the instance, which Python finds before the method of its class. Why: a layer or a model of a
library must compute by other operations, and the library makes it itself, so it cannot be of another class. Since:
any version; who calls it says what it relies on. Undone by `restore`, after which the class's own method is found.
"""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def replace(instance: Any, name: str, function: Callable[..., Any]) -> None:
    """Let `instance.name` call `function(instance, ...)`, in place of the method of its class."""
    setattr(instance, name, MethodType(function, instance))


def put(instance: Any, name: str, bound: Callable[..., Any]) -> None:
    """Let `instance.name` be a callable that needs no instance, such as the method of another object."""
    setattr(instance, name, bound)


def restore(instance: Any, name: str) -> None:
    """Undo `replace` and `put`; an object whose method was not replaced stays as it is."""
    vars(instance).pop(name, None)


def is_replaced(instance: Any, name: str, function: Callable[..., Any]) -> bool:
    """Whether `instance.name` calls this function, by `replace`."""
    return getattr(vars(instance).get(name), "__func__", None) is function


def original(instance: Any, name: str) -> Any:
    """The method of the object's class, bound to it, whatever was put in its place."""
    return MethodType(getattr(type(instance), name), instance)
