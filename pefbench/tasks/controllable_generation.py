"""Controllable generation: write a text with a given attribute, or one that expresses a meaning representation.

For texts with labels, the model learns to write a text with a given label from the text's first words. In testing the
label is drawn by a hash, so that the first words say nothing about it. A classifier decides whether the text has the
attribute; it is trained on texts kept apart from the generator's, see `pefbench.tasks.reading.judges`. Its error rate
is in the result; a few telling words can fool it, so read `distinct` beside it.

For meaning representations with texts (E2E NLG, Novikova et al. 2017, arXiv:1706.09254), each pair is an example in
training; in validation and testing, all texts of a meaning are its references.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from pefbench.errors import DataError
from pefbench.heads.clusters import joined
from pefbench.heads.examples import GenerationExample
from pefbench.sources import normalise
from pefbench.sources.draws import digest
from pefbench.tasks import Inputs, Task
from pefbench.tasks._models import SMOLLM2
from pefbench.tasks.reading import generation, polarity, values
from pefbench.tasks.reading.judges import AttributeJudge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.examples import SequenceExample
    from pefbench.heads.generation import GenerationDataset
    from pefbench.sources import BadRows, Row

PROMPT_COLUMNS = ("label", "text", "meaning")
"""The columns of a prompt: a label with or without first words, or a meaning."""
SAY = "Say this in one or two sentences: "


class ControlOptions(generation.GenerationOptions):
    """The texts to write, and their judge."""

    kind: str = Field("sentence from a film review", description="what the texts are, as prompts call them")
    first_words: int = Field(
        2, ge=1, description="number of a text's first words that the prompt gives; fewer than the text has"
    )
    judged_by: float = Field(
        0.75,
        gt=0,
        lt=1,
        description="fraction of the training texts that the judge learns from, and the generator does not",
    )


def text(values: Mapping[str, Any]) -> str:
    """The meaning representation, which must be in a single split, or else the text."""
    found = values["text"] if values["meaning"] is None else values["meaning"]
    return found if isinstance(found, str) else ""


def read(
    splits: Mapping[str, Sequence[Row]],
    bad: BadRows,
    *,
    kind: str,
    first_words: int,
    judged_by: float,
    **generating: Any,
) -> GenerationDataset:
    """Read meaning representations if the data have them, otherwise texts with labels or ratings.

    Raises DataError if the judge would have no text of a label.
    """
    if any(row.values["meaning"] is not None for rows in splits.values() for row in rows):
        return generation.dataset(_meanings(splits, bad), **generating)
    labelled = polarity.read(splits, bad)
    learned = [each for each in labelled.splits["train"] if _position(each.text) < judged_by]
    if {each.label for each in learned} != {*labelled.labels}:
        raise DataError(
            f"{splits['train'][0].file}: {len(learned)} training texts are too few for the judge; each label needs "
            f"one (set options.judged_by)"
        )
    if not labelled.splits["test"]:
        raise DataError(f"no test text is left for the judge{'; ' if bad.found else ''}{bad.told}")
    judge = AttributeJudge(learned, labelled.splits["test"])
    judged = (
        f"{len(learned)} training texts are set apart for the judge, whose accuracy on the "
        f"{len(labelled.splits['test'])} real test texts is {100 * judge.accuracy:.1f} %"
    )
    examples = {}
    for split, texts in labelled.splits.items():
        used = [each for each in texts if split != "train" or _position(each.text) >= judged_by]
        labels = [each.label if split == "train" else _drawn(each.text, labelled.labels) for each in used]
        examples[split] = [_asking_for(*pair, kind, first_words) for pair in zip(labels, used, strict=True)]
    return generation.dataset(examples, notes=[*labelled.notes, judged], judge=judge, **generating)


def _asking_for(label: str, example: SequenceExample, kind: str, first_words: int) -> GenerationExample:
    """A prompt for a text with a label that begins like the example, whose own label may differ."""
    words = example.text.split()
    begin = " ".join(words[: min(first_words, len(words) - 1)])
    facts = {"attribute": label}
    return GenerationExample(_prompt(label, kind, begin), example.text, facts=facts, group=example.group)


def _prompt(label: str, kind: str, begin: str) -> str:
    return f"Write a {label} {kind} that begins with: {begin}" if begin else f"Write a {label} {kind}."


def _unanswered(row: Row, options: ControlOptions) -> GenerationExample:
    """A meaning representation, or the label of a text, with its first words, if any."""
    if row.values["meaning"] is not None:
        return GenerationExample(values.text(row, "meaning"), "", instruction=SAY)
    begin = "" if row.values["text"] is None else " ".join(values.text(row, "text").split())
    return GenerationExample(_prompt(values.text(row, "label"), options.kind, begin), "")


def _position(text: str) -> float:
    """A number in [0, 1) from a hash that is independent of that of the splits."""
    return int.from_bytes(digest(f"judge\n{normalise(text)}")[:6], "big") / 2**48


def _drawn(text: str, labels: Sequence[str]) -> str:
    return labels[int.from_bytes(digest(f"asked\n{text}"), "big") % len(labels)]


def _meanings(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> dict[str, list[GenerationExample]]:
    """All pairs for training; for the other splits, each meaning once with all its texts."""
    pairs = {split: bad.good(rows, _pair) for split, rows in splits.items()}
    return {split: found if split == "train" else _grouped(found) for split, found in pairs.items()}


def _pair(row: Row) -> GenerationExample:
    return GenerationExample(values.text(row, "meaning"), values.text(row, "text"), instruction=SAY)


def _grouped(pairs: Sequence[GenerationExample]) -> list[GenerationExample]:
    """Each meaning once; its group joins those of its texts."""
    texts: dict[str, list[str]] = {}
    for pair in pairs:
        texts.setdefault(pair.prompt, []).append(pair.target)
    groups: dict[str, str] = {}
    if any(pair.group for pair in pairs):
        meanings = [pair.prompt for pair in pairs]
        groups = dict(zip(meanings, joined(meanings, [pair.group for pair in pairs]), strict=True))
    return [
        GenerationExample(meaning, found[0], references=tuple(found), instruction=SAY, group=groups.get(meaning, ""))
        for meaning, found in texts.items()
    ]


TASK = Task(
    head="generation",
    columns={
        "text": ("text", "sentence", "review", "content", "ref", "human_reference", "target"),
        "label": ("label", "sentiment", "polarity"),
        "meaning": ("mr", "MR", "meaning_representation"),
    },
    optional=("label", "meaning"),
    text=text,
    read=read,
    inputs=Inputs(
        PROMPT_COLUMNS, _unanswered, optional=PROMPT_COLUMNS, sample={"label": "positive", "text": "This film"}
    ),
    options=ControlOptions,
    metrics=("attribute_accuracy", "distinct"),
    baselines=("copy_source", "nearest_answer", "most_frequent_reply"),
    text_format="tsv",
    defaults={
        "model": {"name": SMOLLM2},
        "data": {"source": polarity.FILM_REVIEWS},
        "train": {"epochs": 1, "batch_size": 16, "micro_batch_size": 8, "max_length": 160},
        "evaluate": {"batch_size": 64},
    },
)
