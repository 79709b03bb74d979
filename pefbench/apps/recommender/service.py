"""The running recommender: its catalogue, its evidence, its model and its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypedDict

import numpy as np

from pefbench.apps.recommender import kept, prepared
from pefbench.apps.recommender.evidence import LONGEST, Evidence
from pefbench.apps.recommender.ranking import History, Ranker
from pefbench.apps.recommender.reasons import Reason, reasons
from pefbench.apps.recommender.reranking import Reranker
from pefbench.sources import wording

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from pefbench.apps.logs import Events
    from pefbench.apps.recommender.config import RecommenderSection


class Recommended(TypedDict):
    """An item and its rank. proposed: its rank by the evidence alone, before the choice model; both from 1."""

    item: str
    text: str
    place: int
    proposed: int
    reasons: list[Reason]


class Used(NamedTuple):
    """Something taken: an item by its name, or a text that may not be in the catalogue."""

    item: str | None
    text: str


class Recommender:
    """Recommends items, based on what a user took."""

    def __init__(self, config: RecommenderSection, models: Mapping[str, Path], events: Events) -> None:
        reranker = Reranker.load(models["choice"])  # first: of a model of another task, this says what is wrong
        weights, self.measured = kept.read(config.weights_file, models, config.reranked)
        ready = prepared.prepare(config, models["choice"], reranker)
        self.catalogue, self.skips = ready.known, ready.skips
        evidence = Evidence(ready.known.users, ready.vectors)
        self._embed = ready.reranker.embed
        self.ranker = Ranker(evidence, ready.known.texts, ready.reranker, weights)
        self._by_text = {wording(text): number for number, text in enumerate(ready.known.texts)}
        self._popular = np.argsort(-evidence.people, kind="stable")
        self._events = events
        events("started", items=len(ready.known.names), users=len(ready.known.users), skipped=dict(self.skips.counts))

    def recommend(self, used: Sequence[Used], most: int) -> list[Recommended]:
        """The best items for a history. used: latest last."""
        history = self._history(used)
        [ranked] = self.ranker.rank([history])
        places = {int(item): place for place, item in enumerate(ranked.proposed, 1)}
        names, texts = self.catalogue.names, self.catalogue.texts
        found: list[Recommended] = [
            {
                "item": names[item],
                "text": texts[item],
                "place": place,
                "proposed": places[item],
                "reasons": reasons(self.ranker, history, item),
            }
            for place, item in enumerate(ranked.order[:most].tolist(), 1)
        ]
        unknown = sum(item is None for item in history.items)
        self._events("recommended", history=len(history.items), unknown=unknown, texts=list(history.texts))
        return found

    def taken(self, user: str) -> list[Used]:
        """What a user took according to the histories; empty for an unknown user."""
        names, texts = self.catalogue.names, self.catalogue.texts
        return [Used(names[each.item], texts[each.item]) for each in self.catalogue.users.get(user, [])]

    def used(self, item: str | None, text: str | None) -> Used | None:
        """The item of a name or a text; None if the name is not in the catalogue."""
        if item is None:
            return Used(None, text or "")
        number = self.catalogue.numbers.get(item)
        return None if number is None else Used(item, self.catalogue.texts[number])

    def search(self, query: str, most: int) -> list[Used]:
        """Items whose text contains all words of a query, most popular first; for an empty query, the most popular."""
        words = {*query.casefold().split()}
        names, texts = self.catalogue.names, self.catalogue.texts
        found = (item for item in self._popular.tolist() if _has(texts[item].casefold(), words))
        return [Used(names[item], texts[item]) for item, _ in zip(found, range(most), strict=False)]

    def _history(self, used: Sequence[Used]) -> History:
        every = [
            self._by_text.get(wording(each.text)) if each.item is None else self.catalogue.numbers[each.item]
            for each in used
        ]
        used, numbers, earlier = used[-LONGEST:], every[-LONGEST:], every[:-LONGEST]
        new = [each.text for each, number in zip(used, numbers, strict=True) if number is None]
        vectors = iter(self._embed(new) if new else ())
        known = self.ranker.evidence.vectors
        found = [next(vectors) if number is None else known[number] for number in numbers]
        stacked = np.stack(found) if found else np.zeros((0, known.shape[1]), np.float32)
        return History(numbers, [each.text for each in used], stacked, earlier)


def _has(text: str, words: Collection[str]) -> bool:
    return all(word in text for word in words)
