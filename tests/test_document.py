"""The position scanner against tomllib, and arbitrary text: every key has its place, every mistake is told."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voiceroutine.document import KeyPath, parse_document, path_text, read_document, shown
from voiceroutine.errors import Location, RoutineError
from voiceroutine.library import Library, bundled_folder
from voiceroutine.loading import load_routine
from voiceroutine.model import BlockStep, CuesTable, ExerciseStep, RoutineFile, SayStep

LIBRARY = Library(folders=(bundled_folder("routines"),)).exercises()
ROUTINES = sorted(bundled_folder("routines").glob("neck-*.toml"))

EVERY_KIND = "\n".join(
    [
        "# every way to write a key",
        'title = "a # no comment"  # a comment',
        '"quoted \\u0041\\" key" = \'literal \\\'',
        '  indented = """',
        "[not.a.table]",
        'no = "key" \\""" ""\\\\',
        '  """""',
        "voice . \"rate.x\" . 'y' = [ 1, 2.5, # [ ] } ,",
        '  """a]""", \'\'\'b',
        "] = ''', { a.b = 1, \"c\" = [ { d = [] } ] }, ]",
        "[ cues ]",
        "1979-05-27 = 1979-05-27 07:32:00  # a date",
        "[[steps]]",
        'hold = "5s"',
        "[[steps.phases]]",
        "say = '''",
        "'' '''''",
        "[[steps.phases]]",
        '[steps.phases."deep one"]',
        "x = {}",
        "[[steps]]",
        "empty = ''",
        "[a.b.c]",
        "[a]",
        "",
    ]
)


def place(text: str, line: int, column: int) -> str:
    return text.split("\n")[line - 1][column - 1 :]


def marked(where: Location) -> str:
    return where.text[where.column - 1 :][: where.width]


def key_paths(value: object, path: KeyPath = ()) -> list[KeyPath]:
    if isinstance(value, dict):
        inner = [found for key, one in value.items() for found in key_paths(one, (*path, key))]
    elif isinstance(value, list):
        inner = [found for index, one in enumerate(value) for found in key_paths(one, (*path, index))]
    else:
        inner = []
    return [path, *inner] if path else inner


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("title",), 'title = "a # no comment"'),
        (('quoted A" key',), '"quoted \\u0041\\" key" = \'literal \\\''),
        (("indented",), 'indented = """'),
        (("voice",), "voice . \"rate.x\" . 'y' = [ 1, 2.5, # [ ] } ,"),
        (("voice", "rate.x"), "\"rate.x\" . 'y' = [ 1, 2.5, # [ ] } ,"),
        (("voice", "rate.x", "y"), "'y' = [ 1, 2.5, # [ ] } ,"),
        (("voice", "rate.x", "y", 0), "1"),
        (("voice", "rate.x", "y", 1), "2.5"),
        (("voice", "rate.x", "y", 2), '"""a]"""'),
        (("voice", "rate.x", "y", 3), "'''b"),
        (("voice", "rate.x", "y", 4), '{ a.b = 1, "c" = [ { d = [] } ] }'),
        (("voice", "rate.x", "y", 4, "a", "b"), "b = 1"),
        (("voice", "rate.x", "y", 4, "c"), '"c" = [ { d = [] } ]'),
        (("voice", "rate.x", "y", 4, "c", 0, "d"), "d = []"),
        (("cues",), "cues"),
        (("cues", "1979-05-27"), "1979-05-27 = 1979-05-27 07:32:00"),
        (("steps",), "steps"),
        (("steps", 0), "[[steps]]"),
        (("steps", 0, "hold"), 'hold = "5s"'),
        (("steps", 0, "phases"), "phases"),
        (("steps", 0, "phases", 0), "[[steps.phases]]"),
        (("steps", 0, "phases", 0, "say"), "say = '''"),
        (("steps", 0, "phases", 1, "deep one"), '"deep one"'),
        (("steps", 0, "phases", 1, "deep one", "x"), "x = {}"),
        (("steps", 1, "empty"), "empty = ''"),
        (("a",), "a.b.c"),
        (("a", "b", "c"), "c"),
    ],
)
def test_every_way_to_write_a_key_has_its_place(path: KeyPath, expected: str) -> None:
    document = parse_document(EVERY_KIND, "r.toml")
    where = document.location(path)
    assert marked(where) == expected
    assert where.text == EVERY_KIND.split("\n")[where.line - 1]
    assert path in key_paths(document.data)


