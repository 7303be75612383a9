"""The source line below a problem, and the marker below what is wrong in it."""

from __future__ import annotations

from unicodedata import category, east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceroutine.errors import EXCERPT_COLUMNS, Location, Problem, RoutineError

LINE = st.text(st.characters(exclude_characters="\n"), max_size=300)


def columns(text: str) -> int:
    return sum(0 if category(c) in ("Mn", "Me") else 2 if east_asian_width(c) in ("W", "F") else 1 for c in text)


def from_column(text: str, start: int) -> list[str]:
    """Return what begins at a column: with a mark that belongs to the letter before it, and without."""
    return [text[n:] for n in range(len(text) + 1) if columns(text[:n]) == start]


def shown(text: str) -> str:
    return "".join("    " if c == "\t" else c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def at(text: str, column: int, width: int, line: int = 7) -> Location:
    return Location(file="r.toml", line=line, column=column, text=text, width=width)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (at('hodl = "30s"', 1, 12), '    7 | hodl = "30s"\n      | ^^^^^^^^^^^^'),
        (at("a = 1", 3, 1, line=1234), "    1234 | a = 1\n         |   ^"),
        (at("a = 1", 6, 1), "    7 | a = 1\n      |      ^"),
        (at("a = 1", 3, 0), "    7 | a = 1\n      |   ^"),
        (at("a = 1   ", 1, 5), "    7 | a = 1\n      | ^^^^^"),
        (at("", 1, 1), ""),
        (at(" \t", 1, 1), ""),
        (Location(file="r.toml"), ""),
    ],
    ids=["key", "line of four digits", "behind the end", "no width", "spaces", "empty", "blank", "no line"],
)
def test_the_marker_stands_below(where: Location, expected: str) -> None:
    assert where.excerpt() == expected


def test_a_problem_is_its_place_its_hint_and_its_line() -> None:
    problem = Problem(where=at("hodl = 5", 1, 8), message="is odd", hint="leave it out", severity="note")
    assert str(problem) == "r.toml:7:1: note: is odd\n    leave it out\n    7 | hodl = 5\n      | ^^^^^^^^"
    assert str(RoutineError([problem, problem])) == f"{problem}\n{problem}"


def test_a_files_name_is_harmless() -> None:
    assert str(Location(file="a\x1b[2J\u202e.toml", line=3, column=1)) == "a\\x1b[2J\\u202e.toml:3:1"


def test_the_same_place_is_the_same_whatever_is_shown_of_it() -> None:
    assert {at("a", 1, 1), at("b", 1, 2)} == {at("", 1, 0)}


@given(LINE, st.integers(0, 300), st.integers(0, 300))
def test_any_line_is_shown_harmless_and_marked_where_it_should_be(text: str, index: int, width: int) -> None:
    excerpt = at(text, index + 1, width).excerpt()
    if not text.strip(" \t"):
        assert excerpt == ""
        return
    line, marker = excerpt.split("\n")
    assert line.isprintable()
    assert columns(line) <= EXCERPT_COLUMNS
    assert len(marker) <= EXCERPT_COLUMNS + 1
    below = from_column(line, marker.index("^")) or [""]
    assert any(shown(text[index:]).startswith(part.removesuffix("…").rstrip(" ")) for part in below)
    if "…" not in line:
        assert line == f"    7 | {shown(text)}".rstrip(" ")
        assert marker.count("^") == max(1, columns(shown(text[index : index + width])))
