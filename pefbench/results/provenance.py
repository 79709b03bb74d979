"""The provenance of a result: commit, package versions, hardware."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from pefbench import hardware
from pefbench.paths import PACKAGE, PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.results.schema import Hardware

PACKAGES = (
    "pefbench", "torch", "transformers", "peft", "accelerate", "tokenizers", "datasets", "evaluate", "seqeval",
    "scikit-learn", "numpy", "bitsandbytes",
)  # fmt: skip


def now() -> str:
    """The current time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def commit() -> tuple[str | None, bool | None]:
    """The git commit of pefbench and whether the code differs from it; (None, None) outside a checkout.

    Changes to results do not count: writing one result must not make the next one dirty.
    """
    if not (PROJECT / ".git").exists():
        return None, None
    head = _git(PROJECT, "rev-parse", "HEAD")
    changed = _git(PROJECT, "status", "--porcelain", "--", ".", ":(exclude)results")
    return (head, bool(changed)) if head is not None and changed is not None else (None, None)


@cache  # later edits are not what this process runs
def code_digest() -> str:
    """The sha256 of the package's own source, which distinguishes changed code from committed code."""
    digest = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        digest.update(f"{file.relative_to(PACKAGE)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def packages() -> dict[str, str]:
    """The installed version of every package that can change a number."""
    return {**_versions()}


@cache
def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {"python": platform.python_version(), **versions}


def machine() -> Hardware:
    """The machine's properties that affect speed."""
    import torch

    return {
        "cpu": hardware.cpu_name(),
        "cores": hardware.cores(),
        "threads": torch.get_num_threads(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpu": hardware.gpu_name(),
    }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
