"""The method merged into the weights: a checkpoint for transformers alone, and for `pipeline` if the head has one."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import torch

from pefbench.errors import DataError, ExportError
from pefbench.export import merging
from pefbench.export.format import Format, Options
from pefbench.export.pipelines import PIPELINES, answers_alike, usage
from pefbench.models import architecture, from_pretrained
from pefbench.models.reading import reading

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from pefbench.export.original import Original
    from pefbench.heads.head import Head
    from pefbench.inference.kind import Answer

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
SCALED = "pefbench_scaled"
"""A config entry: the head's last layer outputs scores rather than standardised scores."""


class Merged(Format):
    """Merged weights."""

    options = frozenset({"dtype"})
    hub = True

    def check(self, original: Original, options: Options) -> None:  # noqa: ARG002 - all dtypes are supported
        """Raise DataError if the method cannot be merged."""
        if reason := merging.refusal(original):
            raise DataError(f"--as merged: {reason}")

    def write(self, original: Original, model: nn.Module, to: Path, options: Options) -> list[str]:
        """Write weights, config with the labels, and tokenizer; for a decoder also its generation settings."""
        unwrapped = _merged(original, model).to(DTYPES[options.dtype])
        notes = list[str]()
        if original.kind_name == "regression":
            notes += _of_scores(original, scaled=getattr(unwrapped.config, SCALED))
        if original.head.generates:
            unwrapped.generation_config = generation(original, unwrapped)
        unwrapped.save_pretrained(to)
        original.tokenizer.save_pretrained(to)
        if not answers_alike(original):
            notes.append(f"transformers has no pipeline for this head; {original.head.auto_class} opens it")
        return notes

    def answers(self, original: Original, folder: Path) -> list[Answer]:
        """The answers of the model that transformers loads from the folder."""
        import transformers

        task = PIPELINES.get(original.head.auto_class)
        with reading(f"{folder}: transformers cannot open the merged model", DataError):
            if task is not None:
                opened: Any = transformers.pipeline(task, model=str(folder), device="cpu", trust_remote_code=False)  # type: ignore[call-overload]
                model, tokenizer = opened.model, opened.tokenizer
            else:
                model = from_pretrained.plain(getattr(transformers, original.head.auto_class), folder)
                tokenizer = from_pretrained.plain(transformers.AutoTokenizer, folder)
        _check_labels(original, model)
        _check_weights(_merged(original, original.model()), model)
        head = _unscaled(original.head) if getattr(model.config, SCALED, False) else original.head
        return original.answers(model.eval(), tokenizer, head)

    def usage(self, original: Original, options: Options) -> str:  # noqa: ARG002 - the folder states its dtype
        """The pipeline's call."""
        return usage(original)


def _merged(original: Original, model: nn.Module) -> Any:
    """The trial's model as it is exported, except for the dtype; in place."""
    unwrapped: Any = merging.merged(original, model)
    if original.kind_name == "regression":
        unwrapped.config.problem_type = "regression"
        setattr(unwrapped.config, SCALED, _scale(unwrapped, original.head))
    return unwrapped


def _check_labels(original: Original, opened: Any) -> None:
    """Raise ExportError if the model, which gives a pipeline its labels, does not have the trial's labels."""
    expected = original.head.config().get("id2label")
    found = opened.config.id2label
    if expected is not None and found != expected:
        names = [", ".join(map(str, labels.values())) for labels in (found, expected)]
        raise ExportError(f"the merged model's labels are {names[0]} instead of {names[1]}; the export was removed")


def _check_weights(expected: nn.Module, opened: nn.Module) -> None:
    """Raise ExportError if a weight differs from the trial's, merged again, in the export's dtype.

    The test examples alone do not show every error: they lack some words, and small changes are within the tolerance.
    """
    found = opened.state_dict()
    for name, weight in expected.state_dict().items():
        other = found.get(name)
        if other is None or not other.equal(weight.to(other.dtype)):
            how = "is missing" if other is None else "is not the trial's"
            raise ExportError(f"the weight {name} of the merged model {how}; the export was removed")


def generation(original: Original, model: Any) -> Any:
    """The trial's generation settings, as a decoder's generation config."""
    import numpy as np
    from transformers import GenerationConfig

    head: Any = original.head
    own, prompt = model.generation_config, original.prepared.encoded["test"].decoding[0]
    ends = {prompt.end, *np.atleast_1d([] if own.eos_token_id is None else own.eos_token_id).astype(int).tolist()}
    drawn = {"temperature": head.search.temperature, "top_k": head.search.top_k} if head.search.temperature else {}
    return GenerationConfig(
        max_new_tokens=head.search.max_new_tokens,
        num_beams=head.search.num_beams,
        do_sample=bool(drawn),
        bos_token_id=own.bos_token_id,
        eos_token_id=sorted(ends),
        pad_token_id=original.tokenizer.pad_token_id,
        decoder_start_token_id=own.decoder_start_token_id,
        bad_words_ids=own.bad_words_ids,
        suppress_tokens=own.suppress_tokens,
        **drawn,
    )


def _scale(model: nn.Module, head: Head) -> bool:
    """Let the head's last layer output scores instead of standardised scores; False if it lacks the needed bias."""
    scale: Any = head
    heads = [model.get_submodule(name) for name in architecture.head_modules(model)]
    layers = [module for each in heads for module in each.modules() if isinstance(module, torch.nn.Linear)]
    last = layers[-1]
    if last.bias is None or last.out_features != 1:
        return False
    with torch.no_grad():
        last.weight.mul_(scale.spread)
        last.bias.mul_(scale.spread).add_(scale.mean)
    return True


def _of_scores(original: Original, *, scaled: bool) -> list[str]:
    """How the model's output differs from the trial's scores."""
    head: Any = original.head
    lowest, highest = head.bounds
    notes = [
        f"its scores are not clipped to those of the training split, {lowest:g} to {highest:g}, as the trial's are"
    ]
    if not scaled:
        notes.append("the head has no bias: its output is standardised, (score - mean) / standard deviation")
    return notes


def _unscaled(head: Head) -> Head:
    """A head that takes the model's output as the score."""
    changed: Any = copy(head)
    changed.mean, changed.spread = 0.0, 1.0
    return changed  # type: ignore[no-any-return]


FORMAT = Merged()
