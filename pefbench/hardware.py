"""The device that computes: a CUDA GPU, Apple's GPU (MPS) or the CPU; its properties and its memory.

Only this module asks torch for devices. It imports torch on use, because `table` and `list` do not need it.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["cuda", "mps", "cpu"]

CGROUP = Path("/sys/fs/cgroup")
"""The folder with the limits of containers and cluster jobs (cgroups(7))."""
GROUPS = Path("/proc/self/cgroup")
"""Lists the control groups of this process."""
UNLIMITED = 2**62
"""A limit of at least this is none: cgroups version 1 has a number for "unlimited"."""
YES = frozenset({"1", "true", "yes", "on", "y", "t"})
"""What accelerate accepts as true in its environment variables."""
INSTRUCTIONS = frozenset(
    {"avx2", "avx512_f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_fp16", "neon", "sve", "sve2", "bf16"}
)
"""The instructions that make matrix products faster, with torch's names."""


def kind() -> Kind:
    """The device that trials use: a GPU if there is one, unless accelerate is told to use the CPU."""
    import torch

    if os.environ.get("ACCELERATE_USE_CPU", "").lower() in YES:
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def count() -> int:
    """The number of GPUs that processes can get; 0 on a CPU."""
    import torch

    return {"cuda": torch.cuda.device_count(), "mps": 1, "cpu": 0}[kind()]


_kept_to: list[int] = []


def keep_to(count: int) -> None:
    """Use at most this many cores, on a machine whose other cores have other work."""
    _kept_to[:] = [count]


def cores() -> int:
    """The CPU cores that this process may use."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([there, *_kept_to])


def gpu_name() -> str | None:
    """The GPU's model name; None on a CPU."""
    import torch

    match kind():
        case "cuda":
            return torch.cuda.get_device_name()
        case "mps":
            return f"{cpu_name()} GPU"
        case "cpu":
            return None


def cpu_name() -> str:
    """The processor's model name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cpu_instructions() -> list[str]:
    """Those of `INSTRUCTIONS` that the CPU has; empty if torch does not report them."""
    import torch

    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return sorted(name for name, there in capabilities.items() if there is True and name in INSTRUCTIONS)


def multiplies_bf16() -> bool:
    """Whether the device has instructions for products in bf16.

    False on Apple's GPUs, of which only some have them: they compute in fp32 unless the recipe says otherwise.
    """
    import torch

    match kind():
        case "cuda":
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
        case "mps":
            return False
        case "cpu":
            return not {"amx_bf16", "avx512_bf16"}.isdisjoint(cpu_instructions())


def emulates_bf16() -> bool:
    """Whether the device is known to lack instructions for products in bf16, which are then slower than in fp32."""
    match kind():
        case "cuda":
            return not multiplies_bf16()
        case "mps":
            return False
        case "cpu":
            found = cpu_instructions()
            return bool(found) and not any(name.endswith("bf16") for name in found)


def total_memory() -> int:
    """The device's memory in bytes; a container's limit if that is lower."""
    import psutil
    import torch

    match kind():
        case "cuda":
            return int(torch.cuda.mem_get_info()[1])
        case "mps":
            return int(torch.mps.recommended_max_memory())
        case "cpu":
            return min(int(psutil.virtual_memory().total), _container_limit() or sys.maxsize)


def available_memory() -> int:
    """The bytes that this process can still allocate on the device, including what its allocator holds unused."""
    import torch

    match kind():
        case "cuda":
            unused = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
            return int(torch.cuda.mem_get_info()[0]) + unused
        case "mps":
            return int(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
        case "cpu":
            return available_main_memory()


def available_main_memory() -> int:
    """The bytes of main memory still available, within a container's limit."""
    import psutil

    return min(int(psutil.virtual_memory().available), _container_left(), _address_space_left())


def used_memory() -> int:
    """The bytes that the process holds now, defined like `peak_memory`."""
    import psutil
    import torch

    match kind():
        case "cuda":
            return int(torch.cuda.memory_allocated())
        case "mps":
            return int(torch.mps.driver_allocated_memory())
        case "cpu":
            return int(psutil.Process().memory_info().rss)


