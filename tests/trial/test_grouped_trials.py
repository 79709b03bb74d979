"""Trials on CSV files with a column of authors: intervals and paired tests treat authors as units."""

from __future__ import annotations

import csv
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.recipe import load_recipe
from pefbench.results import predictions
from pefbench.stats.resampling import resample
from pefbench.trial import corpus, run
from tests.worlds import PEOPLE, PLACES, sentences

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

AUTHORS = 40
TAGGED = sentences(200, seed=7)


def row(task: str, i: int) -> dict[str, Any]:
    """A row of a task in words of the world; the words differ from row to row."""
    words, tags = zip(*TAGGED[i], strict=True)
    text = " ".join(words)
    if task == "ner":
        return {"words": text, "tags": " ".join(tags)}
    if task == "topic":
        return {"text": text, "label": "person" if "B-PER" in tags else "place"}
    draw = random.Random(i)
    person, place = draw.choice(PEOPLE), draw.choice(PLACES)
    return {"question": f"the house near a river {i}", "context": f"{person} saw {place} . {i}", "answer": place}


@pytest.mark.parametrize(
    ("task", "metric"), [("topic", "accuracy"), ("ner", "entity_f1"), ("question_answering", "answer_f1")]
)
def test_a_trial_counts_the_groups(task: str, metric: str, world: World, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    rows = [row(task, i) | {"author": f"author {i % AUTHORS}"} for i in range(len(TAGGED))]
    with file.open("w", newline="", encoding="utf8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    recipe = load_recipe(
        world.recipe("grouped", task=task, data={"source": f"file:{file}", "group": "author"}, train__epochs=1)
    )
    test = corpus.load(recipe).dataset.splits["test"]
    authors = [example.group for example in test]
    assert 1 < len({*authors}) < len(authors)

    path = run.run(recipe, tmp_path / "out")
    result = json.loads(path.read_text(encoding="utf8"))
    assert result["status"] == "finished"
    assert f"clusters:{len({*authors})}" in result["metrics"]["test"][metric]["signature"]
    assert any(note.startswith("groups of rows, by 'author': train ") for note in result["notes"])
    answered = predictions.read(path.with_suffix("") / "predictions.jsonl")
    clusters = predictions.clusters(answered)
    assert clusters == [list(dict.fromkeys(authors)).index(author) for author in authors]
    assert resample([lambda weights: weights.sum(axis=1)], len(answered), clusters=clusters).examples == len({*authors})
