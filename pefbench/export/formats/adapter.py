"""The adapter with its head and tokenizer, in PEFT's layout: opens with only transformers and PEFT."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError, RecipeError
from pefbench.export import vllm
from pefbench.export.format import Format, Options
from pefbench.methods.tuners import prompt_by_card
from pefbench.models import from_pretrained, loading
from pefbench.models.from_pretrained import ADAPTER, read_json
from pefbench.models.reading import reading
from pefbench.trial import build
from pefbench.trial.adapter_weights import register
from pefbench.trial.card import CARD, asked_inside, opened_by_card, why_not_alone
from pefbench.trial.saved import ABOUT

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from pefbench.export.original import Original
    from pefbench.inference.kind import Answer
    from pefbench.trial.prepare import Prepared

LOADING = re.compile(r"## Load it\n.*?(?=\n## )", re.DOTALL)
"""The part of a trial's own card that loads its model."""


class Adapter(Format):
    """PEFT's layout."""

    options = frozenset({"max_lora_rank"})
    hub = True

    def check(self, original: Original, options: Options) -> None:
        """Raise DataError if the trial has no PEFT adapter, or one with a rank above the server's limit."""
        method = original.prepared.recipe.method.name
        if not (original.model_folder / ADAPTER).is_file():
            raise DataError(f"--as adapter: method {method} trains the model's own weights; use --as merged")
        register()
        if why := why_not_alone(read_json(original.model_folder / ADAPTER)):
            raise DataError(f"--as adapter: method {method}: {why}; use --as onnx")
        if original.prepared.adapters:
            raise DataError(
                "--as adapter: it was trained on top of another adapter (model.adapter) and does not work without it"
            )
        if options.max_lora_rank is not None:
            if not original.head.generates:
                raise RecipeError("--max-lora-rank is for vLLM, which needs a trial that generates texts")
            vllm.check_rank(original, options.max_lora_rank)

    def write(self, original: Original, model: nn.Module, to: Path, options: Options) -> list[str]:  # noqa: ARG002
        """Copy the trial's own files."""
        shutil.copytree(original.model_folder, to, ignore=shutil.ignore_patterns(CARD, ABOUT))
        return vllm.notes(original) if original.head.generates else []

    def served(self, original: Original, options: Options, to: Path) -> list[str]:
        """The command of vLLM's server, for a decoder."""
        return vllm.served(original, options.max_lora_rank, to)

    def answers(self, original: Original, folder: Path) -> list[Answer]:
        """The answers of the pretrained model with the adapter that PEFT loads from the folder."""
        import transformers

        ready, head = original.prepared, original.head
        with reading(f"{folder}: PEFT cannot open the adapter", DataError):
            if ready.recipe.model.quantize == "none":
                auto: Any = getattr(transformers, head.auto_class)
                base = from_pretrained.plain(auto, ready.base, **head.config())
            else:
                base = loading.load_pretrained(
                    ready.base,
                    ready.config,
                    head,
                    attention=build.attention(ready),
                    quantize=ready.recipe.model.quantize,
                )
            model = _opened(base, folder, ready)
            tokenizer: Any = from_pretrained.plain(transformers.AutoTokenizer, folder)
            return original.answers(model, tokenizer)

    def usage(self, original: Original, options: Options) -> str:
        """The code of the trial's own card; for a decoder also the server's command."""
        found = LOADING.search((original.model_folder / CARD).read_text(encoding="utf8"))
        blocks = re.findall(r"```python\n.*?```", found[0], re.DOTALL) if found else []
        served = [vllm.usage(original, options.max_lora_rank)] if vllm.serves(original) else []
        return "\n\n".join([*blocks[-1:], *served])


def _opened(base: nn.Module, folder: Path, prepared: Prepared) -> Any:
    """The model with the adapter that the card's code loads from the folder. Raises what PEFT raises."""
    if task_type := opened_by_card(prepared, read_json(folder / ADAPTER)):
        model = from_pretrained.plain_adapter(base, folder, task_type=task_type)
        prompt_by_card.read_text_only(model)
        return model
    model = from_pretrained.plain_adapter(base, folder)
    return model.get_base_model() if asked_inside(prepared) else model


FORMAT = Adapter()
