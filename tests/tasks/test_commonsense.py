"""Commonsense: layouts of COPA, PIQA, HellaSwag and others, and words by their WordNet definitions."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from transformers import BertConfig, GPT2Config

from pefbench.errors import DataError, RecipeError
from pefbench.heads.choice import ChoiceHead
from pefbench.heads.likelihood import LikelihoodHead
from pefbench.recipe import resolve
from tests.sources.refusals import refusal
from tests.tasks import loading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pefbench.heads.examples import ChoiceExample
    from pefbench.trial.corpus import Corpus

LAYOUTS: dict[str, tuple[dict[str, Any], str, set[str], str]] = {
    "COPA, a cause": (
        {"premise": "I fell.", "question": "cause", "choice1": "It was icy.", "choice2": "I slept.", "label": 0},
        *("I fell because", {"It was icy.", "I slept."}, "It was icy."),
    ),
    "COPA, an effect named as on the hub": (
        {"premise": "I fell.", "question": "effect", "choice1": "I ran.", "choice2": "It hurt.", "label": "choice2"},
        *("I fell therefore", {"I ran.", "It hurt."}, "It hurt."),
    ),
    "PIQA": (
        {"goal": "Open a jar", "sol1": "twist the lid", "sol2": "eat the lid", "label": 0},
        *("Open a jar", {"twist the lid", "eat the lid"}, "twist the lid"),
    ),
    "HellaSwag": (
        {"ctx_a": "She", "ctx": "She lifts", "endings": ["a", "b", "c", "d"], "label": "3"},
        *("She lifts", {"a", "b", "c", "d"}, "d"),
    ),
    "CommonsenseQA": (
        {"question": "Where?", "choices": {"label": ["A", "B", "C"], "text": ["x", "y", "z"]}, "answerKey": "B"},
        *("Where?", {"x", "y", "z"}, "y"),
    ),
    "ARC, with names that are numbers": (
        {"question": "Where?", "choices": {"label": ["1", "2", "3"], "text": ["x", "y", "z"]}, "answerKey": "2"},
        *("Where?", {"x", "y", "z"}, "y"),
    ),
    "ARC's own": (
        {
            "question": {"stem": "Where?", "choices": [{"text": "x", "label": "A"}, {"text": "y", "label": "B"}]},
            "answerKey": "B",
        },
        *("Where?", {"x", "y"}, "y"),
    ),
    "RACE": (
        {"article": "Al won.", "question": "Who?", "options": ["x", "y", "z"], "label": "3"},
        *("Al won. Who?", {"x", "y", "z"}, "z"),
    ),
    "Social IQa": (
        {"context": "Al won.", "question": "Why?", "answerA": "x", "answerB": "y", "answerC": "z", "label": "3"},
        *("Al won. Why?", {"x", "y", "z"}, "z"),
    ),
}


def load(file: Path, rows: list[dict[str, Any]], **data: Any) -> Corpus:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return loading.load("commonsense", file, **data)


def examples(loaded: Corpus) -> list[ChoiceExample]:
    return [example for found in loaded.dataset.splits.values() for example in found]


def varied(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return sixty rows of one layout, in which the right candidate differs but for the last twenty."""
    context = next(name for name in ("premise", "goal", "ctx", "context", "article", "question") if name in row)
    label = "answerKey" if "answerKey" in row else "label"
    others = {0: 1, "choice2": "choice1", "3": "1", "B": "A", "2": "1"}
    if isinstance(inner := row[context], dict):
        rows = [{**row, context: {**inner, "stem": f"{i} {inner['stem']}"}} for i in range(60)]
    else:
        rows = [{**row, context: f"{i} {row[context]}"} for i in range(60)]
    return [{**each, label: others[each[label]]} for each in rows[:40]] + rows[40:]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read_without_naming_a_column(tmp_path: Path, layout: str) -> None:
    row, context, candidates, right = LAYOUTS[layout]
    if layout == "HellaSwag":
        zero = [{**row, "ctx": f"zero {i}", "label": "0"} for i in range(20)]
        rows = varied(row) + zero
    else:
        rows = varied(row)
    found = {each.context: each for each in examples(load(tmp_path / "x.jsonl", rows))}
    last = found[f"59 {context}"]
    assert set(last.candidates) == candidates
    assert last.candidates[last.label] == right
    assert found[f"0 {context}"].candidates[found[f"0 {context}"].label] != right


