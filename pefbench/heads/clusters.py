"""Merges clusters with groups: both name examples that depend on each other, which intervals draw together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def joined(clusters: Sequence[str], groups: Sequence[str]) -> list[str]:
    """One name for each example; equal if a chain of equal clusters or equal groups connects two examples (union-find).

    "" means none: an example without cluster and group gets "". Raises ValueError if the lengths differ.
    """
    parents: dict[tuple[str, str], tuple[str, str]] = {}

    def root(name: tuple[str, str]) -> tuple[str, str]:
        parents.setdefault(name, name)
        while parents[name] != name:
            parents[name] = parents[parents[name]]  # halves the path
            name = parents[name]
        return name

    pairs = list(zip(clusters, groups, strict=True))
    for cluster, group in pairs:
        if cluster and group:
            parents[root(("cluster", cluster))] = root(("group", group))
    named = [("cluster", cluster) if cluster else ("group", group) for cluster, group in pairs]
    return [":".join(root(name)) if name[1] else "" for name in named]
