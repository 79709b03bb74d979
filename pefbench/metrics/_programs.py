"""From a generated answer to the program that its tests are run with.

An answer goes on from the prompt, a function's head, as in Chen et al. 2021 (arXiv:2107.03374, section 2.1), and is cut
where the paper stops: at the next line that begins with one of five words, also where the function is written once more
behind its body. Chat models answer otherwise, with the whole function, in a fenced block; that is taken, too.
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
    """What is run: the code before the answer, the answer, and the tests.

    prompt: code that ends with the head of a function, and the answer is its body or the function anew; or "", and the
    answer is a whole program.
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
    """The first fenced block of an answer, or what stands before the fence where it is code that went on."""
    before, fence, after = answer.partition(FENCE)
    inside = after.partition("\n")[2].partition(FENCE)[0]
    return inside if fence and inside.strip() and not _goes_on(before) else before


def _goes_on(text: str) -> bool:
    """Whether a text begins as a body does: indented."""
    return text.lstrip("\n").startswith((" ", "\t"))


def _is_python(source: str) -> bool:
    """Whether a text can be compiled, which nothing of it is run for: a return outside a function cannot."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # escapes such as "\d" in somebody else's strings
            compile(source, "answer", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # a null byte; too many parentheses
        return False
    return True
