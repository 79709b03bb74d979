"""Verdicts on made-up predictions: the best, the undecided, and trials that cannot be compared."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as expected_mcnemar

from pefbench.compare import pairs, report, verdict
from pefbench.compare.file import Pscp
from pefbench.compare.selection import Selection
from pefbench.errors import DataError
from pefbench.metrics.entity_f1 import EntityF1
from tests.compare.finals import final, plan, tuning

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pefbench.compare.plan import Outcome
    from pefbench.results.verdict_schema import Comparison

SEEDS = [1, 2, 3]
EXAMPLES = 200
GOLD = ["a" if i % 3 else "b" for i in range(EXAMPLES)]


def answers(right: float, seed: int) -> list[str]:
    """Return labels that are right for this fraction of the examples; easy ones are so for every method."""
    hard = np.random.default_rng(0).random(EXAMPLES) + np.random.default_rng(seed).normal(0, 0.1, EXAMPLES)
    return [gold if at < right else "c" for gold, at in zip(GOLD, hard, strict=True)]


def finals(out: Path, rates: Mapping[str, float]) -> list[Outcome]:
    found = []
    for number, (method, right) in enumerate(rates.items()):
        for seed in SEEDS:
            given = answers(right, 10 * number + seed)
            accuracy = float(np.mean([one == gold for one, gold in zip(given, GOLD, strict=True)]))
            found.append(final(out, method, seed, given, GOLD, accuracy))
    return found


def judge(out: Path, rates: Mapping[str, float], outcomes: list[Outcome] | None = None) -> Comparison:
    outcomes = finals(out, rates) if outcomes is None else outcomes
    chosen = {name: Selection(0, [0.5, 0.4]) for name in rates}
    tuned = [tuning(name, setting, 0.5 - setting / 10, out / "t") for name in rates for setting in (0, 1)]
    return verdict.make(plan([*rates], SEEDS), "accuracy", chosen, tuned, outcomes, higher=True)


RATES = {"good": 0.85, "alike": 0.84, "bad": 0.55}


def test_a_margin_of_everything_is_told(out: Path) -> None:
    """A margin of 1, meant as one point, makes all methods equivalent on a scale that ends at 1."""
    outcomes, rates = finals(out, RATES), [*RATES]
    wide: Any = plan(rates, SEEDS)
    wide.comparison.margin = 1.0
    chosen = {name: Selection(0, [0.5, 0.4]) for name in rates}
    tuned = [tuning(name, setting, 0.5 - setting / 10, out / "t") for name in rates for setting in (0, 1)]
    found = verdict.make(wide, "accuracy", chosen, tuned, outcomes, higher=True)
    assert "margin: 1 is as wide as the whole range of accuracy" in found["notes"][0]
    assert not any("margin" in note for note in judge(out, RATES, outcomes)["notes"])


def test_best_undecided_and_worse(out: Path) -> None:
    found = judge(out, RATES)
    methods = {method["name"]: method for method in found["methods"]}
    assert [(methods[name]["best"], methods[name]["tied"]) for name in RATES] == [
        (True, True),
        (False, True),
        (False, False),
    ]
    assert found["complete"]
    assert found["examples"] == EXAMPLES
    for method in found["methods"]:
        test = method["test"]
        assert test is not None
        assert (test["low"] or 1) < test["value"] < (test["high"] or 0)
        assert test["value"] == pytest.approx(np.mean(test["values"]))
    assert methods["good"]["expected_best"] == [pytest.approx(0.45), pytest.approx(0.5)]


def test_each_pair_has_one_answer_and_what_would_decide_it(out: Path) -> None:
    found = judge(out, RATES)
    methods = {method["name"]: method for method in found["methods"]}
    assert [methods[name]["answer"] for name in RATES] == [None, "undecided", "worse"]
    pairs = {(pair["first"], pair["second"]): pair for pair in found["pairs"]}
    assert pairs["good", "bad"]["answer"] == "better"
    assert pairs["good", "alike"]["answer"] == "undecided"
    assert (found["level"], found["looks"], found["margin"]) == (0.05, [3], 0.01)
    assert found["monte_carlo_error"] == pytest.approx(0.001, abs=1e-4)
    shown = report.render(found)
    assert "good better" in shown
    assert "needed" in shown or "cannot decide" in shown or "out of reach" in shown
    assert "These runs differ: McNemar p, by seed" in shown
    assert "ied" not in shown.replace("varied", "").replace("tried", "")
    assert "; 2 settings per method" in shown
    assert "; up to 3 settings per method" in report.render({**found, "trials": 3})  # where none was left to place


def test_a_second_look_keeps_what_the_first_has_decided(out: Path) -> None:
    seeds = [1, 2, 3, 4, 5, 6]
    rates = {"good": 0.85, "alike": 0.84, "bad": 0.2}
    outcomes = []
    for number, (method, right) in enumerate(rates.items()):
        for seed in seeds if method != "bad" else seeds[:3]:
            given = answers(right, 10 * number + seed)
            value = float(np.mean([one == gold for one, gold in zip(given, GOLD, strict=True)]))
            outcomes.append(final(out, method, seed, given, GOLD, value))
    chosen = {name: Selection(0, [0.5, 0.4]) for name in rates}
    planned: Any = plan([*rates], seeds)
    planned.looks = [3, 6]
    begin = [each for each in outcomes if each.planned.seed <= 3]
    first = verdict.make(planned, "accuracy", chosen, [], begin, higher=True)
    assert (first["level"], first["seeds"]) == (0.025, [1, 2, 3])
    assert [method["answer"] for method in first["methods"]] == [None, "undecided", "worse"]
    assert verdict.not_worse(first) == ["good", "alike"]
    assert not verdict.is_decided(first)
    second = verdict.make(planned, "accuracy", chosen, [], outcomes, higher=True, earlier=first)
    assert second["seeds"] == seeds
    assert [len((method["test"] or {"values": []})["values"]) for method in second["methods"]] == [6, 6, 3]
    pairs = {(pair["first"], pair["second"]): pair for pair in second["pairs"]}
    assert pairs["good", "bad"] == {"decided_at": 3, **first["pairs"][1]}
    assert "decided_at" not in pairs["good", "alike"]
    assert "good better, at 3 seeds" in report.render(second)
    assert "2.5 % over all pairs at each of 2 looks" in report.render(second)
    assert "; 3 or 6 seeds, 200 test examples" in report.render(second)
    told: Any = {**first, "margin": 0.02}  # within which the first look found methods equivalent, or not
    assert verdict.make(planned, "accuracy", chosen, [], outcomes, higher=True, earlier=told)["margin"] == 0.02

    lost = [each if each.planned.seed < 6 else replace(each, status="missing", result=None) for each in outcomes]
    cut = verdict.make(planned, "accuracy", chosen, [], lost, higher=True, earlier=first)
    assert [(method["best"], method["tied"]) for method in cut["methods"]] == [(False, None)] * 3
    assert "**" not in report.render(cut)
    assert "note: no method is the best" in report.render(cut)


def test_examples_that_depend_on_each_other_are_counted_one_by_one(out: Path) -> None:
    """Resamples draw clusters of four, and McNemar's test takes examples to be independent."""
    alone, outcomes = judge(out / "alone", RATES), finals(out / "clusters", RATES)
    for each in outcomes:
        file = each.path.with_suffix("") / "predictions.jsonl"
        rows = [json.loads(line) for line in file.read_text(encoding="utf8").splitlines()]
        lines = [json.dumps({**row, "cluster": row["id"] // 4}) for row in rows]
        file.write_text("\n".join(lines), encoding="utf8")
    found = judge(out / "clusters", RATES, outcomes)
    assert found["examples"] == alone["examples"] == EXAMPLES
    assert "200 test examples" in report.render(found)
    assert all(pair["mcnemar"] for pair in alone["pairs"])
    assert not any(pair["mcnemar"] for pair in found["pairs"])
    assert "These runs differ: p over test examples alone" in report.render(found)
    told: Any = {**found["pairs"][0], "answer": "undecided", "seeds_needed": None, "examples_needed": 900}
    assert report.answer(found, told) == (
        "undecided, more seeds cannot decide; about 900 test examples and 10 seeds needed"
    )


@pytest.mark.parametrize(("drawn", "needed"), [(200, 460), (50, 1800)])
def test_examples_that_are_needed_are_no_clusters(drawn: int, needed: int) -> None:
    tested: Any = SimpleNamespace(examples=200, drawn=drawn)
    assert pairs._examples(460, tested) == needed
    assert pairs._examples(None, tested) is None


def test_no_answer_that_differs_is_told_as_that(out: Path) -> None:
    given = answers(0.9, 1)
    right = float(np.mean([one == gold for one, gold in zip(given, GOLD, strict=True)]))
    outcomes = [final(out, name, seed, given, GOLD, right) for name in ("one", "twin") for seed in SEEDS]
    found = judge(out, {"one": 0.9, "twin": 0.9}, outcomes)
    [pair] = found["pairs"]
    assert (pair["identical"], pair["p"], pair["detectable"]) == (True, 1.0, None)
    assert (pair["low"], pair["high"]) == pytest.approx((-0.0183, 0.0183), abs=1e-4)
    assert "identical answers" in report.render(found)


def test_no_difference_is_told_that_a_metric_cannot_have(out: Path) -> None:
    found = judge(out, RATES)
    for pair in found["pairs"]:
        pair["detectable"] = 1.944
    found["smallest_difference"] = 1.944
    shown = report.render(found)
    assert "1.944" not in shown
    assert "nothing" in shown
    assert "no difference in accuracy would be shown in 80 % of cases" in shown
    shown = report.render({**found, "metric": "bleu"})
    assert "a pair's true difference of 1.944" in shown


def test_one_seed_says_nothing_about_methods(out: Path) -> None:
    one = finals(out, RATES)[::3]
    selections = {name: Selection(0, [0.5, 0.4]) for name in RATES}
    found = verdict.make(plan([*RATES], SEEDS[:1]), "accuracy", selections, [], one, higher=True)
    assert [method["tied"] for method in found["methods"]] == [None, None, None]
    shown = report.render(found)
    assert "One seed: p tells whether these runs differ" in shown
    assert "note: one seed: the tests tell whether these runs differ, not whether the methods do" in shown
    assert "** best" not in shown
    assert "undecided" not in shown
    assert not any(line.startswith("*") for line in shown.splitlines())


def test_pairs_agree_with_statsmodels(out: Path) -> None:
    outcomes = finals(out, RATES)
    found = judge(out, RATES, outcomes)
    assert [(pair["first"], pair["second"]) for pair in found["pairs"]] == [
        ("good", "alike"),
        ("good", "bad"),
        ("alike", "bad"),
    ]
    for number, seed in enumerate(SEEDS):
        first, second = (
            [one == gold for one, gold in zip(answers(right, 10 * place + seed), GOLD, strict=True)]
            for place, right in ((0, 0.85), (2, 0.55))
        )
        table = np.zeros((2, 2), dtype=int)
        for one, other in zip(first, second, strict=True):
            table[1 - one, 1 - other] += 1
        each = found["pairs"][1]["mcnemar"][number]
        assert each["seed"] == seed
        assert each["p"] == pytest.approx(expected_mcnemar(table, exact=True).pvalue)
    assert all((pair["detectable"] or 0) > 0 for pair in found["pairs"])


def test_a_corpus_metric_is_computed_anew_on_each_resample(out: Path) -> None:
    random = np.random.default_rng(4)
    gold = [["B-X" if random.random() < 0.4 else "O" for _ in range(6)] for _ in range(60)]
    outcomes = []
    for method, noise in (("one", 0.1), ("other", 0.2)):
        for seed in SEEDS:
            given = [["O" if random.random() < noise else tag for tag in tags] for tags in gold]
            f1 = EntityF1().compute(predictions=given, references=gold)["entity_f1"]
            outcomes.append(final(out, method, seed, given, gold, f1, metric="entity_f1"))
    chosen = {name: Selection(0, [0.5]) for name in ("one", "other")}
    found = verdict.make(plan(["one", "other"], SEEDS, ["entity_f1"]), "entity_f1", chosen, [], outcomes, higher=True)
    [pair] = found["pairs"]
    assert (pair["low"] or 1) < pair["difference"] < (pair["high"] or -1)
    assert pair["mcnemar"] == []
    first = found["methods"][0]["test"]
    assert first is not None
    assert first["values"] == [
        pytest.approx(each.result["metrics"]["test"]["entity_f1"]["value"]) for each in outcomes[:3] if each.result
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data__fingerprint": "ffff"}, "differ in data"),
        ({"model__fingerprint": "ffff"}, "differ in model"),
        ({"provenance__precision": "bf16"}, "differ in precision"),
    ],
)
def test_unlike_trials_are_never_compared(out: Path, change: Mapping[str, Any], said: str) -> None:
    outcomes = finals(out, {"good": 0.9})
    given = answers(0.5, 1)
    right = float(np.mean([one == gold for one, gold in zip(given, GOLD, strict=True)]))
    outcomes += [final(out, "odd", seed, given, GOLD, right, **change) for seed in SEEDS]
    with pytest.raises(DataError, match=said):
        judge(out, {"good": 0.9, "odd": 0.5}, outcomes)


def test_other_test_examples_are_never_compared(out: Path) -> None:
    outcomes = finals(out, {"good": 0.9})
    outcomes += [final(out, "odd", seed, GOLD[::-1], GOLD[::-1], 1.0) for seed in SEEDS]
    with pytest.raises(DataError, match="other test examples"):
        judge(out, {"good": 0.9, "odd": 0.5}, outcomes)


def test_predictions_that_are_not_the_results_are_refused(out: Path) -> None:
    outcomes = [final(out, "good", seed, answers(0.9, seed), GOLD, 0.123) for seed in SEEDS]
    with pytest.raises(DataError, match=r"accuracy is 0\.123 in the result, 0\.[0-9]+ from its predictions"):
        judge(out, {"good": 0.9}, outcomes)


def test_a_method_without_all_its_trials_is_not_ranked(out: Path) -> None:
    outcomes = finals(out, RATES)
    lost = outcomes[-1]
    outcomes[-1] = type(lost)(lost.planned, lost.path, "missing", None, "its process was ended by SIGKILL")
    found = judge(out, RATES, outcomes)
    bad = found["methods"][2]
    assert not found["complete"]
    assert (bad["test"], bad["tied"], bad["costs"]) == (None, None, None)
    assert len(found["pairs"]) == 1
    shown = report.render(found)
    assert "not finished" in shown
    assert "bad: final trial, setting 1, seed 3: missing: its process was ended by SIGKILL" in shown


def test_a_verdict_is_written_whole_and_read_back(out: Path) -> None:
    found = judge(out, RATES)
    path = out / "comparison.json"
    verdict.write(path, found)
    assert report.read(path) == found
    assert found["methods"][0]["final"][0]["result"].startswith("good/")
    shown = report.render(found)
    rows = [line.split() for line in shown.splitlines() if line.startswith(("*", " "))]
    marks = {row[1]: row[0] for row in rows if row and row[0].startswith("*") and len(row) > 1}
    assert (marks["good"], marks["alike"]) == ("**", "*")
    assert "bad" not in marks
    assert shown.index("good") < shown.index("alike") < shown.index("bad")

    damaged = path.read_text(encoding="utf8").replace('"complete": true', '"complete": "yes"')
    path.write_text(damaged, encoding="utf8")
    with pytest.raises(DataError, match="damaged comparison: complete should be true or false"):
        report.read(path)
    for content, message in (
        ("{}", "comparison.json: not a comparison$"),
        ('{"schema": 1}', "of schema 1, and this version reads schema 2: run its command again"),
        ('{"schema": 3}', "of schema 3, and this version reads schema 2: update pefbench"),
    ):
        path.write_text(content, encoding="utf8")
        with pytest.raises(DataError, match=message):
            report.read(path)


def test_the_composite_score_is_there_when_asked_for_and_orders_nothing(out: Path) -> None:
    constants = Pscp(parameters=1_180_000, seconds_per_1000=2.0, memory_bytes=1e9)
    outcomes = finals(out, {"good": 0.85, "cheap": 0.8})
    for outcome in outcomes:
        result: Any = outcome.result
        result["inference"] = {"seconds_per_1000": 1.0, "merged_seconds_per_1000": None}
        if outcome.planned.method == "cheap":
            result["model"]["trainable_parameters"] = 10
    chosen = {name: Selection(0, [0.5]) for name in ("good", "cheap")}
    found = verdict.make(plan(["good", "cheap"], SEEDS, pscp=constants), "accuracy", chosen, [], outcomes, higher=True)
    good, cheap = found["methods"]
    assert good["test"] is not None
    assert good["costs"] is not None
    assert cheap["costs"] is not None
    # parameters that equal their constant halve it; 1 of 2 seconds takes a third; 0.9 of 1 GB
    assert good["costs"]["pscp"] == pytest.approx(good["test"]["value"] / 2 / 1.5 / 1.9)
    assert (cheap["costs"]["pscp"] or 0) > (good["costs"]["pscp"] or 0)
    assert found["pscp"]["parameters"] == 1_180_000
    shown = report.render(found)
    assert "PSCP" in shown
    assert shown.index("good") < shown.index("cheap")
    assert "PSCP" not in report.render(judge(out.parent / "other", RATES))
