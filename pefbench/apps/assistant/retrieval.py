"""Retrieves entries for a text: by words (BM25) and by meaning (embeddings of the frozen base), with fused ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pefbench.sources import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pefbench.apps.assistant.knowledge import Entry
    from pefbench.apps.embeddings import Embed

FUSION = 60
"""k of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009)."""
DEPTH = 50
"""How many entries of each ranking are fused."""


class Found(NamedTuple):
    """A retrieved entry. fused: its score from both ranks. similarity: the cosine; words: BM25's score."""

    entry: Entry
    fused: float
    similarity: float
    words: float


class Index:
    """The entries of a knowledge base, searchable by their questions.

    stored: embeds the entries' questions, which may be in a file; None: `embed`.
    """

    def __init__(self, entries: Sequence[Entry], embed: Embed, stored: Embed | None = None) -> None:
        import bm25s

        self.entries, self._embed = list(entries), embed
        self._vectors = (stored or embed)([each.question for each in self.entries])
        self._written = _written(self.entries)
        self._bm25 = bm25s.BM25()
        tokens = bm25s.tokenize([each.question for each in self.entries], show_progress=False, stopwords=None)
        self._bm25.index(tokens, show_progress=False)

    def search(self, texts: Sequence[str], most: int) -> list[list[Found]]:
        """For each text the best entries, best first, with one entry per answer."""
        if not texts:
            return []
        similarities = self._embed(texts) @ self._vectors.T
        return [self._fused(text, alike, most) for text, alike in zip(texts, similarities, strict=True)]

    def written(self, text: str) -> Entry | None:
        """The entry with this question, ignoring case and punctuation after words; None if answers differ."""
        return self._written.get(wording(text))

    def words(self, text: str) -> NDArray[np.float32]:
        """BM25's score of each entry."""
        import bm25s

        [tokens] = bm25s.tokenize([text], show_progress=False, stopwords=None, return_ids=False)
        known = [token for token in tokens if token in self._bm25.vocab_dict]
        if not known:
            return np.zeros(len(self.entries), np.float32)
        return np.asarray(self._bm25.get_scores(known), np.float32)

    def _fused(self, text: str, alike: NDArray[np.float32], most: int) -> list[Found]:
        words = self.words(text)
        fused = np.zeros(len(self.entries))
        for scores in (alike, words):
            best = np.argsort(-scores, kind="stable")[:DEPTH]
            best = best[scores[best] > 0]
            fused[best] += 1 / (FUSION + 1 + np.arange(len(best)))
        found: dict[str, Found] = {}
        for place in np.argsort(-fused, kind="stable")[: 2 * DEPTH]:
            entry = self.entries[place]
            if fused[place] > 0 and entry.answer not in found:
                found[entry.answer] = Found(entry, float(fused[place]), float(alike[place]), float(words[place]))
        return list(found.values())[:most]


def _written(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Wording of a question -> its entry, for questions with only one answer."""
    found: dict[str, Entry] = {}
    several = set()
    for entry in entries:
        question = wording(entry.question)
        if found.setdefault(question, entry).answer != entry.answer:
            several.add(question)
    return {question: entry for question, entry in found.items() if question not in several}
