"""Turns an address into a place: a folder, or a store supported by fsspec."""

from __future__ import annotations

from pathlib import Path

from pefbench.results.place import Place


def place_at(given: str | Path | Place) -> Place:
    """The folder at a path, or the store at an address such as ``s3://bucket/results``. Raises UserError."""
    if isinstance(given, Place):
        return given
    address = str(given)
    if "://" not in address:
        return Place(address, Path(given))
    if address.startswith("file://"):
        return Place(address, Path(address.removeprefix("file://")))
    from pefbench.results.mirror import Mirror

    return Mirror.of(address)
