"""Docstrings read as sentences with tagged names."""

from __future__ import annotations

import re
from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.errors import DataError
from pefbench.sources import tagging
from pefbench.sources.derived._inline_markup import Mention, plain
from pefbench.sources.derived._prose import paragraphs
from pefbench.sources.derived._python_files import docstrings
from pefbench.sources.derived.docstring_entities import (
    COLUMNS,
    read_entities,
)
from pefbench.sources.rows import BadRows
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.sources.rows import Row


def function(docstring: str, name: str = "f") -> str:
    """Return a function's source code with this docstring."""
    return f'def {name}():\n    r"""' + indent(dedent(docstring), "    ").strip() + '\n    """\n'


def package(folder: Path, *docs: str, name: str = "shelf") -> Path:
    """Write a package whose one file has a function for each docstring."""
    root = folder / name
    root.mkdir()
    (root / "books.py").write_text("\n".join(map(function, docs)), encoding="utf-8")
    return root


def marked(row: Row) -> str:
    """Return a sentence with its tags beside its tokens, `O` left out."""
    pairs = zip(row.values["tokens"], row.values["tags"], strict=True)
    return " ".join(token if tag == "O" else f"{token}/{tag}" for token, tag in pairs)


def entities(folder: Path, *docs: str) -> list[str]:
    return [marked(row) for row in read_entities(package(folder, *docs), "shelf", BadRows()).rows]


@pytest.mark.parametrize(
    ("markup", "seen", "kind"),
    [
        (":class:`a.b.C`", "a.b.C", "class"),
        (":class:`~a.b.C`", "C", "class"),
        (":class:`!C`", "C", "class"),
        (":class:`~.C`", "C", "class"),
        (":py:meth:`.C.run()`", "C.run", "method"),
        (":class:`the_name <a.b.C>`", "the_name", "class"),
        (":class:`py:set`", "set", "class"),
        (":exc:`KeyError`", "KeyError", "class"),
        (":func:`größe`", "größe", "function"),
        (":attr:`x`", "x", "attribute"),
        (":mod:`a.b`", "a.b", "module"),
    ],
)
def test_a_role_is_what_a_reader_sees_and_its_kind(markup: str, seen: str, kind: str) -> None:
    read = plain(f"See {markup}, please.")
    assert read.text == f"See {seen}, please."
    assert read.mentions == (Mention(4, 4 + len(seen), kind),)
    assert read.unclear == ()


