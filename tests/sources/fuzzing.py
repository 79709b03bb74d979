"""Data files with seeded faults: sound files of every format, changed at random places."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openpyxl
import pyarrow as pa
from pyarrow import parquet

from pefbench.errors import UserError
from pefbench.recipe import resolve
from pefbench.trial import corpus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONGEST_MESSAGE = 500

WORDS = ("Ada", "went", "to", "Oslo", "caf\u00e9", "\u6771\u4eac", "\U0001f600", "don't", "3,5", "-1", "nan", "a b")
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "S-PER", "E-PER", "U-LOC")
NASTY = (
    *(b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x1b[31m", b"\x85"),
    *(b"\r", b"\n", b"\n\n", b"\t", b",", b";", b"|", b'"', b"'", b'""', b"\\", b"#", b"-DOCSTART-", b"\\u0000"),
    *(b"\\ud800", b'"\\udfff"', b"NaN", b"Infinity", b"-0", b"1e999", b"null", b"true", b"[]", b"{}", b"9" * 5000),
    *(b"[" * 100, b"[" * 100_000, b'{"a":' * 3000, b"[1" + b",[1" * 600 + b"]" * 601, b"\xc2\xa0", b"\xe2\x80\x8b"),
    *(b"\xc2\xad", b"\xe2\x80\xa8", b"B-", b"-X", b"B--X", b"x" * 100_000, b"&a [*a,*a]", b"!!int 'x'", b"sep=;\n"),
)


@dataclass(frozen=True)
class Case:
    """One data set: its files, and what a recipe says of it."""

    name: str
    files: dict[str, bytes]
    task: str
    data: dict[str, Any]


def _rows(dice: random.Random) -> list[dict[str, Any]]:
    rows = []
    for number in range(dice.randint(30, 60)):
        words = [dice.choice(WORDS) for _ in range(dice.randint(1, 6))]
        tags = [dice.choice(TAGS[:5]) for _ in words]
        rows.append({"tokens": words, "tags": tags, "text": f"{' '.join(words)} {number}", "label": dice.choice("ab")})
    return rows


def _delimited(dice: random.Random, separator: str) -> bytes:
    lines = [separator.join(["tokens", "tags", "text", "label"])]
    for row in _rows(dice):
        cells = [" ".join(row["tokens"]), json.dumps(row["tags"]), row["text"], row["label"]]
        lines.append(separator.join('"' + cell.replace('"', '""') + '"' for cell in cells))
    return "\n".join(lines).encode()


def _pairs(dice: random.Random) -> bytes:
    columns = dice.choice([("sentence1", "sentence2"), ("premise", "hypothesis"), ("#1 String", "#2 String")])
    lines = ["\t".join([*columns, dice.choice(["label"] * 6 + ["gold_label", "score", "is_duplicate"])])]
    rows = zip(_rows(dice), _rows(dice), strict=False)
    lines += [f"{first['text']}\t{second['text']}\t{dice.choice('01110-')}" for first, second in rows]
    return "\n".join(lines).encode()


def _long_table(dice: random.Random) -> bytes:
    lines = ["Sentence #,Word,Tag"]
    for number, row in enumerate(_rows(dice)):
        lines += [f"{number},{word},{tag}" for word, tag in zip(row["tokens"], row["tags"], strict=True)]
    return "\n".join(lines).encode()


def _jsonl(dice: random.Random) -> bytes:
    return "\n".join(json.dumps(row, ensure_ascii=dice.random() < 0.5) for row in _rows(dice)).encode()


def _excel(dice: random.Random) -> bytes:
    """A workbook, one of whose files may be damaged within the zip."""
    book = openpyxl.Workbook()
    for row in [{"text": "text", "label": "label"}, *_rows(dice)]:
        book.active.append([row["text"], row["label"]])
    buffer, changed = io.BytesIO(), io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as made, zipfile.ZipFile(changed, "w") as archive:
        damaged = dice.choice(made.namelist())
        for name in made.namelist():
            archive.writestr(name, mutated(made.read(name), dice) if name == damaged else made.read(name))
    return changed.getvalue()


def _conll(dice: random.Random) -> bytes:
    blocks = (
        "".join(f"{word.replace(' ', '_')} {tag}\n" for word, tag in zip(row["tokens"], row["tags"], strict=True))
        for row in _rows(dice)
    )
    return "\n".join(blocks).encode()


def _parquet(dice: random.Random) -> bytes:
    rows = _rows(dice)
    table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
    types: dict[str, Any] = {"text": {"dtype": "string", "_type": "Value"}}
    if dice.random() < 0.5:
        table = table.set_column(3, "label", pa.array([dice.randint(0, 2) for _ in rows]))
        types["label"] = {"names": ["a", "b"], "_type": "ClassLabel"}
    stored = bytearray(json.dumps({"info": {"features": types}}).encode())
    if dice.random() < 0.5:
        stored = bytearray(mutated(bytes(stored), dice))
    buffer = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata({"huggingface": bytes(stored)}), buffer)
    return buffer.getvalue()


def _arrow(dice: random.Random) -> bytes:
    rows = _rows(dice)
    table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
    sink = pa.BufferOutputStream()
    with dice.choice([pa.ipc.new_stream, pa.ipc.new_file])(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _squad(dice: random.Random) -> bytes:
    questions = [
        {"id": str(at), "question": "Who went?", "answers": [{"text": "Ada", "answer_start": 0}]}
        for at in range(dice.randint(20, 60))
    ]
    article = {"title": "x", "paragraphs": [{"context": "Ada went to Oslo.", "qas": questions}]}
    return json.dumps({"version": "1.1", "data": [article]}).encode()


def _questions(dice: random.Random) -> bytes:
    """Questions in the other layouts of answers."""
    context = "Ada went to Oslo, cafe\u0301."
    layouts: list[Any] = [{"text": "Ada", "answer_start": dice.randint(-2, 30)}, None, [], "", "Ada", [["Ada", 0]]]
    layouts += [[{"text": "caf\u00e9", "answer_start": 17}], "{'text': ['Oslo'], 'answer_start': [12]}", "[1", 3]
    rows = ({"question": "Who?", "context": context, "answers": dice.choice(layouts)} for _ in range(40))
    return "\n".join(map(json.dumps, rows)).encode()


def _offsets(dice: random.Random) -> bytes:
    """Texts with entities by their characters, of any tool; some cut a word or overlap."""
    rows: list[Any] = []
    for row in _rows(dice):
        spans = [
            [at, at + dice.randint(0, 6), dice.choice(["PER", "LOC", ""])] for at in range(0, 20, dice.randint(5, 9))
        ]
        objects = [{"start": start, "end": end, "label": label} for start, end, label in spans]
        rows.append(
            dice.choice(
                [{"text": row["text"], "spans": objects}, [row["text"], {"spans": spans}], {"text": row["text"]}]
            )
        )
    return "\n".join(map(json.dumps, rows)).encode()


def _labelled(dice: random.Random) -> list[tuple[str, list[str]]]:
    """Texts with any number of labels."""
    return [(row["text"], [label for label in "abc" if dice.random() < 0.4]) for row in _rows(dice)]


def _label_lists(dice: random.Random) -> bytes:
    rows = ({"text": text, "labels": labels} for text, labels in _labelled(dice))
    return "\n".join(map(json.dumps, rows)).encode()


def _label_table(dice: random.Random) -> bytes:
    """Labels in a cell, written in some way, or a column of 0 and 1 for each."""
    rows = _labelled(dice)
    if dice.random() < 0.5:
        lines = ["text\ta\tb\tc", *("\t".join([text, *(str(int(x in has)) for x in "abc")]) for text, has in rows)]
        return "\n".join(lines).encode()
    ways: list[Callable[[list[str]], Any]] = [json.dumps, str, ";".join, ",".join, "|".join, " ".join]
    way = dice.choice(ways)
    return "\n".join(["text\tlabels", *(f"{text}\t{way(labels)}" for text, labels in rows)]).encode()


def _answers(dice: random.Random) -> bytes:
    """Numbered answers, with and without offsets."""
    names = ["answer1", "answer_2", *dice.choice([[], ["answer_start1", "answer_start2"]])]
    lines = ["\t".join(["question", "context", *names])]
    cells = ("Ada", "Oslo", "", "to", "0", "12", "x")
    lines += ["\t".join([f"Who {at}?", "Ada went to Oslo.", *dice.choices(cells, k=len(names))]) for at in range(40)]
    return "\n".join(lines).encode()


def _conllu(dice: random.Random) -> bytes:
    blocks = (
        "".join(
            f"{at}\t{word}\t_\t{tag}{6 * f'{chr(9)}_'}\n" for at, (word, tag) in enumerate(zip(*each, strict=True), 1)
        )
        for each in ((row["tokens"], row["tags"]) for row in _rows(dice))
    )
    return "\n".join(blocks).encode()


def _clinc(dice: random.Random) -> bytes:
    pairs = [[row["text"], row["label"]] for row in _rows(dice)]
    return json.dumps({"train": pairs, "test": pairs}).encode()


def _pubmedqa(dice: random.Random) -> bytes:
    question = {"QUESTION": "Does it?", "CONTEXTS": ["It does."], "final_decision": "yes"}
    return json.dumps({str(at): question for at in range(dice.randint(20, 60))}).encode()


def _home_assistant(_: random.Random) -> bytes:
    intents = {
        "HassTurnOn": {"data": [{"sentences": ["<turn> on [the] {name}", "(a|b|[c]) {brightness}"]}]},
        "HassTurnOff": {"data": [{"sentences": ["off (x;y)"]}]},
    }
    lists = {"brightness": {"range": {"from": 0, "to": 100}}, "color": {"values": ["red", {"in": "blue", "out": "b"}]}}
    rules = {"turn": "(turn|switch)"}
    return json.dumps({"language": "en", "intents": intents, "lists": lists, "expansion_rules": rules}).encode()


def _yaml(dice: random.Random) -> bytes:
    turns = "".join(f"- - What is {at}?\n  - A number {at}.\n" for at in range(dice.randint(20, 60)))
    return f"categories:\n- x\nconversations:\n{turns}".encode()


def _po(dice: random.Random) -> bytes:
    entries = (f'msgid "File {at} of %s"\nmsgstr "Datei {at} von %s"\n\n' for at in range(dice.randint(20, 60)))
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    return (head + "".join(entries)).encode()


WORDNET = b'  1 licence\n00000001 03 n 01 entity 0 000 | that which is; "x"\n'
SYNSET = b"00000002 03 n 01 thing 0 001 @ 00000001 n 0000 | a thing that is an entity\n"
SEMEVAL = b'1\t"The <e1>cat</e1> sat on a <e2>mat</e2>."\nOther\nComment:\n\n'
INTER = b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t2\t5\t1\n1\t3\t1\t2\n2\t2\t3\t4\n"
ITEM = (
    b"item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n2\tToy\t1995\tA B\n3\tHeat\t1995\t\n"
)
PHRASES = b"It rose .@positive\nIt fell .@negative\n"
FASTTEXT = b"__label__a __label__b one two\n__label__b three\n"
BRAT_TEXT = b"Ada went to Oslo.\n\nBob saw Ada.\n" * 5
BRAT = (
    b"T1\tPER 0 3\tAda\nT2\tLOC 12 16\tOslo\nR1\tIn Arg1:T1 Arg2:T2\nT3\tPER 19 22\tBob\nT4\tPER 27 30\tAda\n"
    b"T5\tPER 32 35\tAda\nA1\tNegated T1\n"
)
BEHAVIORS = b"1\tU1\t11/11/2019 9:05:58 AM\tN1\tN2-1 N1-0\n2\tU2\t11/11/2019 9:05:58 AM\t\tN2-0 N1-1\n"
NEWS = b"N1\tx\ty\tOne title\ta\tb\tc\td\nN2\tx\ty\tTwo title\ta\tb\tc\td\n"
PYTHON = b'''
def f(x):
    """Do a thing with :class:`Thing` in it, and more words.

    Parameters
    ----------
    x : int, default 3
        The number of things.
    """
    return x
'''


def _one(name: str, make: Callable[[random.Random], bytes]) -> Callable[[random.Random], dict[str, bytes]]:
    return lambda dice: {name: make(dice)}


def _fixed(**files: bytes) -> Callable[[random.Random], dict[str, bytes]]:
    return lambda _: {name.replace("__", "/").replace("_DOT_", "."): content for name, content in files.items()}


KINDS: dict[str, tuple[Callable[[random.Random], dict[str, bytes]], tuple[str, ...], str | None]] = {
    "csv": (_one("x.csv", lambda dice: _delimited(dice, dice.choice(",;\t|"))), ("ner", "topic", "sentiment"), None),
    "tsv": (_one("x.tsv", lambda dice: _delimited(dice, "\t")), ("topic", "essay_scoring"), None),
    "pairs": (_one("x.tsv", _pairs), ("natural_language_inference", "paraphrase", "semantic_similarity"), None),
    "long": (_one("x.csv", _long_table), ("ner",), None),
    "jsonl": (_one("x.jsonl", _jsonl), ("ner", "topic", "sentiment", "dialogue"), None),
    "json": (_one("x.json", lambda dice: b"[" + _jsonl(dice).replace(b"\n", b",\n") + b"]"), ("ner", "topic"), None),
    "excel": (_one("x.xlsx", _excel), ("topic", "sentiment"), None),
    "conll": (_one("x.conll", _conll), ("ner",), None),
    "parquet": (_one("x.parquet", _parquet), ("ner", "topic"), None),
    "arrow": (_one("x.arrow", _arrow), ("ner", "topic"), None),
    "squad": (_one("x.json", _squad), ("question_answering",), None),
    "questions": (_one("x.jsonl", _questions), ("question_answering",), None),
    "offsets": (_one("x.jsonl", _offsets), ("ner", "token_classification"), None),
    "label lists": (_one("x.jsonl", _label_lists), ("multi_label_classification", "topic"), None),
    "label table": (_one("x.tsv", _label_table), ("multi_label_classification",), None),
    "answers": (_one("x.tsv", _answers), ("question_answering",), None),
    "conllu": (_one("x.conllu", _conllu), ("token_classification", "ner"), None),
    "clinc": (_one("x.json", _clinc), ("intent",), None),
    "pubmedqa": (_one("x.json", _pubmedqa), ("medical_qa",), None),
    "home_assistant": (_one("x.json", _home_assistant), ("intent",), None),
    "trec": (_fixed(x_DOT_txt=b"DESC:manner How did it ?\nNUM:count How many ?\n" * 4), ("topic",), "trec"),
    "semeval": (_fixed(x_DOT_txt=SEMEVAL * 4), ("relation_extraction",), "semeval"),
    "phrasebank": (
        _fixed(x_DOT_txt=PHRASES * 4),
        ("financial_sentiment",),
        "phrasebank",
    ),
    "fasttext": (_fixed(x_DOT_txt=FASTTEXT * 8), ("topic", "multi_label_classification"), None),
    "class_folders": (_fixed(pos__a_DOT_txt=b"fine", pos__b=b"good", neg__a_DOT_txt=b"bad"), ("sentiment",), None),
    "brat": (_fixed(a_DOT_txt=BRAT_TEXT, a_DOT_ann=BRAT), ("ner", "relation_extraction"), None),
    "chatterbot": (_one("x.yml", _yaml), ("dialogue",), "chatterbot"),
    "gettext": (_one("de/LC_MESSAGES/x.po", _po), ("translation",), "gettext"),
    "movielens": (_fixed(m_DOT_inter=INTER, m_DOT_item=ITEM), ("recommendation",), "movielens"),
    "mind": (_fixed(behaviors_DOT_tsv=BEHAVIORS, news_DOT_tsv=NEWS), ("recommendation",), "mind"),
    "wordnet": (_fixed(data_DOT_noun=WORDNET + SYNSET), ("commonsense",), "wordnet"),
    "wordnet_relations": (_fixed(data_DOT_noun=WORDNET + SYNSET), ("relation_extraction",), "wordnet_relations"),
    "python": (_fixed(p__m_DOT_py=PYTHON), ("ner",), "docstring_entities"),
    "parameters": (_fixed(p__m_DOT_py=PYTHON), ("question_answering",), "docstring_parameters"),
}
FOLDERS = ("wordnet", "wordnet_relations", "class_folders", "brat")
ENCODINGS = ("latin-1", "utf-16", "utf-16-le", "cp1252", "utf-7", "utf-8-sig", "shift_jis", "utf-32", "idna")


def mutated(content: bytes, dice: random.Random) -> bytes:
    """Change a few random places: other bytes, something nasty, a part gone, twice or elsewhere."""
    data = bytearray(content)
    for _ in range(dice.choice([0, 0, 1, 1, 2, 4])):
        at, until = sorted((dice.randint(0, len(data)), dice.randint(0, len(data))))
        until = min(until, at + dice.choice([1, 2, 8, 1000]))
        match dice.randint(0, 5):
            case 0:
                data[at:until] = dice.randbytes(until - at)
            case 1 | 2:
                data[at:at] = dice.choice(NASTY)
            case 3:
                del data[at:until]
            case 4:
                data[at:at] = data[at:until] * dice.choice([1, 2, 50])
            case _:
                del data[at:]
    return bytes(data)


def _encoded(content: bytes, encoding: str) -> bytes:
    return content if encoding == "idna" else content.decode("utf-8", "replace").encode(encoding, "replace")


def case(seed: int) -> Case:
    """The data set of a seed."""
    dice = random.Random(seed)
    name = dice.choice(sorted(KINDS))
    make, tasks, format_ = KINDS[name]
    files = {path: mutated(content, dice) for path, content in make(dice).items()}
    is_file = name not in {"mind", "movielens", "gettext", "chatterbot", "python", "parameters"} | {*FOLDERS}
    data: dict[str, Any] = {"on_bad_row": dice.choice(["error", "skip"]), "leaks": "keep"}
    if format_:
        data["format"] = format_
    if is_file and dice.random() < 0.2:
        files = {f"{path}.gz": mutated(gzip.compress(content, mtime=0), dice) for path, content in files.items()}
    if dice.random() < 0.25:
        data["encoding"] = dice.choice(ENCODINGS)
        if dice.random() < 0.7:
            files = {path: _encoded(content, data["encoding"]) for path, content in files.items()}
    if name in {"csv", "tsv", "pairs", "label table", "answers"} and dice.random() < 0.2:
        data["header"] = False
    rare: dict[str, Any] = {"labels": ["a", "b"], "tags": "strict", "unseen_labels": "count"}
    data |= {name: value for name, value in rare.items() if dice.random() < 0.1}
    if is_file:
        data |= dict.fromkeys(("train", "validation", "test"), next(iter(files)))
    if is_file and dice.random() < 0.1:
        types = b'{"features": {"label": {"names": ["a", "b"], "_type": "ClassLabel"}}}'
        files["dataset_info.json"] = mutated(types, dice)
    return Case(name, files, dice.choice(tasks), data)


def outcome(made: Case, folder: Path) -> str:
    """``read``, or the refusal, which is one short line. Anything but a UserError passes through."""
    for path, content in made.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    raw = {"task": made.task, "data": {"source": f"file:{folder}", **made.data}, "method": {"name": "full"}}
    try:
        corpus.load(resolve(raw, name="r"))
    except UserError as error:
        message = str(error).replace(str(folder), "")
        assert message.strip(), "an empty message"
        assert len(message) <= LONGEST_MESSAGE, message
        assert message.isprintable(), message
        return message
    return "read"
