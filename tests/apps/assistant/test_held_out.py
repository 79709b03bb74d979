"""Which questions are held out when there are more than needed."""

from __future__ import annotations

from collections import Counter

from pefbench.apps.assistant import held_out
from pefbench.apps.assistant.knowledge import Entry


def test_groups_take_turns_and_the_share_out_of_scope_stays() -> None:
    entries = [
        Entry(f"q{group} {number}", f"a{group % 7}", f"i{group % 7}", "", f"g{group}")
        for group in range(1500)
        for number in range(1 + group % 8)
    ]
    outside = [f"other {number}" for number in range(3000)]
    splits = held_out.split(entries, outside)
    asked = held_out.questions(entries, outside).validation
    assert len(asked) == held_out.MOST

    there = sum(bool(row.values["answer"]) for row in splits["validation"]) / len(splits["validation"])
    inside = [question for question in asked if question.answers]
    assert len(inside) == round(held_out.MOST * there)

    sizes = Counter(str(row.values["group"]) for row in splits["validation"] if row.values["answer"])
    taken = Counter(question.group for question in inside)
    rounds = max(taken.values())
    assert rounds == 2
    assert {*sizes} == {*taken}
    assert all(count >= min(sizes[group], rounds - 1) for group, count in taken.items())
    assert len({question.text for question in asked}) == len(asked)


def test_fewer_are_all_held_out() -> None:
    entries = [Entry(f"q{number}", "a", f"i{number % 2}", "", f"g{number // 3}") for number in range(300)]
    found = held_out.questions(entries, [])
    rows = held_out.split(entries, [])
    assert [question.text for question in found.test] == [row.values["text"] for row in rows["test"]]
