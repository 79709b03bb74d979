"""`pefbench import`: its output, its exit status, and its results in other commands."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from scipy import stats

from pefbench.analysis.html.contents import contents
from pefbench.cli.main import main
from pefbench.results.store import load_results
from tests.foreign.foreign_files import (
    DATE,
    aggregated,
    comparison,
    evaluation,
    sample,
    samples,
    write_json,
    write_lines,
)

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_runs_of_the_harness_are_paired_in_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = [1.0] * 40 + [0.0] * 10
    second = [1.0] * 20 + [0.0] * 30
    for model, right in (("a/good", first), ("b/bad", second)):
        evaluation(tmp_path / "out", right, model=model)
    assert run("import", tmp_path / "out", "--out", tmp_path / "res") == 0
    assert capsys.readouterr().out.count("imported: lm-evaluation-harness: gsm8k") == 2
    assert run("import", tmp_path / "out", "--out", tmp_path / "res") == 0
    assert capsys.readouterr().out.count("already imported") == 2
    assert run("table", tmp_path / "res") == 0
    text = capsys.readouterr().out
    assert "** 0.800 [0.670, 0.888]" in text  # Wilson's interval of 40 of 50
    assert "0 : 20, p < 0.001, differ" in text
    assert "not the methods" in text
    assert run("pick", tmp_path / "res") == 0
    assert "not recorded for these runs" not in capsys.readouterr().out
    assert run("report", tmp_path / "res", "--out", tmp_path / "r.html") == 0
    assert "compares single runs" in (tmp_path / "r.html").read_text(encoding="utf8")


def test_where_lower_is_better_a_run_gets_right_what_scores_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for model, wrong in (("good", [0.0] * 40 + [1.0] * 10), ("bad", [0.0] * 20 + [1.0] * 30)):
        scores = {"toxic,none": sum(wrong) / 50, "toxic_stderr,none": 0.1}
        folder = tmp_path / "out" / model
        told = {"gen": {"toxic": False}}
        write_json(
            folder / f"results_{DATE}.json", aggregated("gen", scores, 50, higher_is_better=told, model_name=model)
        )
        write_lines(folder / f"samples_gen_{DATE}.jsonl", samples(wrong, "toxic"))
    assert run("import", tmp_path / "out", "--out", tmp_path / "res") == 0
    assert run("table", tmp_path / "res") == 0
    text = capsys.readouterr().out
    assert "** 0.200" in text
    assert "0 : 20, p < 0.001, differ" in text  # questions that only the worse run gets right: none


def test_a_model_that_is_called_full_is_no_full_fine_tuning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for model, right in (("full", [1.0, 1.0, 0.0]), ("base", [1.0, 0.0, 0.0])):
        evaluation(tmp_path / "out", right, model=model)
    assert run("import", tmp_path / "out", "--out", tmp_path / "res") == 0
    assert run("pick", tmp_path / "res") == 0
    text = capsys.readouterr().out
    assert "100.0% of the best here" in text
    assert "no trial of full fine-tuning here" in text


def test_unlike_questions_are_not_paired_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation(tmp_path / "out", [1.0, 0.0, 1.0], model="a")
    lines = samples([1.0, 0.0, 1.0])
    lines[1]["doc_hash"] = "another"
    write_lines(evaluation(tmp_path / "out", [1.0, 0.0, 1.0], model="b") / f"samples_gsm8k_{DATE}.jsonl", lines)
    assert run("import", tmp_path / "out", "--out", tmp_path / "res") == 0
    assert run("table", tmp_path / "res") == 0
    text = capsys.readouterr().out
    assert "not paired on gsm8k: a and b: 1 of 3 questions differ" in text
    assert "Paired with the best" not in text


def test_peft_files_get_an_interval_of_the_benchmarks_questions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_json(tmp_path / "lora.json", comparison(636 / 1319))
    assert run("import", file, "--out", tmp_path / "res") == 0
    assert capsys.readouterr().err == ""
    assert run("table", tmp_path / "res") == 0
    text = capsys.readouterr().out
    assert "0.482 [0.455, 0.509]" in text
    assert "is paired with another" not in text  # one run alone
    assert "1 min 02 s" in text  # of the steps alone: the file's train_time has the test in it
    assert run("import", file, "--out", tmp_path / "res", "--questions", 1000) == 2
    assert "not a whole number of right answers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            [*samples([1.0, 0.0]), samples([1.0])[0]],
            ":3: doc_id 0 appears a second time under filter 'none' (first on line",
        ),
        (samples([float("nan")]), ":1: acc is nan, which is not a score"),
        (samples([1.0], acc=..., metrics=[]), ":1: a sample without a metric"),
        ([{"some": "line"}], ":1: not a sample of lm-evaluation-harness"),
        ([], ": empty"),
    ],
)
def test_bad_logs_are_refused_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: list[object], message: str
) -> None:
    log = write_lines(tmp_path / "model" / f"samples_task_{DATE}.jsonl", lines)
    assert run("import", log, "--out", tmp_path / "res") == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert message in said


def test_damaged_and_unknown_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = evaluation(tmp_path, [1.0, 0.0]) / f"samples_gsm8k_{DATE}.jsonl"
    log.write_text(log.read_text(encoding="utf8")[:-20], encoding="utf8")
    assert run("import", log) == 2
    assert ":2: damaged JSON" in capsys.readouterr().err
    assert run("import", write_json(tmp_path / "x.json", {"a": 1})) == 2
    assert "expected a log" in capsys.readouterr().err


def told(folder: Path) -> dict[str, Any]:
    """The one result below a folder."""
    (file,) = folder.rglob("*.json")
    value: dict[str, Any] = json.loads(file.read_text(encoding="utf8"))
    return value


def corpus(folder: Path) -> Path:
    """An evaluation whose metrics are none of examples: pairs of texts, and of a log-likelihood and a length."""
    scores = {
        "bleu,none": 11.99,
        "bleu_stderr,none": 1.2,
        "word_perplexity,none": 36.5,
        "word_perplexity_stderr,none": "N/A",
    }
    told = {"sum": {"bleu": True, "word_perplexity": False}}
    write_json(folder / f"results_{DATE}.json", aggregated("sum", scores, 2, higher_is_better=told))
    lines = [sample(number, {"bleu": ["a b", "a"], "word_perplexity": [-12.5, 3]}) for number in (0, 1)]
    write_lines(folder / f"samples_sum_{DATE}.jsonl", lines)
    return folder


def test_scores_of_a_corpus_have_no_interval_and_no_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", corpus(tmp_path / "out" / "a"), "--out", tmp_path / "res") == 0
    said = capsys.readouterr().err
    assert "bleu has no interval: it is not the mean of the logged values" in said
    assert "word_perplexity has no interval" in said
    metrics = told(tmp_path / "res")["metrics"]["test"]
    assert metrics["bleu"] | {"signature": ""} == {
        "value": 11.99,
        "low": None,
        "high": None,
        "examples": 2,
        "higher_is_better": True,
        "signature": "",
    }
    assert metrics["word_perplexity"]["higher_is_better"] is False


def test_unpaired_runs_are_named_by_their_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for model in ("a", "b"):
        write_json(corpus(tmp_path / "out" / model) / f"results_{DATE}.json", named(tmp_path / "out" / model, model))
        evaluation(tmp_path / "out", [1.0, 0.0], model=f"{model}2")
    assert run("import", tmp_path / "out", "--out", tmp_path / "res") == 0
    assert run("table", tmp_path / "res") == 0
    assert (
        "sum: imported without the headline's value for each question, so those runs are not paired"
        in capsys.readouterr().out
    )


def named(folder: Path, model: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / f"results_{DATE}.json").read_text(encoding="utf8"))
    return value | {"model_name": model}


def test_a_log_without_its_results_file_gives_means_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [sample(number, {"acc": float(number > 0), "perplexity": -0.5}) for number in range(4)]
    log = write_lines(tmp_path / "my__model" / f"samples_quiz_{DATE}.jsonl", lines)
    assert run("import", log, "--out", tmp_path / "res") == 0
    said = capsys.readouterr().err
    assert "no results file beside the log" in said
    assert "perplexity left out: only the results file has its value" in said
    result = told(tmp_path / "res")
    assert result["recipe"]["name"] == "my__model"
    assert {name: metric["value"] for name, metric in result["metrics"]["test"].items()} == {"acc": 0.75}


def test_metric_chooses_what_ranks_and_which_answers_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {"exact_match,strict": 0.0, "exact_match,flexible": 0.5}
    out = tmp_path / "out"
    write_json(out / f"results_{DATE}.json", aggregated("add", scores, 2))
    lines = [
        sample(number, {"exact_match": value}, filter=name, filtered_resps=[f"{name} {number}"])
        for name, values in (("strict", (0.0, 0.0)), ("flexible", (0.0, 1.0)))
        for number, value in enumerate(values)
    ]
    write_lines(out / f"samples_add_{DATE}.jsonl", lines)
    assert run("import", out, "--out", tmp_path / "res", "--metric", "exact_match,flexible") == 0
    result = told(tmp_path / "res")
    assert result["headline"] == "exact_match,flexible"
    (file,) = (tmp_path / "res").rglob("predictions.jsonl")
    rows = [json.loads(line) for line in file.read_text(encoding="utf8").splitlines()]
    assert [(row["prediction"], row["correct"]) for row in rows] == [("flexible 0", False), ("flexible 1", True)]
    assert rows[1]["scores"] == {"exact_match,strict": 0.0, "exact_match,flexible": 1.0}
    assert run("import", out, "--out", tmp_path / "res", "--metric", "exact_match,flexibel") == 2
    assert "exact_match,flexible" in capsys.readouterr().err


def test_graded_answers_are_paired_by_students_t(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = [0.9, 0.8, 0.7, 0.95], [0.4, 0.5, 0.3, 0.35]
    for model, values in (("a", first), ("b", second)):
        evaluation(tmp_path / "out", values, model=model)
    assert run("import", tmp_path / "out", "--out", tmp_path / "res") == 0
    assert run("table", tmp_path / "res") == 0
    p = float(stats.ttest_rel(second, first).pvalue)
    assert f"-0.450, p {p:.3f}, differ" in capsys.readouterr().out


def test_a_run_of_peft_that_failed_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changes = {"train_info__status": "failed", "run_info__error_msg": "out of memory", "train_info__metrics": []}
    assert run("import", write_json(tmp_path / "x.json", comparison(0.5, **changes)), "--out", tmp_path / "res") == 0
    result = told(tmp_path / "res")
    assert (result["status"], result["error"]) == ("failed", "failed: out of memory")
    assert run("table", tmp_path / "res") == 0
    assert "out of memory" in capsys.readouterr().out


def test_pefts_seeds_are_replicates_and_of_reruns_the_last_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, (seed, right, day) in enumerate([(0, 600, 1), (1, 610, 1), (2, 620, 1), (0, 630, 2)]):
        changes = {"run_info__train__config__seed": seed, "run_info__created__at": f"2025-06-0{day}T00:00:00+00:00"}
        write_json(tmp_path / "in" / f"{number}.json", changed(comparison(right / 1319), changes))
    assert run("import", tmp_path / "in", "--out", tmp_path / "res") == 0
    assert "not imported: 0.json: 3.json is a later run of the same experiment and seed" in capsys.readouterr().err
    assert len([*(tmp_path / "res").rglob("*.json")]) == 3
    assert run("table", tmp_path / "res") == 0
    mean = (630 + 610 + 620) / 3 / 1319
    assert f"{mean:.3f}" in capsys.readouterr().out


def changed(value: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    value["run_info"]["train_config"]["seed"] = changes["run_info__train__config__seed"]
    value["run_info"]["created_at"] = changes["run_info__created__at"]
    return value


def test_pefts_images_have_a_similarity_and_no_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = comparison(0.5)
    value["train_info"]["metrics"] = [{"step": 500, "test dino_similarity": 0.71, "train samples": 2000}]
    assert run("import", write_json(tmp_path / "x.json", value), "--out", tmp_path / "res") == 0
    assert "dino_similarity has no interval: the file has no score of any test example" in capsys.readouterr().err
    result = told(tmp_path / "res")
    assert result["recipe"]["task"] == "image-gen"
    assert result["metrics"]["test"]["dino_similarity"]["value"] == 0.71


def test_what_is_passed_over_in_a_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = evaluation(tmp_path / "out", [1.0, 0.0])
    (here / "other.json").write_text("{", encoding="utf8")
    write_json(here / f"results_2024-{DATE[5:]}.json", aggregated("bare", {"sample_len": 3}, 3))
    assert run("import", tmp_path / "out", "--out", tmp_path / "res") == 0
    said = capsys.readouterr().err
    assert "warning: not imported: " in said
    assert "other.json:1: damaged JSON" in said
    assert "bare: no usable metric; the files have none" in said


def test_a_results_file_without_a_date_has_its_own_time(tmp_path: Path) -> None:
    scores = {"acc,none": 0.5, "acc_stderr,none": 0.5}
    file = write_json(tmp_path / "results.json", aggregated("quiz", scores, 2, date=...))
    os.utime(file, (0, 0))
    assert run("import", file, "--out", tmp_path / "res") == 0
    provenance = told(tmp_path / "res")["provenance"]
    assert provenance["started"] == provenance["finished"] == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "asked",
    [
        {"chat_template": "{{ messages }}"},
        {"system_instruction_sha": "0f1e2d3c"},
        {"configs": {"gsm8k": {"dataset_path": "some/data", "generation_kwargs": {"temperature": 1.0}}}},
    ],
)
def test_runs_that_were_asked_otherwise_are_not_ranked_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: dict[str, Any]
) -> None:
    evaluation(tmp_path / "out", [1.0] * 30, model="a", **asked)
    evaluation(tmp_path / "out", [0.0] * 30, model="b")
    assert run("import", tmp_path / "out", "--out", tmp_path / "res") == 0
    assert run("table", tmp_path / "res") == 0
    text = capsys.readouterr().out
    assert "Trials in different tables differ" in text
    assert "differ," not in text
    assert "Paired with the best" not in text


def test_a_folder_of_0_4_2_has_its_logs(tmp_path: Path) -> None:
    out, right = tmp_path / "out", [1.0, 0.0, 1.0]
    for task in ("quiz", "hard_quiz"):
        lines = [{**each, "doc_hash": ..., "filter": ..., "metrics": ...} for each in samples(right)]
        log = [{name: value for name, value in each.items() if value is not ...} for each in lines]
        write_json(out / f"pretrained__my__model_{task}.jsonl", log)
    scores = {"acc,none": 2 / 3, "acc_stderr,none": 1 / 3}
    value = aggregated("quiz", scores, 3, **dict.fromkeys(["date", "n-samples", "higher_is_better"], ...))
    value["results"]["hard_quiz"] = {"alias": "hard_quiz", **scores}
    write_json(out / "results.json", value)
    write_lines(out / "other.jsonl", [{"a": 1}])
    assert run("import", out, "--out", tmp_path / "res") == 0
    files = [
        json.loads(file.read_text(encoding="utf8"))["foreign"]["files"] for file in (tmp_path / "res").glob("*/*.json")
    ]
    assert sorted(map(sorted, files)) == [
        ["pretrained__my__model_hard_quiz.jsonl", "results.json"],
        ["pretrained__my__model_quiz.jsonl", "results.json"],
    ]


def test_the_end_is_so_long_after_the_start_whatever_the_zone_of_the_name(tmp_path: Path) -> None:
    evaluation(tmp_path / "out", [1.0, 0.0], total_evaluation_time_seconds="90.4")
    assert run("import", tmp_path / "out", "--out", tmp_path / "res") == 0
    provenance = told(tmp_path / "res")["provenance"]
    assert provenance["started"] == "2025-06-19T19:15:35+00:00"
    assert provenance["finished"] == "2025-06-19T19:17:05+00:00"


@pytest.mark.parametrize(("metric", "differ"), [("acc", 2), ("acc_norm", 1)])
def test_log_likelihoods_are_no_answers(tmp_path: Path, metric: str, differ: int) -> None:
    """Two runs give the options other likelihoods throughout; they choose otherwise on two questions of three."""
    given = {"a": ([-1.5, -2.0, -9.0], [-1.0, -3.0, -4.0]), "b": ([-2.5, -3.0, -9.5], [-3.5, -3.0, -4.0])}
    for model, (same, other) in given.items():
        right = [1.0, 0.0, float(model == "a")]
        folder = evaluation(tmp_path / "out", right, model=model)
        scores = {f"{metric},none": sum(right) / 3}
        write_json(folder / f"results_{DATE}.json", aggregated("gsm8k", scores, 3, model_name=model))
        pairs = [[[str(each), "False"] for each in told] for told in (same, other, other)]
        lines = [sample(each, {metric: right[each]}, filtered_resps=pairs[each]) for each in range(3)]
        write_lines(folder / f"samples_gsm8k_{DATE}.jsonl", lines)
    assert run("import", tmp_path / "out", "--out", tmp_path / "res") == 0
    [group] = contents(load_results(tmp_path / "res").results)["groups"]
    assert group["examples"]["differ"] == differ


def test_a_log_with_likelihoods_that_are_nan(tmp_path: Path) -> None:
    log = [sample(0, {"acc": 0.0}, filtered_resps=[[float("nan"), False], [-1.0, True]], target=float("nan"))]
    write_lines(tmp_path / "my__model" / f"samples_quiz_{DATE}.jsonl", log)
    assert run("import", tmp_path / "my__model", "--out", tmp_path / "res") == 0
