"""Ours beside PEFT's: after `import pefbench` PEFT loads the adapters that pefbench adds, as it loads its own.

So it does those of BOFT with several factors, which PEFT loads alone only where it can compile an extension for CUDA.

PEFT takes seconds to import, so they are registered when it is imported, whoever does that; at once where it is.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

LIBRARY = "peft"
TUNERS = ("bottleneck", "mam", "placed")
"""The modules of `methods/tuners` whose types PEFT lacks; they register themselves when they are imported."""
BELOW = ("pefbench.methods", "pefbench.models")
"""Packages that they import."""


def register() -> None:
    """Register them now, or with PEFT's import."""
    if LIBRARY in sys.modules:
        _import_tuners()
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _import_tuners() -> None:
    """Import our tuners, but where what they import is being imported: pefbench itself registers what it needs."""
    if not any(_is_begun(module) for name, module in [*sys.modules.items()] if name.startswith(BELOW)):
        for name in TUNERS:
            import_module(f"pefbench.methods.tuners.{name}")
        import_module("pefbench.methods.tuners.butterfly").register()


def _is_begun(module: ModuleType) -> bool:
    """Whether a module's import has begun and not ended."""
    return bool(getattr(module.__spec__, "_initializing", False))


class _Finder(MetaPathFinder):
    """Finds PEFT as others do, once, and has our tuners imported after it."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - as Python calls it
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """The library's own spec, with a loader around its own; None for all else."""
        if name != LIBRARY:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Loads as another loader does, then has our tuners imported."""

    def __init__(self, inner: Loader) -> None:
        self.inner = inner

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the other."""
        return self.inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """As the other, with its own loader in place: `inspect` and `importlib.resources` ask for it."""
        if module.__spec__ is not None:
            module.__spec__.loader = self.inner
        module.__loader__ = self.inner
        self.inner.exec_module(module)
        _import_tuners()
