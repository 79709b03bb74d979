"""Inputs of trained models: the same example as in training, without its answer."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.heads.examples import ChoiceExample, GenerationExample
from pefbench.recipe import resolve
from pefbench.registry import find, names
from pefbench.sources import Row
from pefbench.trial import corpus

if TYPE_CHECKING:
    from pathlib import Path

MANY = 60
SYSTEM = {"role": "system", "content": "Be brief."}


def chat(i: int) -> list[dict[str, str]]:
    turns = [("user", f"Who is {i}?"), ("assistant", f"I am {i}."), ("user", f"And {i + 1}?"), ("assistant", "You.")]
    return [SYSTEM, *({"role": role, "content": text} for role, text in turns)]


CASES: dict[str, tuple[str, dict[str, Any], Any]] = {
    "essay": ("summarization", {}, lambda i: ({"document": f"It counts {i}. Stop."}, {"summary": f"Count {i}."})),
    "texts": ("translation", {}, lambda i: ({"source": f"good day {i}"}, {"target": [f"guten Tag {i}", "Tag"]})),
    "languages": (
        "translation",
        {"source_language": "fr", "target_language": "xx"},
        lambda i: ({"translation": {"fr": f"jour {i}"}}, {"translation": {"fr": f"jour {i}", "xx": f"t {i}"}}),
    ),
    "prompts": ("dialogue", {}, lambda i: ({"prompt": f"Who is {i}?"}, {"completion": f"I am {i}."})),
    "alpaca": (
        "dialogue",
        {},
        lambda i: (
            {"instruction": f"Add {i}", "prompt": "" if i % 2 else "to 1", "system": "Be."},
            {"completion": "x"},
        ),
    ),
    "turns": (
        "dialogue",
        {"history": 2, "replies": "last"},
        lambda i: ({"turns": ["a", f"b {i}", "c"]}, {"turns": ["a", f"b {i}", "c", "d"]}),
    ),
    "chats": (
        "dialogue",
        {"history": 1, "replies": "last"},
        lambda i: ({"messages": chat(i)[:-1]}, {"messages": chat(i)}),
    ),
    "maths": ("math_reasoning", {}, lambda i: ({"question": f"What is {i}?"}, {"solution": f"The answer is: {i}"})),
    "heads": (
        "code_generation",
        {},
        lambda i: ({"prompt": f'def f():\r\n  """{i}"""\n'}, {"solution": "  return 1", "test": "pass"}),
    ),
    "sentences": (
        "code_generation",
        {},
        lambda i: ({"prompt": f" Give {i}. ", "tests": [f"assert f() == {i}"]}, {"solution": "def f(): pass"}),
    ),
    "meanings": ("controllable_generation", {}, lambda i: ({"meaning": f"name[{i}]"}, {"text": f"It is {i}."})),
    "labels": (
        "controllable_generation",
        {"first_words": 1, "judged_by": 0.5, "kind": "x"},
        lambda i: (
            {"label": "np"[i % 2], "text": f"{i} "},
            {"label": "np"[i % 2], "text": f"{i} {'goodbad'[i % 2 :: 2]}"},
        ),
    ),
    "classes": (
        "data_augmentation",
        {"per_class": 5, "kind": "x"},
        lambda i: ({"label": "np"[i % 2]}, {"label": "np"[i % 2], "text": f"{i} {'goodbad'[i % 2 :: 2]}"}),
    ),
    "copa": (
        "commonsense",
        {},
        lambda i: (
            {"context": f"It fell {i}.", "question": "cause", "first": "It hung.", "second": "It stood."},
            {"label": i % 2},
        ),
    ),
    "choices": (
        "commonsense",
        {},
        lambda i: ({"context": f"What {i}?", "candidates": json.dumps(["a", f"b {i}", "c"])}, {"label": i % 3}),
    ),
    "replies": (
        "reply_selection",
        {},
        lambda i: ({"context": ["Hi.", f"Who {i}?"], "candidates": ["me", "you"]}, {"label": i % 2}),
    ),
    "pubmed": (
        "medical_qa",
        {},
        lambda i: ({"question": f"Is it {i}?", "context": ["It is."]}, {"answer": "yn"[i % 2]}),
    ),
    "impressions": (
        "recommendation",
        {"history": 2},
        lambda i: ({"history": ["A", f"B {i}", "C"], "candidates": ["D", "E"]}, {"user": i, "clicked": [True, False]}),
    ),
    "tags": (
        "relation_extraction",
        {},
        lambda i: ({"text": f"<e1>Ada</e1> saw <e2>{i}</e2>."}, {"label": "ab"[i % 2]}),
    ),
    "spans": (
        "relation_extraction",
        {},
        lambda i: ({"text": f"Ada saw {i}.", "first": [0, 3], "second": [8, 9]}, {"label": "ab"[i % 2]}),
    ),
}


def known(example: Any) -> Any:
    """An example without its answer, as far as it can be compared."""
    if isinstance(example, ChoiceExample):
        return example.context, frozenset(example.candidates)
    if isinstance(example, GenerationExample):
        return repr(replace(example, target="", references=(), facts={}, where=""))
    return replace(example, label="")


@pytest.mark.parametrize("case", CASES)
def test_an_example_without_its_answer_is_the_same(case: str, tmp_path: Path) -> None:
    task, options, make = CASES[case]
    made = [make(i) for i in range(MANY)]
    splits = {"train": made[:40], "validation": made[40:50], "test": made[50:]}
    for split, some in splits.items():
        lines = "".join(f"{json.dumps(given | answer)}\n" for given, answer in some)
        (tmp_path / f"{split}.jsonl").write_text(lines, encoding="utf8")
    data: dict[str, Any] = {"source": f"file:{tmp_path}"} | {split: f"{split}.jsonl" for split in splits}
    data |= {"columns": {column: column for given, answer in made[:1] for column in given | answer}}
    recipe = resolve({"task": task, "data": data, "options": options, "method": {"name": "full"}}, name="r")
    dataset, inputs = corpus.load(recipe).dataset, find("task", task).inputs
    columns = dict.fromkeys(find("task", task).columns)
    asked = [inputs.example(Row(columns | given, "input 3", 0), recipe.options) for given, _ in made]
    shared = getattr(dataset, "candidates", ())
    asked = [replace(each, candidates=tuple(shared)) if shared else each for each in asked]
    expected = {known(example) for split in dataset.splits.values() for example in split}
    if case == "labels":  # which label a scored text should have is drawn
        asked, expected = asked[:40], {known(example) for example in dataset.splits["train"]}
    assert expected <= {known(example) for example in asked}
    if case != "labels":  # others are the judge's
        assert {known(example) for example in asked} == expected


def test_every_task_whose_head_does_not_say_what_it_reads_has_inputs() -> None:
    tasks = {name: find("task", name) for name in names("task")}
    without = {name for name, task in tasks.items() if task.inputs is None}
    assert not {name for name in without if tasks[name].head in ("generation", "choice", "marked")}
    assert {task for task, _, _ in CASES.values()} == tasks.keys() - without
    for name in tasks.keys() - without:
        inputs = tasks[name].inputs
        assert {*inputs.columns, *inputs.optional, inputs.text or inputs.columns[0]} <= tasks[name].columns.keys()


@pytest.mark.parametrize(
    ("task", "given", "said"),
    [
        ("dialogue", {"messages": [SYSTEM]}, "input 3: messages should end with a message of the user"),
        ("dialogue", {"messages": chat(1)}, "input 3: messages should end with a message of the user"),
        ("dialogue", {"messages": "no list"}, "input 3: messages should be a list of"),
        ("dialogue", {"turns": ["a", 3]}, "input 3: turns should be a list of texts"),
        ("dialogue", {}, "input 3: prompt should be a non-empty text"),
        ("translation", {"translation": {"fr": "jour"}}, "input 3: translation should be a text by its language"),
        ("commonsense", {"context": "Why?"}, "input 3: no candidates"),
        ("medical_qa", {"question": "Why?", "context": []}, "input 3: context should be a text"),
        ("recommendation", {"history": "A", "candidates": ["B", "C"]}, "input 3: history should be a list of titles"),
        ("relation_extraction", {"text": "Ada saw it."}, "input 3: should hold each of <e1>"),
        ("controllable_generation", {"text": "This"}, "input 3: label should be a non-empty text"),
    ],
)
def test_what_a_task_is_not_given_is_refused(task: str, given: dict[str, Any], said: str) -> None:
    found = find("task", task)
    values = dict.fromkeys(found.columns) | given
    with pytest.raises(DataError, match=said):
        found.inputs.example(Row(values, "input 3", 0), found.options())
