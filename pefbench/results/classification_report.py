"""Per-class precision, recall and F1 as data (`Report`) and as the text table that scikit-learn prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from typing import SupportsFloat, SupportsInt

ClassScores = TypedDict("ClassScores", {"precision": float, "recall": float, "f1-score": float, "support": int})
ClassScores.__doc__ = "Precision, recall and F1 from 0 to 1; support is the number of gold items of the class."


class Report(TypedDict):
    """Rows by class, in the order to print, and averages by name ("micro avg", "macro avg", "weighted avg")."""

    classes: dict[str, ClassScores]
    averages: dict[str, ClassScores]


def as_row(precision: SupportsFloat, recall: SupportsFloat, f1: SupportsFloat, support: SupportsInt) -> ClassScores:
    """A row with NumPy's numbers converted to Python's, which JSON can encode."""
    return {"precision": float(precision), "recall": float(recall), "f1-score": float(f1), "support": int(support)}


_NARROWEST = len("weighted avg")


def render(report: Report, digits: int = 4) -> str:
    """The report as text, in the layout of scikit-learn's ``classification_report``.

    `digits` is the number of decimals. The text ends with a newline.
    """
    names = [*report["classes"], *report["averages"]]
    width = max(_NARROWEST, digits, *map(len, names))
    header = " " * width + " " + "".join(f" {title:>9}" for title in ClassScores.__annotations__)
    blocks = [
        "".join(_line(name, row, width, digits) for name, row in rows.items())
        for rows in (report["classes"], report["averages"])
    ]
    return "\n".join([header + "\n", *blocks])


def _line(name: str, row: ClassScores, width: int, digits: int) -> str:
    scores = (row["precision"], row["recall"], row["f1-score"])
    return f"{name:>{width}} " + "".join(f" {score:>9.{digits}f}" for score in scores) + f" {row['support']:>9}\n"
