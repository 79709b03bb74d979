"""Files from the grammar of each format, with faults in rows and around them, and the rows that are in them.

Rows are sound or broken: each sound one must be read as it was written, and each broken one counted. Around them stand
blank lines, carriage returns, a byte order mark, UTF-16, gzip, and characters that nobody sees or that end lines
elsewhere.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import openpyxl
import polib
import pyarrow as pa
import yaml
from hypothesis import strategies as st
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Row = dict[str, Any]
Draw = st.DrawFn


@dataclass(frozen=True)
class Made:
    """Files by name, what of them is read, the rows in them, and how many rows are broken.

    view: what of a row that is read is held against the rows here, where that is not all.
    """

    files: dict[str, bytes]
    part: str | None
    rows: list[Row]
    broken: int = 0
    view: Callable[[Row], Row] = dict


ALPHABET = "aB1 \u00e9\u6771\U0001f600\u00a0\u200b\u00ad\u2028\x85\x0b'\",;|-_#@<>&%{}[]()\\/:!?.*$`~^=+"
words = st.text("aB\u00e9\u6771\U0001f6003'", min_size=1, max_size=5)
names = st.text("abcXYZ", min_size=1, max_size=5)
lines = st.text(ALPHABET, min_size=1, max_size=12).map(str.strip).filter(bool)
"""A text on one line, without white space around it."""
newlines = st.sampled_from(["\n", "\r\n"])


def _mixed(draw: Draw, sound: st.SearchStrategy[Any], broken: Sequence[Any], most: int = 6) -> list[tuple[Any, bool]]:
    """Rows, each with whether it is sound; the first one is."""
    first = draw(sound)
    others = st.one_of(st.tuples(sound, st.just(value=True)), st.tuples(st.sampled_from(broken), st.just(value=False)))
    return [(first, True), *draw(st.lists(others, max_size=most))]


def _encoded(draw: Draw, text: str) -> bytes:
    """A text file's bytes: with or without a byte order mark, in UTF-8 or UTF-16."""
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"])))


def _file(draw: Draw, name: str, written: Sequence[str], *, gaps: bool = True) -> dict[str, bytes]:
    """A file of lines, perhaps with blank ones between and behind, and compressed."""
    end = draw(newlines)
    blank = st.sampled_from(["", "", end, end * 2]) if gaps else st.just("")
    text = "".join(line + end + draw(blank) for line in written)
    if draw(st.booleans()):
        text = text.removesuffix(end)
    data = _encoded(draw, text)
    return {f"{name}.gz": gzip.compress(data)} if draw(st.booleans()) else {name: data}


def _made(files: dict[str, bytes], rows: Sequence[Row], broken: int) -> Made:
    return Made(files, next(iter(files)) if len(files) == 1 else None, list(rows), broken)


def _delimited(separator: str) -> Callable[[Draw], Made]:
    def make(draw: Draw) -> Made:
        cell = st.text(ALPHABET + "\n", max_size=10) if separator == "," else lines
        rows = _mixed(draw, st.tuples(cell, lines, lines), [("one", "too", "few", "no"), ("lacks",)])
        table = io.StringIO()
        if separator == ",":
            writer = csv.writer(table, lineterminator=draw(newlines), quoting=draw(st.sampled_from([0, 1])))
            writer.writerows([("text", "label", "id"), *(row for row, _ in rows)])
        else:
            end = draw(newlines)
            table.write(end.join("\t".join(row) for row in [("text", "label", "id"), *(row for row, _ in rows)]) + end)
        data = _encoded(draw, table.getvalue())
        suffix = {",": "csv", "\t": "tsv"}[separator]
        read = [dict(zip(("text", "label", "id"), row, strict=True)) for row, sound in rows if sound]
        return _made({f"x.{suffix}": data}, read, sum(not sound for _, sound in rows))

    return make


def _excel(draw: Draw) -> Made:
    """A sheet of texts and numbers; what Excel's XML cannot hold is not in it."""
    text = lines.map(lambda line: line.replace("\x0b", "")).filter(str.strip)
    rows = _mixed(draw, st.tuples(text, st.one_of(text, st.integers(-99, 99))), [("a", "b", "too many")])
    book = openpyxl.Workbook()
    at, read = 1, list[Row]()
    for row, good in [(("text", "label"), None), *rows]:
        for column, value in enumerate(row, start=1):
            cell = book.active.cell(at, column, value)
            cell.data_type = "n" if isinstance(value, int) else "s"  # else '=' begins a formula
        at += draw(st.integers(1, 2))
        read += [{"text": row[0], "label": str(row[1])}] if good else []
    buffer = io.BytesIO()
    book.save(buffer)
    return _made({"x.xlsx": buffer.getvalue()}, read, sum(not good for _, good in rows))


def _tsv_no_header(draw: Draw) -> Made:
    rows = _mixed(draw, st.tuples(lines, lines), [("one", "too", "many"), ("lacks",)])
    files = _file(draw, "x.tsv", ["\t".join(row) for row, _ in rows])
    return _made(files, [{"0": row[0], "1": row[1]} for row, sound in rows if sound], sum(not good for _, good in rows))


values = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), lines, st.lists(lines, max_size=3), st.just({"a": [1, None]})
)
objects = st.fixed_dictionaries({"text": lines, "label": values}, optional={"more": values})


def _with_all_columns(rows: Sequence[Row]) -> list[Row]:
    columns = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in columns} for row in rows]


def _jsonl(draw: Draw) -> Made:
    rows = _mixed(draw, objects, ["{", "{'text': 1}", "3", "null", "[1]", '"text"', '{"text": "a"} x', "nan"])
    ascii_only = draw(st.booleans())
    written = [json.dumps(row, ensure_ascii=ascii_only) if sound else row for row, sound in rows]
    read = _with_all_columns([row for row, sound in rows if sound])
    return _made(_file(draw, "x.jsonl", written), read, sum(not sound for _, sound in rows))


def _json(draw: Draw) -> Made:
    rows = _mixed(draw, objects, [3, None, [1], "text", True])
    document: Any = [row for row, _ in rows]
    if draw(st.booleans()):
        document = {"version": "1", "data": document}
    data = _encoded(
        draw, json.dumps(document, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    )
    return _made(
        {"x.json": data}, _with_all_columns([row for row, sound in rows if sound]), sum(not sound for _, sound in rows)
    )


def _conll(draw: Draw) -> Made:
    rows = _mixed(
        draw,
        st.lists(st.tuples(words, st.sampled_from(["O", "B-PER", "I-PER"])), min_size=1, max_size=4),
        [[("word", "O"), ("word",)], [("a", "b", "c")]],
    )
    separator = draw(st.sampled_from(["\t", " "]))
    gap = st.sampled_from([[""], ["", ""], ["", "-DOCSTART- -X- O", ""], ["", "# a comment", ""][:1]])
    written = [line for row, _ in rows for line in [*(separator.join(word) for word in row), *draw(gap)]]
    read = [{str(i): [word[i] for word in row] for i in range(2)} for row, sound in rows if sound]
    return _made(_file(draw, "x.conll", written, gaps=False), read, sum(not sound for _, sound in rows))


CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")


def _conllu(draw: Draw) -> Made:
    sound = st.lists(st.tuples(words, st.sampled_from(["NOUN", "VERB"])), min_size=1, max_size=4)
    rows = _mixed(draw, sound, ["1\tno\tcolumns", "x\ty" + "\t_" * 8, "word"])
    written, read = [], []
    for row, good in rows:
        written += draw(st.sampled_from([[], ["# text = x"], ["# a", "#"]]))
        if not good:
            written += [row, ""]
            continue
        table = [[str(at), word, "_", tag, *"______"] for at, (word, tag) in enumerate(row, start=1)]
        read.append({name: [line[i] for line in table] for i, name in enumerate(CONLLU)})
        written += draw(st.sampled_from([[], ["1-2\tab" + "\t_" * 8]]))
        written += ["\t".join(line) for line in table] + draw(st.sampled_from([[], ["8.1\tx" + "\t_" * 8]])) + [""]
    return _made(_file(draw, "x.conllu", written, gaps=False), read, sum(not good for _, good in rows))


def _typed(draw: Draw) -> tuple[pa.Table, list[Row]]:
    """A table with the types that `datasets` stores, and its rows."""
    classes = ["no", "yes"]
    rows: list[Row] = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "text": st.none() | lines,
                    "label": st.sampled_from([None, -1, 0, 1]),
                    "tags": st.none() | st.lists(st.sampled_from([0, 1]), max_size=3),
                    "flag": st.none() | st.booleans(),
                    "score": st.none() | st.floats(-1, 1),
                    "kind": st.none() | st.sampled_from(["a", "b"]),
                }
            ),
            min_size=1,
            max_size=6,
        )
    )
    table = pa.Table.from_pylist(
        rows,
        pa.schema(
            [
                ("text", pa.string()),
                ("label", draw(st.sampled_from([pa.int64(), pa.int8(), pa.float64()]))),
                ("tags", pa.list_(pa.int64())),
                ("flag", pa.bool_()),
                ("score", pa.float64()),
                ("kind", pa.string()),
            ]
        ),
    )
    table = table.set_column(5, "kind", table["kind"].dictionary_encode())
    label = {"names": classes, "_type": "ClassLabel"}
    listed = draw(
        st.sampled_from([[label], {"feature": label, "_type": "List"}, {"feature": label, "_type": "Sequence"}])
    )
    types = json.dumps({"info": {"features": {"label": label, "tags": listed}}}).encode()
    read = [
        row
        | {"label": classes[row["label"]] if row["label"] in {0, 1} else None}
        | {"tags": row["tags"] and [classes[tag] for tag in row["tags"]]}
        for row in rows
    ]
    return table.replace_schema_metadata({"huggingface": types}), read


