"""Finding columns: named ones, usual ones, both of a pair, or an error that lists what there is."""

from __future__ import annotations

import pytest

from pefbench.errors import DataError
from pefbench.registry import find
from pefbench.sources import Row
from pefbench.tasks.reading.columns import PAIRS, check_are_words, resolve_columns


def test_two_columns_that_fit_are_refused_and_a_name_chooses() -> None:
    columns = ["label", "content", "text"]
    with pytest.raises(DataError, match=r"'text' and 'content' could each be the task's 'text' .*data\.columns\.text"):
        resolve_columns(find("task", "topic"), {}, columns)
    found = resolve_columns(find("task", "topic"), {"text": "content"}, columns)
    assert found == {"text": "content", "label": "label"}


def test_a_name_that_differs_in_case_alone_is_meant() -> None:
    topic = find("task", "topic")
    assert resolve_columns(topic, {}, ["Text", "LABEL"]) == {"text": "Text", "label": "LABEL"}
    assert resolve_columns(topic, {"text": "review"}, ["Review", "label"])["text"] == "Review"
    assert resolve_columns(topic, {}, ["Text", "text", "label"])["text"] == "text"
    with pytest.raises(DataError, match="no column 'text'"):
        resolve_columns(topic, {}, ["Text", "TEXT", "label"])
    with pytest.raises(DataError, match="'Text' and 'Content' could each be"):
        resolve_columns(topic, {}, ["Text", "Content", "label"])


def test_a_column_that_another_of_the_task_takes_is_no_doubt() -> None:
    copa = ["premise", "choice1", "choice2", "question", "idx", "label"]
    found = resolve_columns(find("task", "commonsense"), {}, copa)
    assert (found["context"], found["question"]) == ("premise", "question")


@pytest.mark.parametrize("task", ["topic", "sentiment", "intent", "natural_language_inference", "paraphrase"])
@pytest.mark.parametrize("pair", PAIRS)
def test_the_two_texts_of_a_pair_are_found_by_their_names(task: str, pair: tuple[str, str]) -> None:
    found = resolve_columns(find("task", task), {}, ["idx", *pair, "label"])
    assert found == {"text": pair[0], "pair": pair[1], "label": "label"}


def test_who_names_a_text_gets_that_alone() -> None:
    found = resolve_columns(find("task", "topic"), {"text": "sentence"}, ["question", "sentence", "label"])
    assert found == {"text": "sentence", "label": "label"}
    both = {"text": "b", "pair": "a"}
    assert resolve_columns(find("task", "topic"), both, ["a", "b", "label"]) == {**both, "label": "label"}


@pytest.mark.parametrize("task", ["essay_scoring", "semantic_similarity"])
@pytest.mark.parametrize("pair", PAIRS)
def test_pairs_are_scored_too(task: str, pair: tuple[str, str]) -> None:
    found = resolve_columns(find("task", task), {}, [*pair, "score"])
    assert found == {"text": pair[0], "pair": pair[1], "score": "score"}


def test_no_column_is_both_texts_of_a_pair() -> None:
    columns = ["sentence1", "sentence2", "label"]
    with pytest.raises(DataError, match=r"no column 'hypothesis' or .* for the task's 'pair'"):
        resolve_columns(find("task", "paraphrase"), {"text": "sentence2"}, columns)
    turned = {"text": "sentence2", "pair": "sentence1"}
    assert resolve_columns(find("task", "paraphrase"), turned, columns) == {**turned, "label": "label"}


def test_of_two_pairs_none_is_taken_for_granted() -> None:
    columns = ["premise", "hypothesis", "sentence1", "sentence2", "label"]
    both = r"^premise/hypothesis and sentence1/sentence2 could each be the pair \(choose with data\.columns\.text and"
    with pytest.raises(DataError, match=both):
        resolve_columns(find("task", "topic"), {}, columns)


def test_where_all_are_optional_one_is_needed() -> None:
    with pytest.raises(DataError, match=r"none of the columns turns, .* is there; the columns are: talk, id"):
        resolve_columns(find("task", "dialogue"), {}, ["talk", "id"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([["1", "2", "3"], ["1", "2"]], r"^column 0 numbers the words; .*-o data\.columns\.tokens=1"),
        ([["0", "1"], ["0", "1", "2"]], r"^column 0 numbers the words"),
        ([["bc/cnn", "bc/cnn"], ["bn/abc", "bn/abc", "bn/abc"]], r"^column 0 repeats one value in each sentence"),
    ],
    ids=["GermEval", "from 0", "OntoNotes"],
)
def test_a_column_that_holds_no_words_is_not_taken_for_them(columns: list[list[str]], message: str) -> None:
    rows = [Row({"0": each, "1": each}, "a.conll", 1) for each in columns]
    with pytest.raises(DataError, match=message):
        check_are_words("0", rows)


@pytest.mark.parametrize("words", [["1", "2", "4"], ["ha", "ha"], ["Anna", "saw"], ["7", "8"]])
def test_words_are_words(words: list[str]) -> None:
    rows = [Row({"0": each, "tokens": ["1", "2"]}, "a.conll", 1) for each in (words, ["Anna", "left"])]
    check_are_words("0", rows)
    check_are_words("tokens", rows)  # a name is taken at its word
    check_are_words("0", [Row({"0": "Anna saw"}, "a.csv", 1)])


def test_a_premise_comes_before_its_context() -> None:
    task = find("task", "natural_language_inference")
    found = resolve_columns(task, {}, ["context", "premise", "hypothesis", "label"])
    assert (found["text"], found["pair"]) == ("premise", "hypothesis")
    found = resolve_columns(task, {}, ["context", "hypothesis", "label"])
    assert (found["text"], found["pair"]) == ("context", "hypothesis")
