"""Prefix tuning: only keys and values, which `Adapter.prefix` holds; no module changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.server.mixing.part import Parts, Place, Unmixed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def parts(config: Mapping[str, Any], weights: Mapping[str, Tensor], place: Place) -> Parts:  # noqa: ARG001 - as for others
    """No parts. Raises Unmixed if there are other weights than the prefix."""
    if weights:
        raise Unmixed(f"{next(iter(weights))} is no part of a prefix")
    return {}
