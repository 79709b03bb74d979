"""Damaged and malicious recipes; the same seed gives the same ones."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from pefbench.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


DAMAGED = (
    *("2026-99-99", "2026-02-30T25:00:00", "!!int abc", "!!float x", "!!timestamp x", "!!binary '*'", "!!bool 7"),
    *("0b_", "0b", "0x_", "0o9", "0x" + "F" * 5000, "9" * 5000, "-" + "9" * 5000, "1" + "0" * 400 + ".0", "1e999"),
    *("{[1]: 2}", "{{a: 1}: 2}", "? [x]\n: y", "1_", "@x", "[" * 400, "{a: " * 400, "[" * 400 + "]" * 400, "*nowhere"),
    *("&a [*a]", "&a {b: *a}", "!!python/object:os.system x", "!x y", "!!set {a, b}", "!!omap [a: 1]", "? ", ": "),
    *("!!str 1", "!!null x", "!!map []", "!!seq {}", "<<", "<<: 3", "%", "a: b: c", "- - -", "!!pairs [a: 1]"),
    *("190:20:30", "!!int 'abc'"),
)
STRANGE = (
    *(".nan", ".inf", "-.inf", "~", "true", "no", "''", '" "', "-1", "0", "1.5", "-0.0", "[]", "{}", "[1, [2, [3]]]"),
    *('"\\ud800"', '"\\0"', '"a\\nb"', '"\\e[31m"', '"\\N\\L\\P"', '"\\u202e"', "\x00", "\x07", "\x1b[31m", "\ufeff"),
    *("x" * 2000, "é" * 2000, "'" + "\U0001f600" * 200 + "'", "|\n  text", ">-\n  text", "{a: {b: 1}}", "#", "\ufffe"),
    *("idna", "punycode", "undefined", "base64", "rot13", "utf-8-sig", "unicode_escape", "utf\\0", "../../etc/passwd"),
    *("hf:", "file:", "wheel:", "wheel:a==1!b", "wheel:a==1!" + "b" * 300, "hf:a/b", "warm-started:", "file:\\0", "/"),
)
VALUES = (*DAMAGED, *STRANGE)
"""Values that replace a field's own."""

KEYS = (
    "train",
    "method",
    "methods",
    "extends",
    "name",
    "options",
    "learning_rate",
    "rank",
    "columns",
    "1",
    "null",
    "<<",
)


def mutated(seed: int, count: int, *originals: str, most_faults: int = 4) -> Iterator[bytes]:
    """Copies of the originals, or of our own recipes, each with one fault or more."""
    rng = random.Random(seed)
    texts = originals or [file.read_text(encoding="utf8") for file in sorted((PROJECT / "recipes").glob("*.yaml"))]
    for _ in range(count):
        text = rng.choice(texts)
        for _ in range(rng.randint(1, most_faults)):
            text = rng.choice(MUTATIONS)(text, rng)
        yield text.encode("utf8", "surrogatepass")


def _another_value(text: str, rng: random.Random) -> str:
    return _at_a_line(text, rng, lambda line: f"{line.partition(':')[0]}: {rng.choice(VALUES)}")


def _another_key(text: str, rng: random.Random) -> str:
    return _at_a_line(text, rng, lambda line: f"{_indent(line)}{rng.choice((*KEYS, *VALUES))}:{line.partition(':')[2]}")


def _one_more_line(text: str, rng: random.Random) -> str:
    more = f"{rng.choice(KEYS)}: {rng.choice(VALUES)}"
    return _at_a_line(text, rng, lambda line: f"{line}\n{_indent(line)}{more}")


def _a_line_twice(text: str, rng: random.Random) -> str:
    return _at_a_line(text, rng, lambda line: f"{line}\n{line}")


def _a_line_less(text: str, rng: random.Random) -> str:
    return _at_a_line(text, rng, lambda line: "")  # noqa: ARG005


def _another_indent(text: str, rng: random.Random) -> str:
    return _at_a_line(text, rng, lambda line: rng.choice(("", " ", "  ", "\t", "      ")) + line.lstrip())


def _another_character(text: str, rng: random.Random) -> str:
    place = rng.randrange(len(text) + 1)
    character = rng.choice(
        ("\x00", "\x85", "\u2028", "\ufeff", "\U0010ffff", "&", "*", "!", "|", "{", "[", '"', "'", "\t", "%")
    )
    return text[:place] + character + text[place + rng.randint(0, 1) :]


def _cut(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _aliases(text: str, rng: random.Random) -> str:
    """Aliases of aliases: a short text that stands for a million values."""
    lines = [
        "a0: &a0 {x: 1}",
        *(f"a{i}: &a{i} {{{', '.join(f'k{j}: *a{i - 1}' for j in range(9))}}}" for i in range(1, 8)),
    ]
    return "\n".join([*lines, f"{rng.choice(KEYS)}: *a7", text])


def _at_a_line(text: str, rng: random.Random, change: Callable[[str], str]) -> str:
    lines = text.split("\n")
    place = rng.randrange(len(lines))
    lines[place] = change(lines[place])
    return "\n".join(lines)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (
    *(_another_value, _another_value, _another_value, _another_key, _one_more_line, _one_more_line, _a_line_twice),
    *(_a_line_less, _another_indent, _another_character, _cut, _aliases),
)
