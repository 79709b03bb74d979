from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pefbench import atomic
from pefbench.atomic import TEMPORARY_PREFIX, write_json
from pefbench.errors import OutputError, UserError
from pefbench.paths import PROJECT
from pefbench.results.store import (
    Stored,
    check_writable,
    load_results,
    newest,
    read_result,
    readable,
    trial_id,
)
from pefbench.results.validation import problem
from tests.sample_results import failed_sample, sample, store

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = PROJECT

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
recipes = st.dictionaries(
    st.text().filter(lambda key: key != "name"),
    st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4),
    min_size=1,
    max_size=4,
)


def raise_os_error(number: int) -> Callable[..., NoReturn]:
    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return fail


def reordered(value: object) -> object:
    if isinstance(value, dict):
        return {key: reordered(each) for key, each in reversed(value.items())}
    return [reordered(each) for each in value] if isinstance(value, list) else value


@settings(max_examples=30, deadline=None)
@given(recipe=recipes, fingerprint=st.text())
def test_trial_id_does_not_depend_on_the_order_of_keys(recipe: dict[str, Any], fingerprint: str) -> None:
    expected = trial_id(recipe, fingerprint)
    assert re.fullmatch("[0-9a-f]{12}", expected)
    reordered_recipe = reordered(recipe)
    assert isinstance(reordered_recipe, dict)
    assert trial_id(reordered_recipe, fingerprint) == expected


@settings(max_examples=30, deadline=None)
@given(recipe=recipes, fingerprint=st.text(), data=st.data())
def test_trial_id_changes_with_any_value(recipe: dict[str, Any], fingerprint: str, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(recipe)))
    other = data.draw(leaves.filter(lambda value: json.dumps(value) != json.dumps(recipe[key])))
    expected = trial_id(recipe, fingerprint)
    assert trial_id({**recipe, key: other}, fingerprint) != expected
    assert trial_id({each: value for each, value in recipe.items() if each != key}, fingerprint) != expected
    assert trial_id(recipe, fingerprint + "x") != expected


@settings(max_examples=30, deadline=None)
@given(recipe=recipes, name=st.text())
def test_trial_id_does_not_depend_on_the_name_of_the_recipe(recipe: dict[str, Any], name: str) -> None:
    assert trial_id({**recipe, "name": name}, "data") == trial_id(recipe, "data")


def test_trial_id_stays_what_it_was() -> None:
    # Resuming depends on it: when this number changes, every finished trial is run again.
    assert trial_id({"task": "ner", "train": {"seed": 0, "learning_rate": 2e-3}}, "1a2b") == "aaf33ec5fb64"


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0, "", "0"),
        (999, "", "999"),
        (999.7, "B", "1.0 kB"),
        (1_234_567, "", "1.2 M"),
        (3_400_000, "B", "3.4 MB"),
        (134_500_000, "", "134 M"),
        (999_999, "B", "1.0 MB"),
        (5e15, "B", "5000 TB"),
        (512, "B", "512 B"),
    ],
)
def test_readable(value: float, unit: str, expected: str) -> None:
    assert readable(value, unit) == expected


def test_write_and_read_back(tmp_path: Path) -> None:
    for result in (sample(), failed_sample()):
        stored = store(tmp_path, result)
        assert read_result(stored.path) == result
    assert not list(tmp_path.rglob(f"{TEMPORARY_PREFIX}*"))


def test_written_file_is_as_readable_as_any_new_file(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {})
    (tmp_path / "b.json").touch()
    assert (tmp_path / "a.json").stat().st_mode == (tmp_path / "b.json").stat().st_mode


def test_nan_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"old": True})
    monkeypatch.setattr(os, call, raise_os_error(errno.ENOSPC))
    with pytest.raises(OutputError, match="the disk is full") as caught:
        write_json(path, {"new": True})
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert json.loads(path.read_text()) == {"old": True}
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_writer_leaves_no_half_file(tmp_path: Path) -> None:
    """The process dies between writing and renaming; readers see the old file and nothing else."""
    stored = store(tmp_path, sample())
    code = (
        "import os, sys; from pathlib import Path; from pefbench.atomic import write_json\n"
        "os.replace = lambda *_: os._exit(9)\n"
        "write_json(Path(sys.argv[1]), {'schema': 1})"
    )
    assert subprocess.run([sys.executable, "-c", code, str(stored.path)], check=False, cwd=ROOT).returncode == 9
    assert [path.name.startswith(TEMPORARY_PREFIX) for path in stored.path.parent.iterdir()].count(True) == 1
    loaded = load_results(tmp_path)
    assert [each.result for each in loaded.results] == [stored.result]
    assert loaded.problems == []


def test_an_interrupt_removes_the_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_json(tmp_path / "a.json", {})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", raise_os_error(errno.EINVAL), raising=True)
    atomic._sync_folder(tmp_path)


def test_check_writable_creates_the_folder_and_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "results", 1000)
    assert list((tmp_path / "new" / "results").iterdir()) == []


def test_check_writable_names_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=12_000_000))
    with pytest.raises(OutputError, match=r"3\.4 GB needed, 12\.0 MB free") as caught:
        check_writable(tmp_path, 3_400_000_000)
    assert str(tmp_path) in str(caught.value)
    check_writable(tmp_path, 12_000_000)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "Input/output"),
    ],
)
def test_check_writable_tries_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    monkeypatch.setattr(os, "fsync", raise_os_error(number))
    with pytest.raises(OutputError, match=words) as caught:
        check_writable(tmp_path, 0)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("inside", ["", "sub", "sub/deeper"])