def test_what_was_not_written_is_placed_at_the_nearest_around_it() -> None:
    document = parse_document('title = "T"\n\n[[steps]]\nhold = 5\n', "r.toml")
    assert document.location(("steps", 0, "reps")) == Location(file="r.toml", line=3, column=1, path="steps[0].reps")
    assert document.location(("steps", 0, "hold", "x")).line == 4
    assert marked(document.location(("steps", 0, "reps"))) == "[[steps]]"
    assert marked(document.location(("steps", 0, "hold", "x"))) == "hold = 5"
    assert document.location(("summary",)) == Location(file="r.toml", line=1, column=1, path="summary")
    assert document.location(()) == Location(file="r.toml", line=1, column=1)
    assert document.location(("summary",)).excerpt() == document.location(()).excerpt() == ""


def test_windows_line_ends_and_a_byte_order_mark_change_no_place() -> None:
    text = 'title = "T"\n[voice]\nname = "x"\n'
    plain = parse_document(text).location(("voice", "name"))
    assert parse_document("\ufeff" + text.replace("\n", "\r\n")).location(("voice", "name")) == plain
    assert (plain.line, plain.column, marked(plain)) == (3, 1, 'name = "x"')


def test_a_path_is_written_as_an_author_would() -> None:
    assert path_text(("steps", 2, "sides", 0)) == "steps[2].sides[0]"
    assert path_text(("a b", "c.d", 'e"')) == '"a b"."c.d"."e\\""'
    assert path_text(()) == ""


def test_a_message_shows_what_is_invisible() -> None:
    assert shown("a\x1b[31m\u202e\n\ud800\xa0b") == "a\\x1b[31m\\u202e\\n\\ud800\\xa0b"
    assert shown("a " + "b" * 60 + " c") == "a " + "b" * 40 + "… c"


@dataclass(frozen=True)
class Written:
    """TOML text with the offset of every key that was put into it, and of its end."""

    text: str
    offsets: dict[KeyPath, int]
    ends: dict[KeyPath, int]


BARE = st.from_regex(r"[A-Za-z0-9_-]{1,4}", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=6)
BLANK = st.sampled_from(["", " ", "\t ", "  "])
BREAK = st.sampled_from(["", " ", "\n", " # a ] } , \" ''' comment\n", "\n\n  "])


def keys_not_in(taken: set[str]) -> st.SearchStrategy[tuple[str, str]]:
    return keys().filter(lambda one: one[0] not in taken)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@st.composite
def keys(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a key and one of the ways to write it."""
    if draw(st.booleans()):
        return (bare := draw(BARE)), bare
    key = draw(TEXT)
    if "'" not in key and draw(st.booleans()):
        return key, f"'{key}'"
    escaped = "".join(f"\\U{ord(c):08x}" for c in key)
    return key, f'"{escaped}"' if draw(st.booleans()) else quoted(key)


@st.composite
def scalars(draw: st.DrawFn) -> str:
    text = draw(TEXT)
    literal = text.replace("'", "")
    return draw(
        st.sampled_from(
            [
                quoted(text),
                f"'{literal}\\'",
                f'"""\n{quoted(text)[1:-1]}\n"" \\""" {draw(st.sampled_from(["", chr(34), chr(34) * 2]))}"""',
                f"'''{literal}\n'' # \" {draw(st.sampled_from(['', chr(39), chr(39) * 2]))}'''",
                '""',
                "''",
                '""""""',
                "''''''",
                "1_000",
                "0x1F",
                "1e-5",
                "-inf",
                "nan",
                "true",
                "1979-05-27T07:32:00Z",
                "1979-05-27 07:32:00.5",
                "07:32:00",
            ]
        )
    )


