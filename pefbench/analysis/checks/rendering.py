"""A check's findings as text, as a summary for a pull request, and as JUnit XML for CI."""

from __future__ import annotations

import re
from math import isinf
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from pefbench.analysis.checks.model import REMEDY
from pefbench.errors import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pefbench.analysis.checks.model import Finding

_TITLES = ("trial", "metric", "baseline", "now", "could show", "verdict")
_ALIGN = ("left", "left", "right", "right", "right", "left")
_SKIPPED = frozenset({"not compared", "new"})
# Characters that XML 1.0 cannot contain, not even escaped; an error message may contain any.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(findings: Sequence[Finding]) -> str:
    """The findings as a table, then failures, notes and the verdict; no newline at the end."""
    from tabulate import tabulate

    body = [_cells(each) for each in findings]
    parts = [tabulate(body, _TITLES, tablefmt="simple", colalign=_ALIGN, disable_numparse=True)] if body else []
    lines = [f"failure: {each.trial}: {each.message}" for each in findings if each.is_failure]
    lines += [f"note: {each.trial}: {each.message}" for each in findings if each.message and not each.is_failure]
    return "\n\n".join([*parts, "\n".join([*lines, *_power(findings), verdict(findings)])])


def _power(findings: Sequence[Finding]) -> Iterator[str]:
    """What the check could have shown."""
    judged = [each for each in findings if each.judge]
    if of_seeds := sum(each.judge == "seeds" and each.could_show is not None for each in judged):
        of = counted(of_seeds, "metric")
        yield f"could show: the smallest loss that would show in 80 % of cases, given the spread over seeds, for {of}"
    if alone := sum(each.judge == "one run" for each in judged):
        yield (
            f"could show: only a gross loss, for {alone} of {counted(len(judged), 'metric')}, as one run each says "
            f"nothing about seeds; {REMEDY}"
        )
    if nothing := sum(isinf(each.could_show) for each in judged if each.could_show is not None):
        yield f"no verdict possible for {counted(nothing, 'metric')}: even the worst value would pass"


def verdict(findings: Sequence[Finding]) -> str:
    """Whether the check passed, in one line."""
    failures = sum(each.is_failure for each in findings)
    skipped = sum(each.verdict in _SKIPPED for each in findings)
    of = counted(len(findings) - skipped, "comparison") + (f", {skipped} not compared" if skipped else "")
    return f"check failed: {failures} of {of}" if failures else f"check passed: {of}"


def markdown(findings: Sequence[Finding]) -> str:
    """A summary for a pull request: the verdict, the failures, and the rest folded; ends with a newline."""
    failures = [each for each in findings if each.is_failure]
    better = [each for each in findings if each.verdict == "better"]
    parts = [f"### pefbench {verdict(findings)}", *_power(findings)]
    if failures:
        parts.append(_markdown_table(failures))
    if better:
        parts.append(f"Better: {', '.join(f'{_plain(each.trial)} ({_plain(each.subject)})' for each in better)}.")
    if notes := [each for each in findings if each.message and not each.is_failure and each.verdict != "better"]:
        lines = "\n".join(f"- {_plain(each.trial)}: {_plain(each.message)}" for each in notes)
        parts.append(_folded(counted(len(notes), "note"), lines))
    if findings:
        parts.append(_folded(f"All {counted(len(findings), 'comparison')}", _markdown_table(findings)))
    return "\n\n".join(parts) + "\n"


def junit(findings: Sequence[Finding]) -> str:
    """The findings as JUnit XML, one test case each; those that could not be compared are skipped tests."""
    failures = sum(each.is_failure for each in findings)
    skipped = sum(each.verdict in _SKIPPED for each in findings)
    counts = {"tests": str(len(findings)), "failures": str(failures), "skipped": str(skipped), "errors": "0"}
    root = ET.Element("testsuites", {"name": "pefbench check", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": "pefbench check", **counts})
    for each in findings:
        case = ET.SubElement(suite, "testcase", {"classname": _xml(each.trial), "name": _xml(each.subject)})
        if each.is_failure:
            failure = ET.SubElement(case, "failure", {"type": each.verdict, "message": _xml(each.message)})
            failure.text = _xml(f"baseline: {each.baseline or 'none'}, now: {each.now or 'none'}")
        elif each.verdict in _SKIPPED:
            ET.SubElement(case, "skipped", {"message": _xml(each.message)})
        elif each.message:
            ET.SubElement(case, "system-out").text = _xml(each.message)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _cells(each: Finding) -> list[str]:
    power = "" if each.could_show is None else "nothing" if isinf(each.could_show) else f"{each.could_show:.4f}"
    return [each.trial, each.subject, each.baseline, each.now, power, each.verdict]


def _markdown_table(findings: Sequence[Finding]) -> str:
    from tabulate import tabulate

    body = [[*map(_plain, _cells(each)), _plain(each.message)] for each in findings]
    return tabulate(body, [*_TITLES, "what"], tablefmt="pipe", colalign=[*_ALIGN, "left"], disable_numparse=True)


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def _plain(text: str) -> str:
    """Text escaped for Markdown, since a trial's error may contain anything."""
    return re.sub(r"([\\`*_\[\]|~#@!])", r"\\\1", " ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;")


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
