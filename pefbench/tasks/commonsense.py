"""Commonsense: choose which of a few candidates continues a text, explains it or answers it.

Encoders get a head; decoders compare the likelihoods of the candidates, each as a mean over its tokens. In COPA, PIQA,
HellaSwag, Social IQa, MMLU and the like, each row has its candidates, in a list or in one column each. WordNet instead
tests lexical knowledge, which word a definition defines; the wrong candidates are right elsewhere in the same split,
and of the same part of speech.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from pefbench.errors import DataError
from pefbench.heads.choice import ChoiceDataset
from pefbench.heads.examples import NO_CANDIDATE, ChoiceExample
from pefbench.sources.cells import is_missing
from pefbench.sources.draws import digest
from pefbench.sources.formats.wordnet import definition
from pefbench.tasks import Inputs, Options, Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import choices, stems, values
from pefbench.tasks.reading.choices import PLACES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row

CONNECTIVES = {"cause": "because", "effect": "therefore"}
"""COPA's questions as connectives, so that a candidate continues the text."""


class LexicalOptions(Options):
    """How questions are made from WordNet; if the data have candidates, these are used unchanged."""

    candidates: int = Field(4, ge=2, description="words to choose from, including the right one, for WordNet")
    tested: int | None = Field(
        None, ge=1, description="maximum number of WordNet's questions in validation, and in test; null: all"
    )
    per: Literal["token", "byte", "character"] = Field(
        "token",
        exclude_if=lambda value: value == "token",
        description="what divides a decoder's log-likelihood of a candidate; character: as acc_norm of lm-eval, "
        "byte: as acc_bytes",
    )


def text(values: Mapping[str, Any]) -> str:
    """A row's text: context, question and candidates or words."""
    found = (values[column] for column in ("context", "question", "candidates", *PLACES, "words"))
    return "\n".join(str(each) for each in found if each is not None)


def group(values: Mapping[str, Any]) -> str:
    """The context, or the definition: all questions about it must be in the same split."""
    context = str(values["context"])
    return definition(context) if _is_definition(values) else context


def read(
    splits: Mapping[str, Sequence[Row]],
    bad: BadRows,
    *,
    candidates: int,
    tested: int | None,
    per: Literal["token", "byte", "character"] = "token",
) -> ChoiceDataset:
    """Read questions with their candidates, or definitions. The training split shows whether labels count from 0 or 1.

    They count from 1 if none is 0 and one equals the number of candidates.
    """
    question = partial(_question, first=_first_label(splits["train"]))
    examples = {split: choices.examples(bad.good(rows, question), candidates) for split, rows in splits.items()}
    drawn = any(_is_definition(row.values) for row in splits["train"])
    notes = []
    if drawn and tested is not None:
        for split in examples.keys() - {"train"}:
            notes.append(f"{split} is {min(tested, len(examples[split]))} of {len(examples[split])} definitions")
            examples[split] = sorted(examples[split], key=lambda each: digest(each.context))[:tested]
    return ChoiceDataset(examples, notes=sorted(notes), likelihood=True, per=per)


def _is_definition(values: Mapping[str, Any]) -> bool:
    return values["words"] is not None and values["candidates"] is None


def _question(row: Row, first: int) -> choices.Question:
    """A row's question. first: the number of the first candidate. Raises DataError if the row is not a question."""
    context = values.text(row, "context")
    if _is_definition(row.values):
        return _definition(row, context)
    candidates, names = _candidates(row)
    label = row.values["label"]
    right = names.index(label) if label in names else _right(row, candidates, first)
    example = choices.among(row, _put(context, row.values["question"]), candidates, right)
    return example._replace(cluster=context)


def _right(row: Row, candidates: Sequence[str], first: int) -> int:
    """The index of the candidate that a label names by number, letter or text. Raises DataError."""
    label = row.values["label"]
    if isinstance(label, str) and choices.number(label) is None and candidates.count(label) == 1:
        return candidates.index(label)
    return choices.place(row, "label", len(candidates), first)


