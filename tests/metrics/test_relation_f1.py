from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench import registry
from pefbench.metrics import score
from pefbench.metrics.relation_f1 import METRIC
from tests.metrics.intervals import ends

CE, CE_BACK = "Cause-Effect(e1,e2)", "Cause-Effect(e2,e1)"
CW, CW_BACK = "Component-Whole(e1,e2)", "Component-Whole(e2,e1)"
MT, OTHER = "Message-Topic(e1,e2)", "Other"
LABEL = st.sampled_from([CE, CE_BACK, CW, CW_BACK, MT, OTHER, OTHER, "Ärger-Grund(e2,e1)"])
CORPUS = st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=12)
Corpus = list[tuple[str, str]]

GOLD = [CE, CE, CE, CE_BACK, CE_BACK, CW, CW, CW_BACK, OTHER, OTHER, OTHER, CW_BACK]
PREDICTED = [CE, CE, CE_BACK, CE_BACK, OTHER, CW, CW_BACK, CW_BACK, OTHER, CE, MT, CE]


def split(corpus: Corpus) -> tuple[list[str], list[str]]:
    return [predicted for predicted, _ in corpus], [gold for _, gold in corpus]


NAMES = ("relation_precision", "relation_recall", "relation_f1")


def by_the_scorers_arithmetic(predicted: list[str], gold: list[str]) -> dict[str, float]:
    """Return the official values: the means over the relations that the references have."""
    rows = [*by_relation(predicted, gold, {label.split("(")[0] for label in gold}).values()]
    return dict(zip(NAMES, np.mean(rows, axis=0).tolist() if rows else [0.0, 0.0, 0.0], strict=True))


def on_resample(predicted: list[str], gold: list[str], draws: list[int]) -> dict[str, float]:
    """Return the means over the relations of all references; one that the resample has nothing of, as on all."""
    relations = {label.split("(")[0] for label in gold}
    drawn = [predicted[i] for i in draws], [gold[i] for i in draws]
    seen = {label.split("(")[0] for labels in drawn for label in labels}
    found, on_all = by_relation(*drawn, relations), by_relation(predicted, gold, relations)
    rows = [(found if relation in seen else on_all)[relation] for relation in on_all]
    return dict(zip(NAMES, np.mean(rows, axis=0).tolist() if rows else [0.0, 0.0, 0.0], strict=True))


def by_relation(predicted: list[str], gold: list[str], relations: set[str]) -> dict[str, tuple[float, float, float]]:
    """Return precision, recall and F1 with the scorer's own bookkeeping: proposed, answered, right, wrong direction."""
    proposed: dict[str, int] = {}
    answered: dict[str, int] = {}
    right: dict[str, int] = {}
    wrong_direction: dict[str, int] = {}
    for mine, answer in zip(predicted, gold, strict=True):
        my_relation, relation = mine.split("(")[0], answer.split("(")[0]
        answered[relation] = answered.get(relation, 0) + 1
        if my_relation == relation and mine != answer:
            wrong_direction[relation] = wrong_direction.get(relation, 0) + 1
            continue
        proposed[my_relation] = proposed.get(my_relation, 0) + 1
        right[relation] = right.get(relation, 0) + (mine == answer)
    rows = {}
    for relation in relations - {"Other"}:
        hits = right.get(relation, 0)
        precision = hits / (proposed[relation] + wrong_direction.get(relation, 0)) if proposed.get(relation) else 0.0
        recall = hits / answered[relation] if relation in answered else 0.0
        rows[relation] = precision, recall, 2 * precision * recall / (precision + recall) if hits else 0.0
    return rows


def test_registry_finds_it() -> None:
    assert registry.find("metric", "relation_f1") is METRIC


def test_values_are_those_that_the_official_scorer_prints() -> None:
    values = METRIC().compute(predictions=PREDICTED, references=GOLD)
    # perl semeval2010_task8_scorer-v1.2.pl: "MACRO-averaged result (excluding Other)" of its last evaluation
    printed = {"relation_precision": 58.33, "relation_recall": 55.00, "relation_f1": 55.84}
    assert {name: round(100 * value, 2) for name, value in values.items()} == printed
    assert {type(value) for value in values.values()} == {float}


@settings(max_examples=25, deadline=None)
@given(CORPUS)
def test_counts_and_values_follow_the_scorers_arithmetic(corpus: Corpus) -> None:
    predicted, gold = split(corpus)
    metric, expected = METRIC(), by_the_scorers_arithmetic(*split(corpus))
    assert metric.compute(predictions=predicted, references=gold) == pytest.approx(expected, abs=1e-12)
    whole = metric.counts(predicted, gold).sum(axis=0)
    assert metric.from_counts(whole, whole) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(CORPUS, st.data())
