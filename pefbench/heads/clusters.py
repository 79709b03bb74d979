"""Joins names that examples share: examples of a cluster depend on each other, so intervals draw them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def joined(clusters: Sequence[str], groups: Sequence[str]) -> list[str]:
    """One name for each example, which two examples share if a chain of equal clusters or equal groups connects them.

    "" is no name: an example without a cluster and a group gets "". Raises ValueError if the lengths differ.
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
