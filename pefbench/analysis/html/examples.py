"""Test examples that methods answered differently, from the predictions that trials keep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pefbench.errors import DataError
from pefbench.results.predictions import file_of, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.analysis.html.data import ExampleData, ExamplesData
    from pefbench.analysis.tables.replicates import Replicates
    from pefbench.results.predictions import AnsweredExample

MOST = 300
LONGEST = 400


def differing(members: Sequence[Replicates]) -> ExamplesData:
    """The examples on which settings differ; those that one has right and another wrong come first."""
    answers: dict[str, list[AnsweredExample]] = {}
    notes: list[str] = []
    for each in members:
        rows = _rows(each, notes)
        if rows and answers and not _same_examples(rows, next(iter(answers.values()))):
            notes.append(f"{each.name}: its predictions are for other examples")
        elif rows:
            answers[_named(each)] = rows
    together = list(zip(*answers.values(), strict=True))
    unlike = [rows for rows in together if len({json.dumps(row["prediction"]) for row in rows}) > 1]
    spelt = [_spelt(rows) for rows in sorted(unlike, key=_is_agreed)]
    # Predictions that differ only in their scores give the same answer.
    seen = [row for row in spelt if len(set(row["answers"])) > 1]
    return {"names": [*answers], "total": len(together), "differ": len(seen), "rows": seen[:MOST], "notes": notes}


def _named(each: Replicates) -> str:
    """A setting's name with the seed whose answers are shown, if it has several."""
    if len(each.trials) == 1:
        return each.name
    seed = each.first["recipe"]["train"].get("seed")
    return f"{each.name} ({'' if seed is None else f'seed {seed}, '}the first of {len(each.trials)})"


def _rows(each: Replicates, notes: list[str]) -> list[AnsweredExample]:
    """The predictions of a setting's first seed; empty if they were not kept."""
    file = file_of(each.trials[0])
    if file is None:
        return []
    try:
        return read(file)
    except DataError as error:
        notes.append(str(error))
        return []


def _same_examples(first: Sequence[AnsweredExample], second: Sequence[AnsweredExample]) -> bool:
    return [row["reference"] for row in first] == [row["reference"] for row in second]


def _is_agreed(rows: Sequence[AnsweredExample]) -> bool:
    return len({bool(row["correct"]) for row in rows}) == 1


def _spelt(rows: Sequence[AnsweredExample]) -> ExampleData:
    return {
        "id": rows[0]["id"],
        "prompt": spell(rows[0].get("prompt", "")),
        "reference": spell(rows[0]["reference"]),
        "answers": [_answer(row) for row in rows],
        "correct": [bool(row["correct"]) for row in rows],
    }


def _answer(row: AnsweredExample) -> str:
    """An answer as text; if only the log-likelihoods of options are known, whether it is right."""
    answer = row["prediction"]
    if isinstance(answer, dict) and "log_likelihoods" in answer and "choice" not in answer:
        return "right" if row["correct"] else "wrong"
    return spell(answer)


def spell(answer: Any) -> str:
    """An answer as text: tags other than O with their positions; for a choice or labels, what is chosen."""
    if isinstance(answer, dict) and "labels" in answer:
        answer = ", ".join(map(str, answer["labels"])) or "(no label)"
    if isinstance(answer, dict):
        answer = next((answer[name] for name in ("label", "choice", "text") if name in answer), answer)
    if isinstance(answer, list) and answer and all(isinstance(tag, str) for tag in answer):
        tags = [f"{place}:{tag}" for place, tag in enumerate(answer) if tag != "O"]
        answer = " ".join(tags) or "(all O)"
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
