"""Adapters whose virtual tokens PEFT alone would put in another place than the trial did, or does not support.

Their config names a task type that PEFT does not know, so that PEFT alone refuses them in one line instead of giving
other answers. After `import pefbench`, or once this module is imported, `PeftModel.from_pretrained` makes a model that
computes as in the trial.

A prompt under a head that classifies, tags or points gets a name of its own where PEFT alone can compute the same, with
the code of the model card: see `prompt_by_card`.
"""

from __future__ import annotations

from typing import Any

from peft import PeftModel, PeftType

from pefbench.methods.tuners import prompt_by_card
from pefbench.methods.tuners.prefix_cache import CachedPrefix
from pefbench.methods.tuners.prefix_tokens import PrefixTokens
from pefbench.methods.tuners.prompt_tokens import PromptTokens
from pefbench.methods.tuners.virtual_tokens import VirtualTokens, is_pair
from pefbench.models.patches import task_types

TASK_TYPE = "NEEDS_IMPORT_PEFBENCH"
"""The name in PEFT's error: `Invalid task type: 'NEEDS_IMPORT_PEFBENCH'`."""
BY_CARD = "NEEDS_CODE_OF_MODEL_CARD"
"""Likewise, for those that the card's code opens without pefbench."""
LANGUAGE = {"CAUSAL_LM", "SEQ_2_SEQ_LM"}
KEYS_AND_VALUES = {PeftType.PREFIX_TUNING, PeftType.CARTRIDGE}


class PlacedModel(PeftModel):  # type: ignore[misc]
    """PEFT's model with one of our adapters, whose virtual tokens are inserted where the trial had them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = PrefixTokens if self.active_peft_config.peft_type in KEYS_AND_VALUES else PromptTokens
        kind.attach(self)


def mark(tokens: VirtualTokens) -> None:
    """Mark a new model's adapter, to be saved as one for `PlacedModel`, if PEFT alone would compute otherwise."""
    config = tokens.model.active_peft_config
    if config.is_prompt_learning and not _is_alike_in_peft(tokens):
        by_card = isinstance(tokens, PromptTokens) and prompt_by_card.works(tokens)
        config.task_type = BY_CARD if by_card else TASK_TYPE


def _is_alike_in_peft(tokens: VirtualTokens) -> bool:
    """Whether PEFT's own models compute the same, except for logits of the virtual tokens themselves.

    With a prompt, a head other than a language model's reads the first or the last position, or tags all. PEFT inserts
    a prefix only through the cache, and in an encoder-decoder also before the encoder's states.
    """
    if isinstance(tokens, PrefixTokens):
        return isinstance(tokens.route, CachedPrefix) and not is_pair(tokens.model.get_base_model())
    return tokens.model.active_peft_config.task_type in LANGUAGE


def register() -> None:
    """Make the task types known to PEFT; runs on import."""
    task_types.register(TASK_TYPE, PlacedModel)
    task_types.register(BY_CARD, PlacedModel)


register()
