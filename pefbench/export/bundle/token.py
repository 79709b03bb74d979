"""A tag for each word."""

from __future__ import annotations

import re
import unicodedata  # noqa: F401 - `divide` needs it
from typing import Any

import numpy as np

from pefbench.export.bundle.asking import main
from pefbench.export.bundle.common import Answer, Bundle, softmax
from pefbench.heads._word_windows import OVERLAP, _first, cut_between, word_windows  # noqa: F401 - `word_windows` needs them
from pefbench.sources.offsets import SPACELESS, divide  # noqa: F401
from pefbench.sources.tagging import OUTSIDE, spans

MARKED = re.compile("[BI]-")


def answer(bundle: Bundle, given: Any) -> Answer:
    """The entities in a text or {"tokens": words}, or its tagged words if the tags do not mark entities."""
    text, at = divided(given)
    words = [text[start:end] for start, end in at]
    tags, scores = list[str](), list[float]()
    for first, end in windows(bundle, words):
        here, likely = tagged(bundle, words[first:end])
        shared = len(tags) - first
        join = cut_between(tags[first:], here[:shared])
        tags[first + join :], scores[first + join :] = here[join:], likely[join:]

    def labelled(label: str, first: int, end: int) -> Answer:
        start, stop, score = at[first][0], at[end - 1][1], sum(scores[first:end]) / (end - first)
        return {"label": label, "text": text[start:stop], "start": start, "end": stop, "score": score}

    if all(label == OUTSIDE or MARKED.match(label) for label in bundle["labels"]):
        return {"entities": [labelled(*span) for span in spans(tags)]}
    return {"words": [labelled(tag, word, word + 1) for word, tag in enumerate(tags)]}


def divided(given: Any) -> tuple[str, list[tuple[int, int]]]:
    """A text and the character offsets of its words. Given words are joined by spaces."""
    given = given if isinstance(given, str) else given["tokens"]
    if isinstance(given, str):
        return given, divide(given)
    starts = np.cumsum([0, *(len(word) + 1 for word in given)]).tolist()
    return " ".join(given), [(start, start + len(word)) for start, word in zip(starts, given, strict=False)]


def windows(bundle: Bundle, words: list[str]) -> list[tuple[int, int]]:
    """Windows [first, end) of words, each short enough for the model."""
    bundle.tokenizer.no_truncation()
    spaced = [bundle["space"] + word for word in words]
    encoding = bundle.tokenizer.encode(spaced, is_pretokenized=True, add_special_tokens=False)
    lengths = np.bincount(np.asarray(encoding.word_ids, dtype=np.int64), minlength=len(words)).tolist()
    return word_windows(lengths, bundle["max_length"] - bundle["added"]) if words else []


def tagged(bundle: Bundle, words: list[str]) -> tuple[list[str], list[float]]:
    """The tag of each word and its probability; a word's first token decides."""
    bundle.tokenizer.enable_truncation(bundle["max_length"], direction=bundle["cut"])
    encoding = bundle.tokenizer.encode([bundle["space"] + word for word in words], is_pretokenized=True)
    chances = softmax(bundle.logits([np.asarray(encoding.ids, dtype=np.int64)])[0])
    tags, scores = [OUTSIDE] * len(words), [0.0] * len(words)
    for place, word in reversed([*enumerate(encoding.word_ids)]):
        if word is not None:
            best = int(chances[place].argmax())
            tags[word], scores[word] = bundle["labels"][best], float(chances[place, best])
    return tags, scores


if __name__ == "__main__":
    main(answer)
