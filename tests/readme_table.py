"""The README's results table: `pefbench table` writes it, a test holds it against the results."""

from __future__ import annotations

from pathlib import Path

from pefbench import results, tables

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN = "<!-- pefbench table results/baseline --format markdown -->\n"
END = "<!-- end -->"


def with_table(readme: str) -> str:
    """Return the README's text with the table of the committed results between its marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    stored = results.load_results(ROOT / "results" / "baseline").results
    return f"{before}{BEGIN}{tables.table(stored, 'markdown')}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf8")), encoding="utf8")
