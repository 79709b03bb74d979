"""Checks texts in requests."""

from __future__ import annotations

from pefbench.server.refusals import Refusal


def check_text(text: str, where: str, most: int) -> str:
    """The text of the field `where`. Raises Refusal if it is empty, longer than `most` characters or not Unicode."""
    if not text.strip():
        raise Refusal(400, f"{where}: is empty")
    if len(text) > most:
        raise Refusal(413, f"{where}: has {len(text):,} characters; at most {most:,} are allowed")
    if any("\ud800" <= each <= "\udfff" for each in text):
        raise Refusal(400, f"{where}: is not valid text: it contains half of a surrogate pair")
    return text
