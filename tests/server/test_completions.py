"""Generated texts, requested by OpenAI's own client."""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import sleep
from typing import TYPE_CHECKING, Any

import openai
import pytest

import pefbench
from pefbench.server import Settings
from pefbench.server.app import make
from pefbench.server.engine import Engine
from pefbench.server.store import Store
from pefbench.server.writing import Writer
from tests.server.test_app import KEY, Running
from tests.trials import dialogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASKED: Any = [{"role": "user", "content": "Who is 7?"}]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial of dialogue."""
    return dialogue(tmp_path_factory.mktemp("dialogue"), [f"Who is {number}?" for number in range(40)])


@pytest.fixture(scope="module")
def server(trial: Path, classifier: Path) -> Iterator[Running]:
    running = Running(f"says={trial}", f"labels={classifier}", PEFBENCH_API_KEYS=f"another key of ours,{KEY}")
    yield running
    assert running.end() == 0


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as made:
        yield made


def test_a_chat_is_what_predict_says(client: openai.OpenAI, trial: Path) -> None:
    [expected] = pefbench.load(trial).predict(["Who is 7?"])
    found = client.chat.completions.create(model="says", messages=ASKED)
    assert found.choices[0].message.content == expected["text"]
    assert found.choices[0].finish_reason == expected["finish_reason"]
    assert found.usage is not None
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (
        expected["prompt_tokens"],
        expected["tokens"],
    )
    text = client.completions.create(model="says", prompt="Who is 7?")
    assert text.choices[0].text == expected["text"]


def counted(server: Running) -> float:
    """The answered inputs of the model that says something."""
    told = server.client.get("/metrics", headers={"Authorization": f"Bearer {KEY}"}).text
    found = re.search(r'pefbench_inputs_total\{model="says"\} (\S+)', told)
    return float(found[1]) if found else 0.0


def test_many_at_once_get_their_own(client: openai.OpenAI, server: Running, trial: Path) -> None:
    model = pefbench.load(trial)
    prompts = [f"Who is {number}?" for number in range(8)]
    expected = [model.predict([text], max_new_tokens=4 + at)[0] for at, text in enumerate(prompts)]

    def ask(at: int) -> str:
        if at % 2:
            return client.completions.create(model="says", prompt=prompts[at], max_tokens=4 + at).choices[0].text
        chunks = client.completions.create(model="says", prompt=prompts[at], max_tokens=4 + at, stream=True)
        return "".join(chunk.choices[0].text for chunk in chunks)

    before = counted(server)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [answer["text"] for answer in expected]
    assert counted(server) == before + 8


def test_pieces_are_the_whole(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="says", messages=ASKED).choices[0]
    chat = list(
        client.chat.completions.create(
            model="says",
            messages=ASKED,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    pieces = [event.choices[0].delta.content or "" for event in chat if event.choices]
    assert "".join(pieces) == whole.message.content
    assert len(pieces) > 3
    assert chat[-2].choices[0].finish_reason == whole.finish_reason
    assert chat[-1].usage is not None
    text = client.completions.create(model="says", prompt="Who is 7?", stream=True)
    assert "".join(event.choices[0].text for event in text) == whole.message.content


def test_wishes_are_heard(client: openai.OpenAI) -> None:
    def drawn(seed: int) -> str:
        wishes: dict[str, Any] = {"temperature": 5.0, "top_p": 0.9, "seed": seed, "max_tokens": 5}
        found = client.completions.create(model="says", prompt="Who is 7?", **wishes).choices[0]
        return str(found.text)

    assert drawn(1) == drawn(1)
    assert len({drawn(seed) for seed in range(5)}) > 1
    neutral: Any = {"n": 1, "frequency_penalty": 0, "presence_penalty": 0.0}  # as some programs always send them
    short = client.chat.completions.create(model="says", messages=ASKED, max_completion_tokens=2, **neutral)
    assert short.choices[0].finish_reason == "length"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"model": "labels"}, "does not generate text"),
        ({"temperature": -1.0}, "temperature should be a number from 0 to 100"),
        ({"n": 2}, "400 - n: should be 1"),
        ({"presence_penalty": 0.5}, "400 - presence_penalty: should be 0"),
        ({"seed": "x"}, "400 - seed: should be a whole number"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "nobody", "content": "x"}]}, "nobody"),
        ({"logit_bias": {"3": 1}}, "logit_bias: is unknown"),
        ({"max_tokens": 10**9}, "400 - max_tokens should be a whole number"),
        ({"max_completion_tokens": 0}, "400 - max_completion_tokens should be a whole number"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_is_refused(client: openai.OpenAI, asked: dict[str, Any], said: str, *, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError, match=said):
        client.chat.completions.create(**{"model": "says", "messages": ASKED, "stream": stream, **asked})


def test_models_and_keys(client: openai.OpenAI, server: Running) -> None:
    assert [model.id for model in client.models.list()] == ["says", "labels"]
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="nothing", prompt="x")
    other = openai.OpenAI(base_url=f"{server.url}/v1", api_key="a wrong key", max_retries=0)
    with other, pytest.raises(openai.AuthenticationError):
        other.models.list()


def test_a_stream_that_is_closed_leaves_the_server_well(client: openai.OpenAI) -> None:
    for _ in range(3):
        stream = client.chat.completions.create(model="says", messages=ASKED, stream=True)
        next(iter(stream))
        stream.close()
    assert client.chat.completions.create(model="says", messages=ASKED).choices[0].message.content


def test_a_stream_that_is_left_before_its_first_piece_leaves_the_queue(
    trial: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, score = Event(), Writer.score
    monkeypatch.setattr(Writer, "score", lambda writer, items: (go.wait(60), score(writer, items)))
    store = Store(1)
    store.open("says", trial)
    engine = Engine(store, capacity=2)
    app = make(engine, Settings())
    body = json.dumps({"model": "says", "prompt": "Who is 7?", "stream": True}).encode()
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/completions", "query_string": b"", "headers": headers}

    async def ask_and_leave() -> int:
        given = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]
        sent: list[Any] = []

        async def receive() -> Any:
            return given.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        await app({**scope}, receive, send)
        return int(sent[0]["status"])

    served = store.find("says")
    begun = engine.prepare(served, served.model.query("Who is 8?", "input"))
    engine.submit([begun])
    while not begun.started:
        sleep(0.001)
    assert [asyncio.run(ask_and_leave()) for _ in range(4)] == [200] * 4
    assert engine.waiting == 1
    go.set()
    assert begun.answer.result(60)["text"]
    assert engine.stop(60)
