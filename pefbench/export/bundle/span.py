"""The answer to a question in a context."""

import unicodedata

import numpy as np
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

from pefbench.export.bundle.start import text_of


def answer(given: dict, settings: dict, tokenizer: Tokenizer, session: InferenceSession) -> dict:
    """The answer, its character offsets and its probability, for {"question", "context"}."""
    whole = text_of(given, "context")
    question = tokenizer.encode(text_of(given, "question"), add_special_tokens=False).ids
    context = tokenizer.encode(whole, add_special_tokens=False)
    asked = question[: max(settings["room"] // 2, settings["room"] - max(1, len(context.ids)))]
    spans, missing = scored(asked, context.ids, settings, session)
    best, (null, chance) = max(spans, key=lambda span: span[0], default=None), min(missing)
    if best is None or (settings["no_answers"] and null > best[0]):
        return {"text": "", "start": None, "end": None, "score": float(chance), "truncated": len(asked) < len(question)}
    _, chance, first, last = best
    begin, end = context.offsets[first][0], context.offsets[last][1]
    stop = context.offsets[last + 1][0] if last + 1 < len(context.ids) else len(whole)
    while end < stop and unicodedata.category(whole[end])[0] == "M":  # marks on the last letter that have no token
        end += 1
    text = whole[begin:end].strip()
    start = whole.index(text, begin)
    place = {"start": start, "end": start + len(text)} if text else {"start": None, "end": None}
    return {"text": text, **place, "score": float(chance), "truncated": len(asked) < len(question)}


def scored(asked: list[int], context: list[int], settings: dict, session: InferenceSession) -> tuple[list, list]:
    """All spans, (score, probability, first token, last token), and no answer, (score, probability) in each window."""
    room = settings["room"] - len(asked)
    step = room - min(settings["overlap"], room // 2)
    spans, missing = [], []
    for start in range(0, max(1, len(context) - room + step), step):
        parts = [settings["before"], asked, settings["between"], context[start : start + room], settings["after"]]
        ids, lengths = [token for part in parts for token in part], [len(part) for part in parts]
        types, column = np.repeat(settings["types"], lengths), sum(lengths[:3])
        row = {"input_ids": ids, "attention_mask": [1] * len(ids), "token_type_ids": types}
        inputs = {each.name: np.asarray([row[each.name]], dtype=np.int64) for each in session.get_inputs()}
        scores = session.run(None, inputs)[0][0].astype(np.float64)  # of a span's first and last token, (tokens, 2)
        null, scores = scores[settings["null"]], scores[column : column + lengths[3]]
        total = np.logaddexp.reduce([null, *scores]).sum()
        missing.append((null.sum(), np.exp(null.sum() - total)))
        for at in range(len(scores)):
            ends = scores[at : at + settings["max_answer_length"], 1]
            score = scores[at, 0] + ends.max()
            spans.append((score, np.exp(score - total), start + at, start + at + int(ends.argmax())))
    return spans, missing
