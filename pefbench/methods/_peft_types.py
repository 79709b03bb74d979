"""What pefbench must know about PEFT's types besides their configurations, one row per type; most need nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    Options = Mapping[str, object]

VIRTUAL = r"^prompt_encoder\.(?!\w+\.frozen_embedding$)"
NO_DATA = "init_lora_weights: only true, false and gaussian here; method lora has those that need no data"


@dataclass(frozen=True)
class Spec:
    """How a type of PEFT differs from most types."""

    refused: str = ""
    """Why it needs more than a configuration; "" if it does not."""
    virtual_tokens: Literal["none", "keys and values", "embeddings"] = "none"
    """What it puts before the text."""
    trainable_pattern: str | None = None
    """What is trained besides the head; None: weights with the type's prefix in PEFT, and biases as its option says."""
    defaults: Callable[[nn.Module], Options] | None = None
    """Options that follow from the model; None: the linear layers of the blocks are adapted."""
    objection: Callable[[Options], str] = lambda _: ""
    """The option that cannot work, and why; "" if all can."""
    vectors: str = ""
    """Part of the full names of scale vectors that PEFT stores as matrices, and that must not decay."""
    can_be_tried: bool = True
    """Whether its layers compute inside the pretrained model, so that a short forward pass shows whether they fit."""


def of(kind: str) -> Spec:
    """What pefbench knows about a type."""
    return SPECS.get(kind, Spec())


def _prefix(model: nn.Module) -> Options:
    from pefbench.methods.tuners import prefix_tokens

    shape = prefix_tokens.shape(model)
    return {
        "num_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "token_dim": shape.heads * shape.size,
    }


def _prompt(model: nn.Module) -> Options:
    from pefbench.methods.tuners import prompt_tokens

    return prompt_tokens.common_options(model)


def _norms(model: nn.Module) -> Options:
    from pefbench.models import architecture

    return {"target_modules": architecture.norms(model)}


def _keys_values_and_feed_forwards(model: nn.Module) -> Options:
    from pefbench.models import sublayers

    outputs = [feed_forward.output for feed_forward in sublayers.feed_forwards(model)]
    return {"target_modules": sublayers.keys_and_values(model) + outputs, "feedforward_modules": outputs}


def _nothing(_model: nn.Module) -> Options:
    """For types whose target modules are not linear layers; PEFT finds them."""
    return {}


def _without_length(options: Options) -> str:
    length = options.get("num_virtual_tokens")
    if isinstance(length, int) and length > 0:
        return ""
    return f"num_virtual_tokens: the type needs their number, got {length!r}"


def _data_init(options: Options) -> str:
    return "" if options.get("init_lora_weights", True) in (True, False, "gaussian") else NO_DATA


def _subspaces(options: Options) -> str:
    reason = "use_asa: subspaces are dropped after each step, which this method does not support"
    return reason if options.get("use_asa") else ""


def _auxiliary_loss(options: Options) -> str:
    reason = "auxiliary_loss_weight: must be 0, as the loss is computed outside the model"
    return reason if options.get("auxiliary_loss_weight") != 0 else ""


_PREFIX = Spec(virtual_tokens="keys and values", trainable_pattern=VIRTUAL, defaults=_prefix, objection=_without_length)
_PROMPT = Spec(virtual_tokens="embeddings", trainable_pattern=VIRTUAL, defaults=_prompt, objection=_without_length)
_SEVERAL_TASKS = Spec(refused="it learns from several tasks at once, and a trial has one")

SPECS = {
    "ADALORA": Spec(refused="its ranks are allocated after each step; use method adalora"),
    "ADAMSS": Spec(objection=_subspaces),
    "ADAPTION_PROMPT": Spec(trainable_pattern=r"\.adaption_(prompt|gate)$", defaults=_nothing),
    "BOFT": Spec(vectors=".boft_s."),
    "CARTRIDGE": _PREFIX,
    "CPT": Spec(refused="it starts from worked examples as tokens, and has a loss of its own"),
    "IA3": Spec(defaults=_keys_values_and_feed_forwards, vectors=".ia3_l."),
    "LN_TUNING": Spec(defaults=_norms),
    "LORA": Spec(objection=_data_init),
    "MULTITASK_PROMPT_TUNING": _SEVERAL_TASKS,
    "POLY": _SEVERAL_TASKS,
    "PREFIX_TUNING": _PREFIX,
    "PROMPT_TUNING": _PROMPT,
    "P_TUNING": _PROMPT,
    "SHADOW": Spec(defaults=_nothing, objection=_auxiliary_loss, can_be_tried=False),
    "TRAINABLE_TOKENS": Spec(defaults=_nothing),
    "XLORA": Spec(refused="it mixes adapters trained before, and a trial starts without any"),
}
REFUSED = {kind: spec.refused for kind, spec in SPECS.items() if spec.refused}
