"""The names of the weights in a folder, and what torch's wrappers leave before them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pefbench.errors import SourceError
from pefbench.models.reading import first_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LFS = b"version https://git-lfs"
WRAPPERS = re.compile(r"(?:_orig_mod\.|module\.)*")
"""What torch.compile and DistributedDataParallel put before the names of a model that is saved inside of them."""


def weight_names(where: Path, name: str) -> list[str]:
    """The names of the weights in a folder's safetensors. Raises SourceError for a file that is damaged."""
    from safetensors import safe_open

    names: list[str] = []
    for file in sorted(where.glob("*.safetensors")):
        try:
            with safe_open(file, framework="pt") as weights:
                names += weights.keys()
        except Exception as error:
            with file.open("rb") as stream:
                is_pointer = stream.read(len(LFS)) == LFS
            why = "it is a Git LFS pointer, not the file itself" if is_pointer else first_line(error)
            raise SourceError(f"{name}: {file.name} cannot be loaded: {why}") from error
    return names


def wrapper_prefix(names: Sequence[str]) -> str:
    """What wrappers have left before every name; "" where that is nothing, or not the same before all."""
    found = {match[0] for name in names if (match := WRAPPERS.match(name))}
    return found.pop() if len(found) == 1 else ""


def renamed(names: Sequence[str], prefix: str, saved: str) -> dict[str, str]:
    """What to replace in the names of a checkpoint: patterns of their beginnings, and what to put there.

    prefix: what stands before the names of the backbone's weights in the model. saved: and in the one that was saved:
    a LlamaForCausalLM has `model`, a LlamaForQuestionAnswering `transformer`.
    """
    wrapper = wrapper_prefix(names)
    inner = [name.removeprefix(wrapper) for name in names]
    moves = bool(prefix and saved) and not any(name.startswith(f"{prefix}.") for name in inner)
    if moves and any(name.startswith(f"{saved}.") for name in inner):
        start = re.escape(wrapper)
        rest = {f"^{start}(?!{re.escape(saved)}\\.)": ""} if wrapper else {}
        return {rf"^{start}{re.escape(saved)}\.": f"{prefix}.", **rest}
    return {f"^{re.escape(wrapper)}": ""} if wrapper else {}