def test_sciq_and_truthfulqa_as_they_are_published(tmp_path: Path) -> None:
    sciq = [
        {"question": f"{i}?", "correct_answer": f"x{i}", "distractor1": "y", "distractor2": "z", "distractor3": ""}
        for i in range(60)
    ]
    found = {each.context: each for each in examples(load(tmp_path / "x.jsonl", sciq))}
    assert {key: each.candidates[each.label] for key, each in found.items()} == {f"{i}?": f"x{i}" for i in range(60)}
    assert {len(each.candidates) for each in found.values()} == {3}
    truthful = [
        {
            "question": f"{i}?",
            "mc1_targets": {"choices": ["x", "y", "z"], "labels": [int(i % 3 == at) for at in range(3)]},
        }
        for i in range(60)
    ]
    found = {each.context: each for each in examples(load(tmp_path / "y.jsonl", truthful))}
    assert {key: each.candidates[each.label] for key, each in found.items()} == {
        f"{i}?": "xyz"[i % 3] for i in range(60)
    }


MMLU: dict[str, Any] = {"A": "x", "B": "y", "C": "z", "D": "v"}


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("A", "B", "C", "D"), ("A", "B", "C", "D")),  # MMLU's own
        (("A", "B", "C", "D"), ("0", "1", "2", "3")),
        (("opa", "opb", "opc", "opd"), ("1", "2", "3", "4")),  # MedMCQA's own, from 1
        (("option_a", "option_b", "option_c", "option_d"), ("x 7", "y 7", "z 7", "v 7")),  # the text of the answer
    ],
)
def test_tables_with_a_candidate_a_column(tmp_path: Path, names: tuple[str, ...], labels: tuple[str, ...]) -> None:
    lines = [",".join(["question", "subject", *names, "answer"])]
    for at in range(60):
        candidates = [f"{text} 7" for text in MMLU.values()]
        lines.append(",".join([f"{at}?", "law", *candidates, labels[at % 4]]))
    (tmp_path / "x.csv").write_text("\n".join(lines))
    loaded = loading.load("commonsense", tmp_path / "x.csv")
    assert "columns not read: subject" in loaded.notes
    found = {each.context: each.candidates[each.label] for each in examples(loaded)}
    assert found == {f"{at}?": f"{'xyzv'[at % 4]} 7" for at in range(60)}


def test_mmlu_as_the_hub_has_it(tmp_path: Path) -> None:
    rows = [{"question": f"{at}?", "subject": "law", "choices": [*"xyzv"], "answer": at % 4} for at in range(60)]
    found = {each.context: each.candidates[each.label] for each in examples(load(tmp_path / "x.jsonl", rows))}
    assert found == {f"{at}?": "xyzv"[at % 4] for at in range(60)}


def test_mmlu_without_a_header_is_read_by_what_the_message_says(tmp_path: Path) -> None:
    lines = [f'"Is {at} a ""number""?",x {at},y,z,v,{"ABCD"[at % 4]}' for at in range(60)]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    for given in ({}, {"header": False}):
        message = refusal(DataError, loading.load, "commonsense", tmp_path / "x.csv", **given)
        columns = {name: int(at) for name, at in re.findall(r"-o data\.columns\.(\w+)=(\d)", message)}
        assert columns == {"context": 0, "first": 1, "second": 2, "third": 3, "fourth": 4, "label": 5}
        assert ("-o data.header=false" in message) == (not given)
    loaded = loading.load("commonsense", tmp_path / "x.csv", header=False, columns=columns)
    found = {each.context: each.candidates[each.label] for each in examples(loaded)}
    assert found == {f'Is {at} a "number"?': [f"x {at}", "y", "z", "v"][at % 4] for at in range(60)}


def test_a_question_may_have_fewer_candidates_than_others(tmp_path: Path) -> None:
    lines = ["question,A,B,C,D,E,answer"]
    lines += [f"{at}?,x,y,z,v,{'w' if at % 2 else ''},{'E' if at % 2 else 'D'}" for at in range(60)]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    found = {each.context: each for each in examples(loading.load("commonsense", tmp_path / "x.csv"))}
    assert {len(each.candidates) for each in found.values()} == {4, 5}
    assert {each.candidates[each.label] for each in found.values()} == {"v", "w"}
    (tmp_path / "x.csv").write_text("\n".join([*lines, "61?,x,,z,v,,A"]))
    with pytest.raises(DataError, match="two or more texts"):
        loading.load("commonsense", tmp_path / "x.csv")


def test_decoders_compare_likelihoods_and_encoders_get_a_head(tmp_path: Path) -> None:
    dataset = load(tmp_path / "x.jsonl", varied(LAYOUTS["PIQA"][0])).dataset
    assert isinstance(dataset.head(GPT2Config()), LikelihoodHead)
    assert isinstance(dataset.head(BertConfig()), ChoiceHead)


