"""The findings about a machine, as printed by ``pefbench doctor --json``."""

from __future__ import annotations

from typing import TypedDict


class Torch(TypedDict):
    """The installed build of torch."""

    version: str
    build: str  # what it was built for: CPU, CUDA 12.8, ROCm 6.4
    onednn: bool  # whether it includes oneDNN's kernels


class Device(TypedDict):
    """The device that trials compute on."""

    kind: str  # cuda, mps or cpu
    name: str  # model name
    count: int  # GPUs; 0 on a CPU
    memory_bytes: int  # a container's limit if that is less
    available_bytes: int
    error: str | None  # why it does not answer


class Processor(TypedDict):
    """The CPU."""

    name: str
    cores: int  # that this process may use
    cores_of_machine: int
    busy: float  # processes that ran or waited for a core, mean over the last minute
    instructions: list[str]  # that speed up matrix products: avx2, avx512_bf16, amx_bf16, ...
    memory_bytes: int
    available_bytes: int


class Chosen(TypedDict):
    """What a trial with default settings uses here."""

    precision: str
    threads: int  # CPU threads of a process
    attention: str  # kernels of attention; without and with dropout if they differ
    linear: str  # kernels of linear layers in fp32
    optimizer: str


class Bitsandbytes(TypedDict):
    """The library of quantised weights."""

    version: str | None  # null: not installed
    works: bool | None  # whether quantising a matrix to 4 bits on the device and reading it back worked; null: unknown
    error: str | None


class Extra(TypedDict):
    """Packages that only a part of pefbench needs."""

    installed: bool
    missing: list[str]


class Folder(TypedDict):
    """A folder that is written to."""

    what: str
    path: str
    bytes: int | None  # size of its files; null: it does not exist, or has too many files to count
    free_bytes: int  # on its disk
    writable: bool


class Hub(TypedDict):
    """The Hugging Face hub."""

    endpoint: str
    offline: bool  # HF_HUB_OFFLINE is set
    reachable: bool | None  # null: not tried, being offline
    seconds: float | None  # until it answered
    error: str | None


class Found(TypedDict):
    """All findings."""

    pefbench: str
    python: str
    system: str
    torch: Torch
    nvidia_driver: bool  # whether an NVIDIA driver is installed, whatever torch is built for
    device: Device
    processor: Processor
    chosen: Chosen
    packages: dict[str, str]
    unmet: list[str]  # requirements of pefbench that are not met, with the installed version
    extras: dict[str, Extra]
    bitsandbytes: Bitsandbytes
    sandbox: str | None  # why programs that models write cannot be run; null: they can be
    folders: list[Folder]
    hub: Hub
    environment: dict[str, str]  # variables that change what trials do


class Odd(TypedDict):
    """Something that looks wrong."""

    what: str
    do: str  # what to do about it
