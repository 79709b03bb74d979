"""Dialogue: write the next turn of a conversation.

Data are conversations, as lists of turns or as messages with roles, or single prompts with their completions. Every
reply, or only the last one of a conversation, is a separate example; its loss covers only the reply.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from pefbench.heads._prompts import ALWAYS
from pefbench.heads.examples import GenerationExample
from pefbench.sources import wording
from pefbench.tasks import Inputs, Task
from pefbench.tasks._models import SMOLLM2
from pefbench.tasks.reading import chats, generation, layouts, references, values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pefbench.heads._chat_template import Message
    from pefbench.heads.generation import GenerationDataset
    from pefbench.sources import BadRows, Row


PROMPT_COLUMNS = ("prompt", "messages", "turns", "instruction", "system", "tools")
"""The columns of the text to reply to."""


class DialogueOptions(generation.GenerationOptions):
    """How far back a reply looks, and how long it may become."""

    history: int = Field(4, ge=0, description="maximum number of turns before the one replied to; the latest are kept")
    max_new_tokens: int = Field(
        48,
        ge=1,
        description="maximum number of tokens to generate, including the end token; 95 % of the references must fit",
    )
    # Left out of the recipe if it is the default, like `model.pooling`.
    replies: Literal["all", "last"] = Field(
        "all",
        exclude_if=lambda value: value == "all",
        description="which replies of a conversation are learned and scored, each given the messages before it",
    )


READ = {"turns": ("turns",), "messages": ("messages", "system", "tools")}
"""The columns that are read if a row has turns, or messages."""
SINGLE = ("instruction", "system", "prompt", "completion")
"""The columns that are read from any other row."""


def text(values: Mapping[str, Any]) -> str:
    """All turns of a row."""
    turns = _texts(values["turns"])
    turns += [content for _, content in chats.messages_of(values["messages"])]
    single = (values.get(column) for column in ("instruction", "prompt", "completion"))
    return "\n".join([*turns, *(str(value) for value in single if value is not None)])


def group(values: Mapping[str, Any]) -> str:
    """The beginning of a conversation without the system prompt; it must be in a single split."""
    begins = [content for role, content in chats.messages_of(values["messages"]) if role != "system"]
    begins += _texts(values["turns"])
    single = [str(value) for value in (values.get("instruction"), values["prompt"]) if value is not None]
    return begins[0] if begins else "\n".join(single) if single else str(None)


def read(
    splits: Mapping[str, Sequence[Row]], bad: BadRows, *, history: int, replies: str = "all", **options: Any
) -> GenerationDataset:
    """Read the replies of a row; other replies to the same words in its split are references, too."""
    examples, notes = {}, []
    for split, rows in splits.items():
        counted = chats.Counted()
        found = bad.good(rows, lambda row, counted=counted: _replies(row, history, counted))  # type: ignore[misc]
        chosen = [each for of_row in found for each in (of_row[-1:] if replies == "last" else of_row)]
        examples[split] = _with_references(chosen)
        notes += counted.notes(split)
    notes += _not_read(row for rows in splits.values() for row in rows)
    return generation.dataset(examples, notes=notes, keep="end", likelihood=True, **options)


def _not_read(rows: Iterable[Row]) -> list[str]:
    """A note about non-empty columns of rows that are read from other columns."""
    beside: dict[str, dict[str, None]] = {}
    for row in rows:
        kind = next((each for each in READ if row.values[each] is not None), "completion")
        for column in TASK.columns:
            if column not in READ.get(kind, SINGLE) and row.values.get(column) not in (None, "", []):
                beside.setdefault(row.name(kind), {})[row.name(column)] = None
    return [f"columns not read beside {kind}: {', '.join(columns)}" for kind, columns in beside.items()]


def _replies(row: Row, history: int, counted: chats.Counted) -> list[GenerationExample]:
    """A row's replies, each with the turns before it. Raises DataError if there is none."""
    if row.values["turns"] is not None:
        found = _alternating(row)
    elif row.values["messages"] is not None:
        found = chats.replies(row, counted)
    else:
        return [_single(row)]
    return [replace(_example(reply, history), cluster=group(row.values), where=row.where) for reply in found]


def _single(row: Row) -> GenerationExample:
    """A prompt with its completion."""
    completion, *_ = found = references.texts(row, "completion")
    return replace(_prompted(row), target=completion, references=references.others(found), cluster=group(row.values))


