"""`pefbench check` on two folders: paired predictions, changed recipes, damaged files, output for CI."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from pefbench.analysis.checks import Finding, Tolerances, check, junit, markdown, render
from pefbench.cli.check import MATCHES
from pefbench.cli.main import main
from pefbench.paths import PROJECT
from pefbench.results.predictions import pack
from pefbench.results.store import Stored, load_results
from pefbench.stats.wilson import wilson
from tests.sample_results import sample, store

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = PROJECT
GOLD = ["yes" if i % 3 else "no" for i in range(300)]


def answers(wrong: Sequence[int]) -> list[str]:
    return [("no" if gold == "yes" else "yes") if i in wrong else gold for i, gold in enumerate(GOLD)]


def keep(folder: Path, given: Sequence[str], gold: Sequence[str] = GOLD, **options: Any) -> Stored:
    """Store a trial that gave these answers, with the scores that pefbench gives them."""
    from pefbench.metrics import score
    from pefbench.metrics.accuracy import METRIC

    scores = score(METRIC(), [*given], [*gold])
    changes = {"metrics": {"validation": scores, "test": scores}, "headline": "accuracy"} | options.pop("changes", {})
    changes["recipe.evaluate"] = {"metrics": ["accuracy"]}
    stored = store(folder, sample(changes=changes, **options))
    named = {"folder": None, "predictions": f"{stored.result['id']}/predictions.jsonl"}
    store(folder, {**stored.result, "artifacts": named})  # type: ignore[typeddict-item]
    file = stored.path.parent / named["predictions"]  # type: ignore[operator]
    file.parent.mkdir()
    rows = [
        {"id": i, "prediction": one, "reference": right, "correct": one == right}
        for i, (one, right) in enumerate(zip(given, gold, strict=True))
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return stored


def of(folder: Path) -> list[Stored]:
    return load_results(folder).results


def quality(new: Path, old: Path, tolerances: Tolerances | None = None) -> Finding:
    (finding,) = [each for each in check(of(new), of(old), tolerances or Tolerances()) if each.subject == "accuracy"]
    return finding


def test_of_one_run_each_examples_show_a_difference_of_runs_and_decide_nothing(tmp_path: Path) -> None:
    keep(tmp_path / "old", answers(range(30)))
    keep(tmp_path / "new", answers(range(42)))
    finding = quality(tmp_path / "new", tmp_path / "old")
    assert finding.verdict == "undecided"
    assert "difference -0.0400" in finding.message
    assert "these runs differ, but one run each cannot decide: keep several seeds of the baseline" in finding.message
    assert quality(tmp_path / "old", tmp_path / "new").verdict == "undecided"


def test_a_gross_loss_fails_with_one_run_each(tmp_path: Path) -> None:
    keep(tmp_path / "old", answers(range(30)))
    keep(tmp_path / "new", answers(range(150)))
    assert quality(tmp_path / "new", tmp_path / "old").verdict == "worse"


SEEDS = (30, 33, 28)
"""Wrong answers of three runs."""


def several(folder: Path, wrong: Sequence[int], first: int = 0, **options: Any) -> None:
    for seed, number in enumerate(wrong, start=first):
        keep(folder, answers(range(number)), seed=seed, **options)


def test_seeds_tell_a_loss_from_noise(tmp_path: Path) -> None:
    several(tmp_path / "old", SEEDS)
    for name, wrong, verdict in (
        ("noise", (36,), "same"),
        ("loss", (60, 66, 58), "worse"),
        ("gain", (9, 8, 7), "better"),
    ):
        several(tmp_path / name, wrong)
        finding = quality(tmp_path / name, tmp_path / "old")
        assert finding.verdict == verdict
        assert ", means over seeds (difference " in finding.message
        assert f"3 and {len(wrong)} seeds, p " in finding.message


def test_each_metric_says_what_loss_could_have_been_shown(tmp_path: Path) -> None:
    """Over seeds by the test's power; of one run each a gross loss alone, which the check says, too."""
    several(tmp_path / "old", SEEDS)
    several(tmp_path / "new", (31, 35, 30))
    found = quality(tmp_path / "new", tmp_path / "old")
    spread = np.std([(300 - wrong) / 300 for wrong in (*SEEDS, 31, 35, 30)])  # an order of magnitude: means differ
    assert found.judge == "seeds"
    assert found.could_show is not None
    assert spread < found.could_show < 10 * spread
    assert f"a difference of {found.could_show:.4f} would be shown in 80 % of cases" in found.message
    several(tmp_path / "few", (36,))
    fewer = quality(tmp_path / "few", tmp_path / "old")
    assert fewer.could_show is not None
    assert fewer.could_show > found.could_show
    text = render(check(of(tmp_path / "new"), of(tmp_path / "old"), Tolerances()))
    assert (
        "could show: the smallest loss that would show in 80 % of cases, given the spread over seeds, for 1 metric"
        in text
    )


