"""RSS and Atom in all their variants; a file that is neither is skipped."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pefbench.apps.monitor import feeds, items

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
<item><title>A &amp; B fall</title><guid>1</guid><pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate></item>
<item><title>Where?</title><pubDate>Mon, 02 Nov 2026 10:00:00</pubDate></item>
<item><title>When?</title></item></channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><entry><title>A &amp; B fall</title><id>1</id>
<updated>2026-11-02T11:00:00+01:00</updated></entry></feed>"""


def test_a_feed_s_entries_are_items() -> None:
    [first, *others] = feeds.read(RSS, NOW, 100, "news.rss")
    [same] = feeds.read(ATOM, NOW, 100, "news.rss")
    assert isinstance(first, items.Item)
    assert first.text == "A & B fall"
    assert first == same
    assert [getattr(each, "reason", None) for each in others] == [items.NO_ZONE, items.NO_TIME]
    assert [getattr(each, "where", None) for each in others] == ["news.rss: entry 2", "news.rss: entry 3"]


def keys(feed: bytes, name: str = "news.rss") -> list[str]:
    return [each.key for each in feeds.read(feed, NOW, 100, name) if isinstance(each, items.Item)]


def of(feed: bytes, address: bytes) -> bytes:
    """The feed with an address of its own."""
    return feed.replace(b"<title>News", b"<link>" + address + b"</link><title>News", 1)


def test_an_id_that_is_no_address_is_of_its_feed_alone() -> None:
    one, other = of(RSS, b"https://one.example"), of(RSS, b"https://other.example")
    assert keys(one) != keys(other)
    assert keys(one) == keys(one, "news of another day.rss")
    assert keys(RSS) != keys(RSS, "other.rss")  # a feed without an address has its file's name alone


@pytest.mark.parametrize(
    "guid", [b"https://a.example/1", b"urn:uuid:0e7d9a5c-5c3b-4f0e-8a5d-1f2b3c4d5e6f", b"tag:a.example,2026:1"]
)
def test_an_address_is_the_same_item_in_every_feed(guid: bytes) -> None:
    feed = RSS.replace(b"<guid>1</guid>", b"<guid>" + guid + b"</guid>")
    assert keys(of(feed, b"https://one.example")) == keys(of(feed, b"https://other.example"), "other.rss")


def test_what_an_entry_is_filed_under_is_kept() -> None:
    rss = RSS.replace(
        b"<guid>", b"<category>Business</category><category domain='x'>A &amp; B</category><category/><guid>"
    )
    atom = ATOM.replace(b"<id>", b'<category term="Business"/><category term="A &amp; B"/><category/><id>')
    for feed in (rss, atom):
        first = next(iter(feeds.read(feed, NOW, 100, "news.rss")))
        assert isinstance(first, items.Item)
        assert first.categories == ("Business", "A & B")


def test_a_feed_that_breaks_off_gives_what_is_whole() -> None:
    found = list(feeds.read(RSS[:250], NOW, 100, "news.rss"))
    assert isinstance(found[0], items.Item)


@pytest.mark.parametrize("content", [b"", b"hello", b"/etc/passwd", b"<html><body>x</body></html>", b'{"a": 1}'])
def test_what_is_no_feed_is_one_skip(content: bytes) -> None:
    [found] = feeds.read(content, NOW, 100, "news.rss")
    assert isinstance(found, items.Skipped)
    assert found.reason == items.UNREADABLE
