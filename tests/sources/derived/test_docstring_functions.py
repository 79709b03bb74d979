"""Functions with their docstrings: those that stand alone, with the examples that can be run."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.errors import DataError
from pefbench.metrics.sandbox.running import run
from pefbench.sources import readers
from pefbench.sources.derived._doctests import doctests
from pefbench.sources.derived._python_names import names_taken
from pefbench.sources.derived.docstring_functions import COLUMNS, read_functions
from pefbench.sources.reader import FolderReader
from pefbench.sources.rows import BadRows

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = '''
import itertools as it
from math import sqrt, pi
from . import shelves

LIMIT = 3


def roots(values):
    """Return the roots.

    >>> list(roots([4, 9]))
    [2.0, 3.0]
    """
    # One by one.
    return it.starmap(sqrt, zip(values))
'''


def read(folder: Path, source: str) -> list[dict[str, Any]]:
    (folder / "books.py").write_text(dedent(source), encoding="utf-8")
    rows = read_functions(folder, "shelf", BadRows())
    assert rows.columns == COLUMNS
    return [row.values for row in rows.rows]


def names(folder: Path, source: str) -> list[str]:
    return [values["entry_point"] for values in read(folder, source)]


def function(body: str, head: str = "def f(x):") -> str:
    return f'{head}\n    """Say something."""\n{indent(dedent(body), "    ")}\n'


def test_a_function_is_read_as_humaneval_has_it(tmp_path: Path) -> None:
    [values] = read(tmp_path, SOURCE)
    assert values["prompt"] == (
        "import itertools as it\nfrom math import sqrt\n\n\ndef roots(values):\n"
        '    """Return the roots.\n\n    >>> list(roots([4, 9]))\n    [2.0, 3.0]\n    """\n'
    )
    assert values["canonical_solution"] == "    # One by one.\n    return it.starmap(sqrt, zip(values))\n"
    assert values["entry_point"] == "roots"
    assert values["package"] == tmp_path.name
    program = values["prompt"] + values["canonical_solution"] + values["test"]
    assert run(program).passed
    assert not run(program.replace("sqrt,", "pow,")).passed


def test_it_is_a_format_of_folders() -> None:
    assert "docstring_functions" in readers.names()
    assert isinstance(readers.find("docstring_functions"), FolderReader)


@pytest.mark.parametrize(
    "source",
    [
        function("return x"),
        function("yield x"),
        function("yield from x"),
        function("import json\nreturn json.dumps(x)"),
        function("return [f(y) for y in x]"),
        function("def g(y):\n    return y\nreturn g(x)"),
        function("return lambda y: (y, x)"),
        function("class A:\n    y = 1\nreturn A"),
        function("return x", "def f(x: int = len('')) -> int:"),
        "from typing import Any\n" + function("return x", "def f(x: Any):"),
        "import os.path\n" + function("return os.path.join(x)"),
        "if True:\n    y = 1\n\n\n" + function("return x"),
    ],
)
def test_functions_that_can_be_understood_alone(source: str, tmp_path: Path) -> None:
    [values] = read(tmp_path, source)
    compile(values["prompt"] + values["canonical_solution"], "f", "exec")


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    return x",
        'def f(x):\n    """Say something."""',
        'def f(x):\n    """Say something."""; return x',
        'def f(x):\n\t"""Say something."""\n\treturn x',
        'def f(x):\n  """Say something."""\n  return x',
        function("print(x)"),
        function("return"),
        function("raise NotImplementedError"),
        function("return y"),
        function("return g(x)"),
        function("return eval(x)"),
        function("import numpy\nreturn numpy.asarray(x)"),
        function("from . import y\nreturn y(x)"),
        function("return x", "async def f(x):"),
        function("return x", "@staticmethod\ndef f(x):"),
        function("return x", "def f(x=LIMIT):"),
        function("return x", "def f(x: Any):"),
        "import numpy as np\n" + function("return np.asarray(x)"),
        "from __future__ import annotations\n" + function("return annotations"),
        "from math import *\n" + function("return sqrt(x)"),
        "class A:\n" + indent(function("return self", "def f(self):"), "    "),
        function("y = " + " + ".join(["x"] * 400) + "\nreturn y"),
        f'def f(x):\n    """{"Say something. " * 150}"""\n    return x',
    ],
)
def test_functions_that_cannot(source: str, tmp_path: Path) -> None:
    assert read(tmp_path, source) == []


def test_the_same_body_is_read_once(tmp_path: Path) -> None:
    assert names(tmp_path, function("return x") + "\n\n" + function("return x", "def g(x):")) == ["f"]


def test_tests_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "test_books.py").write_text(function("return x"))
    assert names(tmp_path, function("return x + 1", "def g(x):")) == ["g"]


def test_encodings_are_kept(tmp_path: Path) -> None:
    (tmp_path / "books.py").write_bytes(b"# coding: latin-1\r\n" + function("return 'größer'").encode("latin-1"))
    [row] = read_functions(tmp_path, "shelf", BadRows()).rows
    assert row.values["canonical_solution"] == "    return 'größer'\n"
    assert row.where == "shelf/books.py:2"


def test_what_is_not_python_is_a_bad_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"shelf/books\.py:1: not Python"):
        read(tmp_path, "def f(:\n    pass")


KNOWN = {"print", "list", "ValueError"}


@pytest.mark.parametrize(
    "docstring",
    [
        ">>> f(1)\n1",
        ">>> from shelf.books import f\n>>> f(1)\n1",
        ">>> x = f(1)\n>>> x\n1",
        ">>> import math\n>>> f(math.pi)\n3",
        ">>> def g(x):\n...     return f(x)\n...\n>>> g(1)\n1",
        ">>> f('''a\n... b''')\n'ab'",
    ],
)
def test_examples_that_can_be_run(docstring: str) -> None:
    program = doctests(docstring, "f", KNOWN)
    assert program is not None
    compile(program, "f", "exec")
    assert run("f = lambda x: 1 if x == 1 else 3 if x != 'a\\nb' else 'ab'\n" + program).passed
    assert not run("f = lambda x: None\n" + program).passed
    assert not run("f = lambda x: exit(0)\n" + program).passed


@pytest.mark.parametrize(
    "docstring",
    [
        "",
        "f(1) is 1",
        ">>> 1\n1",
        ">>> f(1)",
        ">>> g(1)\n1",
        ">>> f(1)  # doctest: +SKIP\n1",
        ">>> from shelf import f, g\n>>> f(1)\n1",
        ">>> import numpy\n>>> f(numpy.pi)\n3",
        ">>> import shelf.books as shelf\n>>> f(shelf)\n3",
        ">>> from . import g\n>>> f(g)\n3",
        ">>> f(1)\n<generator object f at 0x7f>",
        ">>> f(1)\n[1, 2, ...]",
        ">>> f(1\n1",
        ">>>f(1)\n1",
    ],
)
def test_examples_that_cannot(docstring: str) -> None:
    assert doctests(docstring, "f", KNOWN) is None


@pytest.mark.parametrize(
    ("source", "taken"),
    [
        ("x = y", {"y"}),
        ("def f(a, b=c): return a + b + d", {"c", "d"}),
        ("def f():\n    def g(): return h\n    return g", {"h"}),
        ("x = [i for i in y]", {"y"}),
        ("import a.b\na.b", set()),
        ("class A(B):\n    c = d", {"B", "d"}),
        ("def f():\n    global g\n    g = 1", {"g"}),
    ],
)
def test_names_taken_from_around(source: str, taken: set[str]) -> None:
    assert names_taken(source) == taken


LINES = [
    ">>> a()",
    ">>> a(",
    ">>> def b():",
    "...     return a()",
    "1",
    "",
    "Say.",
    "    >>> a()",
    ">>>a",
    ">>> import a",
]


@given(st.lists(st.sampled_from(LINES), max_size=8))
def test_any_docstring_has_no_examples_or_those_that_are_python(lines: list[str]) -> None:
    program = doctests("\n".join(lines), "a", set())
    if program is not None:
        compile(program, "a", "exec")
        assert ">>> a()" in program or "return a()" in program
