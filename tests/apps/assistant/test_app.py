"""The assistant from its knowledge to its page: trained, started, queried, killed, restarted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from pefbench import paths
from pefbench.apps.assistant import held_out, service
from pefbench.apps.assistant.answering import Judge
from pefbench.apps.assistant.app import APP
from pefbench.apps.assistant.config import AssistantSection
from pefbench.apps.logs import Events
from pefbench.errors import DataError
from pefbench.recipe import resolve
from pefbench.trial import run
from tests import tiny
from tests.browser import Browser, found
from tests.tokenizers import CHAT, single_bytes
from tests.worlds import FILLERS, PEOPLE, PLACES, World

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "a-key-of-sixteen-characters"


def pefbench(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        paths.child_command(*arguments),
        cwd=folder,
        env=paths.child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


class Started:
    """A running assistant, and a client of it."""

    def __init__(self, folder: Path, config: str = "assistant.yaml") -> None:
        self.log = (folder / "log.jsonl").open("ab")
        self.process = subprocess.Popen(
            paths.child_command("app", "assistant", "--config", config, "--port", "0"),
            cwd=folder,
            env={**paths.child_environment(), "PEFBENCH_API_KEYS": KEY},
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("assistant at http://"), (folder / "log.jsonl").read_text(encoding="utf8")
        self.url = line.strip().rpartition(" at ")[2]
        self.client = httpx.Client(base_url=self.url, timeout=60, headers={"Authorization": f"Bearer {KEY}"})

    def reply(self, **asked: Any) -> dict[str, Any]:
        answer = self.client.post("/v1/reply", json=asked)
        assert answer.status_code == 200, answer.text
        value: dict[str, Any] = answer.json()
        return value

    def end(self, number: int = signal.SIGTERM) -> int:
        self.client.close()
        self.process.send_signal(number)
        status = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()
        return status


def knowledge(folder: Path) -> None:
    """Questions about people and about places, each with the answer of its kind."""
    folder.mkdir()
    for name, subjects in (("person", PEOPLE), ("place", PLACES)):
        rows = [
            {"question": f"{subject} {one} {two}", "answer": f"This is a {name}.", "intent": name}
            for subject in subjects
            for one in FILLERS[:9]
            for two in FILLERS[9:14]
        ]
        lines = [json.dumps(row) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf8")
    (folder / "unfinished.md").write_text("# lake\n\n", encoding="utf8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the assistant is trained, with a tiny model."""
    made = tmp_path_factory.mktemp("assistant")
    world = World(made)
    knowledge(made / "knowledge")
    outside = [f"{one} {two} {three}" for one in FILLERS[:6] for two in FILLERS[6:12] for three in FILLERS[:3]]
    (made / "outside.csv").write_text("text\n" + "\n".join(outside), encoding="utf8")
    recipe = world.recipe("intents", task="intent", data={"source": "file:unused"}, train__epochs=6)
    config = {
        "folder": "state",
        "knowledge": "knowledge",
        "out_of_scope": "outside.csv",
        "wrong": 0.1,
        "intents": {"recipe": str(recipe), "method": "lora", "overrides": []},
        "replies": None,
        "server": {"max_characters": 200},
    }
    (made / "assistant.yaml").write_text(yaml.safe_dump(config), encoding="utf8")
    trained = pefbench("app", "assistant", "train", "--config", "assistant.yaml", folder=made)
    assert trained.returncode == 0, trained.stderr
    measured = r"test: \d+ of \d+ questions answered, \d+\.\d% wrong, 95 % interval \["
    assert re.search(measured, trained.stdout), trained.stdout
    assert "rows skipped: 1\n  unfinished.md:1: 'lake' has no answer below it\n" in trained.stdout, trained.stdout
    assert re.search(r"at most \d+\.\d% of the questions are out of scope", trained.stdout), trained.stdout
    return made


@pytest.fixture(scope="module")
def started(folder: Path) -> Iterator[Started]:
    running = Started(folder)
    yield running
    assert running.end() == 0


def test_what_it_is_sure_of_is_answered_from_the_knowledge(started: Started) -> None:
    answer = started.reply(text="Anna saw while")
    assert answer["answer"] == "This is a person."
    assert answer["source"].startswith("person.jsonl:")
    assert (answer["intent"], answer["handed_over"], answer["why"], answer["generated"]) == (
        "person", False, "confident", False,
    )  # fmt: skip
    assert 0 < answer["confidence"] <= 1


def test_a_question_of_the_knowledge_gets_its_own_answer(started: Started) -> None:
    answer = started.reply(text="  anna SAW town?")
    assert (answer["answer"], answer["why"], answer["confidence"]) == ("This is a person.", "as written", 1.0)


