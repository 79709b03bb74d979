"""Items that a user has taken are never recommended again, however long ago, and however few are left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pefbench.apps.logs import Events
from pefbench.apps.recommender import evidence, kept, prepared, service
from pefbench.apps.recommender.catalogue import Catalogue
from pefbench.apps.recommender.config import RecommenderSection
from pefbench.apps.recommender.events import Event, Histories, Skips
from pefbench.apps.recommender.prepared import Prepared
from pefbench.apps.recommender.ranking import Weights
from pefbench.apps.recommender.reranking import Reranker

if TYPE_CHECKING:
    from collections.abc import Sequence

FILMS = ("Alien", "Brazil", "Casino", "Diva", "Eden")


class Reader:
    """In the choice model's place: it finds the first proposal the best."""

    def embed(self, texts: Sequence[str]) -> Any:
        return np.ones((len(texts), 2), np.float32) / np.sqrt(2)

    def scores(self, _histories: Sequence[Sequence[str]], proposals: Sequence[Sequence[str]]) -> list[Any]:
        return [-np.arange(len(texts), dtype=np.float64) for texts in proposals]


@pytest.fixture
def recommender(monkeypatch: pytest.MonkeyPatch) -> service.Recommender:
    """One to whom the last two items of a history count. A user took all films but the last, in order."""
    events = [Event(float(time), "ada", film) for time, film in enumerate(FILMS[:-1])]
    known = Catalogue.of(Histories(events, {film: film for film in FILMS}, Skips()))
    reader: Any = Reader()
    ready = Prepared(known, Skips(), reader.embed(FILMS), reader, 1.0, 2.0)
    monkeypatch.setattr(service, "LONGEST", 2)
    monkeypatch.setattr(Reranker, "load", lambda *_: reader)
    monkeypatch.setattr(kept, "read", lambda *_: (Weights(np.ones(7), np.ones(2), 20), {}))
    monkeypatch.setattr(prepared, "prepare", lambda *_: ready)
    config = RecommenderSection.model_validate({})
    return service.Recommender(config, {"choice": Path()}, Events("recommender", texts=False))


def listed(recommender: service.Recommender, used: Sequence[service.Used]) -> list[str]:
    return [each["item"] for each in recommender.recommend(used, 10)]


def test_what_was_taken_long_ago_is_not_proposed_again(recommender: service.Recommender) -> None:
    assert listed(recommender, recommender.taken("ada")) == ["Eden"]
    assert sorted(listed(recommender, recommender.taken("ada")[-2:])) == ["Alien", "Brazil", "Eden"]


def test_a_text_is_an_item_only_where_their_signs_agree(recommender: service.Recommender) -> None:
    assert "Eden" not in listed(recommender, [service.Used(None, " EDEN. ")])
    assert "Eden" in listed(recommender, [service.Used(None, "Eden++")])


def test_reasons_count_all_who_took_an_item(recommender: service.Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what counts for no rank, since the user took more than the last few after it."""
    monkeypatch.setattr(evidence, "LONGEST", 2)
    short = evidence.Evidence(recommender.catalogue.users, recommender.ranker.evidence.vectors)
    recommender.ranker.evidence = short
    [reason, *_] = next(each for each in recommender.recommend([], 10) if each["item"] == "Alien")["reasons"]
    assert (reason["kind"], reason["people"]) == ("popular", 1)


def test_who_took_everything_gets_an_empty_list(recommender: service.Recommender) -> None:
    assert listed(recommender, [*recommender.taken("ada"), service.Used(None, "eden")]) == []
