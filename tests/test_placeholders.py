"""Placeholders: which a text may use, and how they are filled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceroutine.placeholders import PLACEHOLDERS, fill, placeholder_problems, unfilled_problems

ALL = frozenset(PLACEHOLDERS)
TAKE_OUT = "take it out, or say it in words"
KNOWN = "known: {name}, {side}, {other_side}, {hold}, {rep}, {reps}, {set}, {sets}, {next}, {remaining}, {total}"
SINGLE = ("has a single brace", "write {{ for a brace, or a placeholder like {side}")


@pytest.mark.parametrize(
    "text", ["", "Breathe.", "{{a}}", "{side} and {other_side}", *(f"{{{name}}}" for name in PLACEHOLDERS)]
)
def test_a_text_without_problems(text: str) -> None:
    assert list(placeholder_problems(text, ALL)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{sid}", [("unknown placeholder {sid}", 'did you mean "{side}"?')]),
        ("{ Side }", [("unknown placeholder { Side }", 'did you mean "{side}"?')]),
        ("{zzz}", [("unknown placeholder {zzz}", KNOWN)]),
        ("{}", [("unknown placeholder {}", KNOWN)]),
        ("{0}", [("unknown placeholder {0}", KNOWN)]),
        ("{name[0]}", [("unknown placeholder {name[0]}", 'did you mean "{name}"?')]),
        ("{side:>9}", [("has something after the name in {side\u2026}", "write just {side}")]),
        ("{side!r}", [("has something after the name in {side\u2026}", "write just {side}")]),
        ("{side:{name}}", [("has something after the name in {side\u2026}", "write just {side}")]),
        ("{", [SINGLE]),
        ("a } b", [SINGLE]),
        ("{side}}", [SINGLE]),
        ("{a} {b}", [("unknown placeholder {a}", KNOWN), ("unknown placeholder {b}", KNOWN)]),
    ],
)
def test_what_can_never_be_filled(text: str, expected: list[tuple[str, str]]) -> None:
    assert list(placeholder_problems(text, ALL)) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("side", "{side} has no meaning here: there are no sides"),
        ("other_side", "{other_side} has no meaning here: there aren't exactly two sides"),
        ("hold", "{hold} has no meaning here: there is neither hold nor move"),
        ("next", "{next} has no meaning here: no exercise follows"),
        ("remaining", "{remaining} has a meaning only inside work"),
        ("rep", "{rep} has no meaning here"),
    ],
)
def test_what_has_no_meaning_here(name: str, message: str) -> None:
    assert list(placeholder_problems(f"{{{name}}}", ALL - {name})) == [(message, TAKE_OUT)]


def test_no_placeholder_has_a_meaning_in_a_name() -> None:
    hint = "placeholders are for sentences; say it in words"
    assert list(unfilled_problems("{side} tilt {x} {{a}} {")) == [("{side} has no meaning in a name", hint)]


def test_filling() -> None:
    assert fill("{{{side}}}: {reps} times, {{x}}", {"side": "left", "reps": "two"}) == "{left}: two times, {x}"


@given(st.text(st.sampled_from("{}!:.[] ") | st.characters(codec="utf-8")), st.sets(st.sampled_from(PLACEHOLDERS)))
def test_a_text_without_problems_can_be_filled(text: str, meaningful: set[str]) -> None:
    if not list(placeholder_problems(text, meaningful)):
        assert isinstance(fill(text, dict.fromkeys(meaningful, "x")), str)
