"""Answers: the trial's own on its test split, for texts of any length, independent of other inputs."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

import pefbench
from pefbench.errors import DataError
from pefbench.sources import tagging
from tests.worlds import FILLERS, PEOPLE

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.inference.model import Model
    from tests.worlds import World


@pytest.fixture(scope="module")
def entities(tagger: Path) -> Model:
    return pefbench.load(tagger)


@pytest.fixture(scope="module")
def labels(classifier: Path) -> Model:
    return pefbench.load(classifier)


def predictions(result: Path) -> list[dict[str, Any]]:
    lines = (result.with_suffix("") / "predictions.jsonl").read_text(encoding="utf8").splitlines()
    return [json.loads(line) for line in lines]


def test_labels_are_those_of_the_trial(labels: Model, classifier: Path) -> None:
    rows = predictions(classifier)
    answers = labels.predict([row["prompt"] for row in rows])
    assert [answer["label"] for answer in answers] == [row["prediction"] for row in rows]
    assert {answer["label"] for answer in answers} == {"person", "place"} == set(labels.labels)
    for answer, row in zip(answers, rows, strict=True):
        assert list(answer["probabilities"]) == labels.labels
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-12)
        assert answer["score"] == max(answer["probabilities"].values()) == answer["probabilities"][answer["label"]]
        tokens = len(labels.tokenizer(row["prompt"])["input_ids"])
        assert answer["truncated"] == (tokens > 10)
    assert len({answer["truncated"] for answer in answers}) == 2


def test_entities_are_those_of_the_trial(entities: Model, tagger: Path) -> None:
    rows = predictions(tagger)
    given = [row["prompt"].split(" ") for row in rows]
    answers = entities.predict([{"tokens": words} for words in given])
    found = 0
    for words, row, answer in zip(given, rows, answers, strict=True):
        starts = [len(" ".join([*words[:i], ""])) for i in range(len(words))]
        expected = [
            (kind, starts[first], starts[end - 1] + len(words[end - 1]))
            for kind, first, end in tagging.spans(row["prediction"])
        ]
        assert [(each["label"], each["start"], each["end"]) for each in answer["entities"]] == expected
        found += len(expected)
    assert found > len(rows) / 2


def test_offsets_are_those_of_the_text_as_it_was_given(entities: Model) -> None:
    text = "  Anna Xu,\tsaw\n\nParis (Rome)"
    [answer] = entities.predict([text])
    said = {(each["text"], each["label"]) for each in answer["entities"]}
    assert {("Anna Xu", "PER"), ("Paris", "LOC"), ("Rome", "LOC")} <= said
    for each in answer["entities"]:
        assert text[each["start"] : each["end"]] == each["text"]
        assert 0 < each["score"] <= 1


def test_a_long_text_is_read_to_its_end(entities: Model) -> None:
    draw = random.Random(0)
    words = [draw.choice(FILLERS[:-1]) for _ in range(200)]
    named = range(3, 200, 8)
    for at in named:
        words[at] = PEOPLE[at % 3]
    [answer] = entities.predict([" ".join(words)])
    right = {len(" ".join([*words[:at], ""])) for at in named}
    found = sorted(right & {each["start"] for each in answer["entities"] if each["label"] == "PER"})
    length = len(" ".join(words))
    for quarter in range(4):  # the model reads 32 tokens
        assert sum(quarter * length / 4 <= at < (quarter + 1) * length / 4 for at in found) >= 2


def test_an_answer_does_not_depend_on_what_stands_beside_it(labels: Model, entities: Model) -> None:
    pair = {"text": "Anna", "pair": "saw Rome"}
    together = labels.predict(["Anna saw", pair, "near the house Paris", ""])
    apart = [labels.predict([one])[0] for one in ("Anna saw", pair, "near the house Paris", "")]
    assert [one["label"] for one in together] == [one["label"] for one in apart]
    for one, other in zip(together, apart, strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-6)
    assert entities.predict(["", "Anna saw Paris", "   "])[::2] == [{"entities": []}] * 2
    assert labels.predict([]) == []


def test_a_dict_has_the_columns_under_any_usual_name(labels: Model) -> None:
    assert labels.predict([{"sentence": "Anna saw", "id": 3}]) == labels.predict(["Anna saw"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["fine", 5], "input 1: should be a text or a dict with 'text' and 'pair', is 5"),
        ([b"text"], "input 0: should be a text"),
        ([{"words": ["a"]}], "input 0: has no 'text'; its columns are: words"),
        ([{"text": 3}], "input 0: text should be a text, is 3"),
        ([{"text": ""}], "input 0: has no 'text'"),
        (["a \ud800"], "input 0: text is not valid Unicode"),
        ("text", r"put the text into one: predict\(\[text\]\)"),
    ],
)
def test_what_is_no_input_is_refused(labels: Model, given: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        labels.predict(given)


@pytest.mark.parametrize("given", [3, [{"tokens": ["a", 3]}], [["a"]], ["\udc00"], [{"tokens": ["a", " "]}]])
def test_words_are_words(entities: Model, given: Any) -> None:
    with pytest.raises((DataError, TypeError)):
        entities.predict(given)


def test_embeddings_are_those_of_the_pretrained_model_alone(labels: Model, world: World) -> None:
    import numpy as np
    import torch
    from transformers import AutoModel, AutoTokenizer

    texts = ["Anna saw Paris", "the river", "a"]
    found = labels.embed(texts)
    tokenizer, base = AutoTokenizer.from_pretrained(world.model), AutoModel.from_pretrained(world.model).eval()
    with torch.inference_mode():
        for text, vector in zip(texts, found, strict=True):
            mean = base(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0)
            assert vector == pytest.approx((mean / mean.norm()).numpy(), abs=1e-5)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1)
