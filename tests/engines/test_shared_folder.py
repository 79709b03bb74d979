"""Results of trials on other machines, in folders that are shared with this one or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.engines.shared_folder import seen

if TYPE_CHECKING:
    from pathlib import Path

RAN = {"path": "lora/0123456789ab.json"}


def test_a_result_that_is_here_is_taken(tmp_path: Path) -> None:
    (tmp_path / "lora").mkdir()
    (tmp_path / RAN["path"]).touch()
    assert seen({"out": str(tmp_path)}, RAN) == RAN


def test_a_result_that_another_machine_wrote_to_a_folder_of_its_own_is_told(tmp_path: Path) -> None:
    told = f"it ran, but its result is not in {tmp_path} here; give --out a folder that all nodes see, or a store"
    assert seen({"out": str(tmp_path)}, RAN) == {"error": told, "exit_status": 1}
    (tmp_path / "lora").mkdir()
    assert seen({"out": str(tmp_path)}, RAN)["error"] == told


def test_what_lies_in_a_store_or_has_no_result_passes(tmp_path: Path) -> None:
    assert seen({"out": "s3://bucket/results"}, RAN) == RAN
    for answer in ({"held": "by another"}, {"pruned": "at step 3"}, {"error": "no", "exit_status": 1}):
        assert seen({"out": str(tmp_path)}, answer) == answer