def test_resampled_counts_keep_to_the_relations_of_all_references(corpus: Corpus, data: st.DataObject) -> None:
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=8))
    weights = np.bincount(draws, minlength=len(corpus)).astype(np.float64)
    values = METRIC().weighted(*split(corpus))(np.stack([weights, weights]))
    expected = on_resample(*split(corpus), draws)
    assert {name: value.shape for name, value in values.items()} == dict.fromkeys(expected, (2,))
    assert {name: float(value[1]) for name, value in values.items()} == pytest.approx(expected, abs=1e-12)


def test_a_rare_relation_that_is_never_found_is_missed_in_every_resample() -> None:
    found = score(METRIC(), [CE] * 100, [CE] * 99 + [MT])["relation_f1"]
    assert found["value"] == pytest.approx((198 / 199 + 0) / 2)
    _, high = ends(found)
    assert high < 0.51


def test_a_wrong_direction_is_missed_and_wrongly_found() -> None:
    values = METRIC().compute(predictions=[CE, CE_BACK], references=[CE, CE])
    assert values == {"relation_precision": 0.5, "relation_recall": 0.5, "relation_f1": 0.5}
    as_other = METRIC().compute(predictions=[CE, OTHER], references=[CE, CE])
    assert as_other == {"relation_precision": 1.0, "relation_recall": 0.5, "relation_f1": pytest.approx(2 / 3)}


def test_other_counts_only_where_it_was_called_a_relation() -> None:
    assert METRIC().compute(predictions=[CE, OTHER, OTHER], references=[CE, OTHER, OTHER])["relation_f1"] == 1
    assert METRIC().compute(predictions=[CE, CE], references=[CE, OTHER])["relation_precision"] == 0.5


def test_a_relation_that_is_only_predicted_has_no_part_in_the_mean() -> None:
    assert METRIC().compute(predictions=[CE, MT], references=[CE, OTHER])["relation_f1"] == 1
    gold = [CE] * 50 + [CW] * 50
    value = METRIC().compute(predictions=[*gold[:-1], MT], references=gold)["relation_f1"]
    assert value == pytest.approx(0.9949, abs=5e-5)


def test_all_wrong_and_no_relation_at_all_are_zero_without_a_warning() -> None:
    for predicted, gold in (([CW, OTHER], [CE, CE]), ([OTHER], [OTHER]), ([CE], [OTHER]), ([""], [CE])):
        scores = score(METRIC(), predicted, gold)
        assert {found["value"] for found in scores.values()} == {0.0}
    assert METRIC().report([OTHER], [OTHER])["averages"]["macro avg"]["support"] == 0


def test_report_has_the_scorers_rows_and_averages_without_other() -> None:
    report = METRIC().report(PREDICTED, GOLD)
    assert report["classes"] == {
        "Cause-Effect": pytest.approx({"precision": 3 / 6, "recall": 3 / 5, "f1-score": 6 / 11, "support": 5}),
        "Component-Whole": pytest.approx({"precision": 2 / 3, "recall": 2 / 4, "f1-score": 4 / 7, "support": 4}),
        "Other": pytest.approx({"precision": 1 / 2, "recall": 1 / 3, "f1-score": 2 / 5, "support": 3}),
    }
    assert report["averages"]["micro avg"] == pytest.approx(
        {"precision": 5 / 9, "recall": 5 / 9, "f1-score": 5 / 9, "support": 9}
    )
    macro = report["averages"]["macro avg"]
    assert (round(macro["f1-score"], 4), macro["support"]) == (0.5584, 9)
    assert report["averages"]["weighted avg"]["recall"] == pytest.approx(5 / 9)
    assert json.loads(json.dumps(report)) == report


def test_another_name_for_no_relation_can_be_set() -> None:
    metric = METRIC(without="no_relation")
    values = metric.compute(predictions=["per:title(e1,e2)", "Other"], references=["per:title(e1,e2)", "Other"])
    assert values["relation_recall"] == 1
    assert metric.compute(predictions=[CE, CE], references=[CE, "no_relation"])["relation_precision"] == 0.5
    assert metric.signature().endswith("|without:no_relation")
    assert [*metric.report([CE, CE], [CE, "no_relation"])["classes"]] == ["Cause-Effect", "no_relation"]


