"""gettext catalogues: finished translations of each message, with complete placeholders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pefbench.errors import DataError, SourceError
from pefbench.sources import BadRows, read_rows
from pefbench.sources.formats.gettext import PLACEHOLDER, _corresponds
from tests.sources.refusals import refusal

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'


def entry(message: str, translated: str, before: str = "") -> str:
    return f'{before}msgid "{message}"\nmsgstr "{translated}"\n\n'


def write(folder: Path, **catalogues: str) -> str:
    """Write catalogues named LANGUAGE or LANGUAGE__APP; return the source."""
    for name, text in catalogues.items():
        language, _, app = name.partition("__")
        file = folder / (app or "app") / "locale" / language / "LC_MESSAGES" / "django.po"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(HEAD + text, encoding="utf-8")
    return f"file:{folder}"


def translations(source: str, **options: Any) -> list[dict[str, str]]:
    return [row.values["translation"] for row in read_rows(source, format="gettext", **options).rows]


def test_a_row_is_a_message_in_all_its_languages(tmp_path: Path) -> None:
    french = entry("Hello", "Bonjour") + entry("No\\ncat", "Aucun\\nchat")
    source = write(tmp_path, de=entry("Hello", "Hallo"), fr=french, en=entry("Hello", "Changed"))
    rows = read_rows(source, format="gettext")
    assert rows.columns == ("translation",)
    assert translations(source) == [
        {"en": "Hello", "de": "Hallo", "fr": "Bonjour"},
        {"en": "No\ncat", "fr": "Aucun\nchat"},
    ]
    assert next(iter(rows.rows[0].values["translation"])) == "en"
    assert rows.rows[1].where == "app/locale/fr/LC_MESSAGES/django.po:7"


def test_of_several_catalogues_the_first_translation_counts(tmp_path: Path) -> None:
    source = write(tmp_path, de__b=entry("Yes", "Ja, b"), de__a=entry("Yes", "Ja"), fr__b=entry("Yes", "Oui"))
    assert translations(source) == [{"en": "Yes", "de": "Ja", "fr": "Oui"}]


@pytest.mark.parametrize(
    "unfinished",
    [
        entry("Hello", ""),
        entry("Hello", "Hallo", "#, fuzzy\n"),
        entry("Hello", "Hallo", 'msgctxt "greeting"\n'),
        '#~ msgid "Hello"\n#~ msgstr "Hallo"\n',
        'msgid "one cat"\nmsgid_plural "%d cats"\nmsgstr[0] "eine Katze"\nmsgstr[1] "%d Katzen"\n',
        entry("Hello %(name)s", "Hallo"),
        entry("Hello %(name)s", "Hallo %(nome)s"),
        entry("{first} and {last}", "{first}"),
        entry("%s", "%s"),
        entry("12:%d", "12:%d"),
        entry("Hello", " "),
    ],
)
def test_what_is_not_a_finished_translation_is_left_out(tmp_path: Path, unfinished: str) -> None:
    assert translations(write(tmp_path, de=entry("Yes", "Ja") + unfinished)) == [{"en": "Yes", "de": "Ja"}]


def test_placeholders_may_change_places(tmp_path: Path) -> None:
    source = write(tmp_path, de=entry("%(a)s of {b}: 100%% or %s", "%s, {b}: %(a)s, 100%%"))
    assert len(translations(source)) == 1


@given(st.lists(st.sampled_from(["%(name)s", "%s", "%d", "{x}", "{}", "%%", "%(count)d", "%5.2f"]), max_size=6))
def test_a_translation_has_each_placeholder_of_its_message_and_no_other(given_ones: list[str]) -> None:
    text = "a ".join(["a ", *given_ones, ""])
    assert sorted(PLACEHOLDER.findall(text)) == sorted(given_ones)
    assert _corresponds(text, "b ".join(["b ", *reversed(given_ones), ""]))
    for i in range(len(given_ones)):
        assert not _corresponds(text, text.replace(given_ones[i], "b", 1))
        assert not _corresponds(text, text + given_ones[i])


def test_what_is_not_a_catalogue_is_named_or_left_out(tmp_path: Path) -> None:
    source = write(tmp_path, de=entry("Yes", "Ja"), fr="garbage\n", es=entry("Yes", "Sí"))
    spanish = tmp_path / "app" / "locale" / "es" / "LC_MESSAGES" / "django.po"
    spanish.write_bytes(spanish.read_text(encoding="utf-8").encode("latin-1"))
    message = refusal(DataError, read_rows, source, format="gettext")
    assert message == "app/locale/es/LC_MESSAGES/django.po:1: not a gettext catalogue in UTF-8"
    bad = BadRows(skip=True)
    assert translations(source, bad=bad) == [{"en": "Yes", "de": "Ja"}]
    assert bad.found == [message, "app/locale/fr/LC_MESSAGES/django.po:4: not a gettext catalogue in UTF-8"]


def test_a_folder_without_catalogues_says_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x", encoding="utf-8")
    message = refusal(SourceError, read_rows, f"file:{tmp_path}", format="gettext")
    assert message.endswith("no LANGUAGE/LC_MESSAGES/*.po below it; it has x.txt")
