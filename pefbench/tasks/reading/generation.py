"""Generated texts: the options of decoding, and which examples are scored.

Generation takes seconds per example, so a recipe may limit the scored examples; a hash of each decides which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from pefbench.heads.generation import GenerationDataset
from pefbench.heads.search import Search
from pefbench.sources.draws import digest
from pefbench.tasks import Options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.examples import GenerationExample


class GenerationOptions(Options):
    """How answers are searched for, and how many examples are scored."""

    max_new_tokens: int = Field(
        64,
        ge=1,
        description="maximum number of tokens to generate, including the end token; 95 % of the references must fit",
    )
    num_beams: int = Field(1, ge=1, description="beams; 1 is greedy search")
    tested: int | None = Field(
        None, ge=1, description="maximum number of examples in validation, and in test, chosen by a hash; null: all"
    )


def dataset(
    examples: Mapping[str, Sequence[GenerationExample]],
    *,
    max_new_tokens: int,
    num_beams: int,
    tested: int | None,
    notes: Sequence[str] = (),
    **fields: Any,
) -> GenerationDataset:
    """A data set of a task's examples, with the options that all such tasks share. fields: its other fields."""
    splits, fewer = dict(examples), []
    for split, found in examples.items():
        if tested is not None and split != "train" and tested < len(found):
            splits[split] = _fewer(found, tested)
            fewer.append(f"{split} is {tested} of {len(found)} examples")
    return GenerationDataset(splits, notes=[*notes, *sorted(fewer)], search=Search(max_new_tokens, num_beams), **fields)


def _fewer(examples: Sequence[GenerationExample], wanted: int) -> list[GenerationExample]:
    """The `wanted` examples whose prompt and answer have the lowest hashes, in their original order."""
    digests = [digest(repr((each.history, each.prompt, each.target))) for each in examples]
    lowest = sorted(range(len(examples)), key=digests.__getitem__)[:wanted]
    return [examples[i] for i in sorted(lowest)]
