"""Tables of typed fields: those of pydantic models, and those of the records that results and verdicts are."""

from __future__ import annotations

import ast
import inspect
import types
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic_core import PydanticUndefined

from docs.generate.markdown import cell, code, table

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

PLAIN = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true | false",
    type(None): "null",
    Any: "anything",
}
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def of_model(model: type[BaseModel], path: str, *, anchor: str = "", without: Collection[str] = ()) -> str:
    """The table of a model's fields. path: what stands before their names in a recipe, such as ``train.``."""
    rows = [
        [
            code(f"{path}{name}", f"{anchor}{path}{name}"),
            code(kind(field.annotation)) + bounds(field),
            default(field),
            cell(field.description or ""),
        ]
        for name, field in model.model_fields.items()
        if name not in without
    ]
    return table(["Field", "Type", "Default", "Meaning"], rows) if rows else ""


def kind(annotation: Any) -> str:
    """A type as a recipe's author would write its values: ``integer``, ``none | int8``, ``list of text``."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " | ".join(map(str, arguments))
    if origin in (Union, types.UnionType):
        return " | ".join(map(kind, arguments))
    if origin in (list, dict):
        return f"{'list of' if origin is list else 'mapping to'} {kind(arguments[-1])}"
    return PLAIN.get(annotation, "section")


def bounds(field: FieldInfo) -> str:
    """The limits of a number, behind its type."""
    found = [
        f"{sign} {getattr(each, name)}"
        for each in field.metadata
        for name, sign in BOUNDS.items()
        if hasattr(each, name)
    ]
    return f" {cell(', '.join(found))}" if found else ""


def default(field: FieldInfo) -> str:
    """A field's default, as YAML; of one without, that it is required."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return ""
    plain = {None: "null", True: "true", False: "false"}
    return code(plain.get(value, str(value)) if isinstance(value, bool | None) else str(value))


def of_record(record: type, path: str) -> str:
    """The table of a TypedDict's fields, with the remark that stands beside or below each in the code."""
    try:
        source = inspect.getsource(record)
    except OSError:  # made by a call of TypedDict, for names that Python does not allow
        rows = [[code(name, f"{path}.{name}"), code(kind(each)), ""] for name, each in get_type_hints(record).items()]
        return table(["Field", "Type", "Meaning"], rows)
    lines = source.splitlines()
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - a class's source is a class
    rows = []
    for place, node in enumerate(body.body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            below = body.body[place + 1] if place + 1 < len(body.body) else None
            meaning = _remark(lines, node) or _docstring(below)
            rows.append([code(node.target.id, f"{path}.{node.target.id}"), code(_unwrapped(node)), cell(meaning)])
    return table(["Field", "Type", "Meaning"], rows)


def _remark(lines: list[str], node: ast.AnnAssign) -> str:
    last = lines[(node.end_lineno or node.lineno) - 1]
    return last[node.end_col_offset or 0 :].partition("# ")[2]


def _docstring(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value)
    return ""


def _unwrapped(node: ast.AnnAssign) -> str:
    """An annotation without NotRequired, which the text below the table explains."""
    found = ast.unparse(node.annotation)
    optional = found.startswith("NotRequired[")
    return found.removeprefix("NotRequired[")[: -1 if optional else None] + (" (optional)" if optional else "")