def _unanswered(row: Row, _: object) -> ChoiceExample:
    """A context, its question if there is one, and the candidates in order; a WordNet definition counts as context."""
    context = values.text(row, "context")
    candidates, _names = _candidates(row)
    return ChoiceExample(_put(context, row.values["question"]), tuple(candidates), NO_CANDIDATE)


def _definition(row: Row, gloss: str) -> choices.Question:
    """Ask which word a gloss defines. Its examples are left out, and its synonyms are not used as wrong answers."""
    words, part = row.values["words"], row.values["part"]
    defined = definition(gloss)
    if not defined or not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise DataError(f"{row.where}: should have a definition and a list of words, got {gloss[:60]!r}")
    return choices.Question(row, defined, words[0], kind=str(part), also_right=tuple(words))


def _put(context: str, question: object) -> str:
    """The context with its question: COPA's as a connective, others after it; only the context if they are equal."""
    if not isinstance(question, str) or not question.strip() or question == context:
        return context
    if question in CONNECTIVES:
        return f"{context.strip().rstrip('.')} {CONNECTIVES[question]}"
    return f"{context} {question}"


def _candidates(row: Row) -> tuple[list[str], list[Any]]:
    """A row's candidates, and their names if the data have them under `label`, next to a list under `text`."""
    value = row.values["candidates"]
    if isinstance(value, dict):
        found, names = value.get("text"), value.get("label")
        if not isinstance(names, list) or not isinstance(found, list) or len(names) != len(found):
            raise values.wrong(row, "candidates", "a list, or {'text': [...], 'label': [...]}")
        return choices.texts(found, row, "candidates"), names
    if value is None:
        value = [row.values[place] for place in PLACES]
        while value and is_missing(value[-1]):  # a question with fewer candidates than others
            value.pop()
        if not value:
            raise DataError(
                f"{row.where}: no candidates: name the column with lists of them as data.columns.candidates, or "
                "columns with one each as data.columns.first and data.columns.second"
            )
    return choices.texts(value, row, "candidates"), []


def _first_label(rows: Sequence[Row]) -> int:
    """1 if the labels' numbers count candidates from 1, otherwise 0."""
    numbers, ends = set(), False
    for row in rows:
        label = row.values["label"]
        found = None if choices.is_letter(label) else choices.number(label)
        if found is not None:
            numbers.add(found)
            ends = ends or found == _count(row)
    return int(ends and 0 not in numbers)


def _count(row: Row) -> int | None:
    """How many candidates a row has; None if they cannot be read."""
    try:
        return len(_candidates(row)[0])
    except DataError:
        return None


TASK = Task(
    head="choice",
    columns={
        "context": (
            *("premise", "ctx", "goal", "context", "article", "passage", "startphrase", "sentence"),
            *("question_stem", "gloss", "question"),
        ),
        "question": ("question",),
        "candidates": ("candidates", "choices", "endings", "options"),
        "first": ("choice1", "sol1", "option1", "ending0", "answerA", "answer0", "A", "opa", "option_a"),
        "second": ("choice2", "sol2", "option2", "ending1", "answerB", "answer1", "B", "opb", "option_b"),
        "third": ("choice3", "option3", "ending2", "answerC", "answer2", "C", "opc", "option_c"),
        "fourth": ("choice4", "option4", "ending3", "answer3", "D", "opd", "option_d"),
        "fifth": ("choice5", "option5", "ending4", "answer4", "E", "ope", "option_e"),
        "label": ("label", "answer", "answerKey", "cop"),
        "words": ("words",),
        "part": ("part",),
    },
    optional=("question", "candidates", *PLACES, "label", "words", "part"),
    text=text,
    group=group,
    reshape=stems.for_choices,
    read=read,
    inputs=Inputs(
        ("context", "question", "candidates", *PLACES),
        _unanswered,
        optional=("question", "candidates", *PLACES),
        sample={"context": "Ada went", "candidates": ["to Oslo.", "away."]},
    ),
    options=LexicalOptions,
    metrics=("choice_accuracy",),
    baselines=("first_candidate", "overlapping_candidate"),
    defaults={
        "model": {"name": MINILM},
        "train": {"epochs": 2, "batch_size": 16, "max_length": 96},
    },
)