class Author:
    """Writes a document and remembers where each key went."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.text = ""
        self.offsets: dict[KeyPath, int] = {}
        self.ends: dict[KeyPath, int] = {}

    def _write(self, text: str) -> None:
        self.text += text

    def _note(self, path: KeyPath) -> None:
        self.offsets.setdefault(path, len(self.text))

    def _note_end(self, path: KeyPath) -> None:
        self.ends.setdefault(path, len(self.text))

    def pair(self, table: KeyPath, taken: set[str], depth: int) -> None:
        path = table
        for number in range(self._draw(st.integers(1, 3))):
            key, written = self._draw(keys_not_in(taken))
            if number == 0:
                taken.add(key)
            self._write("." + self._draw(BLANK) if number else "")
            path = (*path, key)
            self._note(path)
            self._write(written + self._draw(BLANK))
        self._write("=" + self._draw(BLANK))
        self.value(path, depth)
        for length in range(len(table) + 1, len(path) + 1):
            self._note_end(path[:length])

    def value(self, path: KeyPath, depth: int) -> None:
        kind = self._draw(st.sampled_from(["scalar", "scalar", "array", "table"] if depth else ["scalar"]))
        if kind == "scalar":
            self._write(self._draw(scalars()))
        elif kind == "array":
            self._array(path, depth)
        else:
            self._table(path, depth)

    def _array(self, path: KeyPath, depth: int) -> None:
        self._write("[" + self._draw(BREAK))
        for index in range(self._draw(st.integers(0, 3))):
            self._write("," + self._draw(BREAK) if index else "")
            self._note((*path, index))
            self.value((*path, index), depth - 1)
            self._note_end((*path, index))
            self._write(self._draw(BREAK))
        self._write("]")

    def _table(self, path: KeyPath, depth: int) -> None:
        self._write("{" + self._draw(BLANK))
        taken: set[str] = set()
        for index in range(self._draw(st.integers(0, 3))):
            self._write("," + self._draw(BLANK) if index else "")
            self.pair(path, taken, depth - 1)
            self._write(self._draw(BLANK))
        self._write("}")

    def body(self, table: KeyPath, taken: set[str]) -> None:
        for _ in range(self._draw(st.integers(0, 3))):
            self._write(self._draw(st.sampled_from(["", "\n", "# [comment]\n", "  "])))
            self.pair(table, taken, 2)
            self._write(self._draw(st.sampled_from(["\n", " # c = 1\n", "\t\n"])))

    def header(self, parents: KeyPath, key: tuple[str, str], index: int | None) -> KeyPath:
        brackets = 1 if index is None else 2
        start = len(self.text)
        self._write("[" * brackets + self._draw(BLANK))
        for parent in (part for part in parents if isinstance(part, str)):
            self._write(f"{quoted(parent)}{self._draw(BLANK)}.")
        path: KeyPath = (*parents, key[0])
        self._note(path)
        self._write(key[1])
        self._note_end(path)
        self._write(self._draw(BLANK) + "]" * brackets)
        if index is not None:
            path = (*path, index)
            self.offsets[path] = start
            self._note_end(path)
        self._write("\n")
        return path


@st.composite
def documents(draw: st.DrawFn) -> Written:
    author = Author(draw)
    taken: set[str] = set()
    author.body((), taken)
    for _ in range(draw(st.integers(0, 3))):
        key = draw(keys_not_in(taken))
        taken.add(key[0])
        if draw(st.booleans()):
            author.body(author.header((), key, None), set())
            continue
        for index in range(draw(st.integers(1, 3))):
            inside: set[str] = set()
            element = author.header((), key, index)
            author.body(element, inside)
            inner = draw(keys_not_in(inside))
            for number in range(draw(st.integers(0, 2))):
                author.body(author.header(element, inner, number), set())
    return Written(author.text, author.offsets, author.ends)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(documents())
def test_every_key_of_any_document_is_found_where_it_was_written(written: Written) -> None:
    document = parse_document(written.text)
    assert repr(document.data) == repr(tomllib.loads(written.text))
    assert set(key_paths(document.data)) == set(written.offsets)
    for path, offset in written.offsets.items():
        where = document.location(path)
        line_start = written.text.rfind("\n", 0, offset) + 1
        expected = (written.text.count("\n", 0, offset) + 1, offset - line_start + 1)
        assert (path, where.line, where.column) == (path, *expected)
        first_line = written.text[offset : written.ends[path]].split("\n")[0]
        assert (path, marked(where)) == (path, first_line.rstrip())


def is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except ValueError:
        return False
    return True


def load(text: str) -> None:
    """Load a text; whatever is wrong with it must be told as a RoutineError."""
    try:
        document = parse_document(text)
    except RoutineError:
        assert not is_toml(text)
        return
    assert all(document.location(path).line for path in key_paths(document.data))
    try:
        load_routine(document, LIBRARY)
    except RoutineError as error:
        assert all(str(problem).isprintable() or "\n" in str(problem) for problem in error.problems)


@settings(max_examples=80, deadline=None)
@given(st.text())
def test_arbitrary_text_is_loaded_or_told_as_wrong(text: str) -> None:
    load(text)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from([*"[]{}=.,\"'#\\\n ab1", "[[", "]]", '"""', "'''", "= 1\n", "steps"])).map("".join))
