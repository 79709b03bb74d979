"""A tag for each word."""

import re
import unicodedata

import numpy as np
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

from pefbench.export.bundle.start import InputError, text_of


def answer(given: dict, settings: dict, tokenizer: Tokenizer, session: InferenceSession) -> dict:
    """The entities with their character offsets, for {"text"} or {"tokens": words}."""  # only entities
    """The words with their tags and character offsets, for {"text"} or {"tokens": words}."""  # only words
    words = given["tokens"] if "tokens" in given else text_of(given, "text")
    if isinstance(words, str):
        text = words
        plain = "".join("\u0300" if unicodedata.category(each)[0] == "M" else each for each in text)  # all marks alike
        at = [word.span() for word in re.finditer(settings["word"], plain)]
    elif not isinstance(words, list) or not all(isinstance(word, str) and word.strip() for word in words):
        raise InputError("tokens should be a list of words")
    else:
        text, ends = " ".join(words), np.cumsum([len(word) + 1 for word in words]).tolist()
        at = [(end - 1 - len(word), end - 1) for word, end in zip(words, ends, strict=True)]
    tags = tagged([settings["space"] + text[start:end] for start, end in at], settings, tokenizer, session)
    spans = [[tag, word, word + 1] for word, (tag, _) in enumerate(tags)]  # only words
    spans = []  # label, first word, the word after the last  # only entities
    for word, (tag, _) in enumerate(tags):  # only entities
        if tag.startswith("B-"):  # only entities
            spans.append([tag[2:], word, word + 1])  # only entities
        elif tag.startswith("I-") and spans and spans[-1][::2] == [tag[2:], word]:  # only entities
            spans[-1][2] = word + 1  # only entities
    found = []
    for label, first, last in spans:
        start, end = at[first][0], at[last - 1][1]
        score = float(np.mean([chance for _, chance in tags[first:last]]))
        found.append({"label": label, "text": text[start:end], "start": start, "end": end, "score": score})
    return {"entities": found}  # only entities
    return {"words": found}  # only words


def tagged(words: list[str], settings: dict, tokenizer: Tokenizer, session: InferenceSession) -> list[tuple]:
    """The tag of each word and its probability, from windows of whole words that overlap by a third."""
    pieces = tokenizer.encode_batch([[word] for word in words], is_pretokenized=True, add_special_tokens=False)
    lengths, room = [len(piece.ids) for piece in pieces], settings["room"]
    total, tags, first, end = np.cumsum([0, *lengths]), [], 0, 0
    while end < len(words):
        repeated = min(room // 3, room - lengths[end])
        first = min(end, max(first + 1, int(np.searchsorted(total, total[end] - repeated))))
        end = max(end + 1, int(np.searchsorted(total, total[first] + room, side="right")) - 1)
        encoding = tokenizer.encode(words[first:end], is_pretokenized=True)
        ids = np.asarray([encoding.ids], dtype=np.int64)
        logits = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0].astype(np.float64)
        chances = np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))
        likely = [(settings["labels"][each.argmax()], float(each.max())) for each in chances]
        places = [encoding.word_to_tokens(word) for word in range(end - first)]
        here = [likely[place[0]] if place else ("O", 0.0) for place in places]  # a word's first token decides
        before = tags[first:]  # of the same words; the windows are joined near the middle, but not inside an entity
        free = [at for at, (tag, _) in enumerate(before) if "I-" not in (tag[:2], here[at][0][:2])]
        join = min(free, key=lambda at: abs(2 * at - len(before)), default=len(before) // 2)
        tags[first + join :] = here[join:]
    return tags
