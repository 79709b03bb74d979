"""Silences warnings and log lines of libraries that are wrong here, and turns one into an error.

Each docstring says when the warning occurs, and why it does not apply. Since: PEFT 0.18, transformers 5 and
bitsandbytes 0.50, whose wordings these are. Undone at the end of the block; those of the loggers by
`unmute_bitsandbytes`.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BITSANDBYTES = {
    "bitsandbytes.backends.cpu.ops": "Failed to load CPU gemm_4bit_forward",  # a kernel that no layer here uses
    "bitsandbytes.autograd._functions": "MatMul8bitLt: inputs will be cast",  # int8's definition
}
"""Logger -> the beginning of its line."""
LIBRARIES = r"(torch|transformers|peft|accelerate|datasets|huggingface_hub)(\.|$)"
_filters: dict[str, Callable[[logging.LogRecord], bool]] = {}


def mute_bitsandbytes() -> None:
    """Silence these lines of bitsandbytes, including while it is imported. A second call does nothing."""
    for name, beginning in BITSANDBYTES.items():
        if name not in _filters:
            _filters[name] = _saying_other_than(beginning)
            logging.getLogger(name).addFilter(_filters[name])


def unmute_bitsandbytes() -> None:
    """Undo `mute_bitsandbytes`."""
    for name, speaks in _filters.items():
        logging.getLogger(name).removeFilter(speaks)
    _filters.clear()


def _saying_other_than(beginning: str) -> Callable[[logging.LogRecord], bool]:
    return lambda record: not str(record.msg).startswith(beginning)


@contextmanager
def while_loading() -> Iterator[None]:
    """transformers reports the head as new and untrained before reading its weights, and shows a progress bar."""
    from transformers.utils import logging as theirs

    verbosity, bars = theirs.get_verbosity(), theirs.is_progress_bar_enabled()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=LIBRARIES)
        theirs.set_verbosity_error()
        if bars:
            theirs.disable_progress_bar()
        try:
            yield
        finally:
            theirs.set_verbosity(verbosity)
            if bars:
                theirs.enable_progress_bar()


@contextmanager
def norms_without_sizes() -> Iterator[None]:
    """PEFT asks a norm that it wraps for its input and output sizes, which it neither has nor needs."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Unsupported layer type '<class '.*Norm'>' encountered", UserWarning)
        yield


@contextmanager
def ranks_of_adalora() -> Iterator[None]:
    """PEFT reads AdaLoRA's final ranks as if they were LoRA's, which have other keys."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The following rank_pattern keys did not match")
        yield


@contextmanager
def empty_ranks() -> Iterator[None]:
    """When saving, PEFT takes a layer for which AdaLoRA left no rank for a mistake."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Adapter '\w+': \d+ LoRA tensor\(s\) have invalid shape")
        yield


@contextmanager
def positions_in_generate() -> Iterator[None]:
    """PEFT reports that it drops position ids in prompt learning; our virtual tokens, further down, move them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Position ids are not supported")
        yield


@contextmanager
def missing_weights_are_errors() -> Iterator[None]:
    """PEFT only warns if an adapter lacks a weight, and continues with a random one; inside, this is an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Found missing adapter keys")
        yield
