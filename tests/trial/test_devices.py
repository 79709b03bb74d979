"""What a launcher may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.errors import UserError
from pefbench.recipe import load_recipe
from pefbench.trial import devices, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World


@pytest.mark.parametrize(("variable", "name"), devices.SHARDED.items())
def test_sharded_weights_are_refused_before_the_data_are_read(
    variable: str, name: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "true")
    monkeypatch.setattr("pefbench.trial.trial.prepare", lambda *_: pytest.fail("it read data"))
    with pytest.raises(UserError, match=rf"^{name}: weights that are sharded over processes are not supported; launch"):
        run.run(load_recipe(world.recipe("sharded")), tmp_path)
