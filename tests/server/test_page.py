"""The page: choosing and querying a model by keyboard, in light and dark, at a phone's width."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.browser import Browser, found
from tests.server.test_app import Running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHROMIUM = found()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def browser(classifier: Path, tagger: Path) -> Iterator[Browser]:
    running = Running(f"labels={classifier}", f"tags={tagger}")
    with Browser(str(CHROMIUM)) as made:
        made.send("Page.navigate", url=running.url)
        made.wait("document.documentElement?.dataset.ready === 'yes'")
        yield made
    assert running.end() == 0


def shown(browser: Browser, name: str) -> None:
    """Keep what is seen where PEFBENCH_SCREENSHOTS names a folder."""
    from pathlib import Path

    if folder := os.environ.get("PEFBENCH_SCREENSHOTS"):
        (Path(folder) / f"{name}.png").write_bytes(browser.screenshot())


def ask(browser: Browser, model: str, text: str) -> None:
    browser.value(
        f"by('model').value = '{model}'; choose(); by('answer').replaceChildren();"
        "document.querySelector('textarea').focus()"
    )
    browser.send("Input.insertText", text=text)
    browser.send(
        "Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, modifiers=2
    )
    browser.wait("document.querySelector('#answer h2, #answer .wrong')")


def test_a_label_is_shown_with_its_probabilities(browser: Browser) -> None:
    browser.look(width=900)
    ask(browser, "labels", "Anna saw Boris")
    assert browser.value("document.querySelectorAll('#answer td').length") == 4
    assert browser.value("document.querySelector('#answer p').textContent") in {"person", "place"}
    shown(browser, "light")


def test_entities_are_marked_in_the_text(browser: Browser) -> None:
    browser.look(width=390, height=800, dark=True)
    ask(browser, "tags", "😀 Anna saw <b>Paris</b>")
    assert browser.value("document.querySelector('#answer p.text').textContent").startswith("😀 Anna")
    marks = browser.value("[...document.querySelectorAll('#answer mark')].map(mark => mark.firstChild.textContent)")
    assert "Anna" in marks
    assert browser.value("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 27)"
    shown(browser, "dark")


def test_a_fault_is_said(browser: Browser) -> None:
    browser.value("by('answer').replaceChildren()")
    ask(browser, "labels", "")
    assert "has no 'text'" in browser.value("document.querySelector('#answer .wrong').textContent")


def test_nothing_is_asked_of_anybody_else(browser: Browser) -> None:
    requests = [
        each["params"]["request"]["url"] for each in browser.events if each["method"] == "Network.requestWillBeSent"
    ]
    assert requests
    assert all(url.startswith(("http://127.0.0.1:", "data:")) for url in requests)
    errors = [each for each in browser.events if each["method"] == "Log.entryAdded"]
    assert not [each for each in errors if "400" not in str(each)]
