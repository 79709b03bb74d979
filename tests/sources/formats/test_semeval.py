"""SemEval-2010 task 8's official text."""

from __future__ import annotations

from collections import Counter

import pytest

from pefbench.errors import DataError
from pefbench.paths import PROJECT
from pefbench.sources import BadRows, read_rows
from pefbench.sources.formats.semeval import read_semeval
from tests.sources.refusals import refusal

SHARED = PROJECT.parent / "shared" / "data" / "semeval2010_task8"
ITEM = '4\t"A misty <e1>ridge</e1> uprises from the <e2>surge</e2>."\nOther\nComment:\n\n'


def test_an_item_is_a_sentence_with_its_markers_and_a_label() -> None:
    text = '1\t"A <e1>é</e1> in the "<e2>b</e2>"."\r\nComponent-Whole(e2,e1)\r\nComment: A note.\r\n\r\n' + ITEM
    rows = read_semeval(text, "x.txt", BadRows())
    assert rows.columns == ("text", "label")
    assert [(row.line, *row.values.values()) for row in rows.rows] == [
        (1, 'A <e1>é</e1> in the "<e2>b</e2>".', "Component-Whole(e2,e1)"),
        (5, "A misty <e1>ridge</e1> uprises from the <e2>surge</e2>.", "Other"),
    ]


@pytest.mark.parametrize("separator", ["", "\n\n\n"])
def test_blank_lines_and_comments_may_be_missing_or_more(separator: str) -> None:
    item = '7\t"<e2>a</e2> of <e1>b</e1>"\nOther\n'
    assert [row.line for row in read_semeval(f"{item}{separator}{item}", "x", BadRows()).rows] == [
        1,
        3 + len(separator),
    ]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ('1\t"no markers"\nOther\n', "x.txt:5: should hold <e1> once, holds it 0 times"),
        ('1\t"<e1>a</e1> <e2>b</e2> <e2>c</e2>"\nOther\n', "x.txt:5: should hold <e2> once, holds it 2 times"),
        ('1\t"<e1> </e1> <e2>b</e2>"\nOther\n', "x.txt:5: no words between <e1> and </e1>"),
        ('1\t"</e1>a<e1> <e2>b</e2>"\nOther\n', "x.txt:5: no words between <e1> and </e1>"),
        ('1\t"<e1>a</e1> <e2>b</e2>"\nCause-Effect\n', "x.txt:6: should be Other or a relation such as"),
        (
            '1\t"<e1>a</e1> <e2>b</e2>"\n',
            "x.txt:6: should be Other or a relation such as Cause-Effect(e2,e1), the item",
        ),
        ("Other\nComment:\n", "x.txt:5: should be a number, a tab and a sentence, got 'Other'"),
    ],
)
def test_a_bad_item_is_named_or_left_out(item: str, expected: str) -> None:
    text = f"{ITEM}{item}\n{ITEM}"
    assert refusal(DataError, read_semeval, text, "x.txt", BadRows()).startswith(expected)
    bad = BadRows(skip=True)
    assert len(read_semeval(text, "x.txt", bad).rows) == 2
    assert [found.startswith(expected) for found in bad.found] == [True]


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/semeval2010_task8")
def test_the_official_files_are_read_whole() -> None:
    train = read_rows(f"file:{SHARED}", "train.txt", format="semeval").rows
    test = read_rows(f"file:{SHARED}", "test.txt", text_format="semeval").rows
    assert (len(train), len(test)) == (8000, 2717)
    assert len(Counter(row.values["label"] for row in train)) == 19
    assert train[-1].line == 4 * 7999 + 1
