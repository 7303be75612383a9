"""A timeline in parts, and what it amounts to: what a timetable and a picture have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voiceroutine.cues import Speech, dose_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voiceroutine.timeline import Chapter, Placed, Timeline

GAPS = ("prepare", "relax", "switch", "rest", "wait")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A chapter with what happens in it.

    `number` counts from 1; `dose` is empty where there is no exercise.
    """

    number: int
    chapter: Chapter
    intervals: tuple[Placed, ...]
    dose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How much there is of what.

    `works` counts stretches of work, where the phases of a rep are one; `words_ms` is the time that belongs to words
    alone, as the introduction does. `spoken_ms` counts all words, those in gaps and over work too.
    """

    exercises: int
    works: int
    work_ms: int
    gaps_ms: int
    words_ms: int
    spoken_ms: int


def parts_of(timeline: Timeline) -> tuple[Part, ...]:
    """Return the chapters of a timeline, each with its intervals."""
    placed = iter(timeline.intervals)
    waiting = next(placed, None)
    parts = []
    for number, chapter in enumerate(timeline.chapters, start=1):
        inside: list[Placed] = []
        while waiting is not None and (waiting.start_ms < chapter.end_ms or chapter is timeline.chapters[-1]):
            inside.append(waiting)
            waiting = next(placed, None)
        parts.append(Part(number=number, chapter=chapter, intervals=tuple(inside), dose=_dose(inside)))
    return tuple(parts)


def totals_of(timeline: Timeline) -> Totals:
    """Return how much of a timeline is work, gaps and words."""
    intervals = timeline.intervals
    work_ms = _length_ms(placed for placed in intervals if placed.interval.exact)
    gaps_ms = _length_ms(placed for placed in intervals if placed.interval.kind in GAPS)
    return Totals(
        exercises=sum(placed.interval.kind == "prepare" for placed in intervals),
        works=sum(placed.interval.exact and placed.interval.phase_index == 1 for placed in intervals),
        work_ms=work_ms,
        gaps_ms=gaps_ms,
        words_ms=timeline.duration_ms - work_ms - gaps_ms,
        spoken_ms=sum(cue.duration_ms for cue in timeline.cues if isinstance(cue, Speech)),
    )


def _dose(intervals: Iterable[Placed]) -> str:
    return next((dose_text(placed.interval.step) for placed in intervals if placed.interval.step is not None), "")


def _length_ms(intervals: Iterable[Placed]) -> int:
    return sum(placed.end_ms - placed.start_ms for placed in intervals)
