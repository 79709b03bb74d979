"""A turn of a conversation gets the same answer as its text alone, because the rule was fitted to single texts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pefbench.apps.assistant import choosing, service
from pefbench.apps.assistant.answering import FEATURES, Judge
from pefbench.apps.assistant.config import AssistantSection
from pefbench.apps.assistant.knowledge import Entry
from pefbench.apps.assistant.library import Shelf
from pefbench.apps.assistant.retrieval import Found
from pefbench.apps.assistant.rule import Rule
from pefbench.apps.logs import Events

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ENTRIES = [Entry(f"question {name}", f"answer {name}", "one", "", name) for name in "ab"]


class Index:
    """Finds both entries for any text."""

    entries = ENTRIES

    def written(self, _text: str) -> None:
        return None

    def search(self, texts: Sequence[str], _most: int) -> list[list[Found]]:
        return [[Found(entry, 1.0, 1.0, 1.0) for entry in ENTRIES] for _ in texts]


class Intents:
    """Knows one intent."""

    def embed(self, texts: Sequence[str]) -> Any:
        return np.ones((len(texts), 1), np.float32)

    def predict(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        return [{"probabilities": {"one": 1.0}} for _ in texts]


class Replies:
    """Prefers the first answer, but the second one behind other turns."""

    def predict(self, inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{"scores": [5.0, 0.0] if len(each["context"]) == 1 else [0.0, 5.0]} for each in inputs]


@dataclass
class Library:
    """Never changes."""

    shelf: Any

    def close(self) -> None:
        pass


@pytest.fixture
def assistant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[service.Assistant]:
    weights = tuple(float(name == "reply") for name in FEATURES)
    rule = Rule(weights, 2.0, 0.5, 0.05, 0.05, 0.0, 100, 1, 200)
    judge, index = Judge(*map(_any, (Intents(), Replies()))), _any(Index())
    monkeypatch.setattr(choosing, "read", lambda *_: (rule, {}))
    monkeypatch.setattr(Judge, "load", lambda _: judge)
    monkeypatch.setattr(service, "Library", lambda *_: Library(Shelf(index, [])))
    config = AssistantSection.model_validate({"folder": str(tmp_path)})
    made = service.Assistant(config, {"intents": Path()}, Events("assistant", texts=False))
    yield made
    made.close()


def _any(value: Any) -> Any:
    return value


def test_what_was_said_before_changes_no_answer(assistant: service.Assistant) -> None:
    alone = assistant.reply("how?")
    assert (alone["answer"], alone["why"]) == ("answer a", "confident")
    assert [assistant.reply("how?", "talk") for _ in range(3)] == [alone] * 3
    assistant.hand_over("talk")
    assert assistant.reply("how?", "talk")["why"] == "handed over before"
    assert assistant.reply("how?") == alone
