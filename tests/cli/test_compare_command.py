"""`pefbench compare`: names of comparison files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pefbench.cli.compare import _file
from pefbench.errors import UserError
from pefbench.paths import PROJECT


def test_a_name_is_looked_up_among_the_comparisons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _file(Path("ner")) == PROJECT / "recipes" / "compare" / "ner.yaml"
    assert _file(Path("ner.yaml")) == Path("ner.yaml")
    assert _file(Path("a/ner")) == Path("a/ner")
    with pytest.raises(UserError, match=r"no comparison 'nerr' in recipes/compare; did you mean 'ner'\?"):
        _file(Path("nerr"))
