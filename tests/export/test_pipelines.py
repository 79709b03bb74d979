"""A card has a pipeline only if the pipeline answers like the trial."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pefbench.export import pipelines
from pefbench.heads.choice import ChoiceHead
from pefbench.heads.likelihood import LikelihoodHead
from pefbench.heads.sequence import SequenceHead
from pefbench.heads.token import TokenHead
from tests.tokenizers import words

SEQUENCE, TOKEN = SequenceHead(["a", "b"]), TokenHead(["O", "B-x"])


@pytest.mark.parametrize(
    ("kind", "head", "tokenizer", "pipe"),
    [
        ("sequence", SEQUENCE, "bert", "text-classification"),
        ("sequence", SEQUENCE.pooled(), "bert", ""),
        ("choice", ChoiceHead(), "bert", "text-classification"),
        ("choice", ChoiceHead(), "gpt2", ""),
        ("choice", LikelihoodHead(), "gpt2", ""),
        ("token", TOKEN, "bert", "token-classification"),
    ],
)
def test_a_pipeline_is_named_where_it_answers_alike(kind: str, head: Any, tokenizer: str, pipe: str) -> None:
    train = SimpleNamespace(max_length=16)
    prepared = SimpleNamespace(recipe=SimpleNamespace(train=train))
    original: Any = SimpleNamespace(kind_name=kind, head=head, tokenizer=words(tokenizer), prepared=prepared)
    code = pipelines.usage(original)
    assert (f'pipeline("{pipe}"' in code) == bool(pipe)
    assert ("pipeline" in code) == bool(pipe)
