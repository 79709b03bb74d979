"""Examines the machine: torch's build and device, what trials choose, packages, folders, the hub."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from pefbench import __version__, hardware
from pefbench.doctor import reaching, requirements
from pefbench.errors import SandboxError
from pefbench.metrics.sandbox.running import require_sandbox
from pefbench.models.reading import first_line
from pefbench.paths import INTERPRETER, cache_folder
from pefbench.results import provenance

if TYPE_CHECKING:
    from pefbench.doctor.found import Bitsandbytes, Chosen, Device, Folder, Found, Processor, Torch

TRIED = """
import sys, torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
weight = torch.eye(64, dtype=torch.float32, device=sys.argv[1])
packed, state = quantize_4bit(weight, quant_type="nf4")
assert torch.equal(dequantize_4bit(packed, state), weight), "it reads back a different matrix than it wrote"
"""
"""Zeros and ones are exact in NormalFloat. Runs in a separate process, as it may crash and takes seconds to import."""
TRYING, COUNTING = 20.0, 1.0
"""Time limit in seconds, for `TRIED` and for adding up the files of one folder."""
VARIABLES = (
    *("ACCELERATE_USE_CPU", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "GOMP_SPINCOUNT"),
    *("OMP_WAIT_POLICY", "HF_HUB_OFFLINE", "HF_ENDPOINT", "HF_HOME", "PEFBENCH_CACHE", "TMPDIR"),
    *("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF", "PYTORCH_ENABLE_MPS_FALLBACK"),
)


def look() -> Found:
    """Everything that affects how trials run here. Never raises because of a finding, nor waits more than seconds."""
    quantising = _start_bitsandbytes()
    try:
        sandbox = None
        require_sandbox()
    except SandboxError as error:
        sandbox = str(error)
    return {
        "pefbench": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "torch": _torch(),
        "nvidia_driver": Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None,
        "device": _device(),
        "processor": _processor(),
        "chosen": _chosen(),
        "packages": provenance.packages(),
        "unmet": requirements.unmet(),
        "extras": requirements.extras(),
        "sandbox": sandbox,
        "folders": _folders(),
        "hub": reaching.hub(),
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "bitsandbytes": _bitsandbytes(quantising),
    }


def _torch() -> Torch:
    import torch

    build = "CPU"
    if torch.version.cuda:
        build = f"CUDA {torch.version.cuda}"
    elif torch.version.hip:
        build = f"ROCm {torch.version.hip}"
    return {"version": torch.__version__, "build": build, "onednn": torch.backends.mkldnn.is_available()}


def _device() -> Device:
    kind, count = hardware.kind(), hardware.count()
    try:
        name = hardware.gpu_name() or hardware.cpu_name()
        memory, available = hardware.total_memory(), hardware.available_memory()
    except RuntimeError as error:  # a GPU that is lost, or held exclusively by another process
        why = first_line(error)
        return {"kind": kind, "name": "", "count": count, "memory_bytes": 0, "available_bytes": 0, "error": why}
    return {
        "kind": kind,
        "name": name,
        "count": count,
        "memory_bytes": memory,
        "available_bytes": available,
        "error": None,
    }


def _processor() -> Processor:
    import psutil

    return {
        "name": hardware.cpu_name(),
        "cores": hardware.cores(),
        "cores_of_machine": os.cpu_count() or 1,
        "busy": psutil.getloadavg()[0],
        "instructions": hardware.cpu_instructions(),
        "memory_bytes": int(psutil.virtual_memory().total),
        "available_bytes": hardware.available_main_memory(),
    }


def _chosen() -> Chosen:
    import torch

    from pefbench.models.cpu_kernels import onednn_linear
    from pefbench.trial import devices

    precision = devices.resolve_precision("auto")
    devices.set_threads(None)
    without, with_dropout = (devices.attention(precision, dropout=dropout) for dropout in (False, True))
    own = hardware.kind() == "cpu" and onednn_linear is not None
    return {
        "precision": precision,
        "threads": torch.get_num_threads(),
        "attention": without if without == with_dropout else f"{without}, with dropout {with_dropout}",
        "linear": "oneDNN" if own else "torch's own",
        "optimizer": "fused AdamW",
    }


def _start_bitsandbytes() -> subprocess.Popen[str] | None:
    """Start the test of bitsandbytes, if it is installed; the rest is examined meanwhile."""
    try:
        version("bitsandbytes")
    except PackageNotFoundError:
        return None
    command = [INTERPRETER, "-c", TRIED, hardware.kind()]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")


def _bitsandbytes(trying: subprocess.Popen[str] | None) -> Bitsandbytes:
    if trying is None:
        return {"version": None, "works": None, "error": None}
    with trying:
        try:
            _, errors = trying.communicate(timeout=TRYING)
        except subprocess.TimeoutExpired:
            trying.kill()
            return {"version": version("bitsandbytes"), "works": None, "error": f"no answer within {TRYING:g} s"}
    works = trying.returncode == 0
    last = next((line for line in reversed(errors.strip().splitlines())), f"it ended with status {trying.returncode}")
    return {"version": version("bitsandbytes"), "works": works, "error": None if works else last}


def _folders() -> list[Folder]:
    """The folders that trials write to."""
    from huggingface_hub import constants

    places = {
        "results": Path("results"),
        "downloads": cache_folder(),
        "hub cache": Path(constants.HF_HUB_CACHE),
        "temporary files": Path(tempfile.gettempdir()),
    }
    return [_folder(what, path.expanduser().absolute()) for what, path in places.items()]


def _folder(what: str, path: Path) -> Folder:
    there = next(each for each in (path, *path.parents) if each.exists())
    return {
        "what": what,
        "path": str(path),
        "bytes": None if what == "temporary files" else _size(path),
        "free_bytes": shutil.disk_usage(there).free,
        "writable": os.access(there, os.W_OK | os.X_OK),
    }


def _size(path: Path) -> int | None:
    """The size in bytes of the files below a folder; None if it does not exist or takes too long."""
    if not path.is_dir():
        return None
    deadline, found = time.monotonic() + COUNTING, 0
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                found += os.lstat(Path(folder, name)).st_size
            except OSError:  # deleted meanwhile
                continue
        if time.monotonic() > deadline:
            return None
    return found
