"""Adapters whose virtual tokens PEFT by itself would put elsewhere than the trial had them, or cannot put anywhere.

Their config names a task type that PEFT does not know, so that PEFT alone refuses them in one line, in place of
answering otherwise. After `import pefbench`, or once this module is imported, `PeftModel.from_pretrained` makes a model
that computes as the trial did.
"""

from __future__ import annotations

from typing import Any

from peft import PeftModel, PeftType

from pefbench.methods.tuners.prefix_cache import CachedPrefix
from pefbench.methods.tuners.prefix_tokens import PrefixTokens
from pefbench.methods.tuners.prompt_tokens import PromptTokens
from pefbench.methods.tuners.virtual_tokens import VirtualTokens, is_pair
from pefbench.models.patches import task_types

TASK_TYPE = "NEEDS_IMPORT_PEFBENCH"
"""What PEFT's error names: `Invalid task type: 'NEEDS_IMPORT_PEFBENCH'`."""
LANGUAGE = {"CAUSAL_LM", "SEQ_2_SEQ_LM"}
KEYS_AND_VALUES = {PeftType.PREFIX_TUNING, PeftType.CARTRIDGE}


class PlacedModel(PeftModel):  # type: ignore[misc]
    """PEFT's model of an adapter of ours, with its virtual tokens at work where the trial had them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = PrefixTokens if self.active_peft_config.peft_type in KEYS_AND_VALUES else PromptTokens
        kind.attach(self)


def mark(tokens: VirtualTokens) -> None:
    """Have the adapter of a new model saved as one for `PlacedModel`, where PEFT alone would compute something else."""
    config = tokens.model.active_peft_config
    if config.is_prompt_learning and not _is_alike_in_peft(tokens):
        config.task_type = TASK_TYPE


def _is_alike_in_peft(tokens: VirtualTokens) -> bool:
    """Whether PEFT's own models compute the same, but for logits of the virtual tokens themselves.

    Of a prompt, a head other than a language model's reads the first or the last position, or tags all. A prefix goes
    in through the cache alone, and in a pair PEFT puts it before the states of the encoder, too.
    """
    if isinstance(tokens, PrefixTokens):
        return isinstance(tokens.route, CachedPrefix) and not is_pair(tokens.model.get_base_model())
    return tokens.model.active_peft_config.task_type in LANGUAGE


def register() -> None:
    """Make the task type known to PEFT; runs on import."""
    task_types.register(TASK_TYPE, PlacedModel)


register()
