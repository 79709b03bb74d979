"""PubMedQA: questions about abstracts, each answered by yes, no or maybe.

Jin et al. 2019, arXiv:1909.06146. The abstract stands without its conclusion, which is the long answer::

    {"21645374": {"QUESTION": "Do mitochondria play a role in ...?", "CONTEXTS": ["Programmed cell death ...", ...],
                  "LABELS": ["BACKGROUND", "RESULTS"], "LONG_ANSWER": ..., "final_decision": "yes", ...}, ...}
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.sources.cells import excerpt
from pefbench.sources.documents import parse
from pefbench.sources.reader import TextReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from pefbench.sources.rows import BadRows, Values

COLUMNS = ("pubid", "question", "context", "final_decision")
LAYOUT = re.compile(r'\s*\{\s*"[0-9]+"\s*:\s*\{')


def is_pubmedqa(text: str) -> bool:
    """Recognise the layout by its beginning, an article's number and an object, and by its keys."""
    return LAYOUT.match(text) is not None and '"QUESTION"' in text and '"CONTEXTS"' in text


def read_pubmedqa(text: str, file: str, bad: BadRows) -> Rows:
    """Read one row per question, with the hub's column names; the long answer, which reveals the decision, is left out.

    context: {"contexts": list[str]}, the abstract's parts; final_decision: yes, no or maybe, None if the file has none.
    A row's line is the question's number in the file.
    """
    document = parse(text, file)
    if not isinstance(document, dict):
        raise DataError(f"{file}: should be an object of questions by the number of their article")
    rows = []
    for number, (article, question) in enumerate(document.items(), start=1):
        try:
            rows.append(Row(_values(article, question, f"{file}:{number}"), file, number))
        except DataError as error:
            bad(error)
    return Rows(COLUMNS, rows)


def _values(article: str, question: Any, where: str) -> Values:
    if not isinstance(question, dict):
        raise DataError(f"{where}: a question must be an object, got {excerpt(question, 40)!r}")
    question_text, parts = question.get("QUESTION"), question.get("CONTEXTS")
    if not isinstance(question_text, str) or not question_text.strip():
        raise DataError(f"{where}: 'QUESTION' should be text, got {excerpt(question_text, 40)!r}")
    if not isinstance(parts, list) or not parts or not all(isinstance(part, str) for part in parts):
        raise DataError(f"{where}: 'CONTEXTS' should be a list of texts, got {excerpt(parts, 40)!r}")
    decision = question.get("final_decision")
    return {"pubid": article, "question": question_text, "context": {"contexts": parts}, "final_decision": decision}


READER = TextReader(read_pubmedqa, fits=is_pubmedqa)
