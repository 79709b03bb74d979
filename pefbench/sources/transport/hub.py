"""Data sets and models from the Hugging Face hub, or from a local folder laid out like one of its repositories."""

from __future__ import annotations

import hashlib
import re
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pefbench.errors import SourceError
from pefbench.paths import cache_folder
from pefbench.sources.arrow import table_rows
from pefbench.sources.rows import Rows
from pefbench.sources.transport.hub_errors import WITHOUT_HUB, explain, explained, is_unreachable, library_errors
from pefbench.sources.transport.reaching import offline_when_unreachable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)?")
COMMIT = re.compile(r"[0-9a-f]{40}")
MODEL_FILES = ["*.safetensors", "*.json", "*.txt", "*.model", "*.spm", "*.jinja"]
NEVER = ["*.bin", "*.ckpt", "*.pkl", "*.pt", "*.pth", "*/*"]  # the last one skips copies in other formats in subfolders


def read_split(name: str, part: str | None, *, config: str | None, revision: str | None) -> Rows:
    """Read one split. Labels are names, or None if hidden.

    part: the split; None if there is only one. It may include the configuration, ``main/train``, which joint sources
    need. `Rows.revision` is the commit that was read, None for a local folder. Raises SourceError or DataError.
    """
    if part and "/" in part:
        config, _, part = part.partition("/")
    local = _local_folder(name)
    commit = None if local else _resolve(name, revision)
    split = part or _only_split(name, config, commit or revision)
    wanted = _wanted("data set", name, config, revision)
    library = _datasets()
    with explained(wanted), _reached(local):
        path = str(local or name)
        dataset: Any = library.load_dataset(path, config, split=split, revision=commit or revision, **_cached_by(local))
    found = None if local else _commit_of(dataset)
    if commit and found and commit != found:  # if a download fails, `datasets` falls back to any cached commit
        raise SourceError(f"{wanted}: commit {commit} cannot be read, only an older one in the cache; {WITHOUT_HUB}")
    rows = table_rows(dataset.with_format("arrow")[:], dataset.features.to_dict(), f"hf:{name}/{split}")
    return Rows(rows.columns, rows.rows, commit or found)


def split_names(name: str, *, config: str | None, revision: str | None) -> list[str]:
    """The splits of a data set. Raises SourceError."""
    local = _local_folder(name)
    library = _datasets()
    with explained(_wanted("data set", name, config, revision)), _reached(local):
        return list(library.get_dataset_split_names(str(local or name), config, revision=revision, **_cached_by(local)))


def model_folder(name: str, revision: str | None) -> Path:
    """The folder with a model's safetensors, config and tokenizer files, downloaded if missing. Raises SourceError."""
    if local := _local_folder(name):
        return local
    with explained(_wanted("model", name, None, revision)), offline_when_unreachable():
        from huggingface_hub import snapshot_download

        folder = snapshot_download(name, revision=revision, allow_patterns=MODEL_FILES, ignore_patterns=NEVER)
    return Path(folder)


def _datasets() -> Any:
    """The `datasets` library, with its progress bars off."""
    import datasets

    datasets.disable_progress_bars()
    return datasets


def _reached(local: Path | None) -> AbstractContextManager[None]:
    """A context for reading a data set; for a local folder it does nothing."""
    return nullcontext() if local else offline_when_unreachable()


def _cached_by(local: Path | None) -> dict[str, str]:
    """Options that make `datasets` cache a local folder by its present files.

    If the README lists the files, the default cache depends only on the folder's name and README (huggingface/datasets
    issue 2956), so that rows of another folder, or from before an edit, would be read.
    """
    if not local:
        return {}
    names = (path.relative_to(local) for path in sorted(local.rglob("*")) if path.is_file())
    seen = [name for name in names if not any(part.startswith(".") for part in name.parts)]
    states = [(name.as_posix(), *_state(local / name)) for name in seen]
    key = hashlib.sha256(repr((str(local.resolve()), states)).encode()).hexdigest()
    return {"cache_dir": str(cache_folder() / "hub_folders" / key[:16])}


def _state(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _local_folder(name: str) -> Path | None:
    """The folder of this name if it exists, None for a hub name. Raises SourceError if it is neither."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if not NAME.fullmatch(name) or name.startswith("."):
        raise SourceError(f"hf:{name}: neither owner/name on the hub nor an existing folder")
    return None


def _wanted(kind: str, name: str, config: str | None, revision: str | None) -> str:
    named = {"config": config, "revision": revision}
    return f"{kind} hf:{name}" + "".join(f", {key} {value}" for key, value in named.items() if value)


def _only_split(name: str, config: str | None, revision: str | None) -> str:
    splits = split_names(name, config=config, revision=revision)
    if len(splits) != 1:
        raise SourceError(f"hf:{name}: name the split to read; it has {', '.join(splits)}")
    return splits[0]


def _resolve(name: str, revision: str | None) -> str | None:
    """The commit to which a revision refers now; None if only the cache can tell.

    Without a network, a branch or tag is refused: its commit is unknown, and the cache may hold another.
    """
    if revision and COMMIT.fullmatch(revision):
        return revision
    from huggingface_hub import HfApi

    try:
        with offline_when_unreachable():
            return HfApi().dataset_info(name, revision=revision).sha
    except library_errors() as error:
        if revision is None and is_unreachable(error):
            return None
        raise explain(error, _wanted("data set", name, None, revision)) from None


def _commit_of(dataset: Any) -> str | None:
    """The commit from which a data set's cache files were made: their folder's name."""
    folders = {Path(file["filename"]).parent.name for file in dataset.cache_files}
    return next((folder for folder in folders if COMMIT.fullmatch(folder)), None)
