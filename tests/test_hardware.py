"""The module that knows devices: the answers of each kind, with stand-ins for missing GPUs."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import torch

from pefbench import hardware
from pefbench.paths import PACKAGE
from pefbench.trial import devices

if TYPE_CHECKING:
    from pathlib import Path

GIB = 2**30


class Calls(SimpleNamespace):
    """A stand-in for torch.cuda or torch.mps that keeps the state it is given."""


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Calls:
    there = Calls(bf16=True, state=None, emptied=0)

    def supported(*, including_emulation: bool = True) -> bool:
        return including_emulation or there.bf16

    for name, value in {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "device_count": lambda: 2,
        "get_device_name": lambda: "NVIDIA T4",
        "is_bf16_supported": supported,
        "mem_get_info": lambda: (6 * GIB, 16 * GIB),
        "memory_reserved": lambda: 3 * GIB,
        "memory_allocated": lambda: 2 * GIB,
        "max_memory_allocated": lambda: 5 * GIB,
        "synchronize": lambda: None,
        "reset_peak_memory_stats": lambda: None,
        "empty_cache": lambda: setattr(there, "emptied", there.emptied + 1),
        "get_rng_state": lambda: torch.arange(3, dtype=torch.uint8),
        "set_rng_state": lambda state: setattr(there, "state", state),
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    return there


@pytest.fixture
def mps(monkeypatch: pytest.MonkeyPatch) -> Calls:
    there = Calls(state=None, emptied=0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    for name, value in {
        "recommended_max_memory": lambda: 11 * GIB,
        "current_allocated_memory": lambda: 2 * GIB,
        "driver_allocated_memory": lambda: 3 * GIB,
        "synchronize": lambda: None,
        "empty_cache": lambda: setattr(there, "emptied", there.emptied + 1),
        "get_rng_state": lambda: torch.arange(3, dtype=torch.uint8),
        "set_rng_state": lambda state: setattr(there, "state", state),
    }.items():
        monkeypatch.setattr(torch.mps, name, value)
    return there


def test_nothing_else_asks_torch_for_devices() -> None:
    asks = re.compile(r"torch\.(cuda|mps|xpu|accelerator)\b|backends\.(mps|cuda)\b")
    found = [file for file in PACKAGE.rglob("*.py") if asks.search(file.read_text(encoding="utf8"))]
    assert found == [PACKAGE / "hardware.py"]


def test_a_cuda_gpu(cuda: Calls) -> None:
    assert (hardware.kind(), hardware.count(), hardware.gpu_name()) == ("cuda", 2, "NVIDIA T4")
    assert hardware.total_memory() == 16 * GIB
    assert hardware.available_memory() == 7 * GIB, "free, and what the allocator holds and does not use"
    assert (hardware.used_memory(), hardware.peak_memory()) == (2 * GIB, 5 * GIB)
    hardware.reset_peak()
    hardware.give_back_memory()
    assert cuda.emptied == 1
    state = hardware.random_state()
    assert state is not None
    hardware.restore_random(state)
    assert cuda.state is state


def test_an_apple_gpu(mps: Calls) -> None:
    assert (hardware.kind(), hardware.count()) == ("mps", 1)
    assert str(hardware.gpu_name()).endswith(" GPU")
    assert (hardware.total_memory(), hardware.available_memory()) == (11 * GIB, 9 * GIB)
    assert (hardware.used_memory(), hardware.peak_memory()) == (3 * GIB, 3 * GIB)
    hardware.reset_peak()
    hardware.give_back_memory()
    assert mps.emptied == 2, "a peak is measured from an allocator that holds nothing in reserve"
    state = hardware.random_state()
    assert state is not None
    hardware.restore_random(state)
    assert mps.state is state


def test_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert (hardware.kind(), hardware.count(), hardware.gpu_name()) == ("cpu", 0, None)
    assert hardware.random_state() is None
    before = hardware.used_memory()
    hardware.reset_peak()
    held = torch.ones(64 * 2**20, dtype=torch.uint8)
    assert hardware.peak_memory() >= hardware.used_memory() - 2**20 > before + 60 * 2**20
    del held


@pytest.mark.parametrize(("said", "expected"), [("1", "cpu"), ("true", "cpu"), ("", "cuda"), ("0", "cuda")])
def test_accelerate_may_be_told_to_use_the_cpu(
    cuda: Calls,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    expected: str,
) -> None:
    monkeypatch.setenv("ACCELERATE_USE_CPU", said)
    assert hardware.kind() == expected


def test_precision_by_device(cuda: Calls) -> None:
    assert devices.resolve_precision("auto") == "bf16"
    assert devices.resolve_precision("fp16") == "fp16"
    cuda.bf16 = False
    assert devices.resolve_precision("auto") == "fp32", "a GPU that only emulates bf16 is slower in it"
    assert hardware.emulates_bf16()


@pytest.mark.parametrize(
    ("instructions", "emulated"),
    [(["avx2"], True), (["avx2", "avx512_bf16"], False), (["bf16", "neon"], False), (["neon"], True), ([], False)],
)
def test_a_cpu_without_instructions_for_bf16_emulates_it(
    monkeypatch: pytest.MonkeyPatch, instructions: list[str], *, emulated: bool
) -> None:
    monkeypatch.setattr(hardware, "kind", lambda: "cpu")
    monkeypatch.setattr(hardware, "cpu_instructions", lambda: instructions)
    assert hardware.emulates_bf16() is emulated


def test_precision_on_an_apple_gpu(mps: Calls) -> None:  # noqa: ARG001
    assert devices.resolve_precision("auto") == "fp32"
    assert devices.attention("bf16", dropout=True) == "sdpa"
    assert not hardware.emulates_bf16(), "not known"
    with pytest.raises(Exception, match=r"fp16 needs a CUDA GPU; use bf16, fp32 or auto"):
        devices.resolve_precision("fp16")


def test_a_container_has_what_its_limit_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine: Any = SimpleNamespace(total=64 * GIB, available=60 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    monkeypatch.setattr(hardware, "kind", lambda: "cpu")
    monkeypatch.setattr(hardware, "CGROUP", tmp_path)
    monkeypatch.setattr(hardware, "GROUPS", tmp_path / "none")
    assert hardware.available_memory() == 60 * GIB, "no control group"
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert hardware.available_memory() == 60 * GIB, "no limit"
    (tmp_path / "memory.max").write_text(f"{8 * GIB}\n", encoding="ascii")
    (tmp_path / "memory.current").write_text(f"{5 * GIB}\n", encoding="ascii")
    (tmp_path / "memory.stat").write_text(f"anon {3 * GIB}\ninactive_file {2 * GIB}\n", encoding="ascii")
    assert hardware.available_memory() == 5 * GIB, "cached files give way"
    assert hardware.total_memory() == 8 * GIB


@pytest.mark.parametrize("version", [1, 2])
def test_a_job_has_what_the_limits_above_it_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """As a cluster sets them: on the group of the job, which the step's group lies in."""
    machine: Any = SimpleNamespace(total=64 * GIB, available=60 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    monkeypatch.setattr(hardware, "kind", lambda: "cpu")
    monkeypatch.setattr(hardware, "CGROUP", tmp_path / "groups")
    monkeypatch.setattr(hardware, "GROUPS", tmp_path / "mine")
    (tmp_path / "mine").write_text({1: "4:memory:/job/step\n1:cpu:/\n", 2: "0::/job/step\n"}[version], encoding="ascii")
    job = tmp_path / "groups" / {1: "memory", 2: ""}[version] / "job"
    step = job / "step"
    step.mkdir(parents=True)
    limit, use, inactive, none = {
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", str(2**63 - 4096)),
        2: ("memory.max", "memory.current", "inactive_file", "max"),
    }[version]
    (step / limit).write_text(none, encoding="ascii")
    (step / use).write_text(str(2 * GIB), encoding="ascii")
    assert hardware.available_memory() == 60 * GIB, "no limit"
    (job / limit).write_text(str(8 * GIB), encoding="ascii")
    (job / use).write_text(str(5 * GIB), encoding="ascii")
    (job / "memory.stat").write_text(f"cache 1\n{inactive} {GIB}\n", encoding="ascii")
    assert hardware.available_memory() == 4 * GIB
    assert hardware.total_memory() == 8 * GIB


def test_a_limited_address_space_leaves_less(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    taken = psutil.Process().memory_info().vms
    monkeypatch.setattr(resource, "getrlimit", lambda _: (taken + 2**20, resource.RLIM_INFINITY))
    assert hardware.available_main_memory() < 2**26
