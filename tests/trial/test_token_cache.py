"""The token cache: a second start gets bitwise the same tokens, and never those of anything else."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pefbench.heads.causal import CausalHead
from pefbench.heads.examples import GenerationExample
from pefbench.heads.search import DecoderPrompt
from pefbench.recipe import load_recipe
from pefbench.trial import token_cache, token_file
from pefbench.trial.cache import Shared
from pefbench.trial.phases import Phases
from pefbench.trial.prepare import prepare
from tests.tokenizers import single_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.heads import Encoded
    from pefbench.trial.prepare import Prepared
    from tests.worlds import World


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, also for few examples."""
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(token_cache, "LEAST", 1)
    return tmp_path / "cache" / "tokens"


def prepared(world: World, **changes: Any) -> Prepared:
    return prepare(load_recipe(world.recipe("tokens", **changes)), Phases(), ["train"])


def same(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray):
        return bool(first.dtype == second.dtype and np.array_equal(first, second))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(value, second[name]) for name, value in first.items())
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, DecoderPrompt):
        return all(same(getattr(first, field), getattr(second, field)) for field in DecoderPrompt.__slots__)
    return bool(first == second)


def are_same(first: Encoded, second: Encoded) -> bool:
    return all(same(getattr(first, field.name), getattr(second, field.name)) for field in fields(first))


def test_a_second_start_does_not_tokenise(world: World, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepared(world)
    assert len([*cache.iterdir()]) == 1
    monkeypatch.setattr(type(first.head), "encode", lambda *_: pytest.fail("tokenised again"))
    second = prepared(world)
    assert are_same(first.encoded["train"], second.encoded["train"])
    assert len([*cache.iterdir()]) == 1


def test_what_the_tokens_depend_on_is_in_the_name(world: World, cache: Path) -> None:
    prepared(world)
    few = {"train__max_examples": 20}
    for number, changes in enumerate(({"train__max_length": 9}, few, few | {"data__seed": 3}), 2):
        prepared(world, **changes)
        assert len([*cache.iterdir()]) == number, changes
    prepared(world, train__learning_rate=0.5)
    assert len([*cache.iterdir()]) == number


def test_it_is_not_used_without_fast_paths_or_by_a_round_trip(world: World, cache: Path) -> None:
    prepared(world, train__fast_paths=False)
    recipe = load_recipe(world.recipe("tokens"))
    prepare(recipe, Phases(), ["train"], Shared(tokens_on_disk=False))
    assert not cache.exists()


@pytest.mark.parametrize("damage", [b"", b"ARROW1\0\0", None])
def test_a_damaged_file_is_made_again(world: World, cache: Path, damage: bytes | None) -> None:
    first = prepared(world)
    [file] = cache.iterdir()
    whole = file.read_bytes()
    if damage is None:
        middle = len(whole) // 2
        damage = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    file.write_bytes(damage)
    assert are_same(first.encoded["train"], prepared(world).encoded["train"])
    assert file.read_bytes() == whole
    assert [*cache.iterdir()] == [file]


def test_several_that_write_at_once_leave_one_whole_file(world: World, cache: Path) -> None:
    first = prepared(world)
    [file] = cache.iterdir()
    killed, busy = cache / ".tmp-killed", cache / ".tmp-busy"
    for other in (killed, busy):
        other.touch()
    os.utime(killed, (1, 1))
    key, content = file.stem.partition("-")[0], file.read_bytes()
    file.unlink()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: token_cache._write(key, first.encoded["train"]), range(16)))
    assert {*cache.iterdir()} == {file, busy}
    assert file.read_bytes() == content


def test_what_cannot_be_written_costs_nothing_but_time(world: World, cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_text("a file where the folder would be")
    assert len(prepared(world).encoded["train"])


def test_the_files_used_last_are_kept(world: World, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(world)
    [first] = cache.iterdir()
    prepared(world, train__max_length=9)
    [second] = {*cache.iterdir()} - {first}
    for file, age in ((first, 100), (second, 200)):
        os.utime(file, (age, age))
    monkeypatch.setattr(token_cache, "MOST", first.stat().st_size * 5 // 2)
    prepared(world)  # uses the first
    os.utime(second, (300, 300))
    prepared(world, train__max_length=10)
    assert first.exists()
    assert not second.exists()
    monkeypatch.setattr(token_cache, "MOST", 10)
    before = {*cache.iterdir()}
    prepared(world, train__max_length=11)  # is larger than all may be
    assert {*cache.iterdir()} == before


def test_prompts_of_a_decoder_are_kept(tmp_path: Path) -> None:
    tokenizer = single_bytes()
    examples = [GenerationExample("what is it", "a river"), GenerationExample("saw it", "Anna")]
    encoded = CausalHead().encode(tokenizer, examples, 96)
    file = tmp_path / "tokens.arrow"
    file.write_bytes(token_file.content(encoded))
    again = token_file.read(file, tokenizer)
    assert are_same(encoded, again)
    assert again.decoding[1].tokenizer is tokenizer
    assert not again.features["input_ids"][0].flags.owndata
    with pytest.raises(ValueError, match="object"):
        token_file.content(type(encoded)(encoded.features, encoded.targets, [object(), object()]))
