"""The display while a comparison runs: a table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pefbench.compare.live import Board
from pefbench.compare.plan import FINAL, TUNING, Outcome
from tests.compare.finals import plan

if TYPE_CHECKING:
    import pytest


def outcome(method: str, seed: int, status: str, value: float = 0.5, *, final: bool = False) -> Outcome:
    scored = FINAL if final else TUNING
    planned: Any = SimpleNamespace(method=method, seed=seed, scored=scored, text=f"{method} {scored[-1]} {seed}")
    result: Any = {"metrics": {split: {"accuracy": {"value": value}} for split in scored}}
    kind: Any = status
    return Outcome(planned, Path(), kind, result if status == "finished" else None, "SIGKILL")


def board(*, higher: bool = True) -> Board:
    return Board(plan(["full", "lora"], [1]), "accuracy", lambda: ["train: 3/9"], higher=higher)


def fill(shown: Board) -> None:
    waiting = [outcome("full", 0, "missing"), outcome("lora", 0, "missing"), outcome("lora", 1, "finished", 0.25)]
    shown.expect(waiting)
    for each in (outcome("full", 0, "finished", 0.75), outcome("lora", 0, "missing")):
        shown.began(each.planned)
        shown.ended(each)
    shown.began(outcome("full", 5, "missing").planned)


def test_plain_lines_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with board() as shown:
        fill(shown)
    assert capsys.readouterr().err.splitlines() == [
        "c: 3 tuning trials, 1 already done",
        "started: full validation 0",
        "full validation 0: finished, validation accuracy 0.75",
        "started: lora validation 0",
        "lora validation 0: died: SIGKILL",
        "started: full validation 5",
    ]


def test_the_table_counts_and_says_what_runs() -> None:
    for higher, best in ((True, "0.75"), (False, "0.25")):
        shown = board(higher=higher)
        fill(shown)
        lora = outcome("full", 3, "finished", 0.25)
        shown.expect([lora])
        screen = io.StringIO()
        Console(file=screen, width=160).print(shown.table())
        [full] = [line for line in screen.getvalue().splitlines() if "full" in line]
        [lora_row] = [line for line in screen.getvalue().splitlines() if "lora" in line]
        assert [cell.strip() for cell in full.split("│")[1:-1]] == ["full", "2/2", best, "0/0", "full validation 5"]
        assert "2/2, 1 failed" in lora_row
        assert "train: 3/9" in screen.getvalue()


def test_on_a_terminal_the_table_is_drawn_and_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    with board() as shown:
        fill(shown)
        assert shown.live is not None
        print("of a library")  # noqa: T201
    out, said = capsys.readouterr()
    assert out == "of a library\n"
    assert "lora validation 0: died: SIGKILL" in said
    assert "started:" not in said
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", said)
    headers = [line for line in plain.splitlines() if "Method" in line]
    titles = {tuple(title.strip() for title in line.split("┃")[1:-1]) for line in headers}
    assert titles == {("Method", "Tuning", "Best accuracy on validation", "Final", "Now")}
