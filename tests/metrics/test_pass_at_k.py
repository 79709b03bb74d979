"""pass@k: the estimator against an enumeration of all draws, and how programs are built, run and read."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.errors import SandboxError
from pefbench.metrics import score
from pefbench.metrics._programs import program, unfenced
from pefbench.metrics.pass_at_k import PassAtK, pass_at_k
from pefbench.metrics.sandbox import running
from pefbench.metrics.sandbox.running import Outcome
from tests.metrics.intervals import ends

PROMPT = 'def twice(x):\n    """Return x two times."""\n'
TEST = "assert twice(2) == 4\nassert twice('a') == 'aa'\n"
REFERENCE = {"texts": ["    return x * 2\n"], "prompt": PROMPT, "test": TEST}


@given(st.data())
def test_the_estimator_is_the_share_of_all_draws_with_a_passing_answer(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 9))
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    draws = list(combinations([1] * c + [0] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(max, draws)) / len(draws), abs=1e-12)


@given(st.data())
def test_the_estimator_is_the_closed_form_for_many_answers(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 1000))
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    assert pass_at_k(n, c, k) == pytest.approx(float(1 - Fraction(comb(n - c, k), comb(n, k))), abs=1e-12)


def test_one_draw_is_the_share_that_passes() -> None:
    assert pass_at_k(200, 50, 1) == pytest.approx(0.25)


@pytest.mark.parametrize(("n", "c", "k"), [(1, 2, 1), (1, -1, 1), (1, 1, 2), (1, 1, 0), (0, 0, 1)])
def test_what_cannot_be_drawn_is_an_error(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="it takes 0 <= c <= n"):
        pass_at_k(n, c, k)


ANSWERS = {
    "the body": "    return x * 2\n",
    "and more": "    return x * 2\n\n\ndef other():\n    return this is no Python",
    "and the function again": "    return x * 2\n\n\ndef twice(x):\n    return x * 3\n",
    "and a beginning of it": '\n    return x * 2\n\n\ndef twice(x):\n    """Retu',
    "and a test": "    return x * 2\n\nprint(twice(",
    "the function anew": "def twice(x):\n    return x * 2",
    "with a helper": "def helper(x):\n    return x * 2\n\ndef twice(x):\n    return helper(x)",
    "a fence": "Here it is:\n```python\ndef twice(x):\n    return x * 2\n```\nIt returns x two times.",
    "a fence that is open": "```\ndef twice(x):\n    return x * 2\n",
    "a fenced body": "```py\n    return x * 2\n```",
    "a fence behind": "    return x * 2\n```\nIt returns x two times.",
    "an empty fence": "return x * 2\n```\n```",
    "an indentation lost": "return x * 2",
    "the first indentation lost": "y = x\n    return y * 2",
    "all indentation lost": "if x:\n    return x * 2\nreturn x",
    "other indentation": "  y = x\n  return y * 2",
    "main": "def twice(x):\n    return x * 2\n\nif __name__ == '__main__':\n    twice(input())",
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_a_right_answer_is_put_together(answer: str) -> None:
    assert running.run(program(answer, PROMPT, TEST)).passed


WRONG = {
    "nothing": "",
    "white space": "\n   \n",
    "no Python": "I cannot do that.",
    "wrong": "    return x + x + x",
    "half": "    return x * (2",
    "leaving": "    return x * 2\n\nimport os\nos._exit(0)",
    "an exit": "    exit(0)",
    "too deep": "    return " + "(" * 3000,
    "a null byte": "    return x * 2\0",
    "another name": "def thrice(x):\n    return x * 2",
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_answer_does_not_pass(answer: str) -> None:
    assert not running.run(program(answer, PROMPT, TEST)).passed


def test_helpers_before_the_last_head_stay() -> None:
    prompt = "def helper(x):\n    return x * 2\n\n\n" + PROMPT
    assert running.run(program("def twice(x):\n    return helper(x)", prompt, TEST)).passed
    assert running.run(program("    return helper(x)", prompt, TEST)).passed


def test_without_code_before_it_an_answer_is_a_program() -> None:
    assert program("```python\ndef twice(x):\n    return x * 2\n```", "", TEST) == (
        "def twice(x):\n    return x * 2\n\n\n" + TEST
    )


@given(st.text(alphabet="ab`\n "))
def test_without_a_fence_nothing_is_taken_away(answer: str) -> None:
    if "```" not in answer:
        assert unfenced(answer) == answer
    else:
        assert unfenced(answer) in answer


def test_answers_are_scored() -> None:
    answers = ["    return x * 2", "    return 4", {"text": "    return x + x"}, ""]
    values = score(PassAtK(), answers, [REFERENCE] * 4)
    assert values.keys() == {"pass_at_1"}
    assert values["pass_at_1"]["value"] == 0.5
    low, high = ends(values["pass_at_1"])
    assert 0 <= low < 0.5 < high <= 1
    assert values["pass_at_1"]["signature"].startswith(
        "pass_at_k|paper:arXiv:2107.03374|eq:1|answer:body,else-function|seconds:3|memory:512MiB|python:3."
    )


def test_of_several_answers_more_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run_all(programs: list[str], _: Any) -> list[Outcome]:
        ran.extend(programs)
        return [Outcome("passed" if "return 1\n" in each else "failed", "") for each in programs]

    monkeypatch.setattr(running, "run_all", run_all)
    first = {"text": "    return 1", "samples": ["    return 1\n"] * 2 + [f"    return {i}\n" for i in range(2, 10)]}
    second = {"text": "    return 2", "samples": [f"    return {i}\n" for i in range(2, 14)]}
    values = score(PassAtK(), [first, second], [REFERENCE] * 2)
    assert {name: value["value"] for name, value in values.items()} == pytest.approx(
        {"pass_at_1": 0.1, "pass_at_10": 0.5}
    )
    assert len(ran) == len(set(ran)) == 13  # each once, though each is scored twice


def test_no_answer_is_an_error() -> None:
    with pytest.raises(ValueError, match="a problem has no answer"):
        PassAtK().compute(predictions=[[]], references=[["", ""]])


def test_references_without_tests_are_refused() -> None:
    assert PassAtK().refusal([REFERENCE, {"texts": ["x"]}]) == (
        "it needs 'test' of every example, and example 1 has none"
    )
    assert PassAtK().refusal(["x"]) == "it scores generated texts, and the task's answers are not"
    assert PassAtK().refusal([REFERENCE]) is None


def test_without_a_sandbox_references_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(SandboxError, match="generated programs run on Linux only"):
        PassAtK().refusal([REFERENCE])


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 12)), min_size=1, max_size=5))
def test_weights_count_problems(found: list[tuple[int, int]]) -> None:
    metric = PassAtK()
    metric._passed = {"p": True, "f": False}
    metric._found = lambda *_: [(n, min(c, n)) for n, c in found]  # type: ignore[method-assign]
    weights = np.arange(len(found), dtype=float)[None] + 1
    values = metric.weighted([], [])(weights)
    repeated = [pass_at_k(n, min(c, n), 1) for i, (n, c) in enumerate(found) for _ in range(i + 1)]
    assert values["pass_at_1"][0] == pytest.approx(np.mean(repeated))
