"""GGUF, for llama.cpp: refused, because no llama.cpp package includes the converter; the message says what to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from pefbench.errors import DataError
from pefbench.export.format import Format, Options
from pefbench.export.formats.merged import FORMAT as MERGED

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from pefbench.export.original import Original
    from pefbench.inference.kind import Answer

WHY = (
    "--as gguf: llama.cpp's package on PyPI, gguf, lacks its converter; run pefbench export TRIAL --to DIR --as "
    "merged, then convert_hf_to_gguf.py DIR of a llama.cpp checkout"
)


class Gguf(Format):
    """GGUF."""

    def check(self, original: Original, options: Options) -> NoReturn:
        """Raise DataError: what to run instead, or why there is nothing to run."""
        if not original.head.generates or original.prepared.config.is_encoder_decoder:
            raise DataError("--as gguf is for decoders that generate; use --as merged or --as onnx")
        MERGED.check(original, options)
        raise DataError(WHY)

    def write(self, original: Original, model: nn.Module, to: Path, options: Options) -> NoReturn:  # noqa: ARG002
        """Nothing is written."""
        raise DataError(WHY)

    def answers(self, original: Original, folder: Path) -> list[Answer]:  # noqa: ARG002
        """Nothing answers."""
        raise DataError(WHY)

    def usage(self, original: Original, options: Options) -> str:  # noqa: ARG002
        """Nothing is opened."""
        raise DataError(WHY)


FORMAT = Gguf()
