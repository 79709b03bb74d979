"""The names of the weights in a folder, and prefixes that torch's wrappers left on them."""

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
"""What torch.compile and DistributedDataParallel put before the names of a model that is saved inside them."""


def weight_names(where: Path, name: str) -> list[str]:
    """The names of the weights in a folder's safetensors. Raises SourceError if a file is damaged."""
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
    """The prefix that wrappers left on every name; "" if there is none, or if prefixes differ."""
    found = {match[0] for name in names if (match := WRAPPERS.match(name))}
    return found.pop() if len(found) == 1 else ""


def renamed(names: Sequence[str], prefix: str, saved: str) -> dict[str, str]:
    """Replacements for the names in a checkpoint: patterns of prefixes, and their replacements.

    prefix: before the names of the backbone's weights in the model. saved: the same in the saved model: a
    LlamaForCausalLM has `model`, a LlamaForQuestionAnswering `transformer`.
    """
    wrapper = wrapper_prefix(names)
    inner = [name.removeprefix(wrapper) for name in names]
    moves = bool(prefix and saved) and not any(name.startswith(f"{prefix}.") for name in inner)
    if moves and any(name.startswith(f"{saved}.") for name in inner):
        start = re.escape(wrapper)
        rest = {f"^{start}(?!{re.escape(saved)}\\.)": ""} if wrapper else {}
        return {rf"^{start}{re.escape(saved)}\.": f"{prefix}.", **rest}
    return {f"^{re.escape(wrapper)}": ""} if wrapper else {}
