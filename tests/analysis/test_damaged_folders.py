"""Files that are not valid results are named and skipped, the exit status shows it, and the rest is still shown."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from pefbench.analysis.tables import table
from pefbench.atomic import TEMPORARY_PREFIX, write_json
from pefbench.cli.main import main
from pefbench.results.store import load_results
from tests.sample_results import sample, store

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = json.dumps(sample(), indent=1)
KINDS = {
    "empty": ("", "not a whole JSON file"),
    "half-written": (WHOLE[: len(WHOLE) // 2], "not a whole JSON file"),
    "damaged": (WHOLE.replace('"status": "finished"', '"status": "done"'), "status should be finished or failed"),
    "foreign": ('{"peft_type": "LORA"}', "not a pefbench result"),
    "older": (WHOLE.replace('"schema": 1', '"schema": 0'), "written by an older pefbench"),
    "newer": (WHOLE.replace('"schema": 1', '"schema": 2'), "written by a newer pefbench"),
}
COMMANDS = {"table": ["table"], "pivot": ["table", "--pivot"], "pick": ["pick"], "report": ["report"]}


def put(folder: Path, kind: str) -> Path:
    path = folder / "lora_ner" / "0123456789ab.json"
    path.write_text(KINDS[kind][0], encoding="utf8")
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", COMMANDS)
def test_named_skipped_and_told_by_the_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, kind: str
) -> None:
    folder = tmp_path / "results"
    store(folder, sample())
    bad = put(folder, kind)
    options = ["--out", str(tmp_path / "report.html")] if command == "report" else []
    with pytest.raises(SystemExit) as ended:
        main([COMMANDS[command][0], str(folder), *COMMANDS[command][1:], *options])
    said = capsys.readouterr()
    assert ended.value.code == 1
    assert f"warning: skipped {bad}: " in said.err
    assert KINDS[kind][1] in said.err
    assert len(said.err.splitlines()) == 1
    shown = (tmp_path / "report.html").read_text(encoding="utf8") if options else said.out
    assert "0.512" in shown


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_fails_a_check(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    for side in ("old", "new"):
        store(tmp_path / side, sample())
    bad = put(tmp_path / "new", kind)
    with pytest.raises(SystemExit) as ended:
        main(["check", str(tmp_path / "new"), "--baseline", str(tmp_path / "old")])
    assert ended.value.code == 1
    assert f"failure: {bad}: " in capsys.readouterr().out


def test_a_write_that_was_cut_off_is_no_result_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(tmp_path, sample())
    (tmp_path / "lora_ner" / f"{TEMPORARY_PREFIX}0123").write_text(WHOLE[:50], encoding="utf8")
    with pytest.raises(SystemExit) as ended:
        main(["table", str(tmp_path)])
    assert ended.value.code == 0
    assert capsys.readouterr().err == ""


def test_a_folder_of_nothing_else_is_wrong_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lora_ner").mkdir()
    put(tmp_path, "half-written")
    with pytest.raises(SystemExit) as ended:
        main(["table", str(tmp_path)])
    assert ended.value.code == 2
    assert "1 damaged, the first: " in capsys.readouterr().err


def test_two_thousand_results_tabulate_in_a_second_of_processor_time(tmp_path: Path) -> None:
    """Ten thousand in five: benchmarks/many_results.py measures that, on files as large as real ones."""
    for seed in range(2000):
        result = sample(seed=seed)
        (tmp_path / f"{result['id']}.json").write_text(json.dumps(result), encoding="utf8")
    started = time.process_time()
    text = table(load_results(tmp_path).results)
    assert time.process_time() - started < 3  # about 1 on an idle core
    assert text.count("train.seed=") == 2000


def test_what_is_let_go_is_only_what_was_named(tmp_path: Path) -> None:
    path = tmp_path / "0123456789ab.json"
    write_json(path, sample())
    (stored,) = load_results(tmp_path, without=("curve", "no such field")).results
    assert stored.result == {name: value for name, value in sample().items() if name != "curve"}
