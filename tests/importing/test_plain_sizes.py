"""Plain sizes get the same answers as from torch's module of symbolic sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.fx.experimental import symbolic_shapes

from pefbench.importing import plain_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_each_answer_is_the_modules_own() -> None:
    conditions = {"expect_true", "guard_or_false", "guard_or_true", "statically_known_true"}
    several = [(True,), (True, False), (False, False), (True, True, False)]
    shapes = [((1, 2), [1, 2]), ((1, 2), (1, 3)), ((1,), (1, 1)), (torch.Size([2]), (2,))]
    cases: dict[str, Sequence[tuple[Any, ...]]] = {name: [(True,), (False,)] for name in conditions}
    cases |= {"sym_and": several, "sym_or": several, "sym_eq": [(1, 1), (1, 2), *shapes]}
    cases["is_nested_int"] = [(3,), (0,)]
    assert cases.keys() == plain_sizes.ANSWERS.keys()
    for name, given in cases.items():
        for values in given:
            assert plain_sizes.are_plain(values)
            answer = plain_sizes.answer(f"{plain_sizes.MODULE}.{name}")
            assert answer is not None
            assert answer(*values) is getattr(symbolic_shapes, name)(*values), (name, values)


def test_what_is_not_plain_or_not_known_is_left_to_the_module() -> None:
    assert not plain_sizes.are_plain((torch.tensor(1),))
    assert not plain_sizes.are_plain(((1, 2.0),))
    assert not plain_sizes.are_plain((None,))
    assert plain_sizes.answer(f"{plain_sizes.MODULE}.constrain_range") is None
    assert plain_sizes.answer("sympy.sym_eq") is None