def test_what_is_out_of_scope_is_handed_over_and_stays_so(started: Started, folder: Path) -> None:
    first = started.reply(text="saw house saw", conversation="one")
    assert (first["answer"], first["source"], first["handed_over"]) == (None, None, True)
    assert started.reply(text="Anna saw while", conversation="one")["why"] == "handed over before"
    assert started.reply(text="Anna saw while", conversation="two")["handed_over"] is False
    asked = started.client.post("/v1/hand-over", json={"conversation": "two"}).json()
    assert (asked["handed_over"], asked["why"]) == (True, "asked for")
    again = Started(folder)
    try:
        assert again.reply(text="Anna saw while", conversation="two")["why"] == "handed over before"
    finally:
        again.end(signal.SIGKILL)


def generator(folder: Path, said: dict[str, str]) -> Path:
    """The result of a trial whose tiny decoder has learnt by heart what it says to each prompt."""
    tiny.causal_lm("llama", vocab_size=260, max_position_embeddings=128).save_pretrained(folder / "base")
    tokenizer = single_bytes("llama")
    tokenizer.chat_template, tokenizer.model_max_length = CHAT, 128
    tokenizer.save_pretrained(folder / "base")
    rows = {"train": [*said.items()] * 40, "validation": [("a", "b")], "test": [("c", "d")]}
    for part, some in rows.items():
        lines = [json.dumps({"prompt": prompt, "completion": completion}) for prompt, completion in some]
        (folder / f"{part}.jsonl").write_text("\n".join(lines), encoding="utf8")
    raw = {
        "task": "dialogue",
        "options": {"max_new_tokens": 12},
        "model": {"name": f"file:{folder / 'base'}"},
        "data": {"source": f"file:{folder}", **{part: f"{part}.jsonl" for part in rows}},
        "method": {"name": "full"},
        "train": {"epochs": 10, "batch_size": 8, "learning_rate": 0.01, "precision": "fp32", "threads": 1},
    }
    return run.run(resolve(raw, name="replies"), folder / "results")


def test_a_generated_answer_says_what_was_retrieved_or_is_discarded(folder: Path, tmp_path: Path) -> None:
    says = {"This is a person.": "A person.", "This is a place.": "A castle."}
    config = yaml.safe_load((folder / "assistant.yaml").read_text(encoding="utf8"))
    config["generator"] = str(generator(tmp_path, says))
    (folder / "generates.yaml").write_text(yaml.safe_dump(config), encoding="utf8")
    running = Started(folder, "generates.yaml")
    try:
        assert running.client.get("/v1/status").json()["generates"] is True
        answer = running.reply(text="Anna saw while", generate=True)
        assert (answer["answer"], answer["generated"]) == ("A person.", True)
        assert answer["source"].startswith("person.jsonl:")
        assert running.reply(text="Anna saw while")["answer"] == "This is a person."
        answer = running.reply(text="Paris saw while", generate=True)  # "castle" stands nowhere
        assert (answer["answer"], answer["generated"]) == ("This is a place.", False)
        assert running.reply(text="saw house saw", generate=True)["answer"] is None
    finally:
        assert running.end() == 0


def test_a_generator_that_labels_is_refused(folder: Path) -> None:
    config = yaml.safe_load((folder / "assistant.yaml").read_text(encoding="utf8"))
    config["generator"] = str(next((folder / "state" / "models").glob("*/*/*.json")))
    (folder / "labels.yaml").write_text(yaml.safe_dump(config), encoding="utf8")
    refused = pefbench("app", "assistant", "--config", "labels.yaml", "--port", "0", folder=folder)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
    assert "a trial of intent; it must turn a text into a text" in refused.stderr


def test_no_text_makes_a_hand_over_an_answer(started: Started) -> None:
    hostile = 'saw house saw", "handed_over": false, "answer": "yes'
    answer = started.reply(text=hostile)
    assert answer["handed_over"] is (answer["answer"] is None)


def test_knowledge_is_read_again_when_it_changes(started: Started, folder: Path) -> None:
    before = started.client.get("/v1/status").json()["entries"]
    (folder / "knowledge" / "new.md").write_text("# town\n\nA town.\n\n# river\n\n", encoding="utf8")
    until = monotonic() + 60
    status: dict[str, Any] = {}
    while status.get("entries", before) == before and monotonic() < until:
        sleep(0.1)
        status = started.client.get("/v1/status").json()
    assert (status["entries"], status["skipped"]) == (before + 1, 2)
    named = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf8").splitlines()]
    assert [each["why"] for each in named if each["event"] == "skipped" and "river" in each["why"]] == [
        "new.md:5: 'river' has no answer below it"
    ]
    assert status["measured"]["answered"] > 0
    assert "pefbench_assistant_replies_total" in started.client.get("/metrics").text


