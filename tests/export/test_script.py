"""Scripts of bundles: short, complete, and without anything that their trial does not need."""

from __future__ import annotations

import ast
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench.export.heads import sequence, token
from pefbench.export.script import script
from pefbench.heads.examples import TokenExample
from pefbench.heads.token import TokenHead
from pefbench.inference.kinds.token import KIND
from tests.export.scripts import Session, parts_of, reader_of
from tests.tokenizers import single_bytes, words

if TYPE_CHECKING:
    from collections.abc import Iterator

TRAITS: dict[str, tuple[list[tuple[str, ...]], list[str]]] = {
    "sequence": ([()], ["ends", "mean"]),
    "multi_label": ([()], ["ends", "mean"]),
    "regression": ([()], ["ends", "mean"]),
    "marked": ([()], ["causal"]),
    "token": ([("entities",), ("words",)], []),
    "span": ([()], []),
    "choice": ([("keep_start",), ("keep_end",)], []),
    "generation": (
        [("lines", "keep_start"), ("lines", "keep_end"), ("chat", "keep_start"), ("chat", "keep_end")],
        ["strips"],
    ),
}
"""For each kind: traits of which a trial has one, and those that it may have."""
LONGEST = {"marked": 105, "token": 113, "span": 106, "choice": 87, "generation": 103}
"""The most lines of a script, beside 80."""


def scripts(kind: str) -> Iterator[str]:
    """All scripts of a kind."""
    one_of, may_have = TRAITS[kind]
    for required in one_of:
        for added in chain.from_iterable(combinations(may_have, count) for count in range(len(may_have) + 1)):
            yield script(kind, [*required, *added])


@pytest.mark.parametrize("kind", TRAITS)
def test_scripts_are_short_and_use_what_they_import(kind: str) -> None:
    for text in scripts(kind):
        lines = text.splitlines()
        assert len(lines) <= LONGEST.get(kind, 80)
        assert max(map(len, lines)) <= 120
        assert not any(word in text for word in ("pefbench", "# only", "# unless", "noqa"))
        tree = ast.parse(text)
        assert ast.get_docstring(tree)
        imported = {name.asname or name.name for node in tree.body for name in getattr(node, "names", [])}
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert imported <= used
        for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
            assert sum(isinstance(node, ast.Return) for node in function.body) == 1 or function.name == "prompt_ids"


@pytest.mark.parametrize("architecture", ["bert", "gpt2", "t5"])
def test_an_end_in_a_text_is_dropped_where_it_would_be_read(architecture: str) -> None:
    def texts(ids: list[int]) -> list[float]:
        seen.append(ids)
        return [0.0, 1.0]

    seen: list[list[int]] = []
    head: Any = type("Head", (), {"labels": ["a", "b"], "auto_class": "AutoModelForSequenceClassification"})()
    for tokenizer in (words(architecture), single_bytes(architecture)):
        laid = sequence.settings(head, tokenizer, 20)
        answer = parts_of("sequence", sequence.traits(head, tokenizer))["answer"]
        reader = reader_of(tokenizer, 20)
        written = str(tokenizer.convert_ids_to_tokens(laid["end"]))
        for text in ("", f"w7 {written} w8", f"w7{written}"):
            answer({"text": text}, laid, reader, Session(texts))
            encoded = sequence_ids(tokenizer, text)
            assert seen.pop() == encoded


def sequence_ids(tokenizer: Any, text: str) -> list[int]:
    """The row of a text in the sequence head."""
    from pefbench.heads.examples import SequenceExample
    from pefbench.heads.sequence import SequenceHead

    encoded = SequenceHead(["a", "b"]).encode(tokenizer, [SequenceExample(text, "a")], 20)
    found: list[int] = encoded.features["input_ids"][0].tolist()
    return found


def logits(ids: list[int]) -> Any:
    """Logits that depend on a token, its place and what is before it."""
    seeds = np.cumsum(ids) * 7 + np.arange(len(ids))
    return np.stack([np.random.default_rng(int(seed)).normal(size=5) for seed in seeds])


LABELS = (["O", "B-PER", "I-PER", "B-LOC", "I-LOC"], ["ADJ", "INTJ", "NOUN", "O", "VERB"])


@pytest.mark.parametrize("labels", LABELS)
@settings(deadline=None, max_examples=60)
@given(
    text=st.text("ab1_ .-\u0301\u3042\u4e00\u0903\t'", max_size=60),
    listed=st.booleans(),
    max_length=st.integers(4, 20),
)
def test_words_are_tagged_in_the_windows_of_predict(
    labels: list[str], text: str, listed: bool, max_length: int
) -> None:
    tokenizer, head = single_bytes("bert"), TokenHead(labels)
    asked: Any = text.split() if listed else text
    query = KIND.query({"tokens": asked}, head, tokenizer, max_length)
    found = []
    for example in query.examples:
        encoded = head.encode(tokenizer, [example], max_length)
        scores = logits(encoded.features["input_ids"][0].tolist()).astype(np.float32).astype(np.float64)
        chances = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        firsts = encoded.decoding[0].tolist()
        tags = ["O" if at == -1 else labels[chances[at].argmax()] for at in firsts]
        found.append((tags, [0.0 if at == -1 else float(chances[at].max()) for at in firsts]))
        assert isinstance(example, TokenExample)
    expected = KIND.answer(query, head, found, truncated=False)

    reader = reader_of(tokenizer, max_length)
    answer = parts_of("token", token.traits(head, tokenizer))["answer"]
    named = {"tokens" if listed else "text": asked}
    answered: dict[str, Any] = answer(named, token.settings(head, tokenizer, max_length), reader, Session(logits))
    [(name, ours)] = answered.items()
    [(other, theirs)] = expected.items()
    assert name == other
    assert [{**each, "score": 0} for each in ours] == [{**each, "score": 0} for each in theirs]
    assert [each["score"] for each in ours] == pytest.approx([each["score"] for each in theirs])
