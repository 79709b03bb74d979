from __future__ import annotations

import shutil
from fnmatch import fnmatch
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import datasets
import huggingface_hub
import pytest
from huggingface_hub import errors

from pefbench.errors import DataError, SourceError
from pefbench.sources import locate, parts, read_rows
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMIT, OTHER = "a" * 40, "b" * 40
CARD = """---
configs:
- config_name: small
  default: true
  data_files:
  - {split: train, path: data/train.parquet}
  - {split: test, path: data/test.parquet}
- config_name: tiny
  data_files:
  - {split: train, path: data/test.parquet}
---
"""
RESPONSE: Any = SimpleNamespace(headers={}, request=None, status_code=503)
HTTP_LIBRARY_ERROR: Any = errors.HfHubHTTPError.__bases__[0]
UNREACHABLE: list[Exception] = [
    ConnectionError("Couldn't reach 'owner/name' on the Hub\n(ConnectError)"),
    TimeoutError("timed out"),
    errors.OfflineModeIsEnabled("offline mode\nis enabled"),
    errors.LocalEntryNotFoundError("cannot find it in the cache"),
    errors.HfHubHTTPError("503 Server Error", response=RESPONSE),
    HTTP_LIBRARY_ERROR("name or service not known"),
]


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may reach the hub or a cache outside of its own folder."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.setenv("PEFBENCH_CACHE", str(tmp_path / "pefbench"))


def table(count: int) -> Any:
    features = datasets.Features(
        {
            "tokens": datasets.List(datasets.Value("string")),
            "tags": datasets.List(datasets.ClassLabel(names=["O", "B-PER"])),
            "label": datasets.ClassLabel(names=["neg", "pos"]),
        }
    )
    columns = {"tokens": [["a", "b"]] * count, "tags": [[0, 1]] * count, "label": [1, -1, 0][:count]}
    return datasets.Dataset.from_dict(columns, features=features)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a folder laid out like a data set of the hub."""
    folder = tmp_path / "repository"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    table(3).to_parquet(folder / "data" / "train.parquet")
    table(2).to_parquet(folder / "data" / "test.parquet")
    return folder


def test_a_local_repository(repository: Path) -> None:
    rows = read_rows(f"hf:{repository}", "train")
    assert (rows.columns, len(rows.rows), rows.revision) == (("tokens", "tags", "label"), 3, None)
    assert rows.rows[0].values == {"tokens": ["a", "b"], "tags": ["O", "B-PER"], "label": "pos"}
    assert [row.values["label"] for row in rows.rows] == ["pos", None, "neg"]
    assert rows.rows[2].where == f"hf:{repository}/train:3"


def test_splits_and_configurations(repository: Path) -> None:
    source = f"hf:{repository}"
    assert parts(source) == ["train", "test"]
    assert parts(source, config="tiny") == ["train"]
    assert len(read_rows(source, config="tiny").rows) == 2
    assert len(read_rows(source, "tiny/train").rows) == 2
    assert "it has train, test" in refusal(SourceError, read_rows, source)
    message = refusal(SourceError, read_rows, source, "dev")
    assert "dev" in message
    assert "'train', 'test'" in message
    message = refusal(SourceError, read_rows, source, "train", config="huge")
    assert "config huge" in message
    assert "'small', 'tiny'" in message


def test_a_folder_of_the_same_name_and_an_edited_one_are_read_anew(repository: Path, tmp_path: Path) -> None:
    """`datasets` alone reads the first folder's rows each time: its cache knows a folder by its name and README."""
    namesake = tmp_path / "elsewhere" / repository.name
    shutil.copytree(repository, namesake)
    table(1).to_parquet(namesake / "data" / "train.parquet")
    assert [len(read_rows(f"hf:{folder}", "train").rows) for folder in (repository, namesake)] == [3, 1]
    table(2).to_parquet(namesake / "data" / "train.parquet")
    assert len(read_rows(f"hf:{namesake}", "train").rows) == 2
    (namesake / "README.md").write_text(CARD.replace("- {split: test, path: data/test.parquet}", ""))
    assert parts(f"hf:{namesake}") == ["train"]


