"""A small world: a tiny random BERT with its tokenizer, a tagged corpus that it can learn, a recipe over both."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = ("Anna", "Boris", "Chen", "Dora", "Emil", "Farah")
PLACES = ("Paris", "Quito", "Rome", "Sofia", "Tunis")
SURNAMES = ("Xu", "Young", "Zola")
FILLERS = ("saw", "the", "river", "near", "a", "house", "in", "while", "walking", "to", "town", "and", "slept", ".")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


class World:
    """Files for one tiny experiment under `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = folder / "model"
        write_model(self.model)
        write_conll(folder / "corpus.conll", sentences(240, seed=1))

    def recipe(self, name: str = "tiny", **changes: Any) -> Path:
        """Write a recipe and return its path. ``train__epochs=2`` sets train.epochs."""
        values: dict[str, Any] = {
            "task": "ner",
            "model": {"name": f"file:{self.model}"},
            "data": {"source": f"file:{self.folder / 'corpus.conll'}"},
            "method": {"name": "lora"},
            "train": {
                "epochs": 2,
                "batch_size": 16,
                "learning_rate": 0.01,
                "max_length": 32,
                "precision": "fp32",
                "threads": 1,
            },
            "evaluate": {"batch_size": 8},
        }
        for path, value in changes.items():
            section, _, key = path.partition("__")
            if key:
                values[section][key] = value
            else:
                values[section] = value
        file = self.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(values), encoding="utf8")
        return file


def write_model(folder: Path, *, dropout: float = 0.1, layers: int = 2) -> None:
    """Save a BERT of a few layers with random weights, and a word-piece tokenizer over the world's words."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    pieces = [word[:3] for word in PEOPLE + PLACES] + ["##" + word[3:] for word in PEOPLE + PLACES if word[3:]]
    vocabulary = dict.fromkeys((*SPECIAL, *FILLERS, *PEOPLE[:3], *PLACES[:2], *SURNAMES, *pieces))
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    BertModel(config).save_pretrained(folder)


def sentences(count: int, *, seed: int) -> list[list[tuple[str, str]]]:
    """Return distinct tagged sentences of people and places, 3 to 14 words."""
    draw = random.Random(seed)
    found: dict[tuple[tuple[str, str], ...], None] = {}
    while len(found) < count:
        words: list[tuple[str, str]] = []
        for _ in range(draw.randint(3, 9)):
            kind = draw.random()
            if kind < 0.2:
                words.append((draw.choice(PEOPLE), "B-PER"))
                words += [(draw.choice(SURNAMES), "I-PER")] * (draw.random() < 0.5)
            elif kind < 0.4:
                words.append((draw.choice(PLACES), "B-LOC"))
            else:
                words.append((draw.choice(FILLERS), "O"))
        found[tuple(words)] = None
    return [list(words) for words in found]


def write_conll(file: Path, tagged: list[list[tuple[str, str]]]) -> None:
    """Write sentences as two tab-separated columns."""
    file.write_text("\n".join("".join(f"{word}\t{tag}\n" for word, tag in words) for words in tagged), encoding="utf8")
