"""Turns errors of the hub's libraries into one-line messages."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pefbench.errors import DataError, SourceError, UserError
from pefbench.sources.transport.reaching import why_unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WITHOUT_HUB = (
    "a copy in a folder can be read as file:FOLDER or hf:FOLDER, and the recipes in recipes/ outside recipes/hub/ need "
    "only a package index, such as recipes/lora_ner.yaml"
)


@contextmanager
def explained(wanted: str) -> Iterator[None]:
    """Turn errors of the hub's libraries into a one-line UserError."""
    try:
        yield
    except library_errors() as error:
        raise explain(error, wanted) from None


def library_errors() -> tuple[type[Exception], ...]:
    """The errors that loading from the hub may raise; the HTTP library's are found through HfHubHTTPError's bases."""
    from datasets.exceptions import DatasetsError
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    others = (ValueError, RuntimeError, DatasetsError, EntryNotFoundError)
    return (*HfHubHTTPError.__bases__, OSError, *others)


def explain(error: BaseException, wanted: str) -> UserError:
    """Explain an error of the hub's libraries in one line. wanted: what was requested, in words."""
    from datasets.exceptions import DatasetGenerationError

    causes = list(_causes(error))
    if reason := _refusal(causes):
        return SourceError(f"{wanted}: {reason}")
    if not isinstance(error, ValueError) and any(map(is_unreachable, causes)):
        why = why_unreachable()
        reason = f"({why}), and the cache has no copy" if why else f"({_first_line(error)})"
        return SourceError(f"{wanted}: the hub cannot be reached {reason}; {WITHOUT_HUB}")
    if isinstance(error, DatasetGenerationError):
        return DataError(f"{wanted}: cannot be read: {_line(causes[-1])}")
    return SourceError(f"{wanted}: {_line(error)}")


def _refusal(causes: Sequence[BaseException]) -> str | None:
    """Why the hub or pefbench refuses the request; None if the error has another cause."""
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    text = str(causes[0])
    if "scripts are no longer supported" in text:
        return (
            "is a script, which is never run; try revision refs/convert/parquet, the hub's copy in Parquet, "
            "or another repository that has Parquet files"
        )
    if among(GatedRepoError) or (among(DatasetNotFoundError) and "gated" in text):
        return "is gated: accept its terms on its page of the hub, then `hf auth login`"
    if among(RevisionNotFoundError) or (among(DatasetNotFoundError) and text.startswith("Revision ")):
        return "the hub has no such revision"
    if among(RepositoryNotFoundError, DatasetNotFoundError):
        return "not on the hub, or private; check the name, or `hf auth login` if it is yours"
    return None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:240] or type(error).__name__


def _first_line(error: BaseException) -> str:
    """An error's first line, without the library's own advice in the following lines."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].removeprefix("Got: ")[:240]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and its causes, newest first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_unreachable(error: BaseException) -> bool:
    """Whether an error concerns the network rather than the content of the hub."""
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, RemoteEntryNotFoundError | RepositoryNotFoundError | RevisionNotFoundError):
        return False
    network = (ConnectionError, TimeoutError, HfHubHTTPError, LocalEntryNotFoundError)
    library = type(error).__module__.partition(".")[0].rstrip("2")
    return isinstance(error, network) or library in {"aiohttp", "httpcore", "httpx", "requests", "urllib3"}