def _parquet(draw: Draw) -> Made:
    table, read = _typed(draw)
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression=draw(st.sampled_from(["none", "snappy", "zstd", "gzip"])))
    return _made({"x.parquet": buffer.getvalue()}, read, 0)


def _in_arrow(draw: Draw, table: pa.Table, new: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with new(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=draw(st.sampled_from([1, 2, 1000])))
    return bytes(sink.getvalue())


def _arrow(draw: Draw) -> Made:
    table, read = _typed(draw)
    content = _in_arrow(draw, table, draw(st.sampled_from([pa.ipc.new_stream, pa.ipc.new_file])))
    return _made({f"x.{draw(st.sampled_from(['arrow', 'feather']))}": content}, read, 0)


def _saved_dataset(draw: Draw) -> Made:
    table, read = _typed(draw)
    cut = draw(st.integers(0, len(read)))
    parts = {"d/b.arrow": table[:cut], "d/a.arrow": table[cut:]}
    files = {name: _in_arrow(draw, part, pa.ipc.new_stream) for name, part in parts.items()}
    state = {"_data_files": [{"filename": name.removeprefix("d/")} for name in parts]}
    files |= {"d/state.json": json.dumps(state).encode(), "d/dataset_info.json": b"{}"}
    files |= draw(st.sampled_from([{}, {"d/cache-1.arrow": files["d/a.arrow"]}]))
    return Made(files, "d", read)


def _squad(draw: Draw) -> Made:
    broken: list[Any] = ["text", None, {"question": "", "answers": []}, {"question": None}, {"id": "x"}]
    read, count, articles = [], 0, []
    for _ in range(draw(st.integers(1, 3))):
        context = draw(lines)
        asked: list[Any] = []
        at = draw(st.integers(0, len(context) - 1))
        sound = st.fixed_dictionaries({"question": lines, "id": names, "impossible": st.booleans()})
        for row, good in _mixed(draw, sound, broken, 3):
            count += not good
            if not good:
                asked.append(row)
                continue
            given = {"text": [context[at:]], "answer_start": [at]}
            spans = [{"text": context[at:], "answer_start": at}]
            asked.append({"question": row["question"], "id": row["id"], "answers": spans})
            if row["impossible"]:
                given = {"text": [], "answer_start": []}
                asked[-1] |= {"answers": [], "is_impossible": True, "plausible_answers": spans}
            read.append({"question": row["question"], "context": context, "answers": given, "id": row["id"]})
        articles.append({"title": "x", "paragraphs": [{"context": context, "qas": asked}]})
    data = _encoded(draw, json.dumps({"version": "v2.0", "data": articles}, ensure_ascii=draw(st.booleans())))
    return _made({"x.json": data}, read, count)


def _clinc(draw: Draw) -> Made:
    splits = {
        name: _mixed(draw, st.tuples(lines, names), [["one"], [1, "x"], ["", "x"], None, "text", ["a", "b", "c"]], 4)
        for name in draw(st.lists(st.sampled_from(["train", "val", "test", "oos_test"]), unique=True, min_size=1))
    }
    document = {name: [row for row, _ in rows] for name, rows in splits.items()}
    every = [each for rows in splits.values() for each in rows]
    read = [{"text": row[0], "label": row[1]} for row, sound in every if sound]
    data = _encoded(draw, json.dumps(document, ensure_ascii=draw(st.booleans())))
    return _made({"x.json": data}, read, sum(not sound for _, sound in every))


def _pubmedqa(draw: Draw) -> Made:
    sound = st.fixed_dictionaries(
        {
            "QUESTION": lines,
            "CONTEXTS": st.lists(lines, min_size=1, max_size=3),
            "final_decision": st.sampled_from(["yes", "no", "maybe"]),
            "LONG_ANSWER": lines,
        }
    )
    broken = [
        {"QUESTION": "", "CONTEXTS": ["x"]},
        {"QUESTION": "x", "CONTEXTS": []},
        3,
        {"QUESTION": "x", "CONTEXTS": "y"},
    ]
    rows = _mixed(draw, sound, broken)
    read = [
        {
            "pubid": str(at),
            "question": row["QUESTION"],
            "context": {"contexts": row["CONTEXTS"]},
            "final_decision": row["final_decision"],
        }
        for at, (row, good) in enumerate(rows)
        if good
    ]
    data = _encoded(
        draw, json.dumps({str(at): row for at, (row, _) in enumerate(rows)}, ensure_ascii=draw(st.booleans()))
    )
    return _made({"x.json": data}, read, sum(not good for _, good in rows))


def _phrasebank(draw: Draw) -> Made:
    sound = st.tuples(lines, st.sampled_from(["positive", "neutral", "negative"]))
    rows = _mixed(draw, sound, ["no sentiment", "a @ b@good", "@positive", "x@"])
    written = [f"{row[0]}@{row[1]}" if good else row for row, good in rows]
    read = [{"text": row[0], "label": row[1]} for row, good in rows if good]
    return _made(_file(draw, "x.txt", written), read, sum(not good for _, good in rows))


def _trec(draw: Draw) -> Made:
    rows = _mixed(draw, st.tuples(names, names, lines), ["DESC manner How ?", "DESC:", ":x y", "A:b:c What ?", "word"])
    written = [f"{row[0]}:{row[1]} {row[2]}" if good else row for row, good in rows]
    read = [{"text": row[2], "coarse_label": row[0], "fine_label": f"{row[0]}:{row[1]}"} for row, good in rows if good]
    return _made(_file(draw, "x.txt", written), read, sum(not good for _, good in rows))


def _fasttext(draw: Draw) -> Made:
    text = lines.filter(lambda line: "__label__" not in line and not line.startswith("\u200b"))
    rows = _mixed(
        draw, st.tuples(st.lists(names, min_size=1, max_size=3), text), ["no label", "__label__x", "__label__ x"]
    )
    written = []
    for row, good in rows:
        marks = " ".join(f"__label__{name}" for name in row[0]) if good else ""
        written.append(draw(st.sampled_from([f"{marks} {row[1]}", f"{row[1]}\t{marks}"])) if good else row)
    read = [{"text": row[1], "label": row[0]} for row, good in rows if good]
    return _made(_file(draw, "x.train", written), read, sum(not good for _, good in rows))


def _class_folders(draw: Draw) -> Made:
    files, read, broken = {}, [], 0
    for label in sorted(draw(st.lists(names, min_size=2, max_size=3, unique_by=str.lower))):
        for at, (row, good) in enumerate(
            _mixed(draw, st.text(ALPHABET + "\n\r", max_size=20), [b"", b" \n", b"\xff\xfe\xff"])
        ):
            content = _encoded(draw, row) if good else row
            text = row.replace("\r", "\n").strip() if good and "\n" not in row else row.strip() if good else ""
            sound = bool(good and text)
            broken += not sound
            files[f"d/{label}/{at}{draw(st.sampled_from(['.txt', '']))}"] = content
            read += [{"text": text, "label": label}] if sound else []
    files |= draw(st.sampled_from([{}, {"d/README": b"x", "d/.hidden/x.txt": b"x", "d/unsup/0.txt": b"x"}]))
    return Made(files, "d", read, broken)


BROKEN_BRAT = ("R9\tX Arg1:T98 Arg2:T97", "T99 X 0 1 a", "T99\tX 0 999\tx", "T99\tX 1 1\t", "what")


def _brat(draw: Draw) -> Made:
    """Documents of lines of words, some of which are entities; the first two of a line may be related."""
    files, read, broken, has_relations = {}, list[Row](), 0, False
    for document in range(draw(st.integers(1, 3))):
        end, text, notes, count = draw(newlines), "", [], 0
        for _ in range(draw(st.integers(1, 3))):
            line, entities, relations = "", [], []
            for word, kind in draw(
                st.lists(st.tuples(words, st.sampled_from([None, "X", "Y"])), min_size=1, max_size=4)
            ):
                if kind:
                    count += 1
                    entities.append([len(line), len(line) + len(word), kind])
                    notes.append(
                        f"T{count}\t{kind} {len(text) + len(line)} {len(text) + len(line) + len(word)}\t{word}"
                    )
                line += f"{word} "
            if len(entities) > 1 and draw(st.booleans()):
                has_relations = True
                relations = [{"label": "R", "first": entities[0][:2], "second": entities[1][:2]}]
                notes.append(f"R{count}\tR Arg1:T{count - len(entities) + 1} Arg2:T{count - len(entities) + 2}\t")
            read.append({"text": line.strip(), "entities": entities, "relations": relations})
            text += line + end + draw(st.sampled_from(["", end]))
        wrong = draw(st.lists(st.sampled_from(BROKEN_BRAT), max_size=2))
        broken += len(wrong)
        notes += [*wrong, *draw(st.sampled_from([[], ["", "A1\tNegated T1", "#1\tAnnotatorNotes T1\tx"]]))]
        files[f"d/{document}.txt"] = text.encode()
        files[f"d/{document}.ann"] = end.join(notes).encode()
    if not has_relations:
        for row in read:
            del row["relations"]
    return Made(files, "d", read, broken, lambda row: {**row, "text": row["text"].strip()})


BROKEN_PUBTATOR = (
    ["9|a|No title."],
    ["9|t|Cold", "9|a|It is.", "9\t0\t3\tCold\tDisease\tD1"],
    ["9|t|Cold", "9|a|It is.", "9\t0\t999\tCold\tDisease"],
    ["9|t|Cold", "9|a|It is.", "what"],
)


def _pubtator(draw: Draw) -> Made:
    """Documents with a title and mostly an abstract, of words, some of which are entities."""
    piece = st.lists(st.tuples(words, st.sampled_from(["", "Disease", "Chemical"])), min_size=1, max_size=4)
    document = st.tuples(piece, st.one_of(st.none(), piece))
    written, read, broken = list[str](), list[Row](), 0
    for at, (given, is_sound) in enumerate(_mixed(draw, document, BROKEN_PUBTATOR, most=3)):
        if not is_sound:
            written += [*given, ""]
            broken += 1
            continue
        text, entities, notes, titles = "", [], [], []
        for part, of_part in zip("ta", given, strict=True):
            if of_part is not None:
                titles.append(f"{at}|{part}|{' '.join(word for word, _ in of_part)}")
            for word, kind in of_part or []:
                if kind:
                    entities.append([len(text), len(text) + len(word), kind])
                    notes.append(
                        f"{at}\t{len(text)}\t{len(text) + len(word)}\t{word}\t{kind}"
                        + draw(st.sampled_from(["", "\tD1"]))
                    )
                text += f"{word} "
        read.append({"text": text[:-1], "entities": entities})
        written += [*titles, *notes, *draw(st.sampled_from([[], [f"{at}\tCID\tD1\tD2"]])), ""]
    return _made(_file(draw, "x.txt", written, gaps=False), read, broken)


RELATIONS = ("Other", "Cause-Effect(e2,e1)", "Member-Collection(e1,e2)")
BROKEN_SEMEVAL = (
    ['7\t"No <e1>marker</e1> of the second."', "Other"],
    ['7\t"The <e1>cat</e1> and <e2>mat</e2>."', "Nothing"],
    ['7\t"The <e1>cat</e1> and <e2>mat</e2>."'],
    ['7\t"The <e1> </e1> and <e2>mat</e2>."', "Other"],
    ["no number", "Other"],
)


def _semeval(draw: Draw) -> Made:
    part = words.map(lambda word: word.replace('"', ""))
    rows = _mixed(draw, st.tuples(part, part, part, st.sampled_from(RELATIONS)), BROKEN_SEMEVAL)
    written, read = [], []
    for at, (row, good) in enumerate(rows):
        if good:
            text = f"The <e1>{row[0]}</e1> {row[1]} <e2>{row[2]}</e2> ."
            read.append({"text": text, "label": row[3]})
            row = [f'{at}\t"{text}"', row[3], *draw(st.sampled_from([[], ["Comment:"], ["Comment: odd"]]))]  # noqa: PLW2901
        written += [*row, ""]
    return _made(_file(draw, "x.txt", written, gaps=False), read, sum(not good for _, good in rows))


def _chatterbot(draw: Draw) -> Made:
    visible = lines.map(lambda text: "".join(each for each in text if each not in "\x0b\x85\u2028").strip()).filter(
        bool
    )
    rows = _mixed(draw, st.lists(visible, min_size=2, max_size=4), [["alone"], "text", {"a": "b"}, [["x"], "y"], []])
    document = {"categories": ["tests"], "conversations": [row for row, _ in rows]}
    text = yaml.safe_dump(
        document, allow_unicode=draw(st.booleans()), default_flow_style=draw(st.sampled_from([None, False, True]))
    )
    read = [{"category": "tests", "turns": row} for row, good in rows if good]
    return Made({"d/x.yml": text.encode()}, "d", read, sum(not good for _, good in rows))


def _gettext(draw: Draw) -> Made:
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    read: dict[str, Row] = {}
    plain = st.text("aB\u00e9\u6771\U0001f600\"'\\;.-@ \n\t", min_size=1, max_size=10).map(str.strip)
    for at, (message, kind) in enumerate(
        draw(st.lists(st.tuples(plain, st.sampled_from(["", "", "fuzzy", "plural", "context", "empty"])), max_size=6))
    ):
        original, translated = f"m{at} %s {message}", f"%s {message} \u00fc"
        entry = polib.POEntry(msgid=original, msgstr="" if kind == "empty" else translated)
        entry.flags = ["fuzzy"] if kind == "fuzzy" else []
        entry.msgctxt = "menu" if kind == "context" else None
        if kind == "plural":
            entry.msgid_plural, entry.msgstr_plural, entry.msgstr = f"{original}s", {0: "a", 1: "b"}, ""
        catalogue.append(entry)
        if not kind:
            read[original.strip()] = {"translation": {"en": original.strip(), "de": translated.strip()}}
    broken = draw(st.booleans())
    files = {"p/de/LC_MESSAGES/x.po": str(catalogue).encode()}
    if broken:
        files["p/fr/LC_MESSAGES/x.po"] = b'msgid "a"\nmsgstr "b\nwhat is this'
    return Made(files, "p", list(read.values()), int(broken))


def _movielens(draw: Draw) -> Made:
    titles = draw(st.lists(lines, min_size=1, max_size=4))
    item = ["item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq"]
    item += [f"{at}\t{title}\t1995\tA B" for at, title in enumerate(titles)]
    shown = [title if title.endswith("(1995)") else f"{title} (1995)" for title in titles]
    sound = st.tuples(st.sampled_from("uv"), st.integers(0, len(titles) - 1), st.integers(1, 5), st.integers(0, 99))
    broken = ["u\t99\t3\t1", "u\t0\tgood\t1", "u\t0\t3\tnan", "u\t0\t3", "u\t0\t3\tinf"]
    rows = _mixed(draw, sound, broken)
    inter = ["user_id:token\titem_id:token\trating:float\ttimestamp:float"]
    inter += ["\t".join(map(str, row)) if good else row for row, good in rows]
    users: dict[str, list[tuple[int, int, int, int]]] = {}
    for number, (row, good) in enumerate(rows):
        if good:
            users.setdefault(row[0], []).append((row[3], number, row[1], row[2]))
    end = draw(newlines)
    read = [
        {
            "user": user,
            "items": [f"{shown[what]}: A, B" for _, _, what, _ in sorted(found)],
            "ratings": [float(rating) for *_, rating in sorted(found)],
            "timestamps": [float(time) for time, *_ in sorted(found)],
        }
        for user, found in users.items()
    ]
    files = {"d/m.item": end.join(item).encode(), "d/m.inter": (end.join(inter) + end).encode()}
    return Made(files, "d", read, sum(not good for _, good in rows))


def _mind(draw: Draw) -> Made:
    titles = draw(st.lists(lines, min_size=1, max_size=4))
    news = [f"N{at}\ta\tb\t{title}\tc\td\te\tf" for at, title in enumerate(titles)]
    which = st.integers(0, len(titles) - 1)
    sound = st.tuples(st.lists(which, max_size=3), st.lists(st.tuples(which, st.booleans()), min_size=1, max_size=3))
    broken = ["1\tU\ttime\tN99\tN0-1", "1\tU\ttime\tN0\t", "1\tU\ttime\t\tN0", "1\tU\ttime\t\tN0-2", "1\tU\tN0-1"]
    rows = _mixed(draw, sound, broken)
    written, read = [], []
    for row, good in rows:
        if not good:
            written.append(row)
            continue
        history, seen = row
        told = " ".join(f"N{at}-{int(click)}" for at, click in seen)
        written.append(f"1\tU7\ttime\t{' '.join(f'N{at}' for at in history)}\t{told}")
        read.append(
            {
                "user": "U7",
                "history": [titles[at] for at in history],
                "candidates": [titles[at] for at, _ in seen],
                "clicked": [click for _, click in seen],
            }
        )
    end = draw(newlines)
    files = {"d/news.tsv": end.join(news).encode(), "d/behaviors.tsv": (end.join(written) + end).encode()}
    return Made(files, "d", read, sum(not good for _, good in rows))


def _parallel(draw: Draw) -> Made:
    rows = _mixed(draw, st.tuples(lines, lines), [("only one", ""), ("", "the other")])
    rows += [((draw(lines), draw(lines)), True)]  # a last line that is empty would be none
    end = draw(newlines)
    files = {
        f"d/x.{name}": _encoded(draw, "".join(row[side] + end for row, _ in rows))
        for side, name in enumerate(("en", "ro"))
    }
    read = [{"source": row[0], "target": row[1]} for row, good in rows if good]
    return Made(files, "d/x.en+d/x.ro", read, sum(not good for _, good in rows))


def _synsets(draw: Draw) -> tuple[list[str], list[tuple[int, list[str], int | None, str]], int]:
    """The lines of a data file; of the sound ones number, words, the number of what is above and the gloss."""
    kept: list[tuple[int, list[str], int | None, str]] = []
    written = ["  1 this is a licence"]
    count = 0
    for at in range(1, draw(st.integers(2, 7))):
        if at > 1 and draw(st.sampled_from([False, False, True])):
            written.append(
                draw(
                    st.sampled_from(
                        [
                            f"{at:08} 03 n zz x 0",
                            "damaged",
                            f"{at:08} 03 n 01 a 0 000 no gloss",
                            "1 03 n 01 a 0 000 | short",
                        ]
                    )
                )
            )
            count += 1
            continue
        members = draw(st.lists(names, min_size=1, max_size=3))
        above = draw(st.none() | st.sampled_from([each[0] for each in kept])) if kept else None
        gloss = draw(st.sampled_from(["a thing", 'a thing; "an example"', "a \u00e9 (thing)"]))
        pointers = "000" if above is None else f"001 @ {above:08} n 0000"
        written.append(
            f"{at:08} 03 n {len(members):02x} {' '.join(f'{word} 0' for word in members)} {pointers} | {gloss}  "
        )
        kept.append((at, members, above, gloss))
    return written, kept, count


def _wordnet(draw: Draw) -> Made:
    written, kept, count = _synsets(draw)
    by_number = {number: members for number, members, _, _ in kept}
    read = [
        {
            "synset": f"{number:08}-n",
            "words": members,
            "gloss": gloss,
            "hypernyms": [] if above is None else by_number[above],
            "part": "noun",
        }
        for number, members, above, gloss in kept
    ]
    return Made({"d/data.noun": "\n".join(written).encode()}, "d", read, count)


def _home_assistant(draw: Draw) -> Made:
    intents: dict[str, Any] = {}
    read, broken, seen = [], 0, 0
    for at in range(draw(st.integers(1, 3))):
        sentences = []
        for each in range(draw(st.integers(1, 4))):
            bad = draw(st.sampled_from([False, False, True]))
            word = draw(names)
            sentences.append(
                draw(st.sampled_from(["turn (on", "a {nothing_known}", "<no_rule> x"]))
                if bad
                else f"turn {word} {at} {each}"
            )
            broken += bad
            if not bad:
                read.append({"text": sentences[-1], "label": f"Intent{at}", "template": f"Intent{at}/{each + 1}"})
            seen += 1
        intents[f"Intent{at}"] = {"data": [{"sentences": sentences}]}
    document = {"language": "en", "intents": intents, "lists": {}, "expansion_rules": {}}
    return _made({"x.json": _encoded(draw, json.dumps(document))}, read, broken)


BROKEN_PYTHON = (
    b'def f(:\n    """{}"""\n',
    b'"""{}"""\nx = (1\n',
    b'"""{}"""\n\0\n',
    b'# coding: nothing\n"""{}"""\n',
    b'"""{}"""\nx = ' + b"(" * 300 + b"\n",
)
plain_words = st.sampled_from(["make", "thing", "\u00e9t\u00e9", "\u6771\u4eac", "with", "some", "more", "7"])
KINDS = {"class": "class", "exc": "class", "func": "function", "meth": "method", "attr": "attribute", "mod": "module"}


def _package(draw: Draw, docstrings: Sequence[str], holding: str) -> tuple[dict[str, bytes], int]:
    """Modules with a function for each docstring, and files that this Python cannot parse and that hold a mark."""
    end = draw(newlines)
    files, broken = {}, draw(st.lists(st.sampled_from(BROKEN_PYTHON), max_size=2))
    for at, text in enumerate(docstrings):
        body = "\n".join(f"    {line}".rstrip() for line in text.split("\n"))
        files[f"p/m{at}.py"] = f'def f{at}():\n    """{body.strip()}\n    """\n'.replace("\n", end).encode()
    for at, content in enumerate(broken):
        files[f"p/z{at}.py"] = content.replace(b"{}", holding.encode())
    files["p/tests/test_x.py"] = files["p/m0.py"]
    return files, len(broken)


def _sentences(draw: Draw) -> list[list[list[tuple[str, str | None]]]]:
    """For each docstring its sentences, each of words with the role that marks them; the first has one."""
    marked = st.tuples(st.text("XYZ", min_size=2, max_size=4).map(str.capitalize), st.sampled_from([*KINDS]))
    word = st.tuples(plain_words, st.none())
    found = []
    for _ in range(draw(st.integers(1, 3))):
        every = [[draw(word), draw(marked), draw(word)]]
        every += draw(st.lists(st.lists(st.one_of(word, word, marked), min_size=3, max_size=8), max_size=2))
        found.append([[("Take", None), *each] for each in every])
    return found


def _marked_up(sentence: Sequence[tuple[str, str | None]]) -> str:
    return " ".join(word if role is None else f":{role}:`{word}`" for word, role in sentence) + "."


def _mentions(draw: Draw) -> Made:
    found = _sentences(draw)
    files, broken = _package(draw, ["\n\n".join(map(_marked_up, each)) for each in found], ":class:`X`")
    read = [
        {
            "text": " ".join(word for word, _ in sentence) + ".",
            "labels": sorted({KINDS[role] for _, role in sentence if role}),
            "package": "p",
        }
        for each in found
        for sentence in each
    ]
    return Made(files, "p", read, broken)


def _entities(draw: Draw) -> Made:
    found = _sentences(draw)
    files, broken = _package(draw, ["\n\n".join(map(_marked_up, each)) for each in found], ":class:`X`")
    read = [
        {
            "tokens": [*(word for word, _ in sentence), "."],
            "tags": [*("O" if role is None else f"B-{KINDS[role]}" for _, role in sentence), "O"],
            "package": "p",
        }
        for each in found
        for sentence in each
    ]
    return Made(files, "p", read, broken)


def _summaries(draw: Draw) -> Made:
    count = draw(st.integers(1, 3))
    few = st.lists(plain_words, min_size=4, max_size=8)
    read = [
        {
            "document": f"Number {at} has " + " ".join(draw(few)) + " and so on" * 15 + ".",
            "summary": f"Take {at} " + " ".join(draw(few)) + ".",
            "package": "p",
        }
        for at in range(count)
    ]
    files, broken = _package(draw, [f"{row['summary']}\n\n{row['document']}" for row in read], "a\n\nb")
    return Made(files, "p", cast("list[Row]", read), broken)


def _parameters(draw: Draw) -> Made:
    sections, read = [], []
    for at in range(draw(st.integers(1, 3))):
        entries = []
        for name in ("alpha", "beta", *draw(st.sampled_from([[], ["gamma"]]))):
            meaning = " ".join(["Is", *draw(st.lists(plain_words, min_size=2, max_size=4))])
            default = draw(st.sampled_from(["None", "3", "'x'"]))
            entries.append(
                (f"{name}{at}", draw(st.sampled_from(["int", "str or None", "{'a', 'b'}"])), default, meaning)
            )
        texts = [f"{name} : {kind}, default {default}\n{meaning}." for name, kind, default, meaning in entries]
        sections.append(
            "Do it.\n\nParameters\n----------\n" + "\n".join(text.replace("\n", "\n    ") for text in texts)
        )
        context = "\n".join(texts)
        for (name, kind, default, meaning), text in zip(entries, texts, strict=True):
            start = context.index(text)
            for question, answer, place in (
                (f"What type is {name}?", kind, text.index(" : ") + 3),
                (f"What is the default of {name}?", default, text.index("default ") + 8),
                (f"What does {name} mean?", f"{meaning}.", text.index("\n") + 1),
            ):
                answers = {"text": [answer], "answer_start": [start + place]}
                read.append({"question": question, "context": context, "answers": answers, "package": "p"})
    files, broken = _package(draw, sections, "Parameters\n----------\n")
    return Made(files, "p", cast("list[Row]", read), broken)


def _functions(draw: Draw) -> Made:
    files, read = {}, []
    for at in range(draw(st.integers(1, 3))):
        word = draw(plain_words)
        head = f'def f{at}(x):\n    """Add {at} to x, {word}."""\n'
        body = f"    return x + {at}\n"
        needs = draw(st.booleans())
        if needs:
            body = f"    return math.sqrt(x) + {at}\n"
        files[f"p/m{at}.py"] = f"import math\nimport numpy\n\n\n{head}{body}\n\ndef no(x):\n    return x\n".encode()
        prompt = "import math\n\n\n" + head if needs else head
        values = {"prompt": prompt, "canonical_solution": body, "entry_point": f"f{at}", "test": None, "package": "p"}
        read.append(values)
    broken = draw(st.lists(st.sampled_from(BROKEN_PYTHON[:1]), max_size=2))
    files |= {f"p/z{at}.py": content for at, content in enumerate(broken)}
    return Made(files, "p", cast("list[Row]", read), len(broken))


def _wordnet_relations(draw: Draw) -> Made:
    """Nouns each of which is a kind of one before, or a part of it, and defined by that word alone."""
    count = draw(st.integers(2, 6))
    nouns = [f"noun{chr(97 + at) * 3}" for at in range(count)]
    nouns = [name.replace("noun", "nou") for name in nouns]
    written, read, broken = ["  1 licence", f"00000001 03 n 01 {nouns[0]} 0 000 | what there is"], [], 0
    for at in range(1, count):
        if draw(st.sampled_from([False, False, True])):
            written.append(draw(st.sampled_from(["damaged", "00000099 03 n zz x 0 | y"])))
            broken += 1
        above = draw(st.integers(0, at - 1))
        symbol, relation = draw(
            st.sampled_from([("@", "Hyponym-Hypernym"), ("#p", "Part-Whole"), ("#m", "Member-Group")])
        )
        written.append(
            f"{at + 1:08} 03 n 01 {nouns[at]} 0 001 {symbol} {above + 1:08} n 0000 | it, {at} of any {nouns[above]}"
        )
        read.append({"relation": relation, "from": nouns[at], "to": nouns[above], "synset": f"{at + 1:08}-n"})

    def view(row: Row) -> Row:
        relation, _, direction = row["label"].partition("(")
        ends = [row["text"][start:end] for start, end in (row["first"], row["second"])]
        source, target = ends if direction == "e1,e2)" else reversed(ends)
        return {"relation": relation, "from": source, "to": target, "synset": row["synset"]}

    return Made({"d/data.noun": "\n".join(written).encode()}, "d", cast("list[Row]", read), broken, view)


GRAMMARS: dict[str, st.SearchStrategy[Made]] = {
    name: st.composite(cast("Any", make))()
    for name, make in {
        "csv": _delimited(","),
        "tsv": _delimited("\t"),
        "tsv_no_header": _tsv_no_header,
        "excel": _excel,
        "json": _json,
        "jsonl": _jsonl,
        "conll": _conll,
        "conllu": _conllu,
        "parquet": _parquet,
        "arrow": _arrow,
        "saved_dataset": _saved_dataset,
        "squad": _squad,
        "clinc": _clinc,
        "pubmedqa": _pubmedqa,
        "phrasebank": _phrasebank,
        "trec": _trec,
        "semeval": _semeval,
        "pubtator": _pubtator,
        "fasttext": _fasttext,
        "class_folders": _class_folders,
        "brat": _brat,
        "chatterbot": _chatterbot,
        "gettext": _gettext,
        "movielens": _movielens,
        "mind": _mind,
        "parallel": _parallel,
        "wordnet": _wordnet,
        "home_assistant": _home_assistant,
        "wordnet_relations": _wordnet_relations,
        "docstring_mentions": _mentions,
        "docstring_entities": _entities,
        "docstring_summaries": _summaries,
        "docstring_parameters": _parameters,
        "docstring_functions": _functions,
    }.items()
}
"""Format -> its files."""