def test_a_check_of_one_run_each_says_that_it_can_show_a_gross_loss_alone(tmp_path: Path) -> None:
    keep(tmp_path / "old", answers(range(30)))
    keep(tmp_path / "new", answers(range(31)))
    found = quality(tmp_path / "new", tmp_path / "old")
    assert found.judge == "one run"
    assert found.could_show == pytest.approx(6 * (0.9 - wilson(270, 300)[0]))
    findings = check(of(tmp_path / "new"), of(tmp_path / "old"), Tolerances())
    assert "could show: only a gross loss, for 1 of 1 metric," in render(findings)
    assert "only a gross loss" in markdown(findings)


def test_where_even_the_worst_value_would_pass_nothing_can_be_decided(tmp_path: Path) -> None:
    few = ["yes", "no"]
    keep(tmp_path / "old", ["yes", "yes"], few)
    keep(tmp_path / "new", ["no", "yes"], few)
    assert quality(tmp_path / "new", tmp_path / "old").could_show == float("inf")
    text = render(check(of(tmp_path / "new"), of(tmp_path / "old"), Tolerances()))
    assert "no verdict possible for 1 metric: even the worst value would pass" in text


def test_with_many_recipes_more_is_needed_to_show_a_loss(tmp_path: Path) -> None:
    """Holm's correction over all recipes is in what is told."""
    for rate in (0.1, 0.2, 0.3, 0.4):
        several(tmp_path / "old", SEEDS, learning_rate=rate)
        several(tmp_path / "new", (31, 35, 30), learning_rate=rate)
    many = check(of(tmp_path / "new"), of(tmp_path / "old"), Tolerances())
    several(tmp_path / "alone", SEEDS)
    several(tmp_path / "one", (31, 35, 30))
    alone = quality(tmp_path / "one", tmp_path / "alone").could_show
    assert alone is not None
    assert all(each.could_show > alone for each in many if each.judge == "seeds" and each.could_show is not None)


def test_other_seeds_are_of_the_same_recipe_and_none_is_missing(tmp_path: Path) -> None:
    several(tmp_path / "old", SEEDS)
    several(tmp_path / "new", (60, 66, 58), first=5)
    findings = check(of(tmp_path / "new"), of(tmp_path / "old"), Tolerances())
    assert [(each.subject, each.verdict) for each in findings if each.is_failure] == [("accuracy", "worse")]
    assert not [each for each in findings if each.verdict == "new"]
    nothing = check(of(tmp_path / "new")[:0] or [at_other_recipe()], of(tmp_path / "old"), Tolerances())
    assert [each.verdict for each in nothing if each.is_failure][:1] == ["missing"]


def at_other_recipe() -> Stored:
    return Stored(Path("x"), sample("another"))


def test_seeds_that_score_alike_have_the_variance_that_their_answers_explain(tmp_path: Path) -> None:
    """Three runs with ten errors each, in other places: a run with eighteen is no change, though nothing varied."""
    for seed in range(3):
        keep(tmp_path / "old", answers(range(20 * seed, 20 * seed + 10)), seed=seed)
    keep(tmp_path / "new", answers(range(100, 118)), seed=0)
    assert quality(tmp_path / "new", tmp_path / "old").verdict == "same"
    for file in tmp_path.rglob("predictions.jsonl"):
        file.unlink()
    assert quality(tmp_path / "new", tmp_path / "old").verdict == "worse"


