"""Shared by tests of sources: a refusal must be one line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pefbench.errors import UserError


def refusal(kind: type[UserError], call: Callable[..., Any], *args: Any, **options: Any) -> str:
    """Call, expect exactly this kind of error, and return its message, which must be one line."""
    with pytest.raises(kind) as caught:
        call(*args, **options)
    message = str(caught.value)
    assert type(caught.value) is kind
    assert message
    assert "\n" not in message
    assert len(message) < 700
    return message
