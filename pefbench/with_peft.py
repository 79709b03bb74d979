"""Registers our adapters with PEFT: after `import pefbench`, PEFT loads them like its own.

This includes BOFT with several factors, which PEFT alone loads only if it can compile an extension for CUDA. PEFT takes
seconds to import, so our adapters are registered when anyone imports it, or at once if it is already imported.
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
"""The modules of `methods/tuners` with types that PEFT lacks; they register themselves on import."""
BELOW = ("pefbench.methods", "pefbench.models")
"""Packages that these modules import."""


def register() -> None:
    """Register our adapters now, or when PEFT is imported."""
    if LIBRARY in sys.modules:
        _import_tuners()
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _import_tuners() -> None:
    """Import our tuners, unless their own imports are in progress: pefbench then registers what it needs itself."""
    if not any(_is_begun(module) for name, module in [*sys.modules.items()] if name.startswith(BELOW)):
        for name in TUNERS:
            import_module(f"pefbench.methods.tuners.{name}")
        import_module("pefbench.methods.tuners.butterfly").register()


def _is_begun(module: ModuleType) -> bool:
    """Whether a module's import has started but not finished."""
    return bool(getattr(module.__spec__, "_initializing", False))


class _Finder(MetaPathFinder):
    """Finds PEFT once, with the other finders, and imports our tuners after it."""

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - as Python calls it
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """The library's own spec, with its loader wrapped; None for other modules."""
        if name != LIBRARY:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Loads a module with its own loader, then imports our tuners."""

    def __init__(self, inner: Loader) -> None:
        self.inner = inner

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Delegates to the module's own loader."""
        return self.inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Load with the module's own loader, and restore that: `inspect` and `importlib.resources` use it."""
        if module.__spec__ is not None:
            module.__spec__.loader = self.inner
        module.__loader__ = self.inner
        self.inner.exec_module(module)
        _import_tuners()
