"""Docstrings read as questions about parameters."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.sources.derived._inline_markup import plain
from pefbench.sources.derived._numpydoc import parameters
from pefbench.sources.derived._prose import paragraphs
from pefbench.sources.derived.docstring_parameters import COLUMNS, read_parameters
from pefbench.sources.rows import BadRows

if TYPE_CHECKING:
    from pathlib import Path


def function(docstring: str, name: str = "f") -> str:
    """Return a function's source code with this docstring."""
    return f'def {name}():\n    r"""' + indent(dedent(docstring), "    ").strip() + '\n    """\n'


def package(folder: Path, *docs: str, name: str = "shelf") -> Path:
    """Write a package whose one file has a function for each docstring."""
    root = folder / name
    root.mkdir()
    (root / "books.py").write_text("\n".join(map(function, docs)), encoding="utf-8")
    return root


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
    assert rows.columns == COLUMNS == ("question", "context", "answers", "package")
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
