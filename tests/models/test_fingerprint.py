"""Fingerprints depend on what models compute, not on their location; large files are read once."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any, cast

import pytest

from pefbench.models import fingerprint, remembered
from tests import tiny
from tests.tokenizers import words

if TYPE_CHECKING:
    from pathlib import Path


def saved(folder: Path, seed: int = 0) -> Path:
    cast("Any", tiny.token_classifier("bert", seed=seed)).bert.save_pretrained(folder)
    words().save_pretrained(folder)
    return folder


def test_other_weights_have_another_fingerprint(tmp_path: Path) -> None:
    one, same, other = saved(tmp_path / "one"), saved(tmp_path / "same"), saved(tmp_path / "other", seed=1)
    assert fingerprint.of_weights(one) == fingerprint.of_weights(same) != fingerprint.of_weights(other)
    assert fingerprint.of_settings([one]) == fingerprint.of_settings([same]) == fingerprint.of_settings([other])


@pytest.mark.parametrize(
    ("file", "field", "value", "is_same"),
    [
        ("config.json", "layer_norm_eps", 1e-3, False),
        ("config.json", "transformers_version", "4.0.0", True),
        ("config.json", "dtype", "bfloat16", True),
        ("tokenizer.json", "normalizer", {"type": "Lowercase"}, False),
        ("tokenizer_config.json", "model_max_length", 7, False),
        ("adapter_config.json", "lora_alpha", 7, False),
        ("trainer_state.json", "epoch", 7, True),
    ],
)
def test_settings_are_what_changes_the_numbers(
    tmp_path: Path, file: str, field: str, value: object, is_same: bool
) -> None:
    before = fingerprint.of_settings([saved(tmp_path)])
    fields = json.loads((tmp_path / file).read_text()) if (tmp_path / file).exists() else {}
    (tmp_path / file).write_text(json.dumps(fields | {field: value}))
    assert (fingerprint.of_settings([tmp_path]) == before) == is_same


def test_a_large_file_is_read_again_only_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def digest_of(file: Path) -> str:
        read.append(file)
        return hashlib.sha256(file.read_bytes()).hexdigest()

    monkeypatch.setattr(fingerprint, "digest_of", digest_of)
    monkeypatch.setattr(remembered, "LARGE", 1)
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"old")
    old = fingerprint.of_weights(tmp_path)
    assert fingerprint.of_weights(tmp_path) == old
    assert len(read) == 2, "it has only just been written: another change might not show in its time"
    monkeypatch.setattr(remembered, "STILL", -1.0)
    assert [fingerprint.of_weights(tmp_path) for _ in range(3)] == [old] * 3
    assert len(read) == 3
    times = file.stat()
    file.write_bytes(b"new")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # as a careful copy would set it
    assert fingerprint.of_weights(tmp_path) != old
    for digest in (tmp_path / "cache" / "digests").iterdir():
        digest.write_text("damaged")
    assert len(fingerprint.of_weights(tmp_path)) == 64
    assert len(read) == 5
