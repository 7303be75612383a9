"""When each word sounds: what an engine tells, and what must be estimated."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voiceroutine.words import Word, words_at

TEXT = "Out of the way, now."


def spans(words: tuple[Word, ...]) -> list[tuple[str, int, int]]:
    return [(TEXT[word.start : word.end], word.start_ms, word.end_ms) for word in words]


def test_words_begin_where_the_engine_says() -> None:
    onsets = [(0, 0), (4, 200), (7, 300), (11, 400), (16, 800)]
    assert spans(words_at(TEXT, onsets, 0, 1_000)) == [
        ("Out", 0, 200),
        ("of", 200, 300),
        ("the", 300, 400),
        ("way,", 400, 800),
        ("now.", 800, 1_000),
    ]


def test_words_that_the_engine_merges_share_their_time_by_letters() -> None:
    assert spans(words_at(TEXT, [(0, 0), (11, 550), (16, 800)], 0, 1_000)) == [
        ("Out", 0, 200),
        ("of", 200, 350),
        ("the", 350, 550),
        ("way,", 550, 800),
        ("now.", 800, 1_000),
    ]


def test_of_several_onsets_in_a_word_the_first_counts_and_those_beside_words_don_t() -> None:
    assert words_at("30s up", [(0, 0), (2, 300), (3, 350), (4, 500), (99, 700)], 0, 900) == (
        Word(start=0, end=3, start_ms=0, end_ms=500),
        Word(start=4, end=6, start_ms=500, end_ms=900),
    )


def test_without_onsets_words_share_the_time_and_pauses_count() -> None:
    assert words_at("Up, up", (), 100, 1_000) == (
        Word(start=0, end=3, start_ms=100, end_ms=730),
        Word(start=4, end=6, start_ms=730, end_ms=1_000),
    )


@given(
    st.text("ab ,.9\n…", max_size=40),
    st.lists(st.tuples(st.integers(-2, 45), st.integers(-50, 2_000)), max_size=8),
    st.integers(0, 500),
    st.integers(0, 1_000),
)
def test_words_are_in_order_and_inside(text: str, onsets: list[tuple[int, int]], start_ms: int, lasts_ms: int) -> None:
    words = words_at(text, onsets, start_ms, start_ms + lasts_ms)
    assert [text[word.start : word.end] for word in words] == [
        part for part in text.split() if any(character.isalnum() for character in part)
    ]
    assert all(start_ms <= word.start_ms <= word.end_ms <= start_ms + lasts_ms for word in words)
    assert all(one.end <= after.start and one.end_ms == after.start_ms for one, after in pairwise(words))
