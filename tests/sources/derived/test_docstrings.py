"""Docstrings read as sentences with tagged names, and as questions about parameters."""

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
from pefbench.sources.derived._numpydoc import parameters
from pefbench.sources.derived._prose import paragraphs
from pefbench.sources.derived._python_files import docstrings
from pefbench.sources.derived.docstrings import (
    COLUMNS_OF_ENTITIES,
    COLUMNS_OF_QUESTIONS,
    read_entities,
    read_parameters,
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
    assert rows.columns == COLUMNS_OF_ENTITIES == ("tokens", "tags", "package")
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
    tags, scheme = tagging.to_iob2([row.values["tags"]], lambda _row, _token: row.where)
    assert scheme == "IOB2"
    assert tags == [row.values["tags"]]
    assert len(tags[0]) == len(row.values["tokens"])
    assert len(tagging.spans(tags[0])) == text.count(":`")


SECTION = """\
    Fit a line.

    Parameters
    ----------
    alpha : float, optional (default=0.5)
        How *steep* it is. Must be positive.
    beta : {'low', 'high'}, default: 'low'
        Which :class:`~shelf.Level` it has.
    gamma: :class:`int` or None
        Defaults to ``None``.
    a, b : float
        Both ends of the line.
    delta
        An offset of some kind. The default is 3 if `a` is 1.

    Returns
    -------
    float
        Not read, alpha : int.
    """


def test_parameters_are_read_in_plain_words() -> None:
    read = parameters(dedent(SECTION))
    assert [entry.names for entry in read] == [("alpha",), ("beta",), ("gamma",), ("a", "b"), ("delta",)]
    assert read[1].text == "beta : {'low', 'high'}, default: 'low'\nWhich Level it has."
    assert read[2].text == "gamma : int or None\nDefaults to None."
    assert read[4].text == "delta\nAn offset of some kind. The default is 3 if a is 1."


def test_a_question_a_row_with_the_place_of_its_answer(tmp_path: Path) -> None:
    rows = read_parameters(package(tmp_path, SECTION), "shelf", BadRows())
    assert rows.columns == COLUMNS_OF_QUESTIONS == ("question", "context", "answers", "package")
    assert {row.values["question"]: row.values["answers"]["text"] for row in rows.rows} == {
        "What type is alpha?": ["float"],
        "What is the default of alpha?": ["0.5"],
        "What does alpha mean?": ["How steep it is."],
        "What type is beta?": ["{'low', 'high'}"],
        "What is the default of beta?": ["'low'"],
        "What does beta mean?": ["Which Level it has."],
        "What type is gamma?": ["int or None"],
        "What is the default of gamma?": ["None"],
        "What does gamma mean?": ["Defaults to None."],
        "What does delta mean?": ["An offset of some kind."],
    }
    for row in rows.rows:
        [answer], [start] = row.values["answers"]["text"], row.values["answers"]["answer_start"]
        assert row.values["context"][start:].startswith(answer)
        assert (row.where, row.values["package"]) == ("shelf/books.py:2", "shelf")


def test_the_answer_lies_in_the_entry_that_is_asked_about(tmp_path: Path) -> None:
    rows = read_parameters(package(tmp_path, SECTION), "shelf", BadRows()).rows
    entries = {entry.names[0]: entry.text for entry in parameters(dedent(SECTION))}
    for row in rows:
        entry = next(text for name, text in entries.items() if name in row.values["question"].rstrip("?").split())
        begin = row.values["context"].index(entry)
        [answer], [start] = row.values["answers"]["text"], row.values["answers"]["answer_start"]
        assert begin <= start <= begin + len(entry) - len(answer)


@pytest.mark.parametrize(
    ("head", "description", "answer"),
    [
        ("x : int, default=-1", "", "-1"),
        ("x : float (default: 1e-6)", "", "1e-6"),
        ("x : str, default 'a b'", "", "'a b'"),
        ("x : float", "A rate. Default is 0.25.", "0.25"),
        ("x : float", "A rate. By default 0.25.", "0.25"),
        ("x : bool", "A switch (default to `False`).", "False"),
        ("x : int, default=5", "The default suits most.", None),
        ("x : int", "Default: None when y is given.", None),
        ("x : float", "Defaults to 1/3.", None),
        ("x : str", "Defaults to the name of y.", None),
        ("x : float, default=np.inf", "", None),
        ("x : int, optional", "", None),
    ],
)
def test_a_default_is_a_literal_that_is_said_once_and_without_condition(
    head: str, description: str, answer: str | None
) -> None:
    [entry] = parameters(f"Parameters\n----------\n{head}\n    {description}\n")
    found = entry.answers().get("default")
    assert (found[0] if found else None) == answer
    if found:
        assert entry.text[found[1] :].startswith(found[0])


@pytest.mark.parametrize(
    ("written", "type_"),
    [
        ("int", "int"),
        ("int or None, optional", "int or None"),
        ("bool (optional, default=False)", "bool"),
        ("{'default', 'x'}, optional", "{'default', 'x'}"),
        ("array_like of shape (n, m); required", "array_like of shape (n, m)"),
        ("callable, keyword-only", "callable"),
        ("optional", None),
        ("list (of default length", None),
    ],
)
def test_a_type_is_without_optional_and_default(written: str, type_: str | None) -> None:
    [entry] = parameters(f"Parameters\n----------\nx : {written}\n    Something it is.\n")
    found = entry.answers().get("type")
    assert (found[0] if found else None) == type_


@pytest.mark.parametrize(
    "body",
    [
        "%(verbose)s\nx : int",
        "x : int\n    One of {{0, 1}}.",
        "A sentence that is no entry.\nx : int",
        "x : int\n    Not `closed.",
        f"x : {'very ' * 40}long",
    ],
)
def test_a_section_that_is_not_what_a_reader_sees_is_left_out(body: str) -> None:
    assert parameters(f"Parameters\n----------\ny : float\n    Good.\n{body}\n") == []


def test_no_question_is_ambiguous_and_none_is_asked_twice(tmp_path: Path) -> None:
    def section(*entries: str) -> str:
        return "\n".join(["Do it.", "", "Parameters", "----------", *entries])

    root = package(
        tmp_path,
        section("n : int", "N : float", "m : str"),  # an uncased model sees n and N as one
        section("n : int", "N : float", "m : str"),
        section("m : str", "k : str"),
        section("m : int", "k : str"),
        section("alone : str"),
        "No section.",
    )
    rows = read_parameters(root, "shelf", BadRows()).rows
    assert [(row.values["question"], row.values["answers"]["text"]) for row in rows] == [
        ("What type is m?", ["str"]),
        ("What type is k?", ["str"]),
        ("What type is m?", ["int"]),
    ]


@given(st.text(max_size=200))
def test_any_docstring_is_read_or_left_out_but_never_an_error(text: str) -> None:
    for paragraph in paragraphs(text):
        plain(paragraph[1])
    for entry in parameters(f"Parameters\n---\n{text}"):
        for answer, start in entry.answers().values():
            assert entry.text[start : start + len(answer)] == answer
            assert answer
