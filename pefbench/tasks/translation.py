"""Translation: translate a text into another language.

Data are two columns, or one that maps languages to texts, as in WMT's data sets on the hub and in gettext catalogues
here. When a single file is split, no text of the source column, or of a mapping's first language, is in two
splits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import Field

from pefbench.errors import DataError
from pefbench.heads.examples import GenerationExample
from pefbench.remarks import Odd
from pefbench.tasks import Inputs, Task
from pefbench.tasks._models import SMOLLM2
from pefbench.tasks.reading import generation, references, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.generation import GenerationDataset
    from pefbench.sections import NamedMetric
    from pefbench.sources import BadRows, Row

LANGUAGES = {
    "cs": "Czech",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "fi": "Finnish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "kk": "Kazakh",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "zh": "Chinese",
}
"""A language's name in prompts; other languages are named by their code."""


BLEU_BY_LANGUAGE = {"ja": "ja-mecab", "zh": "zh"}
"""The tokenizers of BLEU for languages without spaces, as in sacreBLEU itself."""


class TranslationOptions(generation.GenerationOptions):
    """The source and target languages; their codes are the keys in a column of translations."""

    source_language: str = Field("en", min_length=1, description="code of the language to translate from")
    target_language: str = Field(
        "de", min_length=1, description="code of the language to translate into; zh and ja choose BLEU's tokenizer"
    )
    max_new_tokens: int = Field(
        96,
        ge=1,
        description="maximum number of tokens to generate, including the end token; 95 % of the references must fit",
    )


def metrics(options: TranslationOptions) -> tuple[NamedMetric, ...]:
    """BLEU, with the tokenizer of the language, and chrF."""
    language = re.split("[-_]", options.target_language)[0]  # for zh_Hans or ja-JP
    tokenizer = BLEU_BY_LANGUAGE.get(language)
    return ({"name": "bleu", "tokenizer": tokenizer} if tokenizer else "bleu", "chrf")


def text(values: Mapping[str, Any]) -> str:
    """The text to translate; in a mapping, the text in its first language."""
    found = values["translation"]
    return str(next(iter(found.values()), "") if isinstance(found, dict) else values["source"])


def read(
    splits: Mapping[str, Sequence[Row]], bad: BadRows, *, source_language: str, target_language: str, **options: Any
) -> GenerationDataset:
    """Read pairs of texts. A mapping without one of the languages is not a bad row, but is left out and counted.

    Raises DataError if every mapping lacks them.
    """
    pair = (source_language, target_language)
    instruction = _instruction(*pair)
    examples, notes = {}, []
    for split, rows in splits.items():
        complete = [row for row in rows if _has(row, pair)]
        if rows and not complete:
            raise DataError(f"{rows[0].where}: no text in {source_language} and {target_language}; {_there(rows)}")
        if lacking := len(rows) - len(complete):
            notes.append(Odd(f"{lacking} rows of {split} have no text in {source_language} or {target_language}"))
        pairs = bad.good(complete, lambda row: (row, *_pair(row, pair)))
        examples[split] = [
            GenerationExample(
                source,
                targets[0],
                references=references.others(targets),
                instruction=instruction,
                cluster=source,
                group=row.group,
            )
            for row, source, targets in pairs
        ]
    return generation.dataset(examples, notes=notes, keep="start", **options)


def _unanswered(row: Row, options: TranslationOptions) -> GenerationExample:
    """A text to translate, alone or under the code of its language."""
    language, found = options.source_language, row.values["translation"]
    source = values.text(row, "source") if found is None else found.get(language) if isinstance(found, dict) else None
    if not isinstance(source, str) or not source.strip():
        raise values.wrong(row, "translation", f"a text by its language, such as {{{language!r}: ...}}")
    return GenerationExample(source, "", instruction=_instruction(language, options.target_language))


def _instruction(source_language: str, target_language: str) -> str:
    names = " to ".join(LANGUAGES.get(language, language) for language in (source_language, target_language))
    return f"translate {names}: "


def _has(row: Row, pair: tuple[str, str]) -> bool:
    found = row.values["translation"]
    return not isinstance(found, dict) or all(found.get(language) for language in pair)


def _pair(row: Row, pair: tuple[str, str]) -> tuple[str, tuple[str, ...]]:
    """The text and its translations, usually one. Raises DataError."""
    found = row.values["translation"]
    if isinstance(found, dict):
        texts = [found[language] for language in pair]
        if not all(isinstance(each, str) and each.strip() for each in texts):
            raise values.wrong(row, "translation", "texts by language")
        return texts[0], (texts[1],)
    if found is not None:
        raise values.wrong(row, "translation", "texts by language")
    return values.text(row, "source"), references.texts(row, "target")


def _there(rows: Sequence[Row]) -> str:
    languages = sorted({language for row in rows for language in row.values["translation"]})
    return f"the languages are: {', '.join(languages)} (options.target_language)"


TASK = Task(
    head="generation",
    columns={"source": ("source", "src", 0), "target": ("target", "tgt", 1), "translation": ("translation",)},
    optional=("source", "target", "translation"),
    several={"target": references.several("target", "tgt", "reference", "ref")},
    text=text,
    read=read,
    inputs=Inputs(("source", "translation"), _unanswered, optional=("source", "translation"), text="source"),
    options=TranslationOptions,
    metrics=("bleu", "chrf"),
    metrics_for=metrics,
    baselines=("copy_source", "nearest_answer"),
    defaults={
        "model": {"name": SMOLLM2},
        "data": {"source": "wheel:django==5.2.19!django", "format": "gettext", "repeats": "drop"},
        "train": {"epochs": 3, "batch_size": 16, "micro_batch_size": 8, "max_length": 192},
        "evaluate": {"batch_size": 32},
    },
)