def test_a_script_is_never_run(repository: Path) -> None:
    (repository / "repository.py").write_text("raise SystemExit('was run')")
    assert "refs/convert/parquet" in refusal(SourceError, read_rows, f"hf:{repository}", "train")


def test_a_broken_file_and_an_empty_repository(repository: Path, tmp_path: Path) -> None:
    (repository / "data" / "test.parquet").write_bytes(b"not parquet")
    assert "cannot be read" in refusal(DataError, read_rows, f"hf:{repository}", "test")
    (tmp_path / "empty").mkdir()
    refusal(SourceError, read_rows, f"hf:{tmp_path}/empty", "train")


@pytest.mark.parametrize("name", ["./nowhere", "a/b/c", "/nowhere/at/all", "~/nowhere", "a b"])
def test_neither_a_name_nor_a_folder(name: str) -> None:
    for call in (read_rows, locate, parts):
        assert "neither owner/name" in refusal(SourceError, call, f"hf:{name}")


def raising(error: BaseException) -> Callable[..., Any]:
    def call(*_: object, **__: object) -> Any:
        raise error

    return call


def hub_says(monkeypatch: pytest.MonkeyPatch, answer: BaseException | str) -> None:
    """Let the hub resolve every revision to a commit, or fail."""
    found = raising(answer) if isinstance(answer, BaseException) else lambda *_, **__: SimpleNamespace(sha=answer)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", found)


@pytest.mark.parametrize("error", UNREACHABLE, ids=lambda error: type(error).__name__)
def test_an_unreachable_hub_names_what_runs_without_it(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    hub_says(monkeypatch, error)
    monkeypatch.setattr(datasets, "load_dataset", raising(error))
    monkeypatch.setattr(datasets, "get_dataset_split_names", raising(error))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", raising(error))
    calls: list[tuple[Callable[..., Any], str]] = [
        (lambda: read_rows("hf:owner/name", "train"), "data set hf:owner/name:"),
        (lambda: read_rows("hf:owner/name", "train", config="c", revision="main"), "hf:owner/name, "),
        (lambda: read_rows("hf:owner/name"), "data set hf:owner/name:"),
        (lambda: parts("hf:owner/name"), "data set hf:owner/name:"),
        (lambda: locate("hf:owner/name", revision="v1"), "model hf:owner/name, revision v1:"),
    ]
    for call, wanted in calls:
        message = refusal(SourceError, call)
        assert wanted in message
        assert "the hub cannot be reached" in message
        assert "recipes/lora_ner.yaml" in message


def test_offline_mode_without_a_cache() -> None:
    for call in (read_rows, parts, locate):
        message = refusal(SourceError, call, "hf:owner/name")
        assert "the hub cannot be reached" in message
        assert "recipes/lora_ner.yaml" in message


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.RepositoryNotFoundError("404", response=RESPONSE), "not on the hub, or private"),
        (errors.GatedRepoError("403", response=RESPONSE), "is gated"),
        (errors.RevisionNotFoundError("404", response=RESPONSE), "no such revision"),
        (datasets.exceptions.DatasetNotFoundError("Dataset 'x' is a gated dataset on the Hub."), "is gated"),
        (datasets.exceptions.DatasetNotFoundError("Revision 'v' doesn't exist for dataset"), "no such revision"),
        (datasets.exceptions.DatasetNotFoundError("Dataset 'x' doesn't exist on the Hub"), "not on the hub"),
        (RuntimeError("Dataset scripts are no longer supported, but found x.py"), "never run"),
        (errors.HFValidationError("Repo id must be\nshorter"), "Repo id must be shorter"),
    ],
)
def test_what_the_hub_will_not_hand_out(monkeypatch: pytest.MonkeyPatch, error: Exception, expected: str) -> None:
    for answer, load in ((error, raising(AssertionError())), (COMMIT, raising(error))):
        hub_says(monkeypatch, answer)
        monkeypatch.setattr(datasets, "load_dataset", load)
        message = refusal(SourceError, read_rows, "hf:owner/name", "train")
        assert expected in message
        assert "recipes/" not in message
    monkeypatch.setattr(huggingface_hub, "snapshot_download", raising(error))
    assert expected in refusal(SourceError, locate, "hf:owner/name")


