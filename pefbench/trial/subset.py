"""The training examples that `train.max_examples` selects: drawn by `data.seed`, stratified by class.

So trials that differ in `train.seed` learn from the same examples, and no class is lost unless the limit is too small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

Class = TypeVar("Class", bound="Hashable")


def subset(examples: Sequence[Any], limit: int | None, seed: int) -> list[Any]:
    """`limit` of the examples, in their order; all if there are no more, or if `limit` is None."""
    if limit is None or limit >= len(examples):
        return list(examples)
    classes: dict[Hashable, list[int]] = {}
    for number, example in enumerate(examples):
        classes.setdefault(getattr(example, "label", None), []).append(number)
    shares = allot({name: len(members) for name, members in classes.items()}, limit)
    generator = np.random.default_rng(seed)
    drawn = [
        members[place]
        for name, members in sorted(classes.items(), key=lambda each: str(each[0]))
        for place in generator.permutation(len(members))[: shares[name]].tolist()
    ]
    return [examples[number] for number in sorted(drawn)]


def allot(sizes: Mapping[Class, int], limit: int) -> dict[Class, int]:
    """How many examples each class gets: by the largest remainder, and at least one.

    If there are more classes than `limit`, the largest get one each; ties are broken by name.
    """
    by_size = sorted(sizes, key=lambda name: (-sizes[name], str(name)))
    if limit <= len(sizes):
        return {name: int(place < limit) for place, name in enumerate(by_size)}
    quotas = {name: limit * sizes[name] / sum(sizes.values()) for name in by_size}
    shares = {name: max(1, int(quotas[name])) for name in by_size}
    while sum(shares.values()) < limit:
        shares[max(by_size, key=lambda name: (shares[name] < sizes[name], quotas[name] - shares[name]))] += 1
    while sum(shares.values()) > limit:  # because small classes got more than their proportion
        shares[max(by_size, key=lambda name: (shares[name] > 1, shares[name] - quotas[name]))] -= 1
    return shares
