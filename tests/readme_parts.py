"""The README's generated parts: pefbench's own commands write them, a test holds them against what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pefbench.analysis import tables
from pefbench.compare import report
from pefbench.methods import _matrix
from pefbench.paths import PROJECT
from pefbench.results import store

if TYPE_CHECKING:
    from collections.abc import Callable

    from pefbench.results.verdict_schema import Comparison

ROOT = PROJECT
README = ROOT / "README.md"
END = "<!-- end -->"


def table() -> str:
    """Return the table of the committed results."""
    return tables.table(store.load_results(ROOT / "results" / "baseline").results, "markdown")


def verdicts() -> list[Comparison]:
    """Return what the committed comparisons found."""
    return [report.read(file) for file in sorted((ROOT / "results" / "compare").glob("*/comparison.json"))]


def pivot() -> str:
    """Return the table of the committed comparisons: tasks by methods."""
    return tables.pivot(store.load_results(ROOT / "results" / "compare").results, "markdown", verdicts())


def spelt_out() -> str:
    """Return each comparison's verdict; Markdown must not fold its columns."""
    return "\n\n".join(f"```\n{report.render(each)}\n```" for each in verdicts())


def grid() -> str:
    """Return the grid of methods, models and heads; Markdown must not fold its columns."""
    return f"```\n{_matrix.render(_matrix.load())}\n```"


PARTS: dict[str, Callable[[], str]] = {
    "<!-- pefbench table results/baseline --format markdown -->\n": table,
    "<!-- pefbench table results/compare --pivot --format markdown -->\n": pivot,
    "<!-- what pefbench compare printed -->\n": spelt_out,
    "<!-- pefbench list methods --matrix -->\n": grid,
}


def with_parts(readme: str) -> str:
    """Return the README's text with the generated parts between their marks."""
    for begin, content in PARTS.items():
        before, _, rest = readme.partition(begin)
        _, _, after = rest.partition(END)
        readme = f"{before}{begin}{content()}\n{END}{after}"
    return readme


if __name__ == "__main__":
    README.write_text(with_parts(README.read_text(encoding="utf8")), encoding="utf8")
