"""Medical questions: the same candidates for all, after abstract and question."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError, RecipeError
from pefbench.heads._scoring import right_ones
from pefbench.heads.examples import NO_CANDIDATE
from pefbench.metrics import score
from pefbench.recipe import resolve
from pefbench.registry import find
from pefbench.sources import BadRows, Row
from pefbench.tasks.medical_qa import TASK
from tests.tasks import loading

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.heads.choice import ChoiceDataset

GOOD = {"question": "Does it?", "context": {"contexts": ["We asked.", "It did."]}, "answer": "yes"}


def read(*train: dict[str, Any], test: dict[str, Any] | None = None, skip: bool = False) -> ChoiceDataset:
    given = {"train": train, "test": [test or GOOD]}
    rows = {split: [Row(each, "x.json", i + 1) for i, each in enumerate(found)] for split, found in given.items()}
    dataset: ChoiceDataset = TASK.read(rows, BadRows(skip=skip))  # type: ignore[assignment]
    return dataset


@pytest.mark.parametrize(
    "context", [{"contexts": ["We asked.", "It did."]}, ["We asked.", "It did."], "We asked.\nIt did."]
)
def test_the_question_stands_behind_the_abstract(context: Any) -> None:
    found = read(GOOD | {"context": context}, GOOD | {"answer": "no"}, GOOD | {"answer": "maybe"}).splits["train"]
    assert {each.context for each in found} == {"We asked.\nIt did.\nDoes it?"}
    assert {each.candidates for each in found} == {("maybe", "no", "yes")}
    assert [each.label for each in found] == [2, 1, 0]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"question": None}, "question should be a non-empty text"),
        ({"answer": None}, "answer should be a non-empty text"),
        ({"context": {"contexts": []}}, "context should be a text, a list of texts"),
        ({"context": None}, "context should be a text, a list of texts"),
        ({"answer": "perhaps"}, r"answer 'perhaps' of the test split is not in train \(train has: no, yes\)"),
    ],
)
def test_a_bad_row_is_named_or_left_out(values: dict[str, Any], why: str) -> None:
    train = [GOOD, GOOD | {"answer": "no"}]
    with pytest.raises(DataError, match=r"x\.json:1: " + why):
        read(*train, test=GOOD | values)
    assert read(*train, test=GOOD | values, skip=True).splits["test"] == []


def test_one_answer_is_no_question() -> None:
    with pytest.raises(DataError, match="every training question has the answer 'yes'; two are needed"):
        read(GOOD, GOOD)


def test_pubmedqa_s_own_file_is_read_and_the_majority_scored(tmp_path: Path) -> None:
    questions = {
        str(i): {"QUESTION": f"Does {i}?", "CONTEXTS": [f"Text {i}."], "final_decision": ["yes", "no", "yes"][i % 3]}
        for i in range(90)
    }
    (tmp_path / "ori_pqal.json").write_text(json.dumps(questions), encoding="utf8")
    splits = loading.load("medical_qa", tmp_path / "ori_pqal.json")
    train, test = (splits.dataset.splits[split] for split in ("train", "test"))
    answers = find("baseline", "popular_candidate")(train, test)
    assert {each["choice"] for each in answers} == {1}
    assert {each.candidates for each in test} == {("no", "yes")}


def test_it_has_no_data_by_default() -> None:
    with pytest.raises(RecipeError, match=r"data\.source"):
        resolve({"task": "medical_qa", "method": {"name": "full"}}, name="r")


def test_an_answer_that_train_lacks_is_scored_as_never_found() -> None:
    rows = {
        "train": [Row(GOOD, "x.json", 1), Row(GOOD | {"answer": "no"}, "x.json", 2)],
        "test": [Row(GOOD | {"answer": "perhaps"}, "x.json", 3), Row(GOOD, "x.json", 4)],
    }
    dataset: ChoiceDataset = TASK.read(rows, BadRows(count_unseen=True))  # type: ignore[assignment]
    assert [each.label for each in dataset.splits["test"]] == [NO_CANDIDATE, 1]
    assert "'perhaps' (1)" in dataset.notes[0]
    assert right_ones(dataset.splits["test"]).tolist() == [0, 0, 0, 1]
    answers = [{"choice": choice, "scores": [0.1, 0.2]} for choice in (1, 1)]
    accuracy = score(find("metric", "choice_accuracy")(), answers, [NO_CANDIDATE, 1])["accuracy"]
    assert accuracy["value"] == 0.5
    macro = score(find("metric", "choice_macro_f1")(), answers, [NO_CANDIDATE, 1])["macro_f1"]
    assert macro["value"] == pytest.approx((0 + 2 / 3) / 2)


@pytest.mark.parametrize("name", ["ranking", "recall_at_1"])
def test_an_answer_that_is_no_candidate_cannot_be_ranked(name: str) -> None:
    assert find("metric", name)().refusal([NO_CANDIDATE, 1]) == "the right candidate is missing in 1 example"
    assert find("metric", name)().refusal([0, 1]) is None
