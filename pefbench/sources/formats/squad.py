"""SQuAD 1.1 and 2.0: questions about paragraphs, each answered by a span of its paragraph or, in 2.0, by none.

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
    from collections.abc import Iterator, Mapping

    from pefbench.sources.rows import BadRows, Values

COLUMNS = ("question", "context", "answers", "id")


def is_squad(text: str) -> bool:
    """Recognise the layout by its keys; inside JSON strings, quotation marks are always escaped."""
    return '"paragraphs"' in text and '"qas"' in text


def read_squad(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per question, in the hub's layout: answers is {"text": list[str], "answer_start": list[int]}.

    answer_start is a character offset in the context. Both lists are empty if the question is marked as impossible;
    answers is None if it has none and is not marked. The plausible answers of 2.0 are left out. A row's line is the
    question's number in the file, and its document the article's title.
    """
    rows = []
    for number, (title, context, question) in enumerate(_questions(parse(text, file), file), start=1):
        try:
            rows.append(Row(_values(context, question, f"{file}:{number}"), file, number, document=title))
        except DataError as error:
            bad(error)
    return Rows(COLUMNS, rows)


def _questions(document: Any, file: str) -> Iterator[tuple[str, object, Any]]:
    """Each article's title and each paragraph's context with each of its questions."""
    for article in items(document, "data", file):
        title = article.get("title") if isinstance(article, dict) else None
        for paragraph in items(article, "paragraphs", f"{file}: an article"):
            for question in items(paragraph, "qas", f"{file}: a paragraph"):
                yield title if isinstance(title, str) else "", paragraph.get("context"), question


def _values(context: object, question: Any, where: str) -> Values:
    if not isinstance(question, dict):
        raise DataError(f"{where}: a question must be an object, got {excerpt(question, 40)!r}")
    question_text = question.get("question")
    for key, value in (("context", context), ("question", question_text)):
        if not isinstance(value, str) or not value.strip():
            raise DataError(f"{where}: {key!r} should be text, got {excerpt(value, 40)!r}")
    return {"question": question_text, "context": context, "answers": _answers(question), "id": question.get("id")}


def _answers(question: Mapping[str, Any]) -> Any:
    """A question's answers in the hub's layout; None if it has none and is not marked; malformed ones unchanged."""
    if question.get("is_impossible"):
        return {"text": [], "answer_start": []}
    answers = question.get("answers")
    if not answers:
        return None
    if isinstance(answers, list) and all(isinstance(answer, dict) for answer in answers):
        return {key: [answer.get(key) for answer in answers] for key in ("text", "answer_start")}
    return answers


READER = TextReader(read_squad, fits=is_squad)
