"""Oddities: each comes with advice, and a normal machine has none."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest

from pefbench.doctor import advice

if TYPE_CHECKING:
    from pefbench.doctor.found import Found

CUDA = "CUDA 12.8"
HUB = {"offline": False, "reachable": False, "error": "no answer within 3 s"}
ODD: dict[str, tuple[dict[str, Any], str, str]] = {
    "a driver and a CPU build": (
        {"nvidia_driver": True, "torch": {"build": "CPU"}},
        "torch is built for the CPU only",
        "build for CUDA",
    ),
    "a CUDA build and no GPU": ({"torch": {"build": CUDA}}, r"built for CUDA 12\.8 and finds no GPU", "nvidia-smi"),
    "told to use the CPU": (
        {"torch": {"build": CUDA}, "environment": {"ACCELERATE_USE_CPU": "true"}},
        "ACCELERATE_USE_CPU is set",
        "unset it",
    ),
    "a GPU that is held": ({"device": {"kind": "cuda", "error": "busy"}}, "does not answer: busy", "other processes"),
    "old packages": ({"unmet": ["peft>=0.18 (0.1 is installed)"]}, r"peft>=0\.18 \(0\.1 is", "pip install"),
    "little memory": ({"processor": {"available_bytes": 10**9}}, r"only 1\.0 GB of main memory", "end other programs"),
    "a busy machine": ({"processor": {"busy": 7.5}}, r"use its 8 cores: load 7\.5$", "before comparing times"),
    "a part of the cores": ({"processor": {"cores": 2}}, "2 of 8 cores", "taskset"),
    "a full disk": ({"folders": [{"free_bytes": 10**8}]}, r"only 100 MB is free for results: /r", "--out"),
    "a folder of another user": ({"folders": [{"writable": False}]}, "results cannot be written: /r", "--out"),
    "no hub": ({"hub": HUB}, r"cannot be reached \(no answer within 3 s\)", "HF_HUB_OFFLINE=1"),
    "bitsandbytes that fails": (
        {"bitsandbytes": {"works": False, "error": "OSError: x"}},
        r"does not work here: OSError: x",
        "without model.quantize",
    ),
    "bitsandbytes on a busy machine": (
        {"bitsandbytes": {"works": None, "error": "no answer within 20 s"}},
        "no answer within 20 s, so it is unknown whether it works",
        "when other work has ended",
    ),
    "old bitsandbytes": ({"bitsandbytes": {"version": "0.45.0", "works": True}}, "too old", r"pefbench\[quantize\]"),
}


@pytest.fixture
def sound(found: Found) -> Any:
    """A machine in order, whatever this one is like."""
    folder = {"what": "results", "path": "/r", "bytes": None, "free_bytes": 10**12, "writable": True}
    made: Any = copy.deepcopy(found)
    made |= {"nvidia_driver": False, "environment": {}, "folders": [folder], "unmet": []}
    made["device"] |= {"kind": "cpu", "error": None}
    made["torch"]["build"] = "CPU"
    made["processor"] |= {"available_bytes": 16 * 10**9, "busy": 0.1, "cores": 8, "cores_of_machine": 8}
    made["bitsandbytes"] = {"version": "0.50.2", "works": True, "error": None}
    return made


def test_nothing_is_odd_where_all_is_well(sound: Any) -> None:
    assert advice(sound) == []
    sound["bitsandbytes"] = {"version": None, "works": None, "error": None}
    sound["environment"] = {"ACCELERATE_USE_CPU": "0"}
    assert advice(sound) == [], "nobody needs bitsandbytes who does not quantise"
    sound["device"]["kind"], sound["torch"]["build"], sound["nvidia_driver"] = "cuda", CUDA, True
    assert advice(sound) == []


@pytest.mark.parametrize("case", ODD)
def test_what_is_odd_is_told(sound: Any, case: str) -> None:
    changes, what, do = ODD[case]
    for key, value in changes.items():
        if key == "folders":
            sound[key][0] |= value[0]
        elif isinstance(value, dict):
            sound[key] |= value
        else:
            sound[key] = value
    (odd,) = advice(sound)
    assert re.search(what, odd["what"]), odd
    assert re.search(do, odd["do"]), odd