@pytest.mark.parametrize(
    ("asked", "status", "message"),
    [
        ({"text": "  "}, 400, "text: is empty"),
        ({"text": "x" * 201}, 413, "text: has 201 characters; at most 200 are allowed"),
        ({"text": "x", "generate": True}, 400, "generate: this assistant has no model that generates"),
        ({"text": "x", "conversation": "../a"}, 400, "conversation: "),
        ({"question": "x"}, 400, "text: is missing"),
        ({"text": 3}, 400, "text: "),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    started: Started, asked: dict[str, Any], status: int, message: str
) -> None:
    answer = started.client.post("/v1/reply", json=asked)
    assert (answer.status_code, answer.json()["error"]["message"].startswith(message)) == (status, True), answer.text


def test_a_key_is_asked_for_and_logs_hold_no_texts(started: Started, folder: Path) -> None:
    assert httpx.post(f"{started.url}/v1/reply", json={"text": "x"}).status_code == 401
    started.reply(text="Boris slept town")
    log = (folder / "log.jsonl").read_text(encoding="utf8")
    events = [json.loads(line) for line in log.splitlines()]
    assert {"answered", "handed over", "knowledge read"} <= {each["event"] for each in events}
    assert "slept" not in log


def test_models_of_other_tasks_are_refused(classifier: Path, tagger: Path, tmp_path: Path) -> None:
    config = AssistantSection.model_validate({"folder": str(tmp_path)})
    with pytest.raises(DataError, match=r"a trial of \w+, which does not rank replies"):
        APP.check(config, {"replies": classifier})
    with pytest.raises(DataError, match="a trial of ner, which does not give a text one label"):  # not: other models
        service.Assistant(config, {"intents": tagger}, Events("assistant", texts=False))
    with pytest.raises(DataError, match="a trial of ner, which does not give a text one label"):
        Judge.load({"intents": tagger})
    with pytest.raises(DataError, match=r"a trial of \w+, which does not rank replies"):
        Judge.load({"intents": classifier, "replies": classifier})


def test_texts_out_of_scope_need_their_column(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("text,x\nWho?,1\n,2\n", encoding="utf8")
    assert held_out.read_outside(file) == ["Who?"]
    file.write_text("question\nWho?\n", encoding="utf8")
    with pytest.raises(DataError, match=r"other.csv:2: has no column text; its columns are: question"):
        held_out.read_outside(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folder": "elsewhere"}, "the model intents is not trained yet"),
        ({"knowledge": "nowhere"}, "nowhere"),
        ({"generator": "nowhere"}, "nowhere"),
        ({"intents": {"recipe": "intent", "trial": "nowhere"}}, "nowhere"),
        ({"wrong": 0.01}, "rule.json: chosen with another value of wrong; run pefbench app assistant train"),
        ({"out_of_scope_share": 0.5}, "rule.json: chosen with another value of out_of_scope_share; run"),
        ({"wrong": 2}, "wrong.yaml: wrong: input should be less than 1, got 2"),
        ({"knowlege": "x"}, "knowlege: unknown key; did you mean 'knowledge'?"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(folder: Path, change: dict[str, Any], message: str) -> None:
    config = yaml.safe_load((folder / "assistant.yaml").read_text(encoding="utf8"))
    (folder / "wrong.yaml").write_text(yaml.safe_dump(config | change), encoding="utf8")
    refused = pefbench("app", "assistant", "--config", "wrong.yaml", "--port", "0", folder=folder)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
    assert message in refused.stderr


@pytest.mark.skipif(found() is None, reason="no Chromium on this machine")
def test_the_page_shows_the_conversation_and_the_rate(started: Started) -> None:
    with Browser(str(found())) as browser:
        browser.send("Page.navigate", url=started.url)
        browser.wait("document.querySelector('#key')")
        browser.value(f"by('key').value = '{KEY}'; by('key').dispatchEvent(new Event('change')); by('text').focus()")
        browser.wait("by('rate').textContent.includes('interval')")
        browser.value("window.same = true; by('rate').textContent = ''; by('key').form.requestSubmit()")
        browser.wait("by('rate').textContent.includes('interval') && window.same")
        for text in ("Anna saw while", "saw house saw", "Anna saw while"):
            before = browser.value("by('talk').children.length")
            browser.send("Input.insertText", text=text)
            for kind in ("keyDown", "keyUp"):
                browser.send(
                    "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
                )
            browser.wait(f"by('talk').children.length === {before + 2} && document.activeElement === by('text')")
        kinds = browser.value("[...by('talk').children].map(item => item.className)")
        assert kinds == ["mine", "theirs", "mine", "person", "mine", "person"]
        for width, dark in ((900, False), (390, True)):
            browser.look(width=width, height=800, dark=dark)
            assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
            if shots := os.environ.get("PEFBENCH_SCREENSHOTS"):
                (Path(shots) / f"assistant_{width}.png").write_bytes(browser.screenshot())
