"""One label for a text or a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.heads._pairs import end_token
from pefbench.heads._texts import is_joined

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pefbench.heads.head import Head
    from pefbench.inference.kind import Json


def settings(head: Head, tokenizer: PreTrainedTokenizerFast) -> Json:  # noqa: ARG001 - the labels are known
    """The settings of texts: the token that is removed from them, and the separator of a pair."""
    return {"end": end_token(tokenizer), "before_pair": "\n" if is_joined(tokenizer) else ""}
