"""What mkdocs calls while it builds the site: generated pages are added, results are made anew, formulas drawn."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File

from docs.generate import parts, project, reference

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

FORMULA = re.compile(r'<(span|div) class="arithmatex">(.*?)</\1>', re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are read off the code."""
    for path, content in (reference.PAGES | project.PAGES).items():
        files.append(File.generated(config, path, content=content()))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Show what the commands print today."""
    return parts.with_parts(markdown)


def on_page_content(content: str, **_: Any) -> str:
    """Draw formulas as MathML, which browsers show without a script."""
    return FORMULA.sub(_mathml, content)


def _mathml(found: re.Match[str]) -> str:
    latex = html.unescape(found[2]).strip()[2:-2]  # between \\( and \\), or \\[ and \\]
    return str(convert(latex, display="block" if found[1] == "div" else "inline"))
