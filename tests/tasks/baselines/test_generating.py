"""Trivial baselines of generated texts see prompts and training answers, but no test answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pefbench.heads.examples import GenerationExample
from pefbench.registry import find

TRAIN = [
    GenerationExample("Do you like cats?", "Yes."),
    GenerationExample("And dogs?", "No.", history=(("user", "Do you like cats?"), ("assistant", "Yes."))),
    GenerationExample("What is the weather?", "Wet."),
    GenerationExample("Hungry?", "Wet."),
    GenerationExample("Tired?", "No."),
]


def test_the_source_is_copied_without_its_instruction() -> None:
    asked = [GenerationExample(" Zwei Worte ", "x", instruction="translate: "), GenerationExample("", "y")]
    assert find("baseline", "copy_source")(TRAIN, asked) == [" Zwei Worte ", ""]


def test_the_lead_is_the_first_sentence_or_line() -> None:
    texts = ["One thing. Another.", "\nA heading\nthen text.", "v1.2 is out! Good", "no end", ""]
    found = find("baseline", "lead_sentence")([], [GenerationExample(text, "x") for text in texts])
    assert found == ["One thing.", "A heading", "v1.2 is out!", "no end", ""]


def test_the_nearest_prompt_gives_its_answer() -> None:
    asked = [
        GenerationExample("So what WEATHER is it?", ""),
        GenerationExample("And dogs ?", ""),
        GenerationExample("And dogs?", "", history=(("user", "Do you like cats?"), ("assistant", "Yes."))),
        GenerationExample("", ""),
        GenerationExample("unheard-of", ""),
    ]
    found = find("baseline", "nearest_answer")(TRAIN, asked)
    assert found[:4] == ["Wet.", "No.", "No.", "Yes."]
    assert found[4] == "Yes."


def test_the_commonest_reply_is_given_always_and_of_equals_the_first() -> None:
    assert find("baseline", "most_frequent_reply")(TRAIN, TRAIN[:2]) == ["No.", "No."]
    assert find("baseline", "most_frequent_reply")(TRAIN[2:4], TRAIN[:1]) == ["Wet."]


@pytest.mark.parametrize("name", ["copy_source", "lead_sentence", "nearest_answer", "most_frequent_reply"])
def test_the_answers_of_the_other_split_change_nothing(name: str) -> None:
    test = [GenerationExample("Cats or dogs?", "Cats."), GenerationExample("Wet weather?", "Dogs.")]
    answers = find("baseline", name)(TRAIN, test)
    assert find("baseline", name)(TRAIN, [replace(example, target="secret") for example in test]) == answers
    assert all(type(answer) is str for answer in answers)
