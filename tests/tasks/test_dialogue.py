"""Dialogue: every reply given its history, from turns, messages with roles, or prompts with completions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.errors import DataError
from pefbench.heads._generation_answers import GenerationAnswers
from pefbench.heads.search import Search
from pefbench.sources import BadRows, Row
from pefbench.tasks.dialogue import TASK, DialogueOptions
from tests.tasks import loading

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.heads.examples import GenerationExample


def read(*given: dict[str, Any], history: int = 4, skip: bool = False) -> list[GenerationExample]:
    rows = [Row(dict.fromkeys(TASK.columns) | values, "x.json", i) for i, values in enumerate(given, start=1)]
    made: Any = TASK.read(
        {"train": rows}, BadRows(skip=skip), history=history, max_new_tokens=8, num_beams=1, tested=None
    )
    assert made.keep == "end"
    assert made.likelihood
    return list(made.splits["train"])


def messages(*said: str) -> dict[str, Any]:
    """Return messages; each begins with the first letter of its role."""
    roles = {"s": "system", "u": "user", "a": "assistant"}
    return {"messages": [{"role": roles[one[0]], "content": one} for one in said]}


def test_each_turn_but_the_first_is_a_reply_of_the_assistant() -> None:
    found = read({"turns": ["One", "Two", "Three", "Four"]}, history=2)
    assert [(each.history, each.prompt, each.target) for each in found] == [
        ((), "One", "Two"),
        ((("assistant", "One"),), "Two", "Three"),
        ((("user", "One"), ("assistant", "Two")), "Three", "Four"),
    ]
    assert read({"turns": ["One", "Two", "Three"]}, history=0)[1].history == ()


def test_each_message_of_the_assistant_to_the_user_is_a_reply() -> None:
    [first, second] = read(messages("s", "a0", "u1", "a1", "u2", "a2", "a3"), history=2)
    assert (first.history, first.prompt, first.target) == ((("system", "s"), ("assistant", "a0")), "u1", "a1")
    assert (second.history, second.prompt, second.target) == (
        (("system", "s"), ("user", "u1"), ("assistant", "a1")),
        "u2",
        "a2\na3",
    )


def test_a_completion_is_the_reply_to_its_prompt() -> None:
    [found] = read({"prompt": "Hi", "completion": "Hello"})
    assert (found.history, found.prompt, found.target) == ((), "Hi", "Hello")


def test_what_else_was_replied_to_the_same_words_is_right_too() -> None:
    turns = [["A joke?", "No."], ["a joke", "Yes!"], ["A joke?", "No."], ["Other", "Yes!"], ["Hm", "A joke?", "Why?"]]
    found = read(*({"turns": each} for each in turns))
    assert [each.references for each in found] == [
        ("No.", "Yes!"),
        ("Yes!", "No."),
        ("No.", "Yes!"),
        ("Yes!",),
        ("A joke?",),
        ("Why?",),
    ]


def test_prompts_that_differ_in_a_sign_are_not_the_same() -> None:
    prompts = ("What is C?", "What is C++?", "What is C#?", "5-3", "5+3", "5 * 3", "x²", "x2")
    found = read(*({"prompt": prompt, "completion": f"to {prompt}"} for prompt in prompts))
    assert [each.references for each in found] == [(f"to {prompt}",) for prompt in prompts]


def test_replies_to_one_prompt_are_a_cluster() -> None:
    found = read(*({"prompt": "Hi", "completion": reply} for reply in ("Hello", "Bye")))
    assert GenerationAnswers(Search()).clusters(found) == ["Hi", "Hi"]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"turns": ["alone"]}, "turns should be a list of two or more texts"),
        ({"turns": ["a", " "]}, "turns should be a list of two or more texts"),
        ({"turns": "a"}, "turns should be a list of two or more texts"),
        (messages("u", "u"), "no assistant message follows a user message"),
        (messages("s", "a"), "no assistant message follows a user message"),
        ({"messages": []}, "no assistant message follows a user message"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "no assistant message follows a user message"),
        ({"messages": [{"role": "critic", "content": "x"}]}, "messages should be a list of {role, content}"),
        ({"messages": [{"role": "user", "content": " "}]}, "message 1, of the user, should be a non-empty text"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages should be a list of {role, content}"),
        ({"messages": [{"role": "assistant", "tool_calls": 5}]}, "messages should be an assistant's tool_calls as"),
        ({"messages": [{"role": "user", "content": "u", "tool_calls": [{"name": "f"}]}]}, "messages should be an ass"),
        ({**messages("u", "a"), "tools": "f"}, "tools should be a list of the tools' JSON schemas"),
        ({"messages": [{"role": "user"}]}, "messages should be a list of {role, content}"),
        ({"messages": "x"}, "messages should be a list of {role, content}"),
        ({"prompt": "a"}, "completion should be a non-empty text"),
        ({"completion": "a"}, "prompt should be a non-empty text"),
    ],
)
def test_a_bad_row_is_named_or_left_out(values: dict[str, Any], why: str) -> None:
    good = {"prompt": "a", "completion": "b"}
    with pytest.raises(DataError, match=r"x\.json:2: " + why):
        read(good, values)
    assert len(read(good, values, skip=True)) == 1


def sides(file: Path, rows: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the first words of the conversations of each split."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    data = {"format": "jsonl", "on_bad_row": "error", "repeats": "keep"}
    splits = loading.load("dialogue", file, {"history": 9}, **data).dataset.splits
    return {
        split: {[*(said for role, said in each.history if role != "system"), each.prompt][0] for each in found}
        for split, found in splits.items()
    }


def test_conversations_that_begin_alike_are_of_one_side_whatever_the_system_is_told(tmp_path: Path) -> None:
    talks = [messages("s the same", f"u {i % 60}", f"a {i}", f"u {i} again", "a") for i in range(120)]
    single = [{"prompt": f"u {i % 60}", "completion": f"a {i}"} for i in range(120)]
    turns = [{"turns": [f"u {i % 60}", f"a {i}", f"u {i} again"]} for i in range(120)]
    found = [sides(tmp_path / "x.jsonl", rows) for rows in (talks, single, turns)]
    assert found[0] == found[1] == found[2]
    assert sum(map(len, found[0].values())) == 60


def test_what_is_no_list_has_no_text_and_is_refused_only_where_it_is_read() -> None:
    values = {**dict.fromkeys(TASK.columns), "turns": 5, "messages": {"role": "user"}, "prompt": "a"}
    assert TASK.text(values) == "a"
    assert TASK.group is not None
    assert TASK.group(values) == "a"


def test_the_options_of_the_search_are_the_data_set_s(tmp_path: Path) -> None:
    rows = [{"turns": [f"Question {i}?", f"Reply {i}."]} for i in range(90)]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    options = {"max_new_tokens": 5, "num_beams": 2, "tested": 3}
    made: Any = loading.load("dialogue", tmp_path / "x.jsonl", options, format="jsonl").dataset
    assert made.search.signature == "search:beams-2|new:5"
    assert (len(made.splits["validation"]), len(made.splits["test"])) == (3, 3)
    assert len(made.splits["train"]) > 50


def test_an_instruction_stands_before_its_input() -> None:
    rows = [{"instruction": "Shout it", "prompt": "hi", "completion": "HI"}]
    rows.append({"instruction": "Say hi", "prompt": "", "completion": "hi"})
    both, alone = read(*rows)
    assert (both.instruction, both.prompt, both.target) == ("Shout it\n", "hi", "HI")
    assert (alone.instruction, alone.prompt, alone.target) == ("", "Say hi", "hi")


def notes(*given: dict[str, Any], **options: Any) -> list[str]:
    rows = [Row(dict.fromkeys(TASK.columns) | values, "x.json", i) for i, values in enumerate(given, start=1)]
    return list(TASK.read({"train": rows}, BadRows(), **TASK.options(**options).model_dump()).notes)


CALL = {"id": "call00001", "type": "function", "function": {"name": "time", "arguments": '{"city": "Rome"}'}}


def test_what_calls_a_tool_is_context_and_what_answers_its_result_is_learned() -> None:
    talk = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "What time is it in Rome?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
        {"role": "tool", "content": "12:00", "tool_call_id": "call00001"},
        {"role": "assistant", "content": "Noon."},
    ]
    tools = [{"type": "function", "function": {"name": "time"}}]
    first, second = read({"messages": talk, "tools": tools}, history=1)
    assert (first.prompt, first.target, first.asks) == ("Hi", "Hello", "user")
    called = '[{"id": "call00001", "type": "function", "function": {"name": "time", "arguments": {"city": "Rome"}}}]'
    assert second.history == (
        ("tools", '[{"type": "function", "function": {"name": "time"}}]'),
        ("assistant", "Hello"),
        ("user", "What time is it in Rome?"),
        ("assistant", "I look."),
        ("calls", called),
    )
    assert (second.prompt, second.target, second.asks) == ("12:00", "Noon.", "tool")
    assert notes({"messages": talk}) == ["train: assistant messages that call a tool (context only, not learned): 1"]


def test_results_of_tools_stand_in_the_order_of_their_calls() -> None:
    calls = [CALL | {"id": name} for name in ("one", "two")]
    results = [{"role": "tool", "content": name, "tool_call_id": name} for name in ("two", "one")]
    asked, replied = {"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}
    [found] = read(
        {"messages": [asked, {"role": "assistant", "content": None, "tool_calls": calls}, *results, replied]}
    )
    assert [*found.history[-1:], (found.asks, found.prompt)] == [("tool", "one"), ("tool", "two")]
    assert found.history[:1] == (("user", "u"),)


def test_sharegpt_calls_tools_too() -> None:
    said = [("human", "u"), ("function_call", '{"name": "f", "arguments": {}}'), ("observation", "7"), ("gpt", "a")]
    [found] = read({"messages": [{"from": role, "value": text} for role, text in said], "system": "S"})
    call = '[{"type": "function", "function": {"name": "f", "arguments": {}}}]'
    assert found.history == (("system", "S"), ("user", "u"), ("calls", call))
    assert (found.prompt, found.asks, found.target) == ("7", "tool", "a")


def test_what_is_not_read_as_it_stands_is_counted() -> None:
    empty = [*messages("u1", "a1", "u2")["messages"], {"role": "assistant", "content": ""}]
    weighed = messages("u1", "a1", "u2", "a2")["messages"]
    weighed[1] |= {"weight": 0, "mood": "good"}
    assert [each.target for each in read({"messages": empty}, {"messages": weighed})] == ["a1", "a2"]
    assert read({"messages": weighed})[0].history == (("user", "u1"), ("assistant", "a1"))
    assert notes({"messages": empty}, {"messages": weighed}, messages("a0", "u", "a", "a")) == [
        "train: assistant messages of weight 0 (context only, not learned): 1",
        "train: assistant messages that reply to nobody (context only, not learned): 1",
        "train: empty assistant messages (left out): 1",
        "train: messages with 'mood' (not read): 1",
        "train: replies of several messages in a row (joined by a line break): 1",
    ]
    assert notes(messages("s", "u", "a")) == []


def test_the_last_reply_alone_is_learned_where_the_recipe_says_so() -> None:
    rows = [Row(dict.fromkeys(TASK.columns) | messages("u1", "a1", "u2", "a2"), "x.json", 1)]
    made: Any = TASK.read({"train": rows}, BadRows(), **DialogueOptions(replies="last").model_dump())
    [found] = made.splits["train"]
    assert (found.history, found.target) == ((("user", "u1"), ("assistant", "a1")), "a2")
    assert "replies" not in TASK.options().model_dump(), "a field that came later changes no earlier trial's id"


def test_a_system_prompt_may_have_a_column_of_its_own() -> None:
    [found] = read({"prompt": "q", "completion": "r", "system": "S"})
    assert (found.history, found.prompt, found.target) == ((("system", "S"),), "q", "r")
    [own] = read({**messages("s own", "u", "a"), "system": "S"})
    assert own.history == (("system", "s own"),)


def test_messages_may_be_written_into_a_cell() -> None:
    [found] = read({"messages": json.dumps(messages("u", "a")["messages"])})
    assert (found.prompt, found.target) == ("u", "a")


def test_names_of_roles_are_read_in_any_case() -> None:
    said = [{"role": "User", "content": "u"}, {"role": "AI", "content": "a"}]
    assert [each.target for each in read({"messages": said})] == ["a"]


def test_a_file_all_of_whose_rows_are_left_out_says_why(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps([[{"role": "user", "content": "u"}]]), encoding="utf8")
    with pytest.raises(DataError, match=r"has no rows; left out 1 bad row, the first x.json:1: a row must be an obje"):
        loading.load("dialogue", tmp_path / "x.json", on_bad_row="skip")


def test_sharegpt_has_its_own_names_of_roles() -> None:
    said = [{"from": "system", "value": "s"}, {"from": "human", "value": "u"}, {"from": "gpt", "value": "a"}]
    [found] = read({"messages": said})
    assert (found.history, found.prompt, found.target) == ((("system", "s"),), "u", "a")


def test_content_in_parts_is_their_text_and_parts_of_another_kind_are_refused() -> None:
    parts = [{"type": "text", "text": "Hello"}, {"type": "text", "text": "Who are you?"}]
    messages = [{"role": "user", "content": parts}, {"role": "assistant", "content": [{"text": "Ada"}]}]
    row = Row({"turns": None, "messages": messages, "prompt": None, "completion": None}, "x", 1)
    options = TASK.options().model_dump()
    [example] = TASK.read({"train": [row]}, BadRows(), **options).splits["train"]
    assert (example.prompt, example.target) == ("Hello\nWho are you?", "Ada")
    parts.append({"type": "image_url", "image_url": "x"})
    with pytest.raises(DataError, match="messages should be a list of"):
        TASK.read({"train": [row]}, BadRows(), **options)


def test_columns_beside_those_that_a_row_is_read_from_are_named() -> None:
    def notes(**values: Any) -> list[str]:
        rows = [Row(dict.fromkeys(TASK.columns) | values, "x.json", 1, names={"completion": "output"})]
        made: Any = TASK.read({"train": rows}, BadRows(), history=4, max_new_tokens=8, num_beams=1, tested=None)
        return list(made.notes)

    assert notes(**messages("u", "a"), prompt="u", completion="a") == [
        "columns not read beside messages: prompt, output"
    ]
    assert notes(turns=["u", "a"], system="s") == ["columns not read beside turns: system"]
    assert notes(prompt="u", completion="a", system="s", tools=[{}]) == ["columns not read beside output: tools"]
    assert notes(**messages("u", "a"), system="s", prompt="") == []
