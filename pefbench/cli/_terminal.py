"""Printing. All results and errors are printed by these functions."""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING, cast

from pefbench import atomic
from pefbench.errors import OutputError

if TYPE_CHECKING:
    from typing import TextIO


def print_once(text: str) -> None:
    """Print only from the first process."""
    if os.environ.get("RANK", "0") == "0":
        print_line(text)


def print_line(text: str) -> None:
    """Print a line to standard output and flush it; do nothing if standard output is closed.

    Raises OutputError if it cannot be written to, and BrokenPipeError if its reader has ended.
    """
    try:
        _write(sys.stdout, text)
    except BrokenPipeError:
        raise
    except OSError as error:
        sys.stdout = None  # otherwise the interpreter tries again when it ends
        raise OutputError(f"cannot write to standard output: {atomic.reason(error)}") from None


def complain(text: str) -> None:
    """Print a line to standard error and flush it; do nothing if standard error is closed."""
    _write(sys.stderr, text)


def _write(stream: TextIO, text: str) -> None:
    """Write a line; characters that the stream's encoding lacks are escaped."""
    if cast("TextIO | None", stream) is None:  # closed when the process began
        return
    encoding = stream.encoding or "utf8"
    stream.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def hush_libraries() -> None:
    """Suppress the libraries' own progress bars and messages."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # read when torch is imported
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")  # importing it to set this takes a second
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # and here half a second
    import logging

    if transformers := sys.modules.get("transformers"):
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
    if datasets := sys.modules.get("datasets"):
        datasets.utils.logging.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(torch|transformers|peft|accelerate|datasets|huggingface_hub)(\.|$)")
