"""`pefbench doctor` on this machine: its statements are true, as text and as JSON."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
import torch

from pefbench import doctor, hardware
from pefbench.cli import doctor as command
from pefbench.doctor import machine, text
from pefbench.doctor.found import Found
from pefbench.results.shape import mismatch

if TYPE_CHECKING:
    from pefbench.doctor.found import Bitsandbytes, Folder


def test_what_was_found_is_so(found: Found) -> None:
    assert mismatch(Found, json.loads(json.dumps(found))) is None
    assert found["torch"]["version"] == torch.__version__
    assert found["device"]["kind"] == hardware.kind()
    assert 0 < found["device"]["available_bytes"] < found["device"]["memory_bytes"]
    assert found["device"]["error"] is None
    assert found["processor"]["cores"] == found["chosen"]["threads"] == hardware.cores()
    assert found["packages"]["peft"] == version("peft")
    assert found["unmet"] == []
    assert found["extras"]["dev"]["installed"]
    assert found["hub"]["offline"], "as the tests are"
    assert found["hub"]["reachable"] is None
    assert found["environment"]["HF_HUB_OFFLINE"] == os.environ["HF_HUB_OFFLINE"]
    assert {folder["what"] for folder in found["folders"]} == {
        *("results", "downloads", "hub cache", "temporary files"),
    }


def test_bitsandbytes_is_tried(found: Found) -> None:
    assert found["bitsandbytes"] == {"version": version("bitsandbytes"), "works": True, "error": None}


def test_a_bitsandbytes_that_fails_or_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "TRIED", "raise OSError('libcuda is missing')")
    assert machine._bitsandbytes(machine._start_bitsandbytes())["error"] == "OSError: libcuda is missing"
    monkeypatch.setattr(machine, "TRIED", "import os; os.abort()")
    assert machine._bitsandbytes(machine._start_bitsandbytes())["error"] == "it ended with status -6"
    monkeypatch.setattr(machine, "TRIED", "import time; time.sleep(60)")
    monkeypatch.setattr(machine, "TRYING", 0.2)
    assert machine._bitsandbytes(machine._start_bitsandbytes()) == {
        "version": version("bitsandbytes"),
        "works": None,
        "error": "no answer within 0.2 s",
    }


@pytest.mark.parametrize(
    ("bitsandbytes", "said"),
    [
        ({"version": "0.50.2", "works": True, "error": None}, "0.50.2, works"),
        ({"version": "0.50.2", "works": False, "error": "OSError: x"}, "0.50.2, does not work"),
        ({"version": "0.50.2", "works": None, "error": "no answer within 20 s"}, "0.50.2, no answer within 20 s"),
        ({"version": None, "works": None, "error": None}, "not installed"),
    ],
)
def test_what_is_said_of_bitsandbytes(found: Found, bitsandbytes: Bitsandbytes, said: str) -> None:
    shown = text.render({**found, "bitsandbytes": bitsandbytes}, [])
    assert [line.split(maxsplit=1)[1] for line in shown.splitlines() if line.startswith("bitsandbytes")] == [said]


def test_a_gpu_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable\nmore of it")

    monkeypatch.setattr(hardware, "total_memory", fail)
    assert machine._device()["error"] == "CUDA error: all CUDA-capable devices are busy or unavailable"


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(bytes(1000))
    (tmp_path / "a" / "file").write_bytes(bytes(234))
    assert machine._folder("downloads", tmp_path / "a")["bytes"] == 1234
    later: Folder = machine._folder("results", tmp_path / "not" / "there")
    assert (later["bytes"], later["writable"]) == (None, True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert not machine._folder("results", tmp_path)["writable"]
    monkeypatch.setattr(machine, "COUNTING", -1.0)
    assert machine._folder("downloads", tmp_path / "a")["bytes"] is None, "too many files to count"


def test_the_text_says_all_of_it(found: Found) -> None:
    shown = text.render(found, [])
    assert shown.endswith("nothing odd")
    for expected in (
        *(torch.__version__, found["device"]["name"], found["chosen"]["precision"], "HF_HUB_OFFLINE is set"),
        *("extra quantize", str(Path.cwd() / "results"), "$HF_HUB_OFFLINE", "bitsandbytes"),
    ):
        assert expected in shown
    assert text.render(found, [{"what": "this", "do": "that"}]).endswith("odd: this\n     that")


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_ends_well(
    found: Found, as_json: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "look", lambda: found)
    assert command._run(Namespace(json=as_json)) == 0
    said = capsys.readouterr().out
    if as_json:
        read = json.loads(said)
        assert read.pop("odd") == doctor.advice(found)
        assert cast("Found", read) == found
    else:
        assert said == text.render(found, doctor.advice(found)) + "\n"
    assert sys.stdout is not None
