"""Types of tuners that PEFT does not have.

What: `PeftType`, an enumeration, gets a member, and PEFT's tables get its configuration, tuner and prefix. Why:
`get_peft_model`, `save_pretrained` and `PeftModel.from_pretrained` then work with our tuner as with any other. Since:
PEFT 0.15, the first with `register_peft_method`; it requires the member to exist, which takes aenum. Undone by
`unregister`.
"""

from __future__ import annotations

from typing import Any

import aenum
from peft import PeftType
from peft.mapping import (
    PEFT_TYPE_TO_CONFIG_MAPPING,
    PEFT_TYPE_TO_MIXED_MODEL_MAPPING,
    PEFT_TYPE_TO_PREFIX_MAPPING,
    PEFT_TYPE_TO_TUNER_MAPPING,
)
from peft.utils import register_peft_method


def register(name: str, config: type[Any], tuner: type[Any], prefix: str) -> None:
    """Make a tuner known to PEFT; a second call with the same tuner changes nothing.

    Must run before an adapter of this type is loaded. Raises KeyError if PEFT has another method with this name.
    """
    kind = name.upper()
    if PEFT_TYPE_TO_TUNER_MAPPING.get(kind) is tuner:
        return
    member(name)
    register_peft_method(name=name, config_cls=config, model_cls=tuner, prefix=prefix)


def member(name: str) -> Any:
    """The member of PeftType with this name, added if it does not exist."""
    kind = name.upper()
    if kind not in PeftType.__members__:
        aenum.extend_enum(PeftType, kind, kind)
    return PeftType[kind]


def unregister(name: str) -> None:
    """Remove a tuner from PEFT's tables; the member stays in the enumeration, where it has no effect."""
    tables = (
        PEFT_TYPE_TO_CONFIG_MAPPING,
        PEFT_TYPE_TO_MIXED_MODEL_MAPPING,
        PEFT_TYPE_TO_PREFIX_MAPPING,
        PEFT_TYPE_TO_TUNER_MAPPING,
    )
    for table in tables:
        table.pop(name.upper(), None)
