"""Whether a result's model is the one that its recipe names today: a folder can change in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.sources.transport.digests import digest_of
from pefbench.trial.adapters import joined_fingerprint

if TYPE_CHECKING:
    from pefbench.results.schema import Model, Result
    from pefbench.trial.cache import Shared
    from pefbench.trial.starting import Start


def difference(result: Result, start: Start, shared: Shared) -> str:
    """What has changed in a result's model since training; "" if nothing has, or if the result does not say."""
    then = result.get("model")
    if then is None:
        return ""
    if _weights_now(then, start, shared) != then["fingerprint"]:
        return f"the weights of {then['name']} have changed since it was trained"
    if "settings" in then and shared.settings(start) != then["settings"]:
        return f"the config or tokenizer of {then['name']} has changed since it was trained"
    return ""


def _weights_now(then: Model, start: Start, shared: Shared) -> str:
    """The fingerprint that a result would record now."""
    base, stated = shared.fingerprint(start.base), then.get("adapters", [])
    if len(stated) != len(start.adapters):
        return ""
    now = [digest_of(adapter.weights) for adapter in start.adapters]
    return joined_fingerprint(base, [{**each, "fingerprint": digest} for each, digest in zip(stated, now, strict=True)])
