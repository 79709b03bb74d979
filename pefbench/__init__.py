"""Fine-tuning methods compared honestly: one recipe, one trial, one result that can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench import with_peft

if TYPE_CHECKING:
    from os import PathLike

    from pefbench.inference.model import Model

__version__ = "0.1.0"

with_peft.register()


def load(trial: str | PathLike[str], base: str | None = None) -> Model:
    """The model of a trial, ready to answer: `pefbench.load("results/lora_ner/0123456789ab").predict(["A text."])`.

    trial: its folder, its result (the .json file beside it), or its model's folder alone, wherever it lies. base:
    another address of the pretrained model, where that has moved; other weights are refused. Raises DataError for what
    is no finished trial or is damaged, SourceError where the base cannot be had.
    """
    from pathlib import Path

    from pefbench.inference import loading

    return loading.load(Path(trial), base)