def test_predictions_that_lack_rows_pair_no_seeds(tmp_path: Path) -> None:
    for seed in range(3):
        keep(tmp_path / "old", answers(range(20 * seed, 20 * seed + 10)), seed=seed)
    keep(tmp_path / "new", answers(range(100, 118)), seed=0)
    (file, *_) = (tmp_path / "old").rglob("predictions.jsonl")
    lines = file.read_text(encoding="utf8").splitlines(keepends=True)
    for left in (lines[:-5], []):
        file.write_text("".join(left), encoding="utf8")
        text = render(check(of(tmp_path / "new"), of(tmp_path / "old"), Tolerances()))
        assert "no paired test: the predictions are for different test examples" in text


def test_packed_predictions_lie_beside_the_result_and_are_read(tmp_path: Path) -> None:
    old = keep(tmp_path / "old", answers(range(30)))
    keep(tmp_path / "new", answers(range(42)))
    packed = pack(of(tmp_path / "old")[0])
    assert packed == old.path.with_suffix(".predictions.jsonl.gz")
    (old.path.with_suffix("") / "predictions.jsonl").unlink()
    assert "these runs differ" in quality(tmp_path / "new", tmp_path / "old").message
    packed.write_bytes(packed.read_bytes()[:-30])
    text = render(check(of(tmp_path / "new"), of(tmp_path / "old"), Tolerances()))
    assert re.search(r"no paired test: .*\.predictions\.jsonl\.gz: cannot be read as text \(EOFError\)", text)


def test_the_same_loss_by_chance_is_no_failure_but_told(tmp_path: Path) -> None:
    keep(tmp_path / "old", answers(range(30)))
    keep(tmp_path / "new", answers(random.Random(1).sample(range(30, 300), 42)))
    finding = quality(tmp_path / "new", tmp_path / "old")
    assert finding.verdict == "same"
    assert finding.message.endswith("not shown to differ")


def test_a_tolerance_decides_where_it_is_given(tmp_path: Path) -> None:
    keep(tmp_path / "old", answers(range(30)))
    keep(tmp_path / "new", answers(range(42)))
    assert quality(tmp_path / "new", tmp_path / "old", Tolerances(metric=0.05)).verdict == "same"
    assert quality(tmp_path / "new", tmp_path / "old", Tolerances(metrics={"accuracy": 0.03})).verdict == "worse"


def test_many_tests_are_corrected(tmp_path: Path) -> None:
    """A difference at p near 0.03 is told alone, and no longer among twenty."""
    for number in range(20):
        keep(tmp_path / "old", answers(range(30)), learning_rate=(number + 1) / 1000)
        wrong = [*range(30), *range(100, 106)] if number == 0 else [*range(29), 100]
        keep(tmp_path / "new", answers(wrong), learning_rate=(number + 1) / 1000)
    several = check(of(tmp_path / "new"), of(tmp_path / "old"), Tolerances())
    assert [each.message for each in several if each.verdict == "undecided"] == []
    alone = {
        side: [each for each in of(tmp_path / side) if each.result["recipe"]["train"]["learning_rate"] == 0.001]
        for side in ("new", "old")
    }
    found = check(alone["new"], alone["old"], Tolerances())
    assert [each.subject for each in found if each.verdict == "undecided"] == ["accuracy"]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("other examples", "for different test examples"),
        ("half a line", r"predictions.jsonl:300: not a prediction"),
        ("edited result", "in the result, 0.9000 from its predictions"),
        ("not text", "cannot be read as text"),
    ],
)
def test_what_cannot_be_paired_is_judged_by_its_interval(tmp_path: Path, damage: str, reason: str) -> None:
    old = keep(tmp_path / "old", answers(range(30)))
    gold = ["no", *GOLD[1:-1], "maybe"] if damage == "other examples" else GOLD
    keep(tmp_path / "new", answers(range(33)), gold)
    file = old.path.with_suffix("") / "predictions.jsonl"
    content = file.read_bytes()
    if damage == "half a line":
        file.write_bytes(content[:-20])
    elif damage == "not text":
        file.write_bytes(b"\xff" + content)
    elif damage == "edited result":
        changed = json.loads(old.path.read_text(encoding="utf8"))
        changed["metrics"]["test"]["accuracy"]["value"] = 0.92
        old.path.write_text(json.dumps(changed), encoding="utf8")
    text = render(check(of(tmp_path / "new"), of(tmp_path / "old"), Tolerances()))
    assert "note: lora_ner" in text
    assert "no paired test" in text
    assert re.search(reason, text)
    assert "check passed" in text


