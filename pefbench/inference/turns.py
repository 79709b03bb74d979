"""One thread at a time reads with a tokenizer: it is told how to cut texts, and then given them."""

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
    """What a thread holds while it reads with this tokenizer, which several models may share."""
    with _LOCK:
        return _LOCKS.setdefault(tokenizer, RLock())
