"""How long threads spin before they sleep: briefly, unless the user decides, and set before torch is imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pefbench.waiting import SPINS, VARIABLE, wait_briefly

POLICY = "OMP_WAIT_POLICY"
SEEN = """
import os, sys
from importlib.abc import MetaPathFinder
from pefbench.cli.main import main

class Watch(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print(os.environ.get("GOMP_SPINCOUNT"), flush=True)
            os._exit(0)

sys.meta_path.insert(0, Watch())
main(["doctor"])
"""


@pytest.mark.parametrize(
    ("given", "after"),
    [
        ({}, {VARIABLE: str(SPINS)}),
        ({VARIABLE: "7"}, {VARIABLE: "7"}),
        ({POLICY: "ACTIVE"}, {POLICY: "ACTIVE"}),
    ],
)
def test_what_the_user_has_chosen_stays(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], after: dict[str, str]
) -> None:
    for name in (VARIABLE, POLICY):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    wait_briefly()
    assert {name: os.environ[name] for name in (VARIABLE, POLICY) if name in os.environ} == after


def test_a_command_sets_it_before_torch_is_imported() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in (VARIABLE, POLICY)}
    found = subprocess.run(
        [sys.executable, "-c", SEEN], env=environment, check=True, capture_output=True, text=True, timeout=120
    )
    assert found.stdout == f"{SPINS}\n"
