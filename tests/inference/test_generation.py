"""Generated answers: the trial's, with the user's options, whole or streamed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import pefbench
from pefbench.errors import DataError
from pefbench.heads.search import Search
from pefbench.inference.wishes import wanted
from pefbench.recipe import load_resolved, resolve
from pefbench.trial import corpus, run
from pefbench.trial.saved import read_trial
from tests import tiny
from tests.tokenizers import CHAT, single_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from pefbench.inference.model import Model

ROWS: dict[str, Any] = {
    "dialogue": lambda i: {"prompt": f"Who is {i}?" * (1 + i % 3), "completion": f"I am {i}."},
    "summarization": lambda i: {"document": f"It counts {i}. Then it stops.", "summary": f"Count {i}."},
    "data_augmentation": lambda i: {"text": f"{i} {'bgoaodd'[i % 2 :: 2]}", "label": "np"[i % 2]},
}
"""By a chat template; by an encoder-decoder, with beams; drawn."""
OPTIONS: dict[str, dict[str, Any]] = {
    "dialogue": {},
    "summarization": {"num_beams": 2},
    "data_augmentation": {"per_class": 5, "kind": "x"},
}


@pytest.fixture(scope="module", params=ROWS)
def trial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished trial; some prompts are longer than fits."""
    task, folder = request.param, tmp_path_factory.mktemp(request.param)
    architecture = {"dialogue": "llama", "summarization": "bart", "data_augmentation": "gpt2"}[task]
    longer: dict[str, Any] = {"gpt2": {"n_positions": 128}}
    made = tiny.seq2seq_lm if architecture == "bart" else tiny.causal_lm
    made(
        architecture,
        vocab_size=260,
        initializer_range=0.3,
        **longer.get(architecture, {"max_position_embeddings": 128}),
    ).save_pretrained(folder / "base")
    tokenizer = single_bytes(architecture)
    tokenizer.chat_template = CHAT if task == "dialogue" else None
    tokenizer.model_max_length = 128
    tokenizer.save_pretrained(folder / "base")
    rows = "".join(f"{json.dumps(ROWS[task](i))}\n" for i in range(120))
    (folder / "rows.jsonl").write_text(rows, encoding="utf8")
    raw = {
        "task": task,
        "options": OPTIONS[task] | {"max_new_tokens": 24},
        "model": {"name": f"file:{folder / 'base'}"},
        "data": {"source": f"file:{folder / 'rows.jsonl'}"},
        "method": {"name": "lora"},
        "train": {"epochs": 1, "batch_size": 8, "threads": 1, "max_length": 64, "precision": "fp32"},
        "evaluate": {"batch_size": 4},
    }
    return run.run(resolve(raw, name=f"lora_{task}"), folder / "out").with_suffix("")


@pytest.fixture(scope="module")
def model(trial: Path) -> Model:
    return pefbench.load(trial)


def given(model: Model, example: Any) -> Any:
    """A test example as an input."""
    return example.facts["asked"] if model.task == "data_augmentation" else example.prompt


def scored(trial: Path) -> list[Any]:
    return list(corpus.load(load_resolved(read_trial(trial)["recipe"])).dataset.splits["test"])


def predicted(trial: Path) -> list[str]:
    rows = [json.loads(line) for line in (trial / "predictions.jsonl").read_text(encoding="utf8").split("\n") if line]
    return [row["prediction"] if isinstance(row["prediction"], str) else row["prediction"]["text"] for row in rows]


def test_texts_are_those_of_the_trial(trial: Path, model: Model) -> None:
    answers = model.predict([given(model, example) for example in scored(trial)])
    assert [answer["text"] for answer in answers] == predicted(trial)
    assert len({answer["text"] for answer in answers}) > 3
    for answer in answers:
        assert {*answer} == {"text", "finish_reason", "tokens", "prompt_tokens", "truncated"}
        assert answer["finish_reason"] in ("stop", "length")
        assert answer["tokens"] == 24 if answer["finish_reason"] == "length" else answer["tokens"] <= 24
        assert 0 < answer["prompt_tokens"] <= (64 if model.task == "summarization" else 40)
        assert model.line(answer)
        json.dumps(answer, allow_nan=False)
    assert any(answer["truncated"] for answer in answers) == (model.task == "dialogue")


