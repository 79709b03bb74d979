"""Finds what looks wrong on the machine, and says what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from pefbench import hardware
from pefbench.models.quantization import OLDEST
from pefbench.results.store import readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pefbench.doctor.found import Found, Odd

LITTLE_DISK = 2 * 10**9
"""Bytes: the default models, their conversion and a few trials."""
LITTLE_MEMORY = 2 * 10**9
"""Bytes: the libraries and the smallest pretrained model."""
BUSY = 0.5
"""Other processes waiting for a core, per core, above which timings are unreliable."""


def advice(found: Found) -> list[Odd]:
    """What looks wrong, the most serious first; empty if nothing does."""
    return [*_packages(found), *_gpu(found), *_memory(found), *_folders(found), *_hub(found), *_quantised(found)]


def _packages(found: Found) -> Iterator[Odd]:
    if found["unmet"]:
        yield {
            "what": f"packages that are missing or too old: {', '.join(found['unmet'])}",
            "do": "pip install -U pefbench, or -e . in a checkout",
        }


def _gpu(found: Found) -> Iterator[Odd]:
    build, on_cpu = found["torch"]["build"], found["device"]["kind"] == "cpu"
    if found["device"]["error"]:
        yield {
            "what": f"the GPU does not answer: {found['device']['error']}",
            "do": "end the other processes that hold it; if there are none, restart the machine",
        }
    if not on_cpu:
        return
    told = found["environment"].get("ACCELERATE_USE_CPU", "").lower() in hardware.YES
    if told and (build != "CPU" or found["nvidia_driver"]):
        yield {"what": "ACCELERATE_USE_CPU is set: no GPU is used", "do": "unset it to use one"}
    elif build == "CPU" and found["nvidia_driver"]:
        yield {
            "what": "an NVIDIA driver is installed, but torch is built for the CPU only",
            "do": "install torch's build for CUDA: pytorch.org/get-started",
        }
    elif build != "CPU":
        yield {
            "what": f"torch is built for {build} and finds no GPU",
            "do": "see whether nvidia-smi (or rocminfo) lists one, the driver is new enough, and "
            "CUDA_VISIBLE_DEVICES is unset",
        }


def _memory(found: Found) -> Iterator[Odd]:
    processor = found["processor"]
    if processor["available_bytes"] < LITTLE_MEMORY:
        yield {
            "what": f"only {readable(processor['available_bytes'], 'B')} of main memory is free",
            "do": "end other programs; the libraries and the smallest models take about 1 GB",
        }
    if processor["busy"] > BUSY * processor["cores_of_machine"]:
        yield {
            "what": f"other processes use its {processor['cores_of_machine']} cores: load {processor['busy']:.1f}",
            "do": "wait for them before comparing times; train.threads leaves cores to them",
        }
    if processor["cores"] < processor["cores_of_machine"]:
        yield {
            "what": f"this process may use {processor['cores']} of {processor['cores_of_machine']} cores",
            "do": "nothing if this is intended; taskset, a container or a scheduler has set it",
        }


def _folders(found: Found) -> Iterator[Odd]:
    ways = {
        "results": "choose another folder with --out",
        "downloads": "set PEFBENCH_CACHE to another folder",
        "hub cache": "set HF_HOME to another folder",
        "temporary files": "set TMPDIR to another folder",
    }
    for folder in found["folders"]:
        if not folder["writable"]:
            yield {"what": f"{folder['what']} cannot be written: {folder['path']}", "do": ways[folder["what"]]}
        elif folder["free_bytes"] < LITTLE_DISK:
            yield {
                "what": f"only {readable(folder['free_bytes'], 'B')} is free for {folder['what']}: {folder['path']}",
                "do": f"make room, or {ways[folder['what']]}",
            }


def _hub(found: Found) -> Iterator[Odd]:
    if found["hub"]["reachable"] is False:
        yield {
            "what": f"{found['hub']['endpoint']} cannot be reached ({found['hub']['error']})",
            "do": "hf: sources come only from the cache, and HF_HUB_OFFLINE=1 avoids the waiting; recipes outside "
            "recipes/hub/ need only a package index",
        }


def _quantised(found: Found) -> Iterator[Odd]:
    library = found["bitsandbytes"]
    if library["version"] is None:
        return
    if Version(library["version"]) < Version(OLDEST):
        yield {
            "what": f"bitsandbytes {library['version']} is too old for model.quantize and adamw8bit",
            "do": "pip install 'pefbench[quantize]'",
        }
    elif library["works"] is None:
        yield {
            "what": f"bitsandbytes {library['version']}: {library['error']}, so it is unknown whether it works",
            "do": "try again when other work has ended; if it still hangs, train without model.quantize and adamw8bit",
        }
    elif not library["works"]:
        yield {
            "what": f"bitsandbytes {library['version']} does not work here: {library['error']}",
            "do": "train without model.quantize and adamw8bit, or install another version",
        }