@pytest.mark.parametrize(
    ("markup", "seen"),
    [
        ("``x + 1``", "x + 1"),
        ("`x`", "x"),
        ("`the page <https://x.org>`_", "the page"),
        ("`the page`__", "the page"),
        ("*very* **good**", "very good"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("**kwargs and *args", "**kwargs and *args"),
        (r"\*args", "*args"),
        (r":data:`X`\ s", "Xs"),
        (":data:`~a.LIMIT`", "LIMIT"),
        (":tg-const:`~a.LIMIT`", "LIMIT"),
        (":ref:`that chapter <label>`", "that chapter"),
        (":obj:`None`", "None"),
        ("so it is [1]_ here", "so it is  here"),
        ("a | b | c", "a | b | c"),
        ("lambda_ and __init__", "lambda_ and __init__"),
    ],
)
def test_other_markup_becomes_words_without_a_mention(markup: str, seen: str) -> None:
    read = plain(f"See {markup}.")
    assert (read.text, read.mentions, read.unclear) == (f"See {seen}.", (), ())


@pytest.mark.parametrize(
    "markup",
    [
        ":meth:`the update method <C.update>`",
        ":class:`list[int]`",
        ":obj:`int`",
        ":math:`a^2`",
        ":ref:`label`",
        "|placeholder|",
        "`open",
        ":class:Forgotten",
        "%(verbose)s",
    ],
)
def test_what_the_text_does_not_say_is_unclear_at_its_place(markup: str) -> None:
    read = plain(f"See {markup} here.")
    assert read.unclear
    assert set(read.unclear) == {4}
    assert read.mentions == ()


@given(st.text(alphabet="ab `:*|\\~<>_.[]1(x)\n", max_size=60))
def test_mentions_are_names_that_stand_in_the_text(text: str) -> None:
    read = plain(f"{text} :class:`~a.B` {text} :func:`g`")
    for mention in read.mentions:
        assert read.text[mention.start : mention.end].replace(".", "").isidentifier()
    assert all(0 <= at <= len(read.text) for at in read.unclear)


def test_running_text_is_read_without_code_tables_headings_and_fields_names() -> None:
    text = dedent("""\
        A summary
        on two lines.

        .. note:: Mind the gap.
        .. versionchanged:: 2.0
           It was slow.

        .. code-block:: python

           code = 1

           more = 2

        Like so::

            literal

        Again.

        >>> doctest
        'result'

        Parameters
        ----------
        x : int
            What x is.
            .. versionadded:: 3.1

        ===  ===
        a    b
        ===  ===

        - a bullet
          that runs on
        - another
        :param int y: what y is
            and is not
        :rtype: str

        Args:
            z (int): what z is
        :class:`int`: The size.

        See Also
        --------
        other : Something else.

        Notes
        -----
        The end.
        """)
    assert [paragraph for _, paragraph in paragraphs(text)] == [
        "A summary on two lines.",
        "Mind the gap.",
        "It was slow.",
        "Like so:",
        "Again.",
        "What x is.",
        "a bullet that runs on",
        "another",
        "what y is and is not",
        "what z is",
        "The size.",
        "The end.",
    ]
    lines = text.split("\n")
    assert all(paragraph.split()[-1] in "\n".join(lines[at : at + 3]) for at, paragraph in paragraphs(text))


def test_docstrings_are_found_with_their_lines_and_nothing_is_executed(tmp_path: Path) -> None:
    root = tmp_path / "shelf"
    for name in ("tests/x.py", "test_x.py", "conftest.py", "b.py", "sub/a.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text('"""Of a module."""\nraise SystemExit("\\d")\n')
    (root / "b.py").write_text(
        'class A:\n    """\n\n    Late.\n\n      Deeper.\n    """\n    async def f(): "Odd."\n    def g(): ""\n'
    )
    (root / "c.py").write_text("not Python, and not parsed")
    found = [(read.file, read.line, read.text) for read in docstrings(root, "", BadRows(), re.compile("Of|Odd|Late"))]
    assert found == [
        ("shelf/b.py", 4, "Late.\n\n  Deeper."),
        ("shelf/b.py", 8, "Odd."),
        ("shelf/sub/a.py", 1, "Of a module."),
    ]


@pytest.mark.parametrize(("source", "line"), [(b"# :mod:`x`\nprint 'two'\n", 2), (b"x = '\0:mod:`x`'\n", 1)])
def test_a_file_that_is_not_python_is_a_bad_row(tmp_path: Path, source: bytes, line: int) -> None:
    root = package(tmp_path, "Call :func:`g` now and then.")
    (root / "old.py").write_bytes(source)
    message = refusal(DataError, read_entities, root, "shelf", BadRows())
    assert message.startswith(f"shelf/old.py:{line}: not Python as version 3.")
    bad = BadRows(skip=True)
    assert len(read_entities(root, "shelf", bad).rows) == 1
    assert bad.found == [message]


def test_a_sentence_a_row_with_its_place_and_its_package(tmp_path: Path) -> None:
    root = package(
        tmp_path,
        "Nothing is marked in here.",
        """\
        Open a :class:`~shelf.Book`'s cover with ``open()``, e.g. in the library. Don't tear :attr:`.Book.page`.

        It is a plain sentence.
        """,
    )
    rows = read_entities(root, "shelf", BadRows())
    assert rows.columns == COLUMNS == ("tokens", "tags", "package")
    assert [marked(row) for row in rows.rows] == [
        "Open a Book/B-class 's cover with open ( ) , e.g . in the library .",
        "Don 't tear Book.page/B-attribute .",
        "It is a plain sentence .",
    ]
    assert [(row.where, row.values["package"]) for row in rows.rows] == [
        ("shelf/books.py:6", "shelf"),
        ("shelf/books.py:6", "shelf"),
        ("shelf/books.py:8", "shelf"),
    ]


def test_no_markup_is_left_beside_names(tmp_path: Path) -> None:
    [line] = entities(tmp_path, r"*Never* use :meth:`~A.b`\ s or ``c`` of `that <x>`_ :mod:`d.e` [1]_ again.")
    assert line == "Never use bs/B-method or c of that d.e/B-module again ."


@pytest.mark.parametrize(
    "doubtful",
    [
        "This :obj:`thing` is of no known kind.",
        "The formula :math:`x` is not words.",
        "The :func:`way to go <g>` is not a name.",
        "Here the name ``g`` is a literal.",
        "Here the call ``g()`` is a literal.",
        "Two in one: :class:`A`.:meth:`b` it is.",
        "Too short.",
        "1 is not a letter to begin with.",
        "nothing ends this sentence",
        f"Too long: {'word ' * 60}.",
    ],
)
def test_doubtful_sentences_are_left_out_and_their_neighbours_stay(tmp_path: Path, doubtful: str) -> None:
    read = entities(tmp_path, f"{doubtful}\n\nCall :func:`g` now and then.", "Another ``way`` to :func:`way_out`.")
    assert read == ["Call g/B-function now and then .", "Another way to way_out/B-function ."]


@given(names=st.lists(st.sampled_from([":class:`~a.Bc`", ":meth:`d.e()`", "word", "``lit``", ":mod:`f`s"]), min_size=4))
def test_tags_are_iob2_and_as_many_as_there_are_names(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "It is " + ", ".join([*names[:20], ":func:`always`"]) + "."
    [row] = read_entities(package(tmp_path_factory.mktemp("any"), text), "shelf", BadRows()).rows
    tags, scheme, _ = tagging.to_iob2([row.values["tags"]], lambda _row, _token: row.where)
    assert scheme == "IOB2"
    assert tags == [row.values["tags"]]
    assert len(tags[0]) == len(row.values["tokens"])
    assert len(tagging.spans(tags[0])) == text.count(":`")