def test_the_card_asks_the_model(
    trial: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = (trial / "model" / "README.md").read_text(encoding="utf8")
    code = card.partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(trial / "model")
    exec(compile(code, "card", "exec"), {})
    assert "'finish_reason':" in capsys.readouterr().out


def test_the_pieces_of_a_text_are_the_text(trial: Path, model: Model) -> None:
    many = 0
    for number, example in enumerate(scored(trial)[:6]):
        query = model.query(given(model, example), "input 0", number)
        pieces = list(model.stream(query))
        assert "".join(piece.text for piece in pieces) == predicted(trial)[number]
        assert [piece.answer for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
        assert pieces[-1].answer == model.answers([query])[0]
        many = max(many, len(pieces))
    assert many > 5 or model.task == "summarization"  # of beams nothing is certain before the end


def test_a_stream_that_is_closed_breaks_off(model: Model, trial: Path) -> None:
    query = model.query(given(model, scored(trial)[0]), max_new_tokens=64, temperature=1.0)
    stream = model.stream(query)
    assert next(stream).text
    stream.close()  # type: ignore[attr-defined]
    assert model.answers([query])[0]["finish_reason"] != "cancelled"


def test_an_answer_is_as_it_is_wanted_whatever_stands_beside_it(trial: Path, model: Model) -> None:
    asked = [given(model, example) for example in scored(trial)[:4]]
    wishes: list[dict[str, Any]] = [
        {"max_new_tokens": 3},
        {"temperature": 5.0, "seed": 4, "top_p": 0.9},
        {"temperature": 5.0, "seed": -5, "max_new_tokens": 30},
        {"temperature": 0},
    ]
    queries = [model.query(text, **wish) for text, wish in zip(asked, wishes, strict=True)]
    together = model.answers(queries)
    assert together == [model.answers([query])[0] for query in queries]
    assert together[0]["tokens"] <= 3
    drawn = model.query(asked[1], temperature=5.0, seed=5, top_p=0.9)
    assert model.answers([drawn])[0]["text"] != together[1]["text"]


def test_a_text_ends_before_a_stop(trial: Path, model: Model) -> None:
    texts, asked = predicted(trial), [given(model, example) for example in scored(trial)]
    places = ((i, end) for end in (4, 3, 2, 1) for i, text in enumerate(texts) if len(text) > end + 2)
    at, end = next((i, end) for i, end in places if texts[i].find(texts[i][end : end + 2]) == end)
    query = model.query(asked[at], "input", at, stop=[texts[at][end : end + 2], "never there"])
    [answer] = model.answers([query])
    assert answer["text"] == texts[at][:end]
    assert answer["finish_reason"] == "stop"
    assert "".join(piece.text for piece in model.stream(query)) == texts[at][:end]
    if model.task != "summarization":
        assert end + 2 <= answer["tokens"] < 24


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens should be a whole number from 1 to 88, is 0"),
        ({"max_new_tokens": 89}, "from 1 to 88, is 89"),
        ({"max_new_tokens": True}, "is True"),
        ({"temperature": -1}, "temperature should be a number from 0"),
        ({"temperature": float("nan")}, "temperature should be a number from 0"),
        ({"top_p": 0}, "top_p should be above 0"),
        ({"top_p": 1.5}, "top_p should be a number from 0 to 1, is 1.5"),
        ({"seed": 0.5}, "seed should be a whole number"),
        ({"stop": ["a", ""]}, "stop should be a text, or a list of up to 16 texts"),
        ({"stop": 3}, "stop should be a text"),
        ({"max_tokens": 3}, "max_tokens: unknown; did you mean 'max_new_tokens'"),
    ],
)
def test_what_cannot_be_wanted_is_refused(wishes: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        wanted(Search(24), wishes, 88)
    assert wanted(Search(24, 3), {"temperature": 1, "seed": None, "stop": "x"}, 88) == replace(
        wanted(Search(24, 1, 1.0), {}, 88), stop=("x",)
    )


def test_what_is_no_input_is_refused(model: Model) -> None:
    wrong: Any
    for wrong in (3, {"nothing": "there"}, "", "a \ud800"):
        with pytest.raises(DataError, match=r"^input 0: "):
            model.predict([wrong])
    with pytest.raises(DataError, match=r"input 1: max_new_tokens should be a whole number from 1 to \d+, is 100000"):
        model.query("a", "input 1", max_new_tokens=100000)
