"""A WordNet of a few words with nltk's interface; nltk's own data is not in any package."""

from __future__ import annotations

SYNONYMS = {"cat": ["cat", "feline"], "garden": ["garden", "yard"], "cold": ["cold", "chilly"]}


class Lemma:
    def __init__(self, name: str) -> None:
        self._name = name

    def name(self) -> str:
        return self._name


class Few:
    """A WordNet of three synsets."""

    def __init__(self, names: list[str] | None = None) -> None:
        self.names = names or []

    def synsets(self, word: str) -> list[Few]:
        return [Few(names) for names in SYNONYMS.values() if word in names]

    def lemmas(self) -> list[Lemma]:
        return [Lemma(name) for name in self.names]