def test_answers_that_the_metric_cannot_read_are_no_crash() -> None:
    from pefbench.analysis.checks import predictions
    from pefbench.metrics.entity_f1 import METRIC

    rows: Any = [{"prediction": None, "reference": ["O"]}]
    with pytest.raises(predictions.UnpairableError, match="the metric cannot score the predictions"):
        predictions.weighted_by(METRIC(), rows)


def test_without_predictions_the_interval_decides(tmp_path: Path) -> None:
    old = store(tmp_path / "old", sample(value=0.5))  # [0.47, 0.53]
    for value, verdict in (
        (0.471, "same"),
        (0.469, "undecided"),
        (0.31, "worse"),
        (0.529, "same"),
        (0.531, "undecided"),
        (0.69, "better"),
    ):
        new = sample(value=value)
        (finding,) = [
            each for each in check([Stored(Path("x"), new)], [old], Tolerances()) if each.subject == "entity_f1"
        ]
        assert (finding.verdict, bool(finding.message)) == (verdict, value != 0.529)


@pytest.mark.parametrize(("value", "verdict"), [(0.9, "same"), (0.92, "worse"), (0.88, "better")])
def test_equal_predictions_that_score_otherwise_are_no_chance(tmp_path: Path, value: float, verdict: str) -> None:
    keep(tmp_path / "new", answers(range(30)))
    keep(tmp_path / "old", answers(range(30)), changes={"metrics.test.accuracy.value": value})
    finding = quality(tmp_path / "new", tmp_path / "old")
    assert finding.verdict == verdict
    assert ("scoring has changed" in finding.message) is (verdict != "same")