def test_a_wrong_split_is_not_blamed_on_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ValueError("Unknown split \"dev\". Should be one of ['train'].")
    error.__context__ = ConnectionError("an optional file was not there")
    hub_says(monkeypatch, COMMIT)
    monkeypatch.setattr(datasets, "load_dataset", raising(error))
    message = refusal(SourceError, read_rows, "hf:owner/name", "dev")
    assert message.endswith("Should be one of ['train'].")


def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commit: str) -> list[dict[str, Any]]:
    """Let `load_dataset` return a data set whose cache files are of this commit; returns what it is called with."""
    calls: list[dict[str, Any]] = []

    def load_dataset(name: str, config: str | None, **options: Any) -> Any:
        calls.append({"name": name, "config": config, **options})
        return datasets.load_from_disk(str(tmp_path / commit))

    table(2).save_to_disk(tmp_path / commit)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return calls


def test_the_commit_is_resolved_first_and_then_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hub_says(monkeypatch, COMMIT)
    calls = cached(tmp_path, monkeypatch, COMMIT)
    rows = read_rows("hf:owner/name", "train", config="c", revision="refs/convert/parquet")
    assert rows.revision == COMMIT
    assert rows.rows[1].where == "hf:owner/name/train:2"
    assert calls == [{"name": "owner/name", "config": "c", "split": "train", "revision": COMMIT}]


def test_another_commit_out_of_the_cache_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cached(tmp_path, monkeypatch, OTHER)
    hub_says(monkeypatch, COMMIT)
    assert COMMIT in refusal(SourceError, read_rows, "hf:owner/name", "train")
    hub_says(monkeypatch, ConnectionError("down"))
    assert COMMIT in refusal(SourceError, read_rows, "hf:owner/name", "train", revision=COMMIT)
    assert "revision v1" in refusal(SourceError, read_rows, "hf:owner/name", "train", revision="v1")


def test_the_cache_serves_without_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cached(tmp_path, monkeypatch, OTHER)
    hub_says(monkeypatch, ConnectionError("down"))
    assert read_rows("hf:owner/name", "train").revision == OTHER
    assert read_rows("hf:owner/name", "train", revision=OTHER).revision == OTHER


def test_a_model_comes_without_pickled_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    remote = [
        "config.json",
        "vocab.txt",
        "model.safetensors",
        "pytorch_model.bin",
        "onnx/x.json",
        "spiece.model",
        "x.pt",
    ]
    folder = tmp_path / "snapshot"
    folder.mkdir()

    def snapshot_download(name: str, *, revision: str | None, allow_patterns: Any, ignore_patterns: Any) -> str:
        assert (name, revision) == ("owner/name", "v1")
        allowed = [file for file in remote if any(fnmatch(file, pattern) for pattern in allow_patterns)]
        kept = [file for file in allowed if not any(fnmatch(file, pattern) for pattern in ignore_patterns)]
        for file in kept:
            (folder / file).write_text("")
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert locate("hf:owner/name", revision="v1") == folder
    assert sorted(file.name for file in folder.iterdir()) == [
        "config.json",
        "model.safetensors",
        "spiece.model",
        "vocab.txt",
    ]
    (folder / "model.safetensors").unlink()
    remote.remove("model.safetensors")
    assert "pickled weights are never loaded" in refusal(SourceError, locate, "hf:owner/name", revision="v1")


def test_a_local_model(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_text("")
    assert "only pickled weights" in refusal(SourceError, locate, f"hf:{tmp_path}")
    (tmp_path / "model.safetensors").write_text("")
    assert locate(f"hf:{tmp_path}") == tmp_path


def test_a_digest_does_not_pin_a_repository() -> None:
    for call in (read_rows, locate, parts):
        assert "revision" in refusal(SourceError, call, "hf:owner/name", sha256="0" * 64)
