"""Requirements are read from the checkout, or else from the installed package."""

from __future__ import annotations

from email.message import Message
from importlib.metadata import version
from typing import TYPE_CHECKING

from pefbench.doctor import requirements

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

DECLARED = [
    "torch>=999",
    "peft",
    "numpy<0.1",
    "no-such-package>=2",
    'gguf>=0.1; extra == "gguf"',
    'absent; extra == "b"',
    'absent; python_version < "3"',
]


def test_of_the_checkout() -> None:
    assert requirements.unmet() == []
    assert {"quantize", "gguf", "docs", "dev"} <= requirements.extras().keys()


def test_of_the_installed_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(requirements, "PROJECT", tmp_path)
    said = Message()
    said["Provides-Extra"], said["provides-extra"] = "gguf", "b"
    monkeypatch.setattr(requirements, "requires", lambda _: DECLARED)
    monkeypatch.setattr(requirements, "metadata", lambda _: said)
    assert requirements.unmet() == [
        f"torch>=999 ({version('torch')} is installed)",
        f"numpy<0.1 ({version('numpy')} is installed)",
        "no-such-package>=2",
    ]
    assert requirements.extras()["gguf"] == {"installed": True, "missing": []}
    assert requirements.extras()["b"] == {"installed": False, "missing": ["absent"]}
