"""MAM adapters: bottlenecks parallel to the feed-forwards, and a prefix; see `methods.tuners.mam`."""

from __future__ import annotations

from pefbench.server.mixing.bottleneck import parts

__all__ = ["parts"]
