"""Parts of the README and of the results pages that pefbench's own commands write.

A part stands between its mark and `END`. `make readme` writes all of them anew; a test holds the files against what the
commands print, and the site is always built from what they print now.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pefbench.analysis import tables
from pefbench.cli import _matrix
from pefbench.compare import report
from pefbench.paths import PROJECT
from pefbench.results import store

if TYPE_CHECKING:
    from collections.abc import Callable

    from pefbench.results.verdict_schema import Comparison

RESULTS = PROJECT / "results"
README = PROJECT / "README.md"
WITH_PARTS = ("results/comparisons", "results/baseline", "results/matrix", "concepts/expected-best")
PAGES = [README, *(PROJECT / "docs" / f"{name}.md" for name in WITH_PARTS)]
"""The files that have parts."""
END = "<!-- end -->"


def baseline() -> str:
    """The table of the committed trials, one of each recipe."""
    return tables.table(store.load_results(RESULTS / "baseline").results, "markdown")


def verdicts() -> list[Comparison]:
    """The verdicts of the committed comparisons, by name."""
    return [report.read(file) for file in sorted((RESULTS / "compare").glob("*/comparison.json"))]


def pivot() -> str:
    """The table of the committed comparisons: methods by tasks."""
    return tables.pivot(store.load_results(RESULTS / "compare").results, "markdown", verdicts())


def every_verdict() -> str:
    """What `pefbench compare` printed of each committed comparison, under a heading each."""
    return "\n\n".join(f"## {each['name']}\n\n{_fenced(report.render(each))}" for each in verdicts())


def verdict() -> str:
    """One verdict's methods and marks, without the columns of costs."""
    heading, table, legend = report.render(_shown()).split("\n\n")[:3]
    width = table.index("Trainable")
    lines = [line[:width].rstrip() for line in table.split("\n")]
    marks = [line for line in legend.split("\n") if not line.startswith("Test of")]
    return _fenced("\n".join([heading, "", *lines, "", *marks]))


def tuning_curves() -> str:
    """The expected best after so many trials, of the same comparison."""
    lines = [
        f"  {method['name']}: {', '.join(f'{value:.3f}' for value in method['expected_best'])}"
        for method in _shown()["methods"]
    ]
    return _fenced("\n".join(["Expected best entity_f1 on validation after 1, 2, ... trials:", *lines]))


def _shown() -> Comparison:
    """The verdict that is shown as an example."""
    return next(each for each in verdicts() if each["name"] == "software_ner")


def demo() -> str:
    """What the main job prints at its end; here, of the committed trial with its seed."""
    seeds = store.load_results(RESULTS / "baseline" / "lora_ner").results
    [first] = [stored for stored in seeds if stored.result["recipe"]["train"]["seed"] == 0]
    return _fenced(tables.brief(store.Stored(Path("results/lora_ner", first.path.name), first.result)))


def grid() -> str:
    """The grid of methods, architectures and heads."""
    return _fenced(_matrix.render(_matrix.load()))


PARTS: dict[str, Callable[[], str]] = {
    "<!-- pefbench table results/baseline --format markdown -->\n": baseline,
    "<!-- pefbench table results/compare --pivot --format markdown -->\n": pivot,
    "<!-- what pefbench compare printed -->\n": every_verdict,
    "<!-- the methods in the verdict on recipes/compare/software_ner.yaml -->\n": verdict,
    "<!-- the tuning curves of pefbench compare recipes/compare/software_ner.yaml -->\n": tuning_curves,
    "<!-- the end of what make demo prints -->\n": demo,
    "<!-- pefbench list methods --matrix -->\n": grid,
}


def with_parts(text: str) -> str:
    """A page's text with its parts as the commands print them now."""
    for mark, content in PARTS.items():
        if mark in text:
            before, _, rest = text.partition(mark)
            _, _, after = rest.partition(END)
            text = f"{before}{mark}{content()}\n{END}{after}"
    return text


def _fenced(text: str) -> str:
    """A code block, in which Markdown folds no columns."""
    return f"```text\n{text}\n```"


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(with_parts(page.read_text(encoding="utf8")), encoding="utf8")
