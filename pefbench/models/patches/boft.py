"""The BOFT operation that PEFT compiles for CUDA; without it, PEFT falls back to one butterfly factor.

What: `peft.tuners.boft.layer._FBD_CUDA`, which is None if the extension could not be compiled. Why: a saved model with
several factors must load everywhere, see `methods.tuners.butterfly`. Since: PEFT 0.10, which has BOFT. Undone by
`unregister`.
"""

from __future__ import annotations

from typing import Any

from peft.tuners.boft import layer

_stock: Any = layer._FBD_CUDA


def register(operation: type[Any]) -> None:
    """Give PEFT the operation; must run before a BOFT model is made or loaded. A second call changes nothing."""
    layer._FBD_CUDA = operation


def unregister() -> None:
    """Restore PEFT's own."""
    layer._FBD_CUDA = _stock
