"""Items without a company are assigned to the companies that they mention."""

from __future__ import annotations

import pytest

from pefbench.apps.monitor.companies import Companies
from pefbench.apps.monitor.items import Item, Skipped

NAMED = {"Acme": ["ACM", "Acme  Corp"], "Café & Söhne": [], "Any": ["ANY"], "IT Group": ["IT"]}


def about(text: str, *categories: str, company: str | None = None) -> list[str | None]:
    return [
        each.company for each in Companies(NAMED)([Item("key", text, 0, company, categories)]) if isinstance(each, Item)
    ]


@pytest.mark.parametrize(
    ("text", "companies"),
    [
        ("ACME warns on profit", ["Acme"]),
        ("Shares of ACM fall", ["Acme"]),
        ("acm is no ticker in small letters", [None]),
        ("Acmeville is a town", [None]),
        ("acme\ncorp's loss", ["Acme"]),
        ("Acme sues cafe\u0301 & so\u0308hne", ["Acme", "Café & Söhne"]),
        ("It fell", [None]),
        ("IT fell", ["IT Group"]),
    ],
)
def test_names_are_whole_words_and_tickers_are_capitals(text: str, companies: list[str | None]) -> None:
    assert about(text) == companies


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("阿里巴巴", "阿里巴巴股价大跌", True),
        ("Apple", "苹果公司Apple发布新产品", True),
        ("Apple", "Applesauce发布新产品", False),
        ("三菱UFJ", "三菱UFJが下落", True),
        ("トヨタ", "今日のトヨタの株価", True),
        ("トヨタ", "ﾄﾖﾀが下落", True),
        ("ライン", "オンライン販売", False),
        ("ラーメン", "ラーメンー", False),
        ("NTT", "ＮＴＴの株価", True),
        ("ปตท", "หุ้นปตท.ร่วงลง", True),
        ("삼성전자", "오늘 삼성전자는 하락했다", True),
        ("하이", "하이닉스 하락", False),
        ("LG", "LG는 하락했다", True),
        ("Альфа", "Альфабанк", False),
    ],
)
def test_names_stand_in_scripts_without_spaces(name: str, text: str, found: bool) -> None:
    [item] = Companies({name: []})([Item("key", text, 0)])
    assert isinstance(item, Item)
    assert item.company == (name if found else None)


def test_a_feed_s_categories_name_companies_too() -> None:
    assert about("Profit warning", "Business", "Acme") == ["Acme"]
    assert about("Profit warning", "Business") == [None]


def test_an_item_that_names_its_company_is_about_no_other() -> None:
    assert about("Acme sues Bolt", company="Bolt") == ["Bolt"]


def test_an_item_of_two_companies_is_one_of_each() -> None:
    skipped, [first, second] = Skipped("key", "no text", "x:1"), Companies(NAMED)([Item("key", "Acme and ANY", 0)])
    assert len({"key", first.key, second.key}) == 3
    assert Companies(NAMED)([Item("key", "Acme and ANY", 0), skipped]) == [first, second, skipped]
