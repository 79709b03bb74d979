"""The project's structure: one-way imports, no module that shadows another, valid recipes."""

from __future__ import annotations

import ast
import sys
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

import pytest

from docs.generate.reference import PUBLIC
from pefbench.paths import PACKAGE, PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

# recipe -> source -> model -> head -> method -> task -> trial -> analysis -> comparison -> command line, from the
# bottom up: a room imports only those above it in this list. What is said for types alone counts as well.
ORDER = [
    "with_peft",
    "errors",
    "remarks",
    "other_names",
    "atomic",
    "paths",
    "hardware",
    "launched",
    "waiting",
    "collecting",
    "importing",
    "file_names",
    "progress",
    "yaml_text",
    "sections",
    "registry",
    "recipe_file",
    "results",
    "sources",
    "metrics/sandbox",
    "stats",
    "foreign",
    "metrics",
    "models",
    "heads",
    "methods/tuners",
    "methods",
    "tasks/baselines",
    "tasks",
    "recipe",
    "configuration",
    "trial",
    "inference",
    "export",
    "server/mixing",
    "server",
    "inspection",
    "doctor",
    "analysis/tables",
    "analysis/checks",
    "analysis/html",
    "analysis/pick",
    "analysis",
    "engines",
    "search",
    "compare",
    "apps",
    "cli",
    "__main__",
]
MODULES = sorted(file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "__init__.py")


def module_name(file: Path) -> str:
    """Return a file's module below the package: ``trial.loop``; a folder's for its ``__init__``."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(file) for file in MODULES}


def imported(file: Path) -> set[str]:
    """Return the modules of pefbench that a file imports: when it runs, inside functions, or for types."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "pefbench":
            base = str(node.module).removeprefix("pefbench").removeprefix(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".removeprefix(".")
                found.add(inner if inner in NAMES else base)
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.removeprefix("pefbench.") for alias in node.names if alias.name.startswith("pefbench.")
            }
    return found - {"", module_name(file)}


def room(module: str) -> str:
    """Return the listed room that a module belongs to: the longest name in ORDER that it lies in."""
    path = module.replace(".", "/")
    found = [name for name in ORDER if path == name or path.startswith(f"{name}/")]
    return max(found, key=len, default=path.partition("/")[0])


def circle(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the nodes that lie on circles, or lead from one circle to another; empty when there is no circle."""
    left = {name: set(needed) - {name} for name, needed in edges.items()}
    while leaves := [name for name, needed in left.items() if not needed & left.keys()]:
        for name in leaves:
            del left[name]
    return sorted(left)


IMPORTS = {module_name(file): imported(file) for file in MODULES}


def test_every_room_has_its_place() -> None:
    unlisted = {room(name) for name in NAMES} - set(ORDER)
    assert not unlisted, f"say where these stand in ORDER: {sorted(unlisted)}"
    gone = [name for name in ORDER if not (PACKAGE / name).is_dir() and not (PACKAGE / f"{name}.py").exists()]
    assert not gone, f"no such rooms: {gone}"


@pytest.mark.parametrize("module", sorted(NAMES))
def test_imports_flow_one_way(module: str) -> None:
    for other in sorted(IMPORTS[module]):
        lower, upper = ORDER.index(room(other)), ORDER.index(room(module))
        assert lower <= upper, f"{module} may not import {other}: {room(module)} lies below {room(other)}"


def test_no_circle_of_files() -> None:
    assert not circle(IMPORTS)


def test_no_circle_of_folders() -> None:
    folders: dict[str, set[str]] = {}
    for name, needed in IMPORTS.items():
        folders.setdefault(room(name), set()).update(map(room, needed))
    assert not circle(folders)


def used_of_pefbench(file: Path) -> set[tuple[str, str]]:
    """Return each name of pefbench that a file uses, with its module: `import pefbench` counts by its attributes."""
    tree, modules, found = ast.parse(file.read_text(encoding="utf8")), dict[str, str](), set[tuple[str, str]]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "pefbench":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole.removeprefix("pefbench.") in NAMES:
                    modules[alias.asname or alias.name] = whole
                else:
                    found.add((str(node.module), alias.name))
        elif isinstance(node, ast.Import):
            modules |= {each.asname or each.name: each.name for each in node.names if each.name.startswith("pefbench")}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (module := modules.get(ast.unparse(node.value))):
            found.add((module, node.attr))
    return found


def test_applications_use_the_public_interface_alone() -> None:
    public = {(module, name) for module, names in PUBLIC.items() for name in names}
    apps = [file for file in MODULES if room(module_name(file)) == "apps"]
    used = set[tuple[str, str]]()
    for file in apps:
        others = {each for each in used_of_pefbench(file) if not f"{each[0]}.".startswith("pefbench.apps.")}
        assert others <= public, f"{file}: not in PUBLIC of docs/generate/reference.py: {sorted(others - public)}"
        used |= others
    assert ("pefbench", "load") in used


def test_no_module_shadows_a_library() -> None:
    # Run as a script, the package's folder is first on sys.path until __main__ mends it.
    names = {file.stem for file in PACKAGE.glob("*.py")} | {file.name for file in PACKAGE.iterdir() if file.is_dir()}
    ours = names - {"__init__", "__main__", "__pycache__"}
    installed = {name for name, distributions in packages_distributions().items() if distributions != ["pefbench"]}
    assert not ours & (sys.stdlib_module_names | installed)


def test_only_the_command_line_prints() -> None:
    for file in MODULES:
        if room(module_name(file)) not in {"cli", "progress"}:
            assert "sys.stdout" not in file.read_text(encoding="utf8"), file


def test_a_dict_of_anything_is_rare_and_says_why() -> None:
    found = []
    for file in MODULES:
        lines = ["", *file.read_text(encoding="utf8").splitlines(), ""]
        for number in (number for number, line in enumerate(lines) if "dict[str, Any]" in line):
            before, line, after = lines[number - 1 : number + 2]
            found.append(f"{file.relative_to(PROJECT)}:{number}")
            reason = "#" in line or before.lstrip().startswith("#") or after.startswith('"""')
            assert reason, f"{found[-1]}: say why in a comment, or type it better"
    assert len(found) < 30, "type one of these better: " + " ".join(found)


def test_only_paths_looks_at_its_own_file() -> None:
    for file in MODULES:
        if file.parent.name == "bundle":  # copied to where it runs
            continue
        if module_name(file) not in {"paths", "__main__"}:  # __main__ mends the path that paths is imported by
            assert "__file__" not in file.read_text(encoding="utf8"), file


@pytest.mark.parametrize("file", sorted((PROJECT / "recipes").rglob("*.yaml")), ids=lambda file: file.stem)
def test_every_recipe_is_valid(file: Path) -> None:
    from pefbench.recipe import load_recipe
    from pefbench.recipe_file import methods_of

    if file.parent.name not in {"compare", "accelerate"}:
        for method in [None, *methods_of(file)]:
            recipe = load_recipe(file, method=method)
            data = recipe.name.removeprefix(f"{recipe.method.name}_")
            assert data != recipe.name, "a recipe is named [<data set>_]<task>, or after a public data set"
            assert file.stem in {data, recipe.name}
            assert file.parent.name in {"hub", "files"} or f"_{data}".endswith(f"_{recipe.task}")
