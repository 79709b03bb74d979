"""torch's compiler, imported when something is compiled.

What: `torch._dynamo` is a module of our own with the few functions that torch, transformers and accelerate call of it
where nothing is compiled. Why: its import takes a second, and an optimizer's first step, a model without numbers and a
decorator in transformers each ask for it. Since: torch 2.6. Undone by itself: whatever else is asked of it, or lies
below it, is the real one's, which takes its place, and is told what had been marked.
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
    """Let the compiler wait for the first that compiles; where it is there already, nothing is changed."""
    import torch

    if NAME not in sys.modules:
        sys.modules[NAME] = vars(torch)["_dynamo"] = Waiting(NAME)
        sys.meta_path.insert(0, _Below())


class Waiting(ModuleType):
    """What stands for the compiler before it is imported."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        if (spec := find_spec(name)) is not None:  # for those who look through all modules
            vars(self).update(vars(module_from_spec(spec)))
        self.marked: list[tuple[str, Callable[..., Any]]] = []
        # accelerate asks whether a model is of this class: before anything is compiled none is
        self.eval_frame = SimpleNamespace(OptimizedModule=type("OptimizedModule", (), {}))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.real(), name)

    def real(self) -> ModuleType:
        """Import the compiler, and tell it what was marked."""
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME]
            real = import_module(NAME)
            vars(sys.modules["torch"])["_dynamo"] = real
            sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Below)]
            for mark, function in self.marked:
                getattr(real, mark)(function)
        return import_module(NAME)

    def allow_in_graph(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Mark a function, which is returned."""
        return self._marked("allow_in_graph", function)

    def assume_constant_result(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Mark a function, which is returned."""
        return self._marked("assume_constant_result", function)

    def _marked(self, mark: str, function: Callable[..., Any]) -> Callable[..., Any]:
        if sys.modules.get(NAME) is not self:
            getattr(self.real(), mark)(function)
            return function
        self.marked.append((mark, function))
        return function

    def graph_break(self) -> None:
        """Do nothing, as outside of what is compiled."""

    def disable(self, function: Callable[..., Any] | None = None, *args: Any, **options: Any) -> Any:
        """A function that is never compiled: by the real decorator, from the first call on after its import."""
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
    """Finds what lies below the compiler while that waits: it imports the compiler, and much of this with it."""

    def find_spec(self, name: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002 - as Python calls it
        """Where a module is: already there, when the compiler is."""
        waiting = sys.modules.get(NAME)
        if not name.startswith(f"{NAME}.") or not isinstance(waiting, Waiting):
            return None
        waiting.real()
        there = sys.modules.get(name)
        if there is None:
            return find_spec(name)
        there.__spec__ = spec_from_loader(name, _There(there))  # Python would load it by its own once more
        return there.__spec__


class _There(Loader):
    """Loads a module that is there already: once more would be a second copy of it."""

    def __init__(self, module: ModuleType) -> None:
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002 - as Python calls it
        """The module as it is."""
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module as it was."""
        module.__spec__ = self.spec
