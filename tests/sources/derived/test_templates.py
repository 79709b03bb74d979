"""Sentence templates: their syntax, and the sentences that they generate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.sources.derived._templates import Node, OneOf, Words, parse, texts

LISTS = {"color": ("red", "green"), "number": tuple(map(str, range(1000)))}
RULES = {"the": "(the|my)"}


def node(template: str) -> Node:
    return parse(
        template,
        lambda name: OneOf([Words(value) for value in LISTS[name]]),
        lambda name: node(RULES[name]),
    )


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("lights out", ["lights out"]),
        ("turn (on|off)", ["turn on", "turn off"]),
        ("[<the>] light[s]", ["the lights", "the light", "my lights", "my light", "lights", "light"]),
        ("[a|b] c", ["a c", "b c", "c"]),
        ("(in here;[now])", ["in here now", "in here", "now in here"]),
        ("(a;b;c)", ["a b c", "a c b", "b a c", "b c a", "c a b", "c b a"]),
        ("paint it {color:shade}", ["paint it red", "paint it green"]),
        ("two( |-)hour[s]", ["two hours", "two hour", "two-hours", "two-hour"]),
        (r"1\|2 \[x\]", ["1|2 [x]"]),
        ("( | )", []),
        ("(a|a|[a])", ["a"]),
        ("é <the>", ["é the", "é my"]),
    ],
)
def test_a_template_stands_for_all_its_sentences(template: str, expected: list[str]) -> None:
    assert texts(node(template), "key", 100) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("turn (on|off", r"a \) is missing"),
        ("turn [on)", r"a \] is missing"),
        ("turn on)", r"a \) that nothing opened"),
        ("turn {color", "a { that is not closed"),
        ("turn <the", "a < that is not closed"),
        ("(a|b;c)", r"\| and ; in one pair of brackets"),
    ],
)
def test_what_is_wrong_with_a_template_is_said(template: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        node(template)


def test_of_many_sentences_some_are_drawn_and_always_the_same() -> None:
    many = node("set [<the>] {color} [light] to {number}")
    drawn = texts(many, "key", 20)
    assert many.count == 3 * 2 * 2 * 1000
    assert len(set(drawn)) == len(drawn) == 20
    assert drawn == texts(many, "key", 20)
    assert drawn[:5] == texts(many, "key", 5)
    assert drawn != texts(many, "another key", 20)
    assert {word for text in texts(many, "key", 200) for word in text.split()} >= {"the", "my", "red", "green", "light"}


def test_a_draw_that_finds_few_different_ones_ends() -> None:
    assert texts(node("(a|a|a|a|a|a|a|a|a|a)"), "key", 3) == ["a"]


@given(st.text(alphabet="ab ()[]|;<>{}\\", max_size=12))
def test_any_text_is_a_template_or_refused(template: str) -> None:
    try:
        parsed = parse(template, lambda _: Words("list"), lambda _: Words("rule"))
    except ValueError:
        return
    everything = texts(parsed, "key", 10**9)
    assert len(everything) <= parsed.count
    assert set(texts(parsed, "key", 3)) <= set(everything)
