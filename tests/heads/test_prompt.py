"""An example's prompt, as a report shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pefbench.heads.causal import CausalHead
from pefbench.heads.choice import ChoiceHead
from pefbench.heads.examples import (
    ChoiceExample,
    GenerationExample,
    MarkedExample,
    RegressionExample,
    SequenceExample,
    SpanExample,
    TokenExample,
)
from pefbench.heads.marked import MarkedHead
from pefbench.heads.regression import RegressionHead
from pefbench.heads.sequence import SequenceHead
from pefbench.heads.span import SpanHead
from pefbench.heads.token import TokenHead

if TYPE_CHECKING:
    from pefbench.heads import Head


@pytest.mark.parametrize(
    ("head", "example", "prompt"),
    [
        (SequenceHead(["a"]), SequenceExample("one", "a"), "one"),
        (SequenceHead(["a"]), SequenceExample("one", "a", "two"), "one | two"),
        (RegressionHead(mean=0.0, spread=1.0, bounds=(0.0, 1.0)), RegressionExample("an essay", 0.5), "an essay"),
        (MarkedHead(["a"]), MarkedExample("cause and effect", (0, 5), (10, 16), "a"), "cause and effect"),
        (TokenHead(["O"]), TokenExample(("in", "Rome"), ("O", "O")), "in Rome"),
        (ChoiceHead(), ChoiceExample("why?", ("so", "not so"), 0), "why? | 0: so | 1: not so"),
        (SpanHead(), SpanExample("where?", "in Rome", ()), "where? | in Rome"),
        (CausalHead(), GenerationExample("say it", "it"), "say it"),
    ],
)
def test_prompt(head: Head, example: Any, prompt: str) -> None:
    assert head.answers.prompt(example) == prompt
