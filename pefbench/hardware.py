"""The device that computes: a CUDA GPU, Apple's GPU (MPS) or the CPU; what it is, and what memory it has.

Nothing else asks torch which devices there are. torch is imported where it is used: `table` and `list` do without.
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
"""Where the limits of containers, and of jobs of a cluster, stand (cgroups(7))."""
GROUPS = Path("/proc/self/cgroup")
"""Which control groups this process is in."""
UNLIMITED = 2**62
"""A limit from here on is none: version 1 has a number for it."""
YES = frozenset({"1", "true", "yes", "on", "y", "t"})
"""What accelerate takes for a yes in its environment variables."""
INSTRUCTIONS = frozenset(
    {"avx2", "avx512_f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_fp16", "neon", "sve", "sve2", "bf16"}
)
"""Those that products are faster with, as torch names them."""


def kind() -> Kind:
    """The device that trials use: a GPU where there is one, unless accelerate is told to use the CPU."""
    import torch

    if os.environ.get("ACCELERATE_USE_CPU", "").lower() in YES:
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def count() -> int:
    """How many GPUs processes can be given; 0 on a CPU."""
    import torch

    return {"cuda": torch.cuda.device_count(), "mps": 1, "cpu": 0}[kind()]


_kept_to: list[int] = []


def keep_to(count: int) -> None:
    """Use so many cores at most, of a machine whose others belong to other work."""
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
    """Those of `INSTRUCTIONS` that the CPU has; empty where torch does not say."""
    import torch

    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return sorted(name for name, there in capabilities.items() if there is True and name in INSTRUCTIONS)


def multiplies_bf16() -> bool:
    """Whether the device has instructions for products in bf16.

    Not asked of Apple's GPUs, of which some have and some do not: they compute in fp32 unless told otherwise.
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
    """The bytes of memory that the device has; a container's limit where that is less."""
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
    """The bytes that this process can still allocate on the device, with what its allocator holds and does not use."""
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
    """The bytes of main memory that can still be had; what a container may take at most."""
    import psutil

    return min(int(psutil.virtual_memory().available), _container_left(), _address_space_left())


def used_memory() -> int:
    """The bytes that the process holds now, in the terms of `peak_memory`."""
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
    """Begin to measure `peak_memory` anew, where the system can do that."""
    import torch

    match kind():
        case "cuda":
            if torch.cuda.is_initialized():  # else each process would take memory on the first GPU
                torch.cuda.synchronize()
                torch.cuda.reset_peak_memory_stats()
        case "mps":
            torch.mps.synchronize()
            torch.mps.empty_cache()
        case "cpu":
            give_back_memory()  # else what earlier work has freed would count
            clear = Path("/proc/self/clear_refs")
            if clear.exists():
                clear.write_text("5", encoding="ascii")  # proc(5): resets the resident set's high-water mark


def peak_memory() -> int:
    """The most bytes held since the last reset, or since the start where the system cannot reset it.

    On a CUDA GPU that is what the allocator held; on Apple's what it has taken from the system, which it keeps until
    the next reset; on a CPU the process's resident set, imports included.
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
    """Have the allocators, of the GPU and of main memory, give what they do not use back to the system."""
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
    """The state of the GPU's generator of random numbers; None on a CPU, whose is torch's own."""
    import torch

    match kind():
        case "cuda":
            return torch.cuda.get_rng_state()
        case "mps":
            return torch.mps.get_rng_state()
        case "cpu":
            return None


def restore_random(state: Tensor) -> None:
    """Put `random_state` back. Does nothing on a CPU."""
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
    """The most memory that this container, or job, may take; None without a limit."""
    limits = [_number(folder / name) for folder in _groups() for name in ("memory.max", "memory.limit_in_bytes")]
    return min((limit for limit in limits if limit is not None and limit < UNLIMITED), default=None)


def _container_left() -> int:
    """What may still be taken, without files that are in memory only for speed; `sys.maxsize` without a limit."""
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
    """The control groups that this process is in, of both versions, and all above them: each has limits of its own."""
    found = [CGROUP]
    for line in (_read(GROUPS) or "").splitlines():
        _, kinds, path = line.split(":", 2)
        root = {"": CGROUP, "memory": CGROUP / "memory"}.get(kinds)
        if root is not None:
            here = root / path.lstrip("/")
            found += [folder for folder in (here, *here.parents) if folder.is_relative_to(root)]
    return found


def _address_space_left() -> int:
    """What `ulimit -v` leaves; `sys.maxsize` without such a limit."""
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
