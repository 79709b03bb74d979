"""Copying: the source text as its own translation or summary; names and numbers come out right."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.heads.examples import GenerationExample


def copy_source(train: Sequence[GenerationExample], test: Sequence[GenerationExample]) -> list[str]:  # noqa: ARG001
    """Each prompt, without its instruction. It learns nothing from `train`."""
    return [example.prompt for example in test]


BASELINE = copy_source