def test_a_file_where_a_folder_should_be(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / inside
    with pytest.raises(OutputError, match="is a file, not a folder"):
        check_writable(folder, 0)
    with pytest.raises(OutputError, match="is a file, not a folder"):
        write_json(folder / "a.json", {})


def test_the_interval_that_distinct_n_had_is_forgotten(tmp_path: Path) -> None:
    """It lay below the value, as no resample has as many different words as the corpus."""
    known = {"value": 0.8, "low": 0.6, "high": 0.7, "examples": 9, "higher_is_better": True}
    test = {
        "entity_f1": known | {"value": 0.65, "signature": "entity_f1|v:1"},
        "distinct_2": known | {"signature": "distinct|v:1"},
    }
    path = store(tmp_path, sample(changes={"metrics.test": test})).path
    read = read_result(path)["metrics"]["test"]
    assert (read["distinct_2"]["low"], read["distinct_2"]["high"]) == (None, None)
    assert read["entity_f1"]["low"] == 0.6


def test_load_results_reads_results_only(tmp_path: Path) -> None:
    one = store(tmp_path, sample(seed=1))
    two = store(tmp_path / "deep" / "er", sample(seed=2))
    artifacts = one.path.with_suffix("")
    for name in ("adapter_config.json", "tokenizer.json", "0123456789ab.json"):
        write_json(artifacts / name, {"not": "ours"})
    write_json(tmp_path / "notes.json", {})
    (tmp_path / f"{TEMPORARY_PREFIX}0123").write_text("{")
    loaded = load_results(tmp_path)
    assert sorted(each.path for each in loaded.results) == [each.path for each in loaded.results]
    assert {each.path for each in loaded.results} == {one.path, two.path}
    assert loaded.problems == []


def test_load_results_lists_damaged_files(tmp_path: Path) -> None:
    good = store(tmp_path, sample())
    bad = good.path.with_name("000000000000.json")
    bad.write_text("{")
    (bad.with_name("000000000001.json")).symlink_to("nowhere")
    loaded = load_results(tmp_path)
    assert [each.path for each in loaded.results] == [good.path]
    assert len(loaded.problems) == 2
    assert str(bad) in loaded.problems[0]
    assert "000000000001.json" in loaded.problems[1]


def test_load_results_without_the_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = store(tmp_path / "results", sample(seed=1))
    old = store(tmp_path / "results" / "baseline", sample(seed=2))
    monkeypatch.chdir(tmp_path)
    for exclude in (
        tmp_path / "results" / "baseline",
        Path("results/../results/baseline"),
        Path("results", "baseline"),
    ):
        loaded = load_results(Path("results"), exclude=exclude)
        assert [each.path for each in loaded.results] == [new.path.relative_to(tmp_path)]
    assert len(load_results(Path("results")).results) == 2
    assert len(load_results(tmp_path / "results", exclude=old.path).results) == 1


def test_load_results_of_one_file(tmp_path: Path) -> None:
    path = tmp_path / "best.json"
    write_json(path, sample())
    assert [each.path for each in load_results(path).results] == [path]


def test_nothing_to_load(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        load_results(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"cannot read .*name too long"):
        load_results(tmp_path / ("x" * 300))
    with pytest.raises(UserError, match="no result in"):
        load_results(tmp_path)
    write_json(tmp_path / "111111111111.json", sample(changes={"scored": ["validation"], "metrics.test": ...}))
    with pytest.raises(UserError, match=r"no final result in .*, only 1 tuning trial, not scored on test$"):
        load_results(tmp_path)
    (tmp_path / "000000000000.json").write_text("{")
    with pytest.raises(UserError, match=r"1 damaged, the first: .*not a whole JSON file"):
        load_results(tmp_path)


def test_newest_compares_times_not_texts(tmp_path: Path) -> None:
    # 02:30 at +02:00 is 00:30 in UTC, earlier than 01:00 without a zone, though its text is later.
    times = ["2026-01-01T01:00:00", "2026-01-01T02:30:00+02:00", "2026-01-01T00:59:59.5Z"]
    results = [
        Stored(tmp_path / str(index), sample(changes={"provenance.finished": moment}))
        for index, moment in enumerate(times)
    ]
    for order in (results, results[::-1]):
        kept, older = newest(order)
        assert kept == [results[0]]
        assert older == 2


def test_thousands_of_results_load_quickly(tmp_path: Path) -> None:
    text = json.dumps(sample())
    for index in range(2000):
        (tmp_path / f"{index:012x}.json").write_text(text)
    started = time.process_time()
    loaded = load_results(tmp_path)
    seconds = time.process_time() - started
    assert len(loaded.results) == 2000
    # About 0.5 s; of the processor, for on a busy machine the clock tells of others.
    assert seconds < 5


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, pefbench.results.store, pefbench.analysis.tables, pefbench.analysis.checks\n"
        "print(*{'torch', 'numpy', 'pydantic', 'transformers', 'sklearn'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""


def test_tuning_trials_are_not_ranked(tmp_path: Path) -> None:
    tuned = sample(changes={"scored": ["validation"], "metrics.test": ..., "recipe.train.seed": 7})
    assert problem(tuned) is None
    store(tmp_path, tuned)
    final = store(tmp_path, sample())
    assert [each.path for each in load_results(tmp_path).results] == [final.path]
    unscored = problem(sample(changes={"scored": ["validation"], "metrics.validation": {}}))
    assert unscored is not None
    assert "metrics.validation" in unscored
