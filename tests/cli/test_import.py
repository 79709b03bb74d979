"""pefbench import as a user meets it: what is printed, the exit status, and what other commands make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.cli.main import main
from tests.foreign.foreign_files import DATE, comparison, evaluation, samples, write_json, write_lines

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
    assert "not of the methods" in text
    assert run("pick", tmp_path / "res") == 0
    assert "not known of these runs" not in capsys.readouterr().out
    assert run("report", tmp_path / "res", "--out", tmp_path / "r.html") == 0
    assert "tells of single runs" in (tmp_path / "r.html").read_text(encoding="utf8")


def test_a_model_that_is_called_full_is_no_full_fine_tuning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for model, right in (("full", [1.0, 1.0, 0.0]), ("base", [1.0, 0.0, 0.0])):
        evaluation(tmp_path / "out", right, model=model)
    assert run("import", tmp_path / "out", "--out", tmp_path / "res") == 0
    assert run("pick", tmp_path / "res") == 0
    text = capsys.readouterr().out
    assert "100.0% of the best here" in text
    assert "there is no trial of full fine-tuning here" in text


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
    assert "no whole number of right answers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([*samples([1.0, 0.0]), samples([1.0])[0]], ":3: doc_id 0 a second time under the filter 'none' (first: 1)"),
        (samples([float("nan")]), ":1: acc is nan: no score"),
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
    assert "neither a log" in capsys.readouterr().err
