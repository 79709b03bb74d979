"""A head rebuilt from a saved trial, without data, equals the data set's head."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from transformers import BertConfig, LlamaConfig

from pefbench.errors import DataError
from pefbench.heads.choice import ChoiceDataset
from pefbench.heads.examples import LabelSetExample, MarkedExample, RegressionExample, SequenceExample, SpanExample
from pefbench.heads.generation import GenerationDataset
from pefbench.heads.marked import MarkedDataset
from pefbench.heads.multi_label import MultiLabelDataset
from pefbench.heads.regression import RegressionDataset
from pefbench.heads.search import Search
from pefbench.heads.sequence import SequenceDataset
from pefbench.heads.settled import kind_of, settled, without_examples
from pefbench.heads.span import SpanDataset
from pefbench.heads.token import TokenDataset
from pefbench.registry import find, names

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from pefbench.heads import Dataset

DECODER = LlamaConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=16)
ENCODER = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=16)
SCORES = {"train": [RegressionExample("a", 1.5), RegressionExample("b", 4.0)]}
UNANSWERED = {"train": [SpanExample("who?", "nobody", ())]}
ANSWERED = {"train": [SpanExample("who?", "Ada", (("Ada", 0),))]}
CASES: list[tuple[Dataset, PretrainedConfig]] = [
    (TokenDataset({"train": []}, ["O", "B-PER", "I-PER"]), ENCODER),
    (SequenceDataset({"train": [SequenceExample("a", "x")]}, ["x", "y"], outside="y"), ENCODER),
    (MarkedDataset({"train": [MarkedExample("a b", (0, 1), (2, 3), "x")]}, ["x", "y"]), DECODER),
    (MultiLabelDataset({"train": [LabelSetExample("a", ("x",))]}, ["x", "y"], thresholds=0.4), ENCODER),
    (RegressionDataset(SCORES), ENCODER),
    (SpanDataset(UNANSWERED, max_answer_length=7), ENCODER),
    (SpanDataset(ANSWERED, overlap=3), ENCODER),
    (ChoiceDataset({"train": []}, keep="start"), ENCODER),
    (ChoiceDataset({"train": []}, likelihood=True, per="byte"), DECODER),
    (GenerationDataset({"train": []}, search=Search(9, temperature=0.7, seed=3), separator=" "), DECODER),
]


@pytest.mark.parametrize(("dataset", "config"), CASES, ids=lambda each: type(each).__name__)
def test_the_head_is_the_same(dataset: Dataset, config: PretrainedConfig) -> None:
    values = json.loads(json.dumps(settled(dataset)))
    again = without_examples(kind_of(dataset), values)
    assert not again.splits
    before, after = dataset.head(config), again.head(config)
    assert type(after) is type(before)
    assert _plain(after) == _plain(before)
    assert _plain(settled(again)) == _plain(settled(dataset))


def test_every_tasks_head_is_a_kind() -> None:
    kinds = {kind_of(dataset) for dataset, _ in CASES}
    assert {find("task", name).head for name in names("task")} == kinds


@pytest.mark.parametrize(
    ("kind", "values"), [("tokens", {}), ("token", {}), ("token", {"label": ["x"]}), ("search", {}), ("dataset", {})]
)
def test_what_makes_no_head_is_damaged(kind: str, values: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="no head can be made from"):
        without_examples(kind, values)


def _plain(value: object) -> Any:
    """An object's state, all the way down."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return _plain(vars(value)) if hasattr(value, "__dict__") and not isinstance(value, type) else value