def test_what_decoders_divide_by_is_an_option(tmp_path: Path) -> None:
    rows = varied(LAYOUTS["PIQA"][0])
    for options, per in ({}, "token"), ({"per": "character"}, "character"):
        dataset = load(tmp_path / "x.jsonl", rows, options=options).dataset
        assert dataset.head(GPT2Config()).answers.decoding_signature == f"likelihood:per-{per}|space:scored"


def test_a_label_beyond_the_candidates_is_named_or_left_out(tmp_path: Path) -> None:
    rows = varied(LAYOUTS["PIQA"][0])
    rows[50]["label"] = -1
    with pytest.raises(DataError, match=r"x\.jsonl:51: label should be the number"):
        load(tmp_path / "x.jsonl", rows)
    assert len(load(tmp_path / "x.jsonl", rows, on_bad_row="skip").skipped) == 1


def test_rows_without_candidates_say_which_columns_to_name(tmp_path: Path) -> None:
    rows = [{"goal": f"Open {i}", "yes": "a", "no": "b", "label": i % 2} for i in range(60)]
    with pytest.raises(DataError, match=r"x\.jsonl:\d+: no candidates: name the column .* data\.columns\.first"):
        load(tmp_path / "x.jsonl", rows)
    named = load(tmp_path / "x.jsonl", rows, columns={"first": "yes", "second": "no"})
    assert sorted({each.candidates[each.label] for each in examples(named)}) == ["a", "b"]


def test_it_has_no_data_by_default() -> None:
    with pytest.raises(RecipeError, match=r"data\.source"):
        resolve({"task": "commonsense", "method": {"name": "full"}}, name="r")


def wordnet(folder: Path, sets: int) -> None:
    """Write two data files with `sets` sets of two synonyms each; every third definition is there in both files."""
    for part, letter in (("noun", "n"), ("verb", "v")):
        lines = [
            f"{i:08d} 03 {letter} 02 {part}_{i} 0 also_{part}_{i} 0 000 | meaning {i if i % 3 == 0 else part + str(i)}"
            f'; "the {part} {i} is shown here"  \n'
            for i in range(sets)
        ]
        (folder / f"data.{part}").write_text("".join(lines), encoding="utf-8")


def lexical(folder: Path, **options: Any) -> Corpus:
    wordnet(folder, 120)
    return loading.load("commonsense", folder, options, format="wordnet")


def test_a_definition_asks_for_its_first_word_among_others_of_the_same_part_and_split(tmp_path: Path) -> None:
    splits = lexical(tmp_path, candidates=3).dataset.splits
    right = {split: {each.candidates[each.label] for each in found} for split, found in splits.items()}
    assert sum(len(found) for found in splits.values()) == 240
    for split, found in splits.items():
        for each in found:
            assert len(set(each.candidates)) == 3
            assert set(each.candidates) <= right[split]
            assert {word.partition(" ")[0] for word in each.candidates} in ({"noun"}, {"verb"})
            assert each.context.endswith(each.candidates[each.label].rpartition(" ")[2])


def test_a_definition_is_on_one_side_and_its_examples_are_not_shown(tmp_path: Path) -> None:
    splits = lexical(tmp_path).dataset.splits
    contexts = {split: {each.context for each in found} for split, found in splits.items()}
    assert sum(map(len, contexts.values())) == len(set().union(*contexts.values())) == 200
    assert not any("shown" in each or '"' in each for side in contexts.values() for each in side)


def test_the_definitions_tested_may_be_fewer(tmp_path: Path) -> None:
    whole, some = lexical(tmp_path).dataset, lexical(tmp_path, tested=10).dataset
    assert some.splits["train"] == whole.splits["train"]
    for split in ("validation", "test"):
        assert len(some.splits[split]) == 10
        assert set(some.splits[split]) <= set(whole.splits[split])
        assert f"{split} is 10 of {len(whole.splits[split])} definitions" in some.notes
    assert whole.notes == []


def test_a_gloss_of_examples_alone_is_a_bad_row(tmp_path: Path) -> None:
    wordnet(tmp_path, 60)
    with (tmp_path / "data.noun").open("a", encoding="utf-8") as file:
        file.write('00009999 03 n 01 lost 0 000 | "it was lost"  \n')
    with pytest.raises(DataError, match=r"data\.noun:61: should have a definition and a list of words"):
        loading.load("commonsense", tmp_path, format="wordnet")
