"""Defers slow imports that libraries make eagerly, and imports that metrics need only for scoring.

What: import statements of these libraries that name a module in `LATER` get a stand-in for it. Why: distributed
tensors, bitsandbytes, sympy and the dependencies of object detection losses take two seconds to import, in each
process. scikit-learn and scipy take one before the first step, but are needed only after training. Since: transformers
5.0, PEFT 0.18; if a version imports none of them, nothing changes. Undone at the end of the block: existing stand-ins
stay, and behave like the real modules from their first use on.
"""

from __future__ import annotations

import builtins
import functools
import sys
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import resolve_name
from typing import TYPE_CHECKING, Any

from pefbench.importing import import_structure, plain_sizes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LATER = {
    "transformers": (
        *("torch.distributed.tensor", "torch.distributed.fsdp", "torch.distributed._composable.fsdp"),
        *("torch.distributed.checkpoint", "torch._dynamo", "scipy.optimize"),
        *("transformers.distributed.tensor_parallel", "transformers.distributed.expert_parallel"),
    ),
    "accelerate": ("torch.distributed.tensor", "torch.distributed.fsdp", "accelerate.commands", "deepspeed"),
    "torch._prims_common": ("sympy",),
    "torch": (plain_sizes.MODULE,),
    "peft": ("bitsandbytes", "transformers.distributed.tensor_parallel"),
    "evaluate": ("evaluate.evaluation_suite", "evaluate.evaluator"),
    "seqeval": ("sklearn",),
    "pefbench.metrics": ("sklearn", "scipy"),
}
"""Importing module -> modules whose import is deferred; both include their submodules."""


@contextmanager
def later() -> Iterator[None]:
    """Defer the imports in `LATER` within the block."""
    stock = builtins.__import__

    def importing(
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - as Python calls them
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        importer = globals or {}
        whole = resolve_name("." * level + name, importer["__package__"]) if level else name
        if (fromlist or "." not in name) and _waits(whole, importer.get("__name__", "")):
            return stand_in(whole)
        module = stock(name, globals, locals, fromlist or (), level)
        if whole == import_structure.MODULE:
            undo.enter_context(import_structure.read_once())
        return module

    undo = ExitStack()
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and not hasattr(distributed, "tensor"):  # PEFT assumes that it is imported
        vars(distributed)["tensor"] = stand_in("torch.distributed.tensor")
    builtins.__import__ = importing
    try:
        with undo:
            yield
    finally:
        builtins.__import__ = stock


def _waits(name: str, importer: str) -> bool:
    if name in sys.modules:
        return False
    wanted = (module for user, modules in LATER.items() if _is_below(importer, user) for module in modules)
    return any(_is_below(name, module) for module in wanted)


def _is_below(name: str, module: str) -> bool:
    return f"{name}.".startswith(f"{module}.")


def stand_in(module: str, *path: str) -> Any:
    """The stand-in for a module, or for the attribute at `path` in it."""
    return _StandIn(".".join([module, *path]), (), {"module": module, "path": path})


def settle(*users: str) -> None:
    """Import everything still deferred in these libraries, if they are imported, so that its memory is allocated."""
    for name, module in [*sys.modules.items()]:
        if any(_is_below(name, user) for user in users):
            for value in [*vars(module).values()]:
                if isinstance(value, _StandIn):
                    value.real()


class _StandIn(type):
    """The metaclass of stand-ins, which are classes so that `isinstance` and `|` in annotations work."""

    module: str
    path: tuple[str, ...]

    def real(cls) -> Any:
        """Import the object that this stands in for."""
        return functools.reduce(getattr, cls.path, import_module(cls.module))

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):  # the import system looks up such names in modules
            raise AttributeError(name)
        return getattr(cls.real(), name) if cls.module in sys.modules else stand_in(cls.module, *cls.path, name)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        plain = plain_sizes.answer(".".join([cls.module, *cls.path]))
        if plain is not None and cls.module not in sys.modules and not kwargs and plain_sizes.are_plain(args):
            return plain(*args)
        return cls.real()(*args, **kwargs)

    def __instancecheck__(cls, instance: object) -> bool:
        """Whether it is an instance of the real class; there are none before that is imported."""
        return cls.module in sys.modules and isinstance(instance, cls.real())

    def __subclasscheck__(cls, subclass: type) -> bool:
        return cls.module in sys.modules and issubclass(subclass, cls.real())
