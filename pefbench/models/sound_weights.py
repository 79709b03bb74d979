"""Detects tensors that are not usable as weights.

These are NaN and infinite numbers, and integers that a quantisation left without its settings: transformers accepts
both.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pefbench.errors import SourceError
from pefbench.models.reading import reading
from pefbench.models.remembered import remembered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

NOT_FINITE = "NaN or infinite"
BUFFERS = re.compile(r"rotary_emb\.inv_freq|(^|\.)(position_ids|token_type_ids|num_batches_tracked)$")
"""Tensors in older checkpoints that are not weights."""


def check(where: Path, name: str, skeleton: Any, unexpected: set[str], redrawn: tuple[str, ...]) -> None:
    """Raise SourceError, naming the first, for tensors of a checkpoint that cannot be weights of the model.

    name: the checkpoint's name in messages. skeleton: the model, with or without numbers. unexpected: the tensors that
    it does not use. redrawn: prefixes of the names of weights that are reinitialised.
    """
    found = {key: why for file in sorted(where.glob("*.safetensors")) for key, why in _doubtful(file, name).items()}
    if not found:
        return
    ignored = [BUFFERS, *map(re.compile, skeleton._keys_to_ignore_on_load_unexpected or ())]
    unused = unexpected | {key for key, weight in skeleton.state_dict().items() if not weight.is_floating_point()}
    unused |= {key for key in skeleton.state_dict() if key.startswith(redrawn)}
    bad = [
        (key, why)
        for key, why in sorted(found.items())
        if not any(pattern.search(key) for pattern in ignored) and not any(_is_same(key, other) for other in unused)
    ]
    if not bad:
        return
    raise SourceError(_told(name, bad))


def check_adapter(file: Path, source: str) -> None:
    """Raise SourceError for an adapter's weights, or trained weights, that are NaN or infinite."""
    if bad := [(key, why) for key, why in sorted(_doubtful(file, source).items()) if why == NOT_FINITE]:
        raise SourceError(_told(source, bad))


def finite(weight: Tensor) -> bool:
    """Whether all numbers of a tensor are finite."""
    if not weight.is_floating_point() or not weight.numel():
        return True
    if weight.element_size() == 1:  # torch does not compare these
        weight = weight.float()
    least, most = weight.aminmax()  # NaN if any is NaN; 20 times as fast as isfinite
    return bool(least.isfinite() and most.isfinite())


def _told(name: str, bad: Sequence[tuple[str, str]]) -> str:
    key, why = bad[0]
    more = f" ({len(bad)} such tensors)" if len(bad) > 1 else ""
    if why == NOT_FINITE:
        return f"{name}: {key} has numbers that are {why}{more}; the file is damaged"
    return (
        f"{name}: {key} is held as {why}{more}, and config.json has no quantization_config that says what the numbers "
        "stand for; name the original model"
    )


def _doubtful(file: Path, name: str) -> Mapping[str, str]:
    """The tensors in a file that are not plain finite numbers, each with the reason."""
    with reading(f"{name}: {file.name} cannot be loaded"):
        found: Mapping[str, str] = json.loads(
            remembered(file, "sound", lambda each: json.dumps(_look(each)), json.loads)
        )
    return found


def _look(file: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(file, framework="pt") as weights:
        names = list(weights.keys())
        scaled = any("scale" in name for name in names)
        return dict(_reasons(weights, names, scaled=scaled))


def _reasons(weights: Any, names: list[str], *, scaled: bool) -> Iterator[tuple[str, str]]:
    for name in names:
        kind = weights.get_slice(name).get_dtype()
        if kind[0] in "IU" or (kind.startswith("F8") and scaled and "scale" not in name):
            yield name, kind
        elif not finite(weights.get_tensor(name)):
            yield name, NOT_FINITE


def _is_same(one: str, other: str) -> bool:
    """Whether two names are of the same tensor, apart from a prefix of the backbone."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
