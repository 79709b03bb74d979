"""Renders the findings about a machine as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tabulate import tabulate

from pefbench.errors import counted
from pefbench.results.store import readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pefbench.doctor.found import Folder, Found, Hub, Odd


def render(found: Found, odd: Sequence[Odd]) -> str:
    """All findings: a table, then what looks wrong and what to do about it."""
    rows = [*_machine(found), *_software(found), *_outside(found)]
    table = tabulate(rows, tablefmt="plain", disable_numparse=True)
    if not odd:
        return f"{table}\n\nnothing odd"
    return "\n".join([table, "", *(f"odd: {each['what']}\n     {each['do']}" for each in odd)])


def _machine(found: Found) -> list[tuple[str, str]]:
    device, processor, chosen = found["device"], found["processor"], found["chosen"]
    several = f"{device['count']} x " if device["count"] > 1 else ""
    memory = f"{readable(device['available_bytes'], 'B')} of {readable(device['memory_bytes'], 'B')} free"
    answers = "does not answer" if device["error"] else f"{device['name']}, {memory}"
    cores = f"{processor['cores']} of {processor['cores_of_machine']} cores, load {processor['busy']:.1f}"
    return [
        ("device", f"{device['kind']}: {several}{answers}"),
        ("processor", f"{processor['name']}: {cores}; {' '.join(processor['instructions']) or 'no AVX2'}"),
        ("memory", f"{readable(processor['available_bytes'], 'B')} of {readable(processor['memory_bytes'], 'B')} free"),
        ("chosen", f"{chosen['precision']}, {counted(chosen['threads'], 'thread')}, attention {chosen['attention']}"),
        ("", f"linear layers by {chosen['linear']}, {chosen['optimizer']}"),
    ]


def _software(found: Found) -> list[tuple[str, str]]:
    torch, library, packages = found["torch"], found["bitsandbytes"], found["packages"]
    works = {True: ", works", False: ", does not work", None: f", {library['error']}"}[library["works"]]
    named = ("transformers", "peft", "accelerate", "tokenizers", "datasets")
    return [
        ("pefbench", f"{found['pefbench']}, Python {found['python']}, {found['system']}"),
        ("torch", f"{torch['version']}, built for {torch['build']}{', with oneDNN' if torch['onednn'] else ''}"),
        ("packages", ", ".join(f"{name} {packages.get(name, 'missing')}" for name in named)),
        ("bitsandbytes", "not installed" if library["version"] is None else f"{library['version']}{works}"),
        *(
            (f"extra {name}", "installed" if extra["installed"] else f"lacks {', '.join(extra['missing'])}")
            for name, extra in found["extras"].items()
        ),
        ("sandbox", "works" if found["sandbox"] is None else found["sandbox"]),
    ]


def _outside(found: Found) -> list[tuple[str, str]]:
    return [
        *((folder["what"], _room(folder)) for folder in found["folders"]),
        ("hub", _reached(found["hub"])),
        *((f"${name}", value) for name, value in found["environment"].items()),
    ]


def _room(folder: Folder) -> str:
    held = "" if folder["bytes"] is None else f"{readable(folder['bytes'], 'B')}, "
    return f"{folder['path']}: {held}{readable(folder['free_bytes'], 'B')} free on its disk"


def _reached(hub: Hub) -> str:
    if hub["offline"]:
        return f"{hub['endpoint']}: not asked, HF_HUB_OFFLINE is set"
    if hub["reachable"]:
        return f"{hub['endpoint']}: answers, {hub['seconds']:.1f} s"
    return f"{hub['endpoint']}: cannot be reached"
