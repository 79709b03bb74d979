"""The interface of export formats: what they can export, how they write it, and how the export answers."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from pefbench.errors import RecipeError, suggest
from pefbench.export import formats

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from pefbench.export.original import Original
    from pefbench.inference.kind import Answer, Json


@dataclass(frozen=True)
class Options:
    """Options of an export.

    quantize: 8-bit weights, activations quantised dynamically. dtype: of the weights. max_lora_rank: the limit of the
    vLLM server that will load the adapter.
    """

    quantize: Literal["int8"] | None = None
    dtype: Literal["fp32", "bf16", "fp16"] = "fp32"
    max_lora_rank: int | None = None

    @property
    def rounds(self) -> bool:
        """Whether the export computes with fewer bits than fp32."""
        return self.quantize is not None or self.dtype != "fp32"

    def chosen(self) -> Json:
        """The options that differ from the defaults."""
        default = asdict(Options())
        return {name: value for name, value in asdict(self).items() if value != default[name]}


class Format(ABC):
    """One format.

    tolerance: how far a number in an answer may be from the trial's in fp32, relative to it if that is above 1.
    options: the options that it supports. as_predict: generated texts are answered as by `pefbench predict`, with the
    finish reason, rather than as the head predicts, with the likelihood of the reference. hub: its folder may be put on
    the Hugging Face hub, so its card has the hub's fields.
    """

    tolerance: ClassVar[float] = 1e-4
    options: ClassVar[frozenset[str]] = frozenset()
    as_predict: ClassVar[bool] = False
    hub: ClassVar[bool] = False

    @abstractmethod
    def check(self, original: Original, options: Options) -> None:
        """Raise a UserError, with the reason, if the trial cannot be exported in this format."""

    @abstractmethod
    def write(self, original: Original, model: nn.Module, to: Path, options: Options) -> list[str]:
        """Write the trial's model to a new folder; return notes for the user. It may change the model."""

    @abstractmethod
    def answers(self, original: Original, folder: Path) -> list[Answer]:
        """The export's answers to the trial's examples, opened as its users open it."""

    @abstractmethod
    def usage(self, original: Original, options: Options) -> str:
        """How to open it, as Markdown."""

    def served(self, original: Original, options: Options, to: Path) -> list[str]:  # noqa: ARG002 - most have none
        """Commands that start another project's server with the export in the folder `to`, on this machine."""
        return []


def names() -> list[str]:
    """The names of the formats."""
    return sorted(module.name for module in pkgutil.iter_modules(formats.__path__) if module.name[0] != "_")


def find(name: str, options: Options) -> Format:
    """The format of this name. Raises RecipeError if there is none or it does not support a given option."""
    if name not in names():
        raise RecipeError(f"--as: unknown format {name!r}; {suggest(name, names())}")
    found: Format = importlib.import_module(f"{formats.__name__}.{name}").FORMAT
    for option in options.chosen().keys() - found.options:
        raise RecipeError(f"--{option.replace('_', '-')} is not an option of --as {name}")
    return found
