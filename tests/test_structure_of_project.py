"""The project's own shape: imports flow one way, no module shadows another, every recipe is one."""

from __future__ import annotations

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "pefbench"

# recipe -> source -> task (+ form) -> model -> method -> training -> scoring -> result -> table / report / check,
# written from the bottom up: a module may import those of its own row and of the rows above it.
ROWS = [
    ["errors", "classification_report", "matrix"],
    [
        "schema",
        "registry",
        "amounts",
        "tagging",
        "progress",
        "phases",
        "intervals",
        "structure",
        "cpu_kernels",
        "sandbox",
    ],
    ["quantizing", "sources", "forms", "baselines", "batching", "metrics", "tuners", "results", "predictions"],
    ["tasks", "methods", "provenance", "checkpoints", "evidence"],
    ["recipe"],
    ["corpus", "models", "devices"],
    ["sharing"],
    ["preflight", "preparing", "training", "scoring"],
    ["roundtrip", "inference"],
    ["running", "tables"],
    ["checks", "comparing", "picking", "reporting"],
    ["commands"],
    ["cli"],
    ["__main__"],
]
LEVEL = {name: level for level, row in enumerate(ROWS) for name in row}
# Written under TYPE_CHECKING only, a name below may be told of a type above; nothing is imported at run time.
MODULES = sorted(file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "__init__.py")


def unit(file: Path) -> str:
    """Return the module, or the folder, that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def runtime_imports(tree: ast.AST) -> set[str]:
    """Return the pefbench units that a module imports when it runs, inside functions too."""
    found = set()
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending.extend(node.orelse)
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "pefbench":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pefbench."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("pefbench.")}
        pending.extend(ast.iter_child_nodes(node))
    return found - {"__version__"}


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_flow_one_way(file: Path) -> None:
    assert unit(file) in LEVEL, f"give {unit(file)} a row"
    for imported in runtime_imports(ast.parse(file.read_text(encoding="utf8"))):
        assert LEVEL[imported] <= LEVEL[unit(file)], f"{unit(file)} may not import {imported}"


def test_units_do_not_import_each_other_in_a_circle() -> None:
    edges: dict[str, set[str]] = {}
    for file in MODULES:
        imports = runtime_imports(ast.parse(file.read_text(encoding="utf8"))) - {unit(file)}
        edges.setdefault(unit(file), set()).update(imports)
    while leaves := [name for name, needed in edges.items() if not needed & edges.keys()]:
        for name in leaves:
            del edges[name]
    assert not edges, f"a circle among {sorted(edges)}"


def test_no_module_shadows_a_library() -> None:
    # Run as a script, the package's folder is first on sys.path until __main__ mends it.
    names = {file.stem for file in PACKAGE.glob("*.py")} | {file.name for file in PACKAGE.iterdir() if file.is_dir()}
    ours = names - {"__init__", "__main__", "__pycache__"}
    installed = {name for name, distributions in packages_distributions().items() if distributions != ["pefbench"]}
    assert not ours & (sys.stdlib_module_names | installed)


def test_only_the_command_line_prints() -> None:
    for file in MODULES:
        if unit(file) not in {"cli", "commands", "progress"}:
            assert "sys.stdout" not in file.read_text(encoding="utf8"), file


@pytest.mark.parametrize("file", sorted((ROOT / "recipes").rglob("*.yaml")), ids=lambda file: file.stem)
def test_every_recipe_is_valid(file: Path) -> None:
    from pefbench.recipe import load_recipe

    if file.parent.name != "compare":
        recipe = load_recipe(file)
        data = recipe.name.removeprefix(f"{recipe.method.name}_")
        assert data != recipe.name, "a recipe is named <method>_[<data set>_]<task>, or <method>_<data set> on the hub"
        assert file.parent.name == "hub" or f"_{data}".endswith(f"_{recipe.task}")