def test_text_of_punctuation_is_loaded_or_told_as_wrong(text: str) -> None:
    load(text)


NAMES = st.sampled_from(
    sorted({key for table in (ExerciseStep, BlockStep, SayStep, RoutineFile, CuesTable) for key in table.model_fields})
)
VALUES = st.recursive(
    st.one_of(
        st.sampled_from(
            ['"5s"', "5", '"each"', '"{side}"', '"{"', "nan", "true", '""', "-1", "07:32:00", "1e400", '"a-b"']
        ),
        st.integers(-5, 10**30).map(str),
        TEXT.map(quoted),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.lists(st.tuples(NAMES, inner), max_size=3, unique_by=lambda pair: pair[0]).map(
            lambda pairs: f"{{{', '.join(f'{key} = {value}' for key, value in pairs)}}}"
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["", "[[steps]]\n", "[[exercises]]\n", "[cues]\n"]), NAMES, VALUES), max_size=8)
)
def test_routines_of_wrong_values_are_loaded_or_told_as_wrong(lines: list[tuple[str, str, str]]) -> None:
    load('title = "T"\n' + "".join(f"{header}{key} = {value}\n" for header, key, value in lines))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_routines_are_loaded_or_told_as_wrong(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([file.read_text(encoding="utf-8") for file in ROUTINES] + [EVERY_KIND]))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 30))
        text = text[:start] + data.draw(st.one_of(st.text(max_size=5), VALUES)) + text[start + length :]
    load(text)


@pytest.mark.parametrize("file", [*ROUTINES, bundled_folder("routines") / "exercises.toml"], ids=lambda file: file.stem)
def test_every_key_of_the_bundled_files_has_its_place(file: Path) -> None:
    document = read_document(file)
    text = file.read_text(encoding="utf-8")
    for path in key_paths(document.data):
        where = document.location(path)
        found = place(text, where.line, where.column)
        assert found.startswith(path[-1] if isinstance(path[-1], str) else ("[[", "{", '"'))


@pytest.mark.parametrize(
    "text",
    [
        'a = """' + "x\\n" * 200_000 + '"""',
        'a = """' + '"x' * 200_000 + '"""',
        "a = [" + "1," * 30_000 + "]",
        "".join(f"k{number} = 1\n" for number in range(8_000)),
        "a = " + "[" * 30 + "]" * 30,
    ],
    ids=["escapes", "quotes", "long list", "many keys", "deep list"],
)
def test_large_documents_are_read(text: str) -> None:
    data: Any = tomllib.loads(text)
    assert parse_document(text).data == data
