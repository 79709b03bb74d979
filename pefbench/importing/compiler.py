"""Imports torch's compiler only when something is compiled.

What: `torch._dynamo` is replaced by a module of ours with the few functions that torch, transformers and accelerate
call if nothing is compiled. Why: its import takes a second, and an optimizer's first step, a model on the meta device
and a decorator in transformers each trigger it. Since: torch 2.6. Undone by itself: any other attribute or submodule
imports the real module, which takes over the functions marked so far.
"""

from __future__ import annotations

import functools
import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec, module_from_spec, spec_from_loader
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec

NAME = "torch._dynamo"


def later() -> None:
    """Defer the import of the compiler to its first use; does nothing if it is already imported."""
    import torch

    if NAME not in sys.modules:
        sys.modules[NAME] = vars(torch)["_dynamo"] = Waiting(NAME)
        sys.meta_path.insert(0, _Below())


class Waiting(ModuleType):
    """The stand-in for the compiler before it is imported."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        if (spec := find_spec(name)) is not None:  # for code that iterates over all modules
            vars(self).update(vars(module_from_spec(spec)))
        self.marked: list[tuple[str, Callable[..., Any]]] = []
        # accelerate tests models for this class; before anything is compiled, no model has it
        self.eval_frame = SimpleNamespace(OptimizedModule=type("OptimizedModule", (), {}))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.real(), name)

    def real(self) -> ModuleType:
        """Import the compiler, and mark in it the functions marked so far."""
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME]
            real = import_module(NAME)
            vars(sys.modules["torch"])["_dynamo"] = real
            sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Below)]
            for mark, function in self.marked:
                getattr(real, mark)(function)
        return import_module(NAME)

    def allow_in_graph(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Mark a function and return it."""
        return self._marked("allow_in_graph", function)

    def assume_constant_result(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Mark a function and return it."""
        return self._marked("assume_constant_result", function)

    def _marked(self, mark: str, function: Callable[..., Any]) -> Callable[..., Any]:
        if sys.modules.get(NAME) is not self:
            getattr(self.real(), mark)(function)
            return function
        self.marked.append((mark, function))
        return function

    def graph_break(self) -> None:
        """Do nothing, as outside of compiled code."""

    def disable(self, function: Callable[..., Any] | None = None, *args: Any, **options: Any) -> Any:
        """A function that is never compiled; once the compiler is imported, calls use its own decorator."""
        if function is None:
            return functools.partial(self.disable, **options)
        made: list[Callable[..., Any]] = []

        @functools.wraps(function)
        def call(*values: Any, **named: Any) -> Any:
            if sys.modules.get(NAME) is self:
                return function(*values, **named)
            if not made:
                made.append(self.real().disable(function, *args, **options))
            return made[0](*values, **named)

        return call


class _Below(MetaPathFinder):
    """Finds submodules of the deferred compiler: it imports the compiler, and with it many of them."""

    def find_spec(self, name: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002 - as Python calls it
        """The spec of a submodule, which may already be imported once the compiler is."""
        waiting = sys.modules.get(NAME)
        if not name.startswith(f"{NAME}.") or not isinstance(waiting, Waiting):
            return None
        waiting.real()
        there = sys.modules.get(name)
        if there is None:
            return find_spec(name)
        there.__spec__ = spec_from_loader(name, _There(there))  # its own spec would make Python load it again
        return there.__spec__


class _There(Loader):
    """Loads a module that is already imported; loading it again would make a second copy."""

    def __init__(self, module: ModuleType) -> None:
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002 - as Python calls it
        """The imported module."""
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module unchanged, with its original spec."""
        module.__spec__ = self.spec
