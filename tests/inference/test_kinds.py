"""Every kind of head answers a trial's test examples as the trial did."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

import pefbench
from pefbench.errors import DataError
from pefbench.recipe import load_recipe, load_resolved
from pefbench.trial import corpus, run
from pefbench.trial.saved import read_trial
from tests.worlds import PEOPLE, PLACES

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.inference.model import Model
    from tests.worlds import World

OTHER = ("saw", "the", "river", "near", "house", "walking", "town")
TASKS = {
    "essay_scoring": {},
    "multi_label_classification": {"thresholds": "per-label"},
    "relation_extraction": {},
    "question_answering": {},
    "commonsense": {},
}


def rows(task: str) -> list[dict[str, Any]]:
    draw = random.Random(3)
    return [row(task, draw) for _ in range(120)]


def row(task: str, draw: random.Random) -> dict[str, Any]:
    words = draw.choices((*OTHER, *PEOPLE, *PLACES), k=draw.randint(6, 14))
    text = " ".join(words)
    if task == "essay_scoring":
        return {"text": text, "score": sum(word in PEOPLE for word in words)}
    if task == "multi_label_classification":
        kinds = {"person": PEOPLE, "place": PLACES}
        return {"text": text, "labels": [kind for kind, names in kinds.items() if {*names} & {*words}]}
    if task == "relation_extraction":
        who, where = draw.choice(PEOPLE), draw.choice(PLACES)
        label, marked = draw.choice((("in", "<e1>{}</e1> in <e2>{}</e2>"), ("of", "<e1>{}</e1> and <e2>{}</e2>")))
        return {"text": f"{text} {marked.format(who, where)} {draw.choice(OTHER)}", "label": label}
    if task == "question_answering":
        at = draw.randrange(len(words))
        start = len(" ".join([*words[:at], ""]))
        there = draw.random() < 0.7
        answers = {"text": [words[at]], "answer_start": [start]} if there else {"text": [], "answer_start": []}
        return {"question": f"near {words[at] if there else 'Zola'}", "context": text, "answers": answers}
    return {"context": text, "candidates": [draw.choice(PEOPLE), draw.choice(PLACES)], "label": draw.randrange(2)}


@pytest.fixture(scope="module", params=TASKS)
def trial(request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished trial of this task; some of its texts are longer than 16 tokens."""
    task, folder = request.param, tmp_path_factory.mktemp(request.param)
    lines = dict.fromkeys(json.dumps(each) for each in rows(task))
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
    changes = {"options": TASKS[task], "train__max_length": 16, "train__epochs": 1}
    recipe = world.recipe(task, task=task, data={"source": f"file:{folder / 'rows.jsonl'}"}, **changes)
    return run.run(load_recipe(recipe), folder / "out").with_suffix("")


def query(task: str, example: Any) -> Any:
    """A test example as an input."""
    if task == "relation_extraction":
        return {"text": example.text, "first": list(example.first), "second": list(example.second)}
    if task == "question_answering":
        return {"question": example.question, "context": example.context}
    if task == "commonsense":
        return {"context": example.context, "candidates": list(example.candidates)}
    return example.text


def said(model: Model, prediction: Any) -> dict[str, Any]:
    """A prediction as an answer says it."""
    if isinstance(prediction, str):
        return {"text" if model.task == "question_answering" else "label": prediction}
    if isinstance(prediction, float):
        return {"score": prediction}
    if "labels" in prediction:
        return {
            "labels": prediction["labels"],
            "probabilities": dict(zip(model.labels, prediction["scores"], strict=True)),
        }
    return dict(prediction)


def test_answers_are_those_of_the_trial(trial: Path) -> None:
    model = pefbench.load(trial)
    known = [json.loads(line) for line in (trial / "predictions.jsonl").read_text(encoding="utf8").splitlines()]
    tested = corpus.load(load_resolved(read_trial(trial)["recipe"])).dataset.splits["test"]
    given = [query(model.task, example) for example in tested]
    answers = model.predict(given)
    assert len(answers) == len(known) > 5
    for one, answer, row in zip(given, answers, known, strict=True):
        expected = said(model, row["prediction"])
        assert {name: answer[name] for name in expected} == expected
        assert model.line(answer)
        json.dumps(answer, allow_nan=False)
        if model.task == "question_answering":
            assert 0 <= answer["score"] <= 1
            if answer["text"]:
                assert one["context"][answer["start"] : answer["end"]] == answer["text"]
        if model.task == "relation_extraction":
            assert sum(answer["probabilities"].values()) == pytest.approx(1)
        if model.task == "commonsense":
            assert answer["text"] == one["candidates"][answer["choice"]]


def test_the_card_names_the_labels_that_answers_have(trial: Path) -> None:
    card = (trial / "model" / "README.md").read_text(encoding="utf8").splitlines()
    labels = pefbench.load(trial).labels
    expected = [f"Labels: {', '.join(f'`{label}`' for label in labels)}."] if labels else []
    assert [line for line in card if line.startswith("Labels: ")] == expected


def test_what_the_head_cannot_be_asked_is_refused(trial: Path) -> None:
    model = pefbench.load(trial)
    wrong: dict[str, Any] = {
        "essay_scoring": {"essays": "one"},
        "multi_label_classification": 5,
        "relation_extraction": "no tags",
        "question_answering": "a question alone",
        "commonsense": {"context": "why?", "candidates": "one"},
    }
    with pytest.raises(DataError, match=r"^input 0: "):
        model.predict([wrong[model.task]])
    assert model.reads_texts == (model.task not in {"question_answering", "commonsense"})
