"""What an example asks, as a report shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pefbench.heads.causal import CausalForm
from pefbench.heads.choice import ChoiceExample, ChoiceForm
from pefbench.heads.generation import GenerationExample
from pefbench.heads.marked import MarkedExample, MarkedForm
from pefbench.heads.regression import RegressionExample, RegressionForm
from pefbench.heads.sequence import SequenceExample, SequenceForm
from pefbench.heads.span import SpanExample, SpanForm
from pefbench.heads.token import TokenExample, TokenForm

if TYPE_CHECKING:
    from pefbench.heads import Form


@pytest.mark.parametrize(
    ("form", "example", "asked"),
    [
        (SequenceForm(["a"]), SequenceExample("one", "a"), "one"),
        (SequenceForm(["a"]), SequenceExample("one", "a", "two"), "one | two"),
        (RegressionForm, RegressionExample("an essay", 0.5), "an essay"),
        (MarkedForm, MarkedExample("cause and effect", (0, 5), (10, 16), "a"), "cause and effect"),
        (TokenForm(["O"]), TokenExample(("in", "Rome"), ("O", "O")), "in Rome"),
        (ChoiceForm, ChoiceExample("why?", ("so", "not so"), 0), "why? | 0: so | 1: not so"),
        (SpanForm, SpanExample("where?", "in Rome", ()), "where? | in Rome"),
        (CausalForm, GenerationExample("say it", "it"), "say it"),
    ],
)
def test_asked(form: Form | type[Form], example: Any, asked: str) -> None:
    made = form.__new__(form) if isinstance(form, type) else form  # what it asks needs no settings of its form
    assert made.asked(example) == asked
