"""SQuAD 1.1 and 2.0: questions on paragraphs, each answered by a span of its paragraph or, in 2.0, by none.

Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text", EMNLP; Rajpurkar, Jia and Liang
2018, "Know What You Don't Know: Unanswerable Questions for SQuAD", ACL::

    {"version": "v2.0", "data": [{"title": ..., "paragraphs": [{"context": ..., "qas": [
        {"id": ..., "question": ..., "answers": [{"text": ..., "answer_start": 159}], "is_impossible": false}]}]}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.sources.cells import excerpt
from pefbench.sources.documents import items, parse
from pefbench.sources.reader import TextReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.sources.rows import BadRows, Values

COLUMNS = ("question", "context", "answers", "id")


def is_squad(text: str) -> bool:
    """Tell the layout by its keys; inside a JSON string a quotation mark is never bare."""
    return '"paragraphs"' in text and '"qas"' in text


def read_squad(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per question, in the hub's layout: answers is {"text": list[str], "answer_start": list[int]}.

    answer_start counts characters of the context. Both lists are empty where the question has no answer; the plausible
    answers of 2.0 are left out. A row's line is the number of the question in the file.
    """
    rows = []
    for number, (context, question) in enumerate(_questions(parse(text, file), file), start=1):
        try:
            rows.append(Row(_values(context, question, f"{file}:{number}"), file, number))
        except DataError as error:
            bad(error)
    return Rows(COLUMNS, rows)


def _questions(document: Any, file: str) -> Iterator[tuple[object, Any]]:
    """Yield each paragraph's context with each of its questions."""
    for article in items(document, "data", file):
        for paragraph in items(article, "paragraphs", f"{file}: an article"):
            for question in items(paragraph, "qas", f"{file}: a paragraph"):
                yield paragraph.get("context"), question


def _values(context: object, question: Any, where: str) -> Values:
    if not isinstance(question, dict):
        raise DataError(f"{where}: a question must be an object, this is {excerpt(question, 40)!r}")
    asked = question.get("question")
    for key, value in (("context", context), ("question", asked)):
        if not isinstance(value, str) or not value.strip():
            raise DataError(f"{where}: {key!r} should be text, got {excerpt(value, 40)!r}")
    answers = [] if question.get("is_impossible") else question.get("answers")
    if not isinstance(answers, list) or not (answers or question.get("is_impossible")):
        raise DataError(f"{where}: the question has no answers and is not marked is_impossible")
    spans = [_span(answer, str(context), where) for answer in answers]
    both = {"text": [text for text, _ in spans], "answer_start": [start for _, start in spans]}
    return {"question": asked, "context": context, "answers": both, "id": question.get("id")}


def _span(answer: Any, context: str, where: str) -> tuple[str, int]:
    """An answer's text and its start, which must be where the context has it."""
    text, start = (answer.get("text"), answer.get("answer_start")) if isinstance(answer, dict) else (None, None)
    if not isinstance(text, str) or not text or not isinstance(start, int):
        raise DataError(
            f'{where}: an answer should be {{"text": ..., "answer_start": ...}}, got {excerpt(answer, 60)!r}'
        )
    if start < 0 or not context.startswith(text, start):
        there = context[start : start + len(text)] if start >= 0 else ""
        raise DataError(f"{where}: the answer {text[:40]!r} is not at character {start} of its context: {there[:40]!r}")
    return text, start


READER = TextReader(read_squad, fits=is_squad)