def test_equal_predictions_need_no_libraries(tmp_path: Path) -> None:
    for side in ("old", "new"):
        keep(tmp_path / side, answers(range(30)))
    program = (
        "import sys; from pefbench.cli.main import main\n"
        f"try: main(['check', {str(tmp_path / 'new')!r}, '--baseline', {str(tmp_path / 'old')!r}])\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "heavy = {'torch', 'evaluate', 'numpy', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_a_changed_recipe_is_missing_unless_it_is_matched_by_recipe(tmp_path: Path) -> None:
    old = store(tmp_path / "old", sample(learning_rate=0.002))
    tokens = {"phases.train.tokens": 60_000, "phases.train.tokens_per_second": 2000.0}
    new = store(tmp_path / "new", sample(learning_rate=0.001, changes=tokens))
    findings = check([new], [old], Tolerances())
    assert [each.verdict for each in findings] == ["missing", "new", "not comparable"]
    assert f"{new.result['id']} is of the same recipe, but differs: train.learning_rate=0.001" in findings[0].message
    findings = check([new], [old], Tolerances(), by="recipe")
    assert not any(each.is_failure for each in findings)
    assert "settings changed: train.learning_rate=0.001, was train.learning_rate=0.002" in render(findings)
    assert {each.subject: each.verdict for each in findings}["throughput"] == "same"
    slow = store(
        tmp_path / "slow", sample(learning_rate=0.001, changes=tokens | {"phases.train.tokens_per_second": 9.0})
    )
    assert {each.subject: each.verdict for each in check([slow], [old], Tolerances(), by="recipe")}[
        "throughput"
    ] == "worse"


def test_several_trials_of_a_recipe_are_not_matched_by_guessing(tmp_path: Path) -> None:
    old = store(tmp_path / "old", sample(learning_rate=0.002))
    new = [store(tmp_path / "new", sample(learning_rate=rate)) for rate in (0.1, 0.2)]
    findings = check(new, [old], Tolerances(), by="recipe")
    assert [each.verdict for each in findings] == ["missing", "new", "new", "not comparable"]
    seeds = [store(tmp_path / "seeds", sample(learning_rate=0.1, seed=seed)) for seed in (0, 1)]
    assert "missing" not in {each.verdict for each in check(seeds, [old], Tolerances(), by="recipe")}


NASTY = "a|b <script>x</script> \x00\x1b[31m `c` *d* & \ud7ff"


def findings() -> list[Finding]:
    return [
        Finding("lora 01", "accuracy", "0.9", "0.8", "worse", "accuracy is 0.8, was 0.9"),
        Finding("lora 01", "train time", "1 s", "1 s", "same"),
        Finding("full 02", "trial", "finished", "failed", "failed", NASTY),
        Finding("full 03", "train time", "", "", "not compared", "cpu is a, was b"),
        Finding("full 04", "accuracy", "0.1", "0.2", "better", "better"),
    ]


def test_junit_is_what_ci_reads() -> None:
    root = ET.fromstring(junit(findings()))
    assert root.attrib == {"name": "pefbench check", "tests": "5", "failures": "2", "skipped": "1", "errors": "0"}
    cases = root.findall("./testsuite/testcase")
    assert [(case.get("classname"), case.get("name")) for case in cases][:2] == [
        ("lora 01", "accuracy"),
        ("lora 01", "train time"),
    ]
    assert [child.tag for case in cases for child in case] == ["failure", "failure", "skipped", "system-out"]
    (failure,) = cases[2]
    assert failure.get("message") == NASTY.replace("\x00", "\ufffd").replace("\x1b", "\ufffd")


def test_markdown_leads_with_the_verdict_and_cannot_be_broken() -> None:
    text = markdown(findings())
    assert text.startswith("### pefbench check failed: 2 of 4 comparisons, 1 not compared\n")
    assert "<script" not in text
    assert "Better: full 04 (accuracy)." in text
    table = text.split("\n\n")[1].splitlines()
    assert len(table) == 4
    assert len({line.replace(r"\|", "").count("|") for line in table}) == 1
    assert text.count("<details>") == text.count("</details>") == 2
    assert markdown(findings()[1:2]).startswith("### pefbench check passed: 1 comparison\n")


def test_the_command_writes_what_ci_reads_and_counts_damaged_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert MATCHES == ("id", "recipe")
    for side in ("old", "new"):
        store(tmp_path / side, sample())
    out = tmp_path / "made" / "check"

    def status(*options: str) -> Any:
        arguments = ["check", str(tmp_path / "new"), "--baseline", str(tmp_path / "old"), *options]
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return ended.value.code

    assert status("--junit", f"{out}.xml", "--markdown", f"{out}.md") == 0
    assert ET.parse(f"{out}.xml").getroot().get("failures") == "0"
    assert Path(f"{out}.md").read_text(encoding="utf8").startswith("### pefbench check passed")
    (tmp_path / "new" / "0123456789ab.json").write_text("{", encoding="utf8")
    capsys.readouterr()
    assert status("--junit", f"{out}.xml") == 1
    said = capsys.readouterr()
    assert "warning: skipped" in said.err
    assert "0123456789ab.json" in said.out
    assert ET.parse(f"{out}.xml").getroot().get("failures") == "1"
    assert status("--junit", str(tmp_path)) == 2
    assert "error: cannot write" in capsys.readouterr().err


@pytest.mark.parametrize(("new", "old"), [("a/FILE", "a"), ("a", "."), (".", "a"), ("a/FILE", ".")])
def test_no_result_is_compared_with_itself(
    new: str, old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not where one side lies in the other, either: it would always pass."""
    result = sample()
    file = store(tmp_path / "a", result).path.relative_to(tmp_path / "a")
    sides = [tmp_path / each.replace("FILE", str(file)) for each in (new, old)]
    arguments = ["check", str(sides[0]), "--baseline", str(sides[1])]

    def status() -> Any:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return ended.value.code

    outer, inner = sorted(sides, key=lambda side: len(str(side)))
    assert status() == 2
    assert f"error: no result in {outer} other than {inner}: " in capsys.readouterr().err
    store(outer / "b", result)  # the same trial, run again elsewhere
    assert status() == 0
    assert "same" in capsys.readouterr().out
