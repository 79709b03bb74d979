"""transformers' rendering of chat templates, which happens in this process.

What: the name `render_jinja_template` of the module `transformers.tokenization_utils_base`. Why: a template that loops
or takes all memory can only be stopped in another process, see `models.rendering`. Since: transformers 5.0, whose
`apply_chat_template` calls the renderer by this name. Undone at the end of the block.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any

from transformers import tokenization_utils_base

from pefbench.models import rendering

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCK = RLock()
_library: Any = tokenization_utils_base


@contextmanager
def rendered_apart(seconds: float) -> Iterator[None]:
    """Make `apply_chat_template` inside the block render in a process that is stopped after this many seconds."""
    with _LOCK:
        stock = _library.render_jinja_template

        def render(**arguments: Any) -> tuple[list[str], list[Any]]:
            return rendering.render(arguments, seconds), []

        _library.render_jinja_template = render
        try:
            yield
        finally:
            _library.render_jinja_template = stock
