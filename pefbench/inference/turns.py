"""Locks tokenizers: a thread sets how texts are cut and then encodes, so only one at a time may use a tokenizer."""

from __future__ import annotations

from threading import Lock, RLock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from transformers import PreTrainedTokenizerFast

_LOCKS: WeakKeyDictionary[Any, AbstractContextManager[Any]] = WeakKeyDictionary()
_LOCK = Lock()


def turn(tokenizer: PreTrainedTokenizerFast) -> AbstractContextManager[Any]:
    """The lock that a thread holds while it uses this tokenizer, which several models may share."""
    with _LOCK:
        return _LOCKS.setdefault(tokenizer, RLock())
