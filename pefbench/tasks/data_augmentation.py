"""Data augmentation: a generator learns from a few labelled texts, and its texts help to train a classifier.

As in Anaby-Tavor et al. 2020, "Do Not Have Enough Data? Deep Learning to the Rescue!", arXiv:1911.03118, and Kumar et
al. 2020, arXiv:2003.02245, without their filters. The model is fine-tuned to write a text of a given class. Then texts
are sampled from it, one for every real text of a split, the classes in turn. One classifier learns from the labelled
texts alone, another from labelled and generated ones together, and both label the real texts. The metric is the gain.

An example of validation and testing is a prompt and a real text, which are unrelated: prompts differ only in the class,
and none contains the real text. They form one example so that there is one outcome for each real text, over which the
gain's interval is computed and which the file of predictions contains. See `pefbench.tasks.reading.judges`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pefbench.errors import DataError
from pefbench.heads.examples import GenerationExample
from pefbench.heads.generation import GenerationDataset
from pefbench.heads.search import Search
from pefbench.sources.draws import digest
from pefbench.tasks import Inputs, Task
from pefbench.tasks._models import SMOLLM2
from pefbench.tasks.reading import generation, labels, polarity, values
from pefbench.tasks.reading.judges import DownstreamJudge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pefbench.heads.examples import SequenceExample
    from pefbench.sources import BadRows, Row


class AugmentationOptions(generation.GenerationOptions):
    """How few labelled texts there are, and how texts are drawn from the model."""

    num_beams: Literal[1] = Field(1, description="always 1: texts are sampled, without beam search")
    tested: int | None = Field(
        None,
        ge=1,
        description="maximum number of real texts in validation, and in test, and of generated ones; null: all",
    )
    kind: str = Field("sentence from a film review", description="what the texts are, as prompts call them")
    per_class: int = Field(50, ge=1, description="labelled texts of each class")
    temperature: float = Field(1.0, gt=0, description="sampling temperature")
    top_k: int = Field(50, ge=1, description="top-k sampling: number of most likely tokens to sample from")
    draw: int = Field(0, ge=0, description="seed for choosing the labelled texts and sampling the generated ones")


def read(
    splits: Mapping[str, Sequence[Row]],
    bad: BadRows,
    *,
    max_new_tokens: int,
    num_beams: int,
    tested: int | None,
    kind: str,
    per_class: int,
    temperature: float,
    top_k: int,
    draw: int,
) -> GenerationDataset:
    """Read texts with labels or ratings. Raises DataError if a class has too few."""
    labelled = polarity.read(splits, bad)
    few = [
        text
        for label in labelled.labels
        for text in _first((each for each in labelled.splits["train"] if each.label == label), per_class, draw)
    ]
    if len(few) < per_class * len(labelled.labels):
        file = splits["train"][0].file
        raise DataError(f"{file}: a class has fewer than {per_class} training texts (set options.per_class)")
    held = {
        split: texts if tested is None else _first(texts, tested, 0)
        for split, texts in labelled.splits.items()
        if split != "train"
    }
    examples = {split: _prompted(texts, few, labelled.labels, kind) for split, texts in held.items()}
    examples["train"] = [
        GenerationExample(_prompt(each.label, kind), each.text, facts={"asked": each.label}, group=each.group)
        for each in few
    ]
    fewer = [
        f"{split} is {len(texts)} of {len(labelled.splits[split])} texts"
        for split, texts in held.items()
        if len(texts) < len(labelled.splits[split])
    ]
    return GenerationDataset(
        {split: examples[split] for split in labelled.splits},
        notes=[*labelled.notes, f"{len(few)} labelled texts, {per_class} of each class", *fewer],
        search=Search(max_new_tokens, num_beams, temperature, top_k, draw),
        judge=DownstreamJudge(few),
    )


def _prompted(
    held: Sequence[SequenceExample], few: Sequence[SequenceExample], labels: Sequence[str], kind: str
) -> list[GenerationExample]:
    """A prompt for each real text; the prompts ask for the classes in turn.

    The answers, which are not used for generation, are the labelled texts of the class in turn.
    """
    of_class = {label: [each.text for each in few if each.label == label] for label in labels}
    wanted = [labels[number % len(labels)] for number in range(len(held))]
    return [
        GenerationExample(
            _prompt(label, kind),
            of_class[label][number // len(labels) % len(of_class[label])],
            facts={"asked": label, "held": text.text, "label": text.label},
            group=text.group,
        )
        for number, (label, text) in enumerate(zip(wanted, held, strict=True))
    ]


def _first(texts: Iterable[SequenceExample], wanted: int, draw: int) -> list[SequenceExample]:
    """The texts with the lowest hashes, ordered by hash."""
    return sorted(texts, key=lambda each: digest(f"draw {draw}\n{each.text}"))[:wanted]


def _prompt(label: str, kind: str) -> str:
    return f"Write a {label} {kind}."


def _unanswered(row: Row, options: AugmentationOptions) -> GenerationExample:
    """The label of a text to write."""
    return GenerationExample(_prompt(values.text(row, "label"), options.kind), "")


TASK = Task(
    head="generation",
    columns={"text": ("text", "sentence", "review", "content"), "label": ("label", "sentiment", "polarity")},
    text=labels.text,
    read=read,
    inputs=Inputs(("label",), _unanswered, text="label", sample="positive"),
    options=AugmentationOptions,
    metrics=("augmentation_gain", "distinct"),
    baselines=("repeated", "eda"),
    text_format="tsv",
    defaults={
        "model": {"name": SMOLLM2},
        "data": {"source": polarity.FILM_REVIEWS},
        "train": {"epochs": 5, "batch_size": 10, "max_length": 160},
        "evaluate": {"batch_size": 64},
    },
)