def reset_peak() -> None:
    """Restart the measurement of `peak_memory`, if the system supports this."""
    import torch

    match kind():
        case "cuda":
            if torch.cuda.is_initialized():  # otherwise each process would take memory on the first GPU
                torch.cuda.synchronize()
                torch.cuda.reset_peak_memory_stats()
        case "mps":
            torch.mps.synchronize()
            torch.mps.empty_cache()
        case "cpu":
            give_back_memory()  # otherwise memory freed by earlier work would count
            clear = Path("/proc/self/clear_refs")
            if clear.exists():
                clear.write_text("5", encoding="ascii")  # proc(5): resets the resident set's high-water mark


def peak_memory() -> int:
    """The most bytes held since the last reset, or since the start if the system cannot reset it.

    On a CUDA GPU this is what the allocator held; on Apple's, what it has taken from the system, which it keeps until
    the next reset; on a CPU, the process's resident set, including imports.
    """
    import torch

    match kind():
        case "cuda":
            return int(torch.cuda.max_memory_allocated())
        case "mps":
            torch.mps.synchronize()
            return int(torch.mps.driver_allocated_memory())
        case "cpu":
            return _peak_resident()


def give_back_memory() -> None:
    """Make the allocators, of the GPU and of main memory, return unused memory to the system."""
    import ctypes

    import torch

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:  # glibc's
        trim(0)

    match kind():
        case "cuda":
            torch.cuda.empty_cache()
        case "mps":
            torch.mps.empty_cache()
        case "cpu":
            pass


def random_state() -> Tensor | None:
    """The state of the GPU's random number generator; None on a CPU, which uses torch's own."""
    import torch

    match kind():
        case "cuda":
            return torch.cuda.get_rng_state()
        case "mps":
            return torch.mps.get_rng_state()
        case "cpu":
            return None


def restore_random(state: Tensor) -> None:
    """Restore a `random_state`. Does nothing on a CPU."""
    import torch

    match kind():
        case "cuda":
            torch.cuda.set_rng_state(state)
        case "mps":
            torch.mps.set_rng_state(state)
        case "cpu":
            pass


def _peak_resident() -> int:
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _container_limit() -> int | None:
    """The memory limit of this container, or job; None without a limit."""
    limits = [_number(folder / name) for folder in _groups() for name in ("memory.max", "memory.limit_in_bytes")]
    return min((limit for limit in limits if limit is not None and limit < UNLIMITED), default=None)


def _container_left() -> int:
    """The bytes left under the limit, not counting reclaimable file cache as used; `sys.maxsize` without a limit."""
    return min(
        (
            max(0, limit - max(0, (_number(folder / use) or 0) - _inactive(folder)))
            for folder in _groups()
            for most, use in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
            if (limit := _number(folder / most)) is not None and limit < UNLIMITED
        ),
        default=sys.maxsize,
    )


def _groups() -> list[Path]:
    """The control groups of this process, of both versions, and all their parents: each has its own limits."""
    found = [CGROUP]
    for line in (_read(GROUPS) or "").splitlines():
        _, kinds, path = line.split(":", 2)
        root = {"": CGROUP, "memory": CGROUP / "memory"}.get(kinds)
        if root is not None:
            here = root / path.lstrip("/")
            found += [folder for folder in (here, *here.parents) if folder.is_relative_to(root)]
    return found


def _address_space_left() -> int:
    """The bytes left under `ulimit -v`; `sys.maxsize` without such a limit."""
    import psutil

    if not sys.platform.startswith("linux"):
        return sys.maxsize
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    taken = int(psutil.Process().memory_info().vms)
    return sys.maxsize if limit == resource.RLIM_INFINITY else max(0, limit - taken)


def _inactive(folder: Path) -> int:
    lines = (_read(folder / "memory.stat") or "").splitlines()
    statistics = dict(line.split() for line in lines)
    return int(statistics.get("total_inactive_file", statistics.get("inactive_file", 0)))


def _number(file: Path) -> int | None:
    text = _read(file)
    return int(text) if text is not None and text.isdecimal() else None


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return None