def _prompted(row: Row) -> GenerationExample:
    """A prompt, after its instruction if there is one; Alpaca's instructions may have no input."""
    history = tuple(chats.system(row))
    if row.values.get("instruction") is None:
        return GenerationExample(values.text(row, "prompt"), "", history, where=row.where)
    instruction, prompt = values.text(row, "instruction"), row.values["prompt"]
    if prompt is None or prompt == "":
        return GenerationExample(instruction, "", history, where=row.where)
    prompt = values.text(row, "prompt")
    return GenerationExample(prompt, "", history, instruction=f"{instruction}\n", where=row.where)


def _unanswered(row: Row, options: DialogueOptions) -> GenerationExample:
    """The conversation so far, as turns or messages, whose last one gets the reply; or a prompt."""
    if row.values["turns"] is not None:
        reply = chats.Reply(_in_turn(_turns(row, 1)), "")
    elif row.values["messages"] is not None:
        reply = chats.Reply(chats.unanswered(row), "")
    else:
        return _prompted(row)
    return replace(_example(reply, options.history), where=row.where)


def _alternating(row: Row) -> list[chats.Reply]:
    """The turns up to each turn except the first."""
    turns = _turns(row, 2)
    return [chats.Reply(_in_turn(turns[:end]), turns[end]) for end in range(1, len(turns))]


def _turns(row: Row, fewest: int) -> list[str]:
    turns = row.values["turns"]
    are_texts = isinstance(turns, list) and all(isinstance(turn, str) and turn.strip() for turn in turns)
    if not are_texts or len(turns) < fewest:
        raise values.wrong(row, "turns", f"a list of {'two or more texts' if fewest > 1 else 'texts'}")
    return list(turns)


def _in_turn(turns: Sequence[str]) -> tuple[Message, ...]:
    """Turns as messages. Two speakers alternate; the one who replies to the last turn is the assistant."""
    return tuple((("assistant", "user")[(len(turns) - at) % 2], turn) for at, turn in enumerate(turns))


def _texts(turns: object) -> list[str]:
    return [turn for turn in turns if isinstance(turn, str)] if isinstance(turns, list) else []


def _example(reply: chats.Reply, history: int) -> GenerationExample:
    """A reply, with the last message as prompt, after the system's messages and the latest turns.

    A tool's result stays together with its user's turn and the messages in between.
    """
    always = [message for message in reply.before if message[0] in ALWAYS]
    turns = [message for message in reply.before if message[0] not in ALWAYS]
    last_user = max((at for at, (role, _) in enumerate(turns) if role == "user"), default=len(turns) - 1)
    earlier: list[Message] = turns[max(0, last_user - history) : last_user]
    *between, (asks, prompt) = turns[last_user:]
    return GenerationExample(prompt, reply.text, history=(*always, *earlier, *between), asks=asks)


def _with_references(examples: Sequence[GenerationExample]) -> list[GenerationExample]:
    """Examples with all replies to the same words as references, each example's own reply first."""
    replies: dict[str, list[str]] = defaultdict(list)
    for example in examples:
        replies[_context(example)] += [example.target, *example.references]
    return [
        replace(each, references=tuple(dict.fromkeys([each.target, *each.references, *replies[_context(each)]])))
        for each in examples
    ]


def _context(example: GenerationExample) -> str:
    return wording("\n".join([*(turn for _, turn in example.history), example.instruction + example.prompt]))


TASK = Task(
    head="generation",
    columns={
        "turns": ("turns", "dialog", "dialogue"),
        "messages": ("messages", "conversations"),
        "instruction": ("instruction",),
        "system": ("system", "system_prompt"),
        "tools": ("tools", "functions"),
        "prompt": ("prompt", "question", "input"),
        "completion": ("completion", "response", "reply", "answer", "output"),
    },
    optional=("turns", "messages", "prompt", "completion"),
    later=("instruction", "system", "tools"),
    several={"completion": references.several("completion", "response", "reply", "answer", "output", "reference")},
    text=text,
    group=group,
    reshape=layouts.for_dialogue,
    read=read,
    inputs=Inputs(PROMPT_COLUMNS, _unanswered, optional=PROMPT_COLUMNS, text="prompt"),
    options=DialogueOptions,
    metrics=("bleu", "distinct", "perplexity"),
    baselines=("most_frequent_reply", "nearest_answer"),
    defaults={
        "model": {"name": SMOLLM2},
        # One entry in the files has a single turn and is left out; many conversations occur several times.
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