def test_every_label_is_a_relation_without_one_to_leave_out() -> None:
    metric, gold = METRIC(without=None), [CE, "None", "None"]
    assert metric.compute(predictions=[CE, "None", CE], references=gold)["relation_recall"] == 0.75
    assert [*metric.report(gold, gold)["classes"]] == ["Cause-Effect", "None"]
    assert "without" not in metric.signature()


TACRED = st.sampled_from(["per:title", "org:founded", "per:age", "no_relation", "no_relation"])


def by_tacreds_scorer(predicted: list[str], gold: list[str]) -> list[float]:
    """Return micro precision, recall and F1 with the bookkeeping of TACRED's scorer.py."""
    guessed = sum(label != "no_relation" for label in predicted)
    there = sum(label != "no_relation" for label in gold)
    right = sum(mine == answer != "no_relation" for mine, answer in zip(predicted, gold, strict=True))
    precision, recall = right / guessed if guessed else 0.0, right / there if there else 0.0
    return [precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(TACRED, TACRED), min_size=1, max_size=12), st.data())
def test_micro_without_no_relation_is_the_score_of_tacred(corpus: Corpus, data: st.DataObject) -> None:
    predicted, gold = split(corpus)
    metric = METRIC(without="no_relation", average="micro")
    expected = by_tacreds_scorer(predicted, gold)
    assert [*metric.compute(predictions=predicted, references=gold).values()] == pytest.approx(expected)
    row = metric.report(predicted, gold)["averages"]["micro avg"]
    assert [row["precision"], row["recall"], row["f1-score"]] == pytest.approx(expected)
    draws = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1, max_size=8))
    weights = np.bincount(draws, minlength=len(corpus)).astype(np.float64)
    found = metric.weighted(predicted, gold)(weights[None])
    drawn = by_tacreds_scorer([predicted[i] for i in draws], [gold[i] for i in draws])
    assert [float(value[0]) for value in found.values()] == pytest.approx(drawn)


def test_micro_says_so_in_the_signature() -> None:
    signature = METRIC(without="no_relation", average="micro").signature()
    assert signature.split("|")[3:] == ["average:micro", "direction:counted", "without:no_relation"]


@pytest.mark.parametrize("usual", ["no_relation", "NA", "None", "other", "NO-RELATION", "n/a"])
def test_a_label_that_usually_means_no_relation_is_refused_until_the_recipe_decides(usual: str) -> None:
    gold = ["per:title", usual]
    assert f"the label {usual!r} usually means that a pair has no relation" in str(METRIC().refusal(gold))
    assert f"without: {usual}}} leaves it out" in str(METRIC().refusal(gold))
    assert METRIC(without=usual).refusal(gold) is None
    assert METRIC(without=None).refusal(gold) is None
    assert usual in str(METRIC(without="typo").refusal(gold))


def test_other_is_left_out_unless_the_recipe_decides() -> None:
    assert METRIC().refusal(GOLD) is None
    assert METRIC().refusal([CE, CE_BACK]) is None
    assert "and without: Other counts it" in str(METRIC().refusal([OTHER, "NA"]))
    assert METRIC(without=OTHER).refusal([OTHER, "NA"]) is None
    missing = "no reference has the label 'nothing', which it should leave out; the label 'Other' usually means"
    assert str(METRIC(without="nothing").refusal([CE, OTHER])).startswith(missing)
    assert METRIC(without="typo").refusal([CE]) == "no reference has the label 'typo', which it should leave out"


def test_score_has_value_interval_and_signature() -> None:
    scores = score(METRIC(), PREDICTED * 10, GOLD * 10)
    found = scores["relation_f1"]
    assert found["value"] == pytest.approx((6 / 11 + 4 / 7) / 2)
    low, high = ends(found)
    assert low < found["value"] < high
    name, library, version, *rest = found["signature"].split("|")
    assert (name, library, version[:2]) == ("relation_f1", "lib:scikit-learn", "v:")
    assert rest[:3] == ["average:macro", "direction:counted", "labels:references"]
    assert rest[3:5] == ["absent-from-resample:as-on-all", "without:Other"]
    assert json.loads(json.dumps(scores)) == scores


@pytest.mark.parametrize("name", ["counts", "report", "compute"])
def test_lengths_must_agree(name: str) -> None:
    with pytest.raises(ValueError, match=r"number of predictions|argument 2 is longer"):
        getattr(METRIC(), name)(predictions=[CE], references=[CE, CE])
