"""Builds the program that tests a generated answer.

An answer continues the prompt, a function's head, as in Chen et al. 2021 (arXiv:2107.03374, section 2.1). It is cut as
in the paper, at the next line that begins with one of five words, also if the function is repeated after its body. Chat
models instead answer with the whole function in a fenced block, which is accepted, too.
"""

from __future__ import annotations

import re
import warnings
from textwrap import dedent, indent

STOP = re.compile(r"\n(?=class|def|#|if|print)")
FENCE = "```"
HEAD = re.compile(r"^def (\w+)", re.MULTILINE)
INDENTATION = "    "


def program(answer: str, prompt: str, test: str) -> str:
    """The program to run: the code before the answer, the answer, and the tests.

    prompt: code that ends with a function's head; the answer is then its body or the whole function. "": the answer is
    a whole program.
    """
    return f"{_code(answer, prompt)}\n\n{test}"


def _code(answer: str, prompt: str) -> str:
    code = unfenced(answer)
    heads = [*HEAD.finditer(prompt)]
    if not heads:
        return prompt + code
    last = heads[-1]
    anew = re.search(rf"^def {last[1]}\b", code, re.MULTILINE)
    if anew and not _goes_on(code[: anew.start()]):
        return prompt[: last.start()] + code
    body = STOP.split(code)[0]
    readings = [body, INDENTATION + body.lstrip(), indent(dedent(code), INDENTATION)]
    return next((prompt + each for each in readings if _is_python(prompt + each)), prompt + body)


def unfenced(answer: str) -> str:
    """The first fenced block of an answer, or the text before the fence if that continues the code."""
    before, fence, after = answer.partition(FENCE)
    inside = after.partition("\n")[2].partition(FENCE)[0]
    return inside if fence and inside.strip() and not _goes_on(before) else before


def _goes_on(text: str) -> bool:
    """Whether a text begins like a function's body: indented."""
    return text.lstrip("\n").startswith((" ", "\t"))


def _is_python(source: str) -> bool:
    """Whether a text compiles, without running it; a return outside a function does not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # escapes such as "\d" in foreign strings
            compile(source, "answer", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # a null byte; too many parentheses
        return False
    return True
