"""When each word of a sentence is spoken."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMA_LETTERS = 3
STOP_LETTERS = 6

_TOKEN = re.compile(r"\S*\w\S*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word with its instants: the characters from `start` to before `end` of a text, and when they sound."""

    start: int
    end: int
    start_ms: int
    end_ms: int

    def moved(self, by_characters: int, by_ms: int) -> Word:
        """Return the word as part of a longer text and clip."""
        return replace(
            self,
            start=self.start + by_characters,
            end=self.end + by_characters,
            start_ms=self.start_ms + by_ms,
            end_ms=self.end_ms + by_ms,
        )

    def within(self, end_ms: int) -> Word:
        """Return the word, over by `end_ms` and not begun before 0."""
        start_ms = min(max(0, self.start_ms), end_ms)
        return replace(self, start_ms=start_ms, end_ms=min(max(start_ms, self.end_ms), end_ms))


def words_at(text: str, onsets: Sequence[tuple[int, int]], start_ms: int, end_ms: int) -> tuple[Word, ...]:
    """Return the words of a text, from what an engine tells of them.

    Engines tell of some words twice and of others not at all ("of the" is one to them). The first onset in a word
    counts; words without one share the time to the next by their letters.

    Args:
        text: what is spoken.
        onsets: pairs of a character's index and the millisecond at which it begins to sound; none will do.
        start_ms: where the first word begins, if no onset tells.
        end_ms: where the last word ends.
    """
    spans = [match.span() for match in _TOKEN.finditer(text)]
    known = _known(spans, onsets, start_ms, end_ms)
    starts_ms: list[int] = []
    for (first, first_ms), (after, after_ms) in pairwise([*known, (len(spans), end_ms)]):
        starts_ms += _shared([text[start:end] for start, end in spans[first:after]], first_ms, max(first_ms, after_ms))
    ends_ms = [*starts_ms[1:], max([end_ms, *starts_ms])][: len(spans)]
    return tuple(
        Word(start=start, end=end, start_ms=from_ms, end_ms=to_ms)
        for (start, end), from_ms, to_ms in zip(spans, starts_ms, ends_ms, strict=True)
    )


def _known(
    spans: Sequence[tuple[int, int]], onsets: Sequence[tuple[int, int]], start_ms: int, end_ms: int
) -> list[tuple[int, int]]:
    """Return pairs of a word's index and its instant, rising in both; the first word is always among them."""
    starts = [start for start, _ in spans]
    found: dict[int, int] = {}
    latest_ms = start_ms
    for position, at_ms in sorted(onsets):
        index = bisect_right(starts, position) - 1
        if index >= 0 and index not in found and position < spans[index][1]:
            latest_ms = found[index] = min(max(latest_ms, at_ms), end_ms)
    if spans and 0 not in found:
        found = {0: start_ms, **found}
    return sorted(found.items())


def _shared(words: Sequence[str], start_ms: int, end_ms: int) -> list[int]:
    """Return when each word begins if they share a time by their letters and the pauses after them."""
    weights = [_weight(word) for word in words]
    total, before = sum(weights), 0
    starts_ms = []
    for weight in weights:
        starts_ms.append(start_ms + (end_ms - start_ms) * before // max(1, total))
        before += weight
    return starts_ms


def _weight(word: str) -> int:
    pauses = {",": COMMA_LETTERS, ";": COMMA_LETTERS, ":": COMMA_LETTERS, ".": STOP_LETTERS, "!": STOP_LETTERS}
    return len(word) + 1 + pauses.get(word[-1], 0)
