"""A format of exports: what it can be made of, how it is written, and how what was written answers."""

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
    """What may be chosen of an export.

    quantize: weights in 8 bits, activations rounded as they come. dtype: of the weights. max_lora_rank: of the server
    that is to load an adapter.
    """

    quantize: Literal["int8"] | None = None
    dtype: Literal["fp32", "bf16", "fp16"] = "fp32"
    max_lora_rank: int | None = None

    @property
    def rounds(self) -> bool:
        """Whether the export computes with fewer bits than the trial's numbers have."""
        return self.quantize is not None or self.dtype != "fp32"

    def chosen(self) -> Json:
        """Those that are no defaults."""
        default = asdict(Options())
        return {name: value for name, value in asdict(self).items() if value != default[name]}


class Format(ABC):
    """One format.

    tolerance: how far a number of an answer may be from the trial's own in fp32, relative to it where it is beyond 1.
    options: those that it has. as_predict: a generated text is answered as by `pefbench predict`, with how it ended,
    and not as the head predicts, with how likely the right one is. hub: its folder may be put on the Hugging Face hub,
    whose fields its card then has.
    """

    tolerance: ClassVar[float] = 1e-4
    options: ClassVar[frozenset[str]] = frozenset()
    as_predict: ClassVar[bool] = False
    hub: ClassVar[bool] = False

    @abstractmethod
    def check(self, original: Original, options: Options) -> None:
        """Raise a UserError, with the reason, for a trial that has no export of this format."""

    @abstractmethod
    def write(self, original: Original, model: nn.Module, to: Path, options: Options) -> list[str]:
        """Write the trial's model to a new folder, and say what should be known. It may change the model."""

    @abstractmethod
    def answers(self, original: Original, folder: Path) -> list[Answer]:
        """What the export answers to the trial's examples, opened as its users open it."""

    @abstractmethod
    def usage(self, original: Original, options: Options) -> str:
        """How it is opened, as Markdown."""

    def served(self, original: Original, options: Options, to: Path) -> list[str]:  # noqa: ARG002 - most have none
        """How a server of somebody else's is started with the export in the folder `to`, on this machine."""
        return []


def names() -> list[str]:
    """The formats."""
    return sorted(module.name for module in pkgutil.iter_modules(formats.__path__) if module.name[0] != "_")


def find(name: str, options: Options) -> Format:
    """The format of this name. Raises RecipeError where there is none, or it lacks an option that was given."""
    if name not in names():
        raise RecipeError(f"--as: unknown format {name!r}; {suggest(name, names())}")
    found: Format = importlib.import_module(f"{formats.__name__}.{name}").FORMAT
    for option in options.chosen().keys() - found.options:
        raise RecipeError(f"--{option.replace('_', '-')} is no option of --as {name}")
    return found
