"""Medical question answering: choose the answer to a question, such as yes, no or maybe, after reading an abstract.

Every question has the same candidates, the answers that occur in training. Anything else in the source, such as
PubMedQA's long answer, is not read: it would give the answer away.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.heads.choice import ChoiceDataset
from pefbench.heads.examples import NO_CANDIDATE, ChoiceExample
from pefbench.tasks import Inputs, Task
from pefbench.tasks._models import MINILM
from pefbench.tasks.reading import values
from pefbench.tasks.reading.unseen import Unseen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.sources import BadRows, Row


def text(values: Mapping[str, Any]) -> str:
    """The abstract and the question."""
    return "\n".join([*_parts(values["context"]), str(values["question"])])


def abstract(values: Mapping[str, Any]) -> str:
    """The abstract, or else the question: all questions about an abstract must be in the same split."""
    return "\n".join(_parts(values["context"])) or str(values["question"])


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows) -> ChoiceDataset:
    """Read questions; the candidates are the training split's answers, sorted.

    `Unseen` handles other answers in the other splits.
    """
    kept = {split: bad.good(rows, _checked) for split, rows in splits.items()}
    taught = Counter(row.values["answer"].strip() for row in kept["train"])
    answers = tuple(sorted(taught))
    if len(answers) < 2:
        raise DataError(
            f"{splits['train'][0].file}: every training question has the answer {', '.join(answers)!r}; two are needed"
        )
    unseen = Unseen(taught, bad, "answers")
    examples = {
        split: bad.good(rows, partial(_example, answers=answers, unseen=unseen, split=split))
        for split, rows in kept.items()
    }
    # Questions come after the abstract, so that they are kept if the abstract is too long.
    return ChoiceDataset(examples, unseen.notes, keep="end", candidates=answers)


def _checked(row: Row) -> Row:
    """A row with an abstract, a question and an answer. Raises DataError if one is missing."""
    _check(row, "question", "answer")
    return row


def _check(row: Row, *texts: str) -> None:
    """Raise DataError for a row without an abstract, or without one of these texts."""
    for column in texts:
        values.text(row, column)
    if not "".join(_parts(row.values["context"])).strip():
        raise values.wrong(row, "context", "a text, a list of texts, or an object that has one under 'contexts'")


def _unanswered(row: Row, _: object) -> ChoiceExample:
    """A question and its abstract; the candidates are those of training."""
    _check(row, "question")
    return ChoiceExample(text(row.values), (), NO_CANDIDATE)


def _example(row: Row, answers: tuple[str, ...], unseen: Unseen, split: str) -> ChoiceExample:
    answer = row.values["answer"].strip()
    unseen.count_or_refuse([answer], split, row.where, row.name("answer"))
    right = answers.index(answer) if answer in answers else NO_CANDIDATE
    return ChoiceExample(text(row.values), answers, right, abstract(row.values))


def _parts(value: object) -> list[str]:
    """The parts of an abstract: a list, the list under `contexts` in the hub's PubMedQA, or a text."""
    parts = value.get("contexts") if isinstance(value, dict) else value
    if isinstance(parts, str):
        return [parts]
    return parts if isinstance(parts, list) and all(isinstance(part, str) for part in parts) else []


TASK = Task(
    head="choice",
    columns={
        "question": ("question",),
        "context": ("context", "contexts", "abstract"),
        "answer": ("final_decision", "answer", "label"),
    },
    text=text,
    group=abstract,
    read=read,
    inputs=Inputs(("question", "context"), _unanswered, sample={"question": "Does it?", "context": "It does."}),
    metrics=("choice_accuracy", "choice_macro_f1"),
    baselines=("popular_candidate",),
    text_format="pubmedqa",
    defaults={
        "model": {"name": MINILM},
        "train": {"epochs": 5, "batch_size": 8, "max_length": 384},
    },
)
