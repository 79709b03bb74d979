"""Clusters and groups of examples: how they are merged, and their intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.heads._labels import LabelAnswers
from pefbench.heads.clusters import joined
from pefbench.heads.examples import RegressionExample, SequenceExample, TokenExample
from pefbench.metrics import score
from pefbench.registry import find

names = st.sampled_from(["", "a", "b", "c"])


def connected(pairs: list[tuple[str, str]], first: int, second: int) -> bool:
    """Whether a chain of equal clusters or groups leads from one example to another, by trying all chains."""
    reached = {first}
    for _ in pairs:
        reached |= {
            at
            for at, (cluster, group) in enumerate(pairs)
            for there in reached
            if (cluster and cluster == pairs[there][0]) or (group and group == pairs[there][1])
        }
    return second in reached


@given(st.lists(st.tuples(names, names), max_size=8))
def test_examples_share_a_name_if_a_chain_connects_them(pairs: list[tuple[str, str]]) -> None:
    found = joined([cluster for cluster, _ in pairs], [group for _, group in pairs])
    for first, pair in enumerate(pairs):
        assert bool(found[first]) == any(pair)
        for second in range(len(pairs)):
            if found[first]:
                assert (found[first] == found[second]) == connected(pairs, first, second)


@given(st.lists(st.tuples(names, names), max_size=8))
def test_joining_does_not_depend_on_the_order(pairs: list[tuple[str, str]]) -> None:
    there = joined([cluster for cluster, _ in pairs], [group for _, group in pairs])
    back = joined([cluster for cluster, _ in reversed(pairs)], [group for _, group in reversed(pairs)])[::-1]
    assert [there.index(name) for name in there] == [back.index(name) for name in back]


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        joined(["a"], [])


def test_a_group_joins_the_clusters_of_its_examples() -> None:
    examples = [
        SequenceExample("one", "x", cluster="template 1", group="ada"),
        SequenceExample("two", "x", cluster="template 2", group="ada"),
        SequenceExample("three", "x", cluster="template 2", group="eve"),
        SequenceExample("four", "x", cluster="template 3"),
        SequenceExample("five", "x"),
    ]
    found = LabelAnswers().clusters(examples)
    assert found is not None
    assert len({*found[:3]}) == 1
    assert len({*found}) == 3


def test_without_groups_clusters_are_the_tasks_own() -> None:
    examples = [SequenceExample("one", "x", cluster="c"), SequenceExample("two", "x", cluster="c")]
    assert LabelAnswers().clusters(examples) == ["c", "c"]
    assert LabelAnswers().clusters([replace(each, cluster="") for each in examples]) is None


def test_groups_of_one_example_are_no_clusters() -> None:
    examples = [RegressionExample(f"text {i}", 1.0, group=f"author {i}") for i in range(4)]
    assert LabelAnswers().clusters(examples) is None


def test_a_group_does_not_change_what_an_example_is() -> None:
    assert TokenExample(("a",), ("O",), group="x") == TokenExample(("a",), ("O",))
    assert repr(TokenExample(("a",), ("O",), group="x")) == repr(TokenExample(("a",), ("O",)))


def width(scored: Any) -> float:
    """How wide the interval of a value is."""
    return float(scored["high"] - scored["low"])


def test_two_groups_are_judged_as_two_clusters() -> None:
    """One author's fifty texts are all right, the other's fifty all wrong: that is two observations, not a hundred."""
    examples = [SequenceExample(f"text {i}", "x", group=f"author {i % 2}") for i in range(100)]
    right = ["x" if i % 2 else "y" for i in range(100)]
    metric = find("metric", "accuracy")()
    alone = score(metric, right, ["x"] * 100)["accuracy"]
    clusters = LabelAnswers().clusters(examples)
    together = score(metric, right, ["x"] * 100, clusters=clusters)["accuracy"]
    assert "clusters:2" in together["signature"]
    assert "clusters" not in alone["signature"]
    assert alone["value"] == together["value"] == 0.5
    assert width(together) > 0.8 > 4 * width(alone)
