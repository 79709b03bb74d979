"""The recommender from its histories to its page: trained, started, queried."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from pefbench import paths
from pefbench.apps.logs import Events
from pefbench.apps.recommender.app import APP
from pefbench.apps.recommender.config import RecommenderSection
from pefbench.apps.recommender.service import Recommender
from pefbench.errors import DataError
from tests.apps.recommender import films
from tests.browser import Browser, found
from tests.worlds import World

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "a-key-of-sixteen-characters"


def pefbench(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        paths.child_command("app", "recommender", *arguments),
        cwd=folder,
        env=paths.child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the recommender is trained, with a tiny model."""
    made = tmp_path_factory.mktemp("recommender")
    films.write(made / "taken.csv")
    with (made / "taken.csv").open("a", encoding="utf8") as file:
        file.write("u1,p1,2026-11-02T10:00:00,Anna the\n")
    (made / "new.csv").write_text("item,text\nnew1,Anna saw the river\n", encoding="utf8")
    recipe = World(made).recipe("choice", task="recommendation", data={"source": "file:unused"}, train__epochs=3)
    config = {
        "folder": "state",
        "histories": "taken.csv",
        "items": "new.csv",
        "validation": 0.2,
        "test": 0.2,
        "reranked": 5,
        "choice": {"recipe": str(recipe), "method": "lora", "overrides": ["options.history=3"]},
        "server": {"max_inputs": 8, "max_characters": 200},
    }
    (made / "recommender.yaml").write_text(yaml.safe_dump(config), encoding="utf8")
    run = pefbench("train", "--config", "recommender.yaml", folder=made)
    assert run.returncode == 0, run.stderr
    assert "left out: time without zone: 1 (first" in run.stdout
    assert "recommender less popularity, NDCG@10: +" in run.stdout
    return made


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[httpx.Client]:
    with (folder / "log.jsonl").open("wb") as log:
        process = subprocess.Popen(
            paths.child_command("app", "recommender", "--config", "recommender.yaml", "--port", "0"),
            cwd=folder,
            env={**paths.child_environment(), "PEFBENCH_API_KEYS": KEY},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()
        assert line.startswith("recommender at http://"), (folder / "log.jsonl").read_text(encoding="utf8")
        url = line.strip().rpartition(" at ")[2]
        with httpx.Client(base_url=url, timeout=60, headers={"Authorization": f"Bearer {KEY}"}) as made:
            yield made
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def recommended(client: httpx.Client, **asked: Any) -> list[dict[str, Any]]:
    answer = client.post("/v1/recommend", json=asked)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_somebody_new_gets_what_goes_with_their_history(client: httpx.Client) -> None:
    items = recommended(client, history=[{"item": "l0"}, {"item": "l5"}], most=8)
    assert all(each["item"].startswith("l") for each in items)
    assert not {"l0", "l5"} & {each["item"] for each in items}
    assert [each["place"] for each in items] == [*range(1, 9)]
    assert sorted(each["proposed"] for each in items[:5]) == [1, 2, 3, 4, 5]  # the model reads five


def test_reasons_are_counts_that_can_be_checked(client: httpx.Client, folder: Path) -> None:
    takers: dict[str, set[str]] = {}
    for line in (folder / "taken.csv").read_text(encoding="utf8").splitlines()[1:-1]:
        user, item, _, _ = line.split(",")
        takers.setdefault(item, set()).add(user)
    texts = {text: item for item, text in films.texts().items()}
    checked = 0
    for each in recommended(client, history=[{"item": "p2"}, {"item": "p3"}], most=5):
        for reason in each["reasons"]:
            if reason["kind"] == "together":
                because = takers[texts[reason["because"]]]
                assert (reason["both"], reason["people"]) == (len(because & takers[each["item"]]), len(because))
                checked += 1
    assert checked


def test_an_empty_history_gets_what_is_popular(client: httpx.Client) -> None:
    [first, *_] = recommended(client)
    assert first["reasons"][0]["kind"] == "popular"
    assert first["place"] == first["proposed"] == 1


def test_items_never_seen_are_read_by_their_text(client: httpx.Client) -> None:
    items = recommended(client, history=[{"text": "Anna walking to the river"}], most=100)
    assert len(items) == len(films.texts()) + 1
    [new] = [each for each in items if each["item"] == "new1"]
    assert {reason["kind"] for reason in new["reasons"]} <= {"alike", "new"}
    same = recommended(client, history=[{"text": " ANNA saw "}], most=100)
    assert "p0" not in {each["item"] for each in same}  # it is that item, so it was taken


def test_a_user_of_the_histories_is_known(client: httpx.Client) -> None:
    answer = client.post("/v1/recommend", json={"user": "u1", "most": 3}).json()
    assert (answer["known"], answer["history"]) == (True, 8)
    answer = client.post("/v1/recommend", json={"user": "nobody", "history": [{"item": "l0"}]}).json()
    assert (answer["known"], answer["history"]) == (False, 1)


def test_the_catalogue_is_searched(client: httpx.Client) -> None:
    items = client.get("/v1/items", params={"query": "RIVER anna", "most": 5}).json()["items"]
    assert {each["item"] for each in items} == {"p2", "new1"}
    status = client.get("/v1/status").json()
    assert (status["items"], status["skipped"]) == (45, {"time without zone": 1})
    assert 0 < status["measured"]["methods"]["recommender"]["metrics"]["mrr"]["value"] <= 1


@pytest.mark.parametrize(
    ("asked", "status", "message"),
    [
        ({"history": [{"item": "x"}]}, 404, "history.0.item: not in the catalogue"),
        ({"history": [{}]}, 400, "history.0: needs either an item or a text"),
        ({"history": [{"text": " "}]}, 400, "history.0.text: is empty"),
        ({"history": [{"text": "x" * 201}]}, 413, "history.0.text: has 201 characters; at most 200 are allowed"),
        ({"history": [{"item": "l0"}] * 9}, 413, "history: 9 items in one request; at most 8 are allowed"),
        ({"most": 0}, 400, "most: "),
        ({"film": "x"}, 400, "film: "),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    client: httpx.Client, asked: dict[str, Any], status: int, message: str
) -> None:
    answer = client.post("/v1/recommend", json=asked)
    assert (answer.status_code, answer.json()["error"]["message"][: len(message)]) == (status, message)


def test_a_key_is_asked_for_lists_are_counted_and_logs_hold_no_texts(client: httpx.Client, folder: Path) -> None:
    assert httpx.post(f"{client.base_url}/v1/recommend", json={}).status_code == 401
    recommended(client, history=[{"text": "zebra crossing"}])
    metrics = client.get("/metrics").text
    assert 'pefbench_recommender_lists_total{user="new"}' in metrics
    assert "pefbench_recommender_reasons_total" in metrics
    log = (folder / "log.jsonl").read_text(encoding="utf8")
    events = [json.loads(line) for line in log.splitlines()]
    assert {"started", "recommended"} <= {each["event"] for each in events}
    assert "zebra" not in log


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folder": "elsewhere"}, "the model choice is not trained yet"),
        ({"histories": "nowhere"}, "nowhere"),
        ({"choice": {"recipe": "recommendation", "trial": "nowhere"}}, "nowhere"),
        ({"test": 2}, "wrong.yaml: test: input should be less than 0.5, got 2"),
        ({"histores": "x"}, "histores: unknown key; did you mean 'histories'?"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(folder: Path, change: dict[str, Any], message: str) -> None:
    config = yaml.safe_load((folder / "recommender.yaml").read_text(encoding="utf8"))
    (folder / "wrong.yaml").write_text(yaml.safe_dump(config | change), encoding="utf8")
    run = pefbench("--config", "wrong.yaml", "--port", "0", folder=folder)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert message in run.stderr


def test_a_model_of_another_task_is_refused(tagger: Path, tmp_path: Path) -> None:
    config = RecommenderSection.model_validate({"folder": str(tmp_path)})
    wanted = "a model of ner; the recommender needs one of recommendation"
    with pytest.raises(DataError, match=wanted):
        APP.check(config, {"choice": tagger})
    with pytest.raises(DataError, match=wanted):  # not: chosen with another model
        Recommender(config, {"choice": tagger}, Events("recommender", texts=False))


@pytest.mark.skipif(found() is None, reason="no Chromium on this machine")
def test_the_page_moves_its_list_by_keyboard(client: httpx.Client) -> None:
    with Browser(str(found())) as browser:
        browser.send("Page.navigate", url=str(client.base_url))
        browser.wait("document.querySelector('#key')")
        browser.value(f"by('key').value = '{KEY}'; by('key').dispatchEvent(new Event('change')); by('query').focus()")
        browser.wait("by('list').children.length === 10 && by('found').children.length === 8")
        browser.value("window.same = true; by('list').replaceChildren(); by('key').form.requestSubmit()")
        browser.wait("by('list').children.length === 10 && window.same")
        for query, item in (("sofia saw", "l12"), ("tunis saw", "l16")):
            browser.value("by('query').value = ''; by('query').focus()")
            browser.send("Input.insertText", text=query)
            browser.wait(
                f"by('found').children.length === 1 && by('found').textContent.startsWith('{query.title()[:5]}')"
            )
            browser.press("Tab", 9)
            browser.send("Input.dispatchKeyEvent", type="keyDown", key="Enter", text="\r", windowsVirtualKeyCode=13)
            browser.send("Input.dispatchKeyEvent", type="keyUp", key="Enter", windowsVirtualKeyCode=13)
            browser.wait(f"taken.some(each => each.item === '{item}') && !before.has('{item}') && before.size")
        browser.wait("document.querySelectorAll('.moved.up').length > 0")
        assert browser.value("by('list').children[0].textContent.includes('Because you took')")
        assert browser.value("[...by('list').children].every(each => each.dataset.item.startsWith('l'))")
        browser.value("by('taken').querySelector('button').click()")
        browser.wait("by('taken').children.length === 1 && document.activeElement.textContent === 'Remove'")
        assert browser.value("by('wrong').textContent") == ""
        for width, dark in ((1280, False), (760, True), (390, True)):
            browser.look(width=width, height=900, dark=dark)
            browser.wait("!document.getAnimations().length")
            assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
            if shots := os.environ.get("PEFBENCH_SCREENSHOTS"):
                (Path(shots) / f"recommender_{width}.png").write_bytes(browser.screenshot())
