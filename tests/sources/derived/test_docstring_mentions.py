from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.sources import read_rows

if TYPE_CHECKING:
    from pathlib import Path

MODULE = '''
def f():
    """Make a :class:`Thing` by calling :func:`g` and another :class:`Other`.

    The rest has no mark at all in it. A method such as :meth:`run` is told apart. Too short.
    """
'''


def test_a_sentence_has_the_kinds_of_names_that_it_mentions(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "m.py").write_text(MODULE, encoding="utf8")
    found = read_rows(f"file:{tmp_path / 'package'}", format="docstring_mentions")
    assert found.columns == ("text", "labels", "package")
    assert [(row.values["text"], row.values["labels"]) for row in found.rows] == [
        ("Make a Thing by calling g and another Other.", ["class", "function"]),
        ("The rest has no mark at all in it.", []),
        ("A method such as run is told apart.", ["method"]),
    ]
