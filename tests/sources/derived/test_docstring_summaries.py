"""Summaries from docstrings: the first line is separate, and the rest does not contain it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pefbench.sources import BadRows, read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.sources import Row

BODY = "It does so by a search that begins at `node` and goes on until nothing is left, " + "word " * 30 + "end."


def rows(folder: Path, *docstrings: str, name: str = "module.py", bad: BadRows | None = None) -> list[Row]:
    """Return what is read of a package with one function a docstring, behind one good docstring."""
    package = folder / "package"
    package.mkdir(exist_ok=True)
    good = f"Return the very first thing.\n\nA beginning. {BODY}"
    functions = [f'def f{i}():\n    r"""{text}"""\n' for i, text in enumerate((good, *docstrings))]
    (package / name).write_text("\n".join(functions), encoding="utf-8")
    return read_rows(f"file:{package}", format="docstring_summaries", bad=bad).rows


def test_the_first_line_is_the_summary_of_the_rest(tmp_path: Path) -> None:
    text = f"""Find all ``paths`` between two nodes.

    {BODY}

    Parameters
    ----------
    source : node
        Where the *search* begins.

    >>> find(1, 2)
    """
    _, row = rows(tmp_path, text)
    assert row.values["summary"] == "Find all paths between two nodes."
    assert row.values["document"] == BODY.replace("`", "") + "\nWhere the search begins."
    assert row.values["package"] == "package"
    assert row.where == "package/module.py:7"


@pytest.mark.parametrize(
    "text",
    [
        "Find all paths between two nodes.",
        "Find all paths between two nodes.\n\nToo short a body.",
        f"Find paths.\n\n{BODY}",
        f"Find all paths\nbetween two nodes.\n\n{BODY}",
        f"Find all paths between two nodes\n\n{BODY}",
        f"find(a, b) finds all the paths.\n\n{BODY}",
        f"Find all paths between two nodes.\n\n{BODY} FIND all paths, between two nodes!",
        f"Find all paths between :obj:`two` nodes.\n\n{BODY}",
        f"Find all paths between two nodes.\n\n{BODY} See :math:`x`.",
        f"Return the very first thing.\n\n{BODY} Other words.",
        f"Return another, much later thing.\n\nA beginning. {BODY}",
    ],
)
def test_a_docstring_that_makes_no_clean_pair_is_left_out(tmp_path: Path, text: str) -> None:
    assert [row.values["summary"] for row in rows(tmp_path, text)] == ["Return the very first thing."]


def test_tests_are_not_read_and_what_is_not_python_is_a_bad_row(tmp_path: Path) -> None:
    bad = BadRows(skip=True)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "broken.py").write_text('def f(:\n\n"""a\n\nb"""', encoding="utf-8")
    assert len(rows(tmp_path, bad=bad)) == 1
    assert len(rows(tmp_path, f"Find all paths between two nodes.\n\n{BODY}", name="test_x.py", bad=bad)) == 1
    assert len(bad.found) == 2
    assert bad.found[0].startswith("package/broken.py:1: not Python")
