"""Tables of typed fields: those of pydantic models, and those of the records that results and verdicts are."""

from __future__ import annotations

import ast
import inspect
from itertools import takewhile
from typing import TYPE_CHECKING, get_type_hints, is_typeddict

from docs.generate.markdown import cell, code, table
from pefbench.cli._fields import default_of, type_in_words
from pefbench.cli._json_schema import section_schema

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pydantic import BaseModel


def of_model(model: type[BaseModel], path: str, *, anchor: str = "", without: Collection[str] = ()) -> str:
    """The table of a model's fields, empty without any. path: what stands before their names, such as ``train.``."""
    rows = [
        [
            code(f"{path}{name}", f"{anchor}{path}{name}"),
            cell(type_in_words(field)),
            cell(default_of(f"{path}{name}", field)),
            cell(field.get("description", "")),
        ]
        for name, field in section_schema(model)["properties"].items()
        if name not in without
    ]
    return table(["Field", "Type", "Default", "Meaning"], rows) if rows else ""


def of_record(record: type, path: str) -> str:
    """The table of a TypedDict's fields, its bases' among them, with the comment above or behind each in the code."""
    return table(["Field", "Type", "Meaning"], list(_rows(record, path)))


def _rows(record: type, path: str) -> Iterator[list[str]]:
    try:
        source = inspect.getsource(record)
    except OSError:  # made by a call of TypedDict, for names that Python does not allow
        for name, hint in get_type_hints(record).items():
            yield [code(name, f"{path}.{name}"), code(getattr(hint, "__name__", str(hint))), ""]
        return
    lines = source.splitlines()
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - a class's source is a class
    for place, node in enumerate(body.body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            below = body.body[place + 1] if place + 1 < len(body.body) else None
            meaning = _remark(lines, node) or _docstring(below)
            yield [code(node.target.id, f"{path}.{node.target.id}"), code(_unwrapped(node)), cell(meaning)]
    module = inspect.getmodule(record)
    for base in body.bases:  # Python 3.11 forgets them in the class itself
        if isinstance(base, ast.Name) and is_typeddict(inherited := getattr(module, base.id)):
            yield from _rows(inherited, path)


def _remark(lines: list[str], node: ast.AnnAssign) -> str:
    above = takewhile(lambda line: line.startswith("# "), map(str.strip, lines[node.lineno - 2 :: -1]))
    last = lines[(node.end_lineno or node.lineno) - 1]
    behind = last[node.end_col_offset or 0 :].partition("# ")[2]
    comments = [*reversed([*above]), f"# {behind}"]
    return " ".join(comment.removeprefix("# ") for comment in comments).strip()


def _docstring(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value)
    return ""


def _unwrapped(node: ast.AnnAssign) -> str:
    """An annotation without NotRequired, which the text below the table explains."""
    found = ast.unparse(node.annotation)
    optional = found.startswith("NotRequired[")
    return found.removeprefix("NotRequired[")[: -1 if optional else None] + (" (optional)" if optional else "")
