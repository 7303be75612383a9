"""A session broken into rows like a page of text: between chapters where that is possible."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.outline import Part

WISHED_ROW_MS = 150_000
SHORTEST_ROW_MS = 60_000
MOST_ROWS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A chapter, or what of it is on one row."""

    part: Part
    start_ms: int
    end_ms: int

    @property
    def is_continued(self) -> bool:
        """Whether it began on a row before."""
        return self.start_ms > self.part.chapter.start_ms


Row = tuple[Piece, ...]


def rows_of(parts: Sequence[Part]) -> tuple[Row, ...]:
    """Return all chapters in rows of nearly the same length.

    A row is about two and a half minutes, or longer where there would be very many; of the numbers of rows near to
    that, the one that leaves the least empty is taken.
    """
    duration_ms = parts[-1].chapter.end_ms
    usual = min(MOST_ROWS, -(-duration_ms // WISHED_ROW_MS))
    choices = [_evenly(parts, duration_ms, rows) for rows in (usual, usual + 1, usual - 1) if rows > 0]
    return min(choices, key=lambda rows: len(rows) * row_length_ms(rows))


def _evenly(parts: Sequence[Part], duration_ms: int, rows: int) -> tuple[Row, ...]:
    """Return at most so many rows, the longest of which is as short as can be."""
    wished_ms = max(SHORTEST_ROW_MS, -(-duration_ms // rows))
    pieces = [piece for part in parts for piece in _pieces(part, wished_ms)]
    longest_ms = max(piece.end_ms - piece.start_ms for piece in pieces)
    lengths_ms = range(max(wished_ms, longest_ms), max(duration_ms, wished_ms) + 1)
    best_ms = lengths_ms[bisect_left(lengths_ms, -rows, key=lambda row_ms: -len(_filled(pieces, row_ms)))]
    return tuple(_filled(pieces, best_ms))


def row_length_ms(rows: Sequence[Row]) -> int:
    """Return the time that a whole row stands for."""
    return max(SHORTEST_ROW_MS, *(row[-1].end_ms - row[0].start_ms for row in rows))


def _filled(pieces: Sequence[Piece], row_ms: int) -> list[Row]:
    rows: list[list[Piece]] = []
    for piece in pieces:
        if rows and piece.end_ms - rows[-1][0].start_ms <= row_ms:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [tuple(row) for row in rows]


def _pieces(part: Part, wished_ms: int) -> Iterator[Piece]:
    """Yield a chapter whole, or one much longer than a row in parts that begin with an interval if one is near."""
    chapter = part.chapter
    length_ms = chapter.end_ms - chapter.start_ms
    count = -(-length_ms * 2 // (wished_ms * 3))
    cuts_ms = [chapter.start_ms + length_ms * number // count for number in range(1, count)]
    edges_ms = [chapter.start_ms, *(_near_start_ms(part, cut_ms, wished_ms // 4) for cut_ms in cuts_ms), chapter.end_ms]
    for start_ms, end_ms in pairwise(edges_ms):
        yield Piece(part=part, start_ms=start_ms, end_ms=end_ms)


def _near_start_ms(part: Part, cut_ms: int, far_ms: int) -> int:
    nearest_ms = min((placed.start_ms for placed in part.intervals), key=lambda start_ms: abs(start_ms - cut_ms))
    return nearest_ms if abs(nearest_ms - cut_ms) <= far_ms else cut_ms
