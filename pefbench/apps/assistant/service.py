"""The running assistant: its models, its knowledge, its rule and its conversations."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from pefbench.apps.assistant import answering, choosing, generating
from pefbench.apps.assistant.conversations import Conversations
from pefbench.apps.assistant.library import Library
from pefbench.apps.embeddings import Embeddings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pefbench.apps.assistant.answering import Reply
    from pefbench.apps.assistant.config import AssistantSection
    from pefbench.apps.logs import Events


class Assistant:
    """Answers texts, in a conversation or alone. Closing it stops watching the knowledge."""

    def __init__(self, config: AssistantSection, models: Mapping[str, Path], events: Events) -> None:
        self._judge = answering.Judge.load(models)  # first: of a model of another task, this says what is wrong
        self.rule, self.measured = choosing.read(config.rule_file, named(models), config.limits)
        self.generator = generating.load(config.generator) if config.generator else None
        embed = self._judge.embed
        stored = Embeddings(embed, models["intents"].name, config.embeddings_file)
        self.library = Library(config.knowledge_folder, embed, stored, events)
        self._conversations = Conversations(Path(config.folder) / "conversations.sqlite")
        self._events, self._turn = events, Lock()

    def reply(self, text: str, conversation: str | None = None, *, generate: bool = False) -> Reply:
        """The answer to a text, or a hand-over; always a hand-over once the conversation was handed over."""
        with self._turn:  # turns of one conversation must not overtake each other
            if conversation and self._conversations.is_handed_over(conversation):
                found = answering.handed_over("handed over before")
            else:
                found = self._decided(text)
            if conversation and found["handed_over"]:
                self._conversations.hand_over(conversation)
        if generate and found["answer"] is not None and self.generator is not None:
            said = generating.condensed(self.generator, found["answer"])
            found = found if said is None else {**found, "answer": said, "generated": True}
        self._events(
            "handed over" if found["handed_over"] else "answered",
            intent=found["intent"],
            confidence=round(found["confidence"], 4),
            why=found["why"],
            source=found["source"],
            text=text,
            answer=found["answer"],
        )
        return found

    def hand_over(self, conversation: str) -> Reply:
        """Hand a conversation over to a person at the user's request."""
        with self._turn:
            self._conversations.hand_over(conversation)
        self._events("handed over", why="asked for")
        return answering.handed_over("asked for")

    def close(self) -> None:
        """Stop watching the knowledge and close the conversations."""
        self.library.close()
        self._conversations.close()

    def _decided(self, text: str) -> Reply:
        index = self.library.shelf.index
        if (entry := index.written(text)) is not None:
            return answering.as_written(entry)
        [judged] = self._judge.judge(index, [text])
        return answering.reply(judged, self.rule)


def named(models: Mapping[str, Path]) -> dict[str, str]:
    """The trials' names in the rule's file, which do not depend on their folders."""
    return {name: folder.name for name, folder in models.items()}
