r"""Reads conversations in one text, in which the speaker's name precedes each turn.

The styles are those of Guanaco, Anthropic (Bai et al. 2022, arXiv:2204.05862), ChatML and Llama 2::

    ### Human: Hi### Assistant: Hello
    \n\nHuman: Hi\n\nAssistant: Hello
    <|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>
    <s>[INST] Hi [/INST] Hello </s>
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pefbench.tasks.reading.chats import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable

OTHER_NAMES = {
    "prompter": "user",
    "instruction": "user",
    "inst": "user",
    "response": "assistant",
    "bot": "assistant",
    "/inst": "assistant",
}
"""Names of roles that lists of messages do not have, in lower case -> the role."""
STYLES = (
    re.compile(
        r"\s*###\s*(?P<who>human|user|prompter|instruction|assistant|gpt|bot|response|system)\s*:\s*", re.IGNORECASE
    ),
    re.compile(r"(?:\A|\n\n)\s*(?P<who>human|user|assistant|system): ?", re.IGNORECASE),
    re.compile(r"(?:<\|im_end\|>)?\s*<\|im_start\|>(?P<who>system|user|assistant)\n"),
    re.compile(r"(?:</s>)?\s*(?:<s>)?\s*\[(?P<who>/?INST)\]\s*"),
)
"""The text before a turn, in each of these styles."""
CLOSING = re.compile(r"\s*(?:<\|im_end\|>|</s>|<\|endoftext\|>)?\s*\Z")
SYSTEM = re.compile(r"\A<<SYS>>\s*(.*?)\s*<</SYS>>\s*", re.DOTALL)
"""Llama 2's system message, within the first turn."""
NOTE = "conversations in one text are split into turns at the speakers' names"


def style(texts: Iterable[object]) -> re.Pattern[str] | None:
    """The style of most texts, which need at least two turns each; None if there is none."""
    given = [text for text in texts if isinstance(text, str) and text.strip()]
    for each in STYLES:
        if 2 * sum(_begins(text, each) and len(each.findall(text)) > 1 for text in given) > len(given):
            return each
    return None


def messages(text: object, written: re.Pattern[str]) -> Any:
    """The turns as a list of messages; a text that does not begin with a turn stays unchanged."""
    if not isinstance(text, str) or not _begins(text, written):
        return text
    found = list(written.finditer(text))
    before = text[: found[0].start()].strip()
    ends = [match.start() for match in found[1:]] + [len(text)]
    turns = [(_role(match), text[match.end() : end]) for match, end in zip(found, ends, strict=True)]
    told = [{"role": "system", "content": before}] if before else []
    for role, turn in turns:
        content = CLOSING.sub("", turn).strip()
        if (system := SYSTEM.match(content)) is not None:
            told.append({"role": "system", "content": system[1]})
            content = content[system.end() :]
        told.append({"role": role, "content": content})
    return told


def _begins(text: str, written: re.Pattern[str]) -> bool:
    """Whether a text begins with a turn or, as in Alpaca, with an introduction to one."""
    return bool(written.search(text) if written is STYLES[0] else written.match(text))


def _role(match: re.Match[str]) -> str:
    who = match["who"].lower()
    return OTHER_NAMES.get(who) or ROLES[who]
