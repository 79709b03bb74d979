"""The ChatterBot corpus: YAML files of conversations, each a list of turns.

::

    categories: [AI]
    conversations:
    - - What is AI?
      - Artificial Intelligence is the branch of engineering and science devoted to constructing machines that think.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from pefbench.errors import DataError
from pefbench.sources.folders import member, members
from pefbench.sources.reader import FolderReader
from pefbench.sources.rows import Row, Rows

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.sources.rows import BadRows

COLUMNS = ("category", "turns")
DEEPEST = 32
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # builds only texts, lists and mappings, never objects


def read_chatterbot(folder: Path, name: str, bad: BadRows) -> Rows:
    """Read one row per conversation in a folder's ``*.yml`` files, in order of their names.

    category: the file's first category, or the file's name without its suffix; turns: list[str], at least two, exactly
    as written: ``yes`` and ``1963`` are texts, too. Raises SourceError or DataError.
    """
    rows: list[Row] = []
    for file in members(folder, name, ".yml", ".yaml"):
        text, shown = member(folder, name, file)
        rows += _read(text, shown, bad)
    return Rows(COLUMNS, rows)


def _read(text: str, file: str, bad: BadRows) -> list[Row]:
    keys = _keys(_document(text, file))
    conversations = keys.get("conversations")
    if not isinstance(conversations, yaml.SequenceNode):
        raise DataError(f"{file}: should be a mapping with a list of lists under 'conversations'")
    categories = _texts(keys.get("categories")) or [file.rpartition("/")[2].rpartition(".")[0]]
    rows = []
    for conversation in conversations.value:
        number, turns = conversation.start_mark.line + 1, _texts(conversation)
        if turns is not None and len(turns) >= 2 and all(turns):
            rows.append(Row({"category": categories[0], "turns": turns}, file, number))
        else:
            bad(DataError(f"{file}:{number}: should be a list of two or more turns of text"))
    return rows


def _document(text: str, file: str) -> yaml.Node | None:
    try:
        if _depth(text) > DEEPEST:
            raise DataError(f"{file}: YAML nested too deeply to be read")
        return yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DataError(f"{file}:{line}: not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise DataError(f"{file}: not YAML: {' '.join(str(error).split())[:200]}") from None


def _depth(text: str) -> int:
    """The deepest nesting of lists and mappings: composing them takes as many recursive calls, in C."""
    depth = deepest = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            deepest = max(deepest, depth)
            if deepest > DEEPEST:
                break
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return deepest


def _keys(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _texts(node: yaml.Node | None) -> list[str] | None:
    """The texts of a list of text; None for anything else."""
    if not isinstance(node, yaml.SequenceNode) or not all(isinstance(each, yaml.ScalarNode) for each in node.value):
        return None
    return [each.value.strip() for each in node.value]


READER = FolderReader(read_chatterbot)
