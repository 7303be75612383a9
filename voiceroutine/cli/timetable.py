"""A timeline as a timetable for people: lines that read well aloud, in 80 columns and without a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise
from textwrap import wrap
from typing import TYPE_CHECKING

from voiceroutine.cues import Speech, pacing_of
from voiceroutine.outline import parts_of, totals_of
from voiceroutine.units import clock_text, duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.outline import Part
    from voiceroutine.routine import Change
    from voiceroutine.timeline import Placed, Timeline

LEAST_WIDTH = 40
MOST_LISTED = 8
FEWEST_ALIKE = 2


def timetable(timeline: Timeline, voice: str, width: int | None, changes: Sequence[Change] = ()) -> Iterator[str]:
    """Yield the lines of a timetable.

    Args:
        timeline: what happens when.
        voice: who speaks, as a text.
        width: after how many columns sentences are wrapped; None leaves each on one line.
        changes: what is otherwise than its author wrote it.
    """
    yield from _totals(timeline, voice)
    yield from (f"  {change.text}" for change in changes)
    for part in parts_of(timeline):
        yield ""
        title = " · ".join(filter(None, (_numbered(part), part.dose)))
        yield from _line(part.chapter.start_ms, "", title, width)
        yield from _rows(part, width)
    yield ""
    yield from _line(timeline.duration_ms, "", "End", width)
    for problem in timeline.problems:
        yield ""
        yield str(problem)


def _totals(timeline: Timeline, voice: str) -> Iterator[str]:
    totals = totals_of(timeline)
    stretches = f"{totals.works:,} stretch{'es' * (totals.works != 1)} of work"
    yield f"{timeline.title}: {clock_text(timeline.duration_ms)}, {stretches}, voice {voice}"
    work_ms, gaps_ms = (part_ms // 1000 * 1000 for part_ms in (totals.work_ms, totals.gaps_ms))
    words_ms = timeline.duration_ms // 1000 * 1000 - work_ms - gaps_ms
    spoken = f"Spoken in all: {clock_text(totals.spoken_ms)}."
    yield f"Work {clock_text(work_ms)}, gaps {clock_text(gaps_ms)}, words alone {clock_text(words_ms)}. {spoken}"


def _numbered(part: Part) -> str:
    """Return what a part is called, with the number that its exercise can be chosen by."""
    number = next((placed.interval.step.number for placed in part.intervals if placed.interval.step), 0)
    return f"{number}. {part.chapter.title}" if number else part.chapter.title


def _rows(part: Part, width: int | None) -> Iterator[str]:
    reps = [_Rep(tuple(group)) for _, group in groupby(part.intervals, key=_rep_of)]
    for _, group in groupby(reps, key=lambda rep: rep.look):
        alike = list(group)
        is_long = len(alike) > FEWEST_ALIKE and bool(alike[0].works)
        for rep in alike[:1] if is_long else alike:
            for placed in rep.intervals:
                yield from _interval(placed, width)
        if is_long:
            yield from _likewise(alike[1:], width)


def _rep_of(placed: Placed) -> tuple[object, ...]:
    """Return what the intervals of one rep have in common: the gap that leads to it, and its work on each side."""
    interval, step = placed.interval, placed.interval.step
    if step is None:
        return (placed.start_ms,)
    return step.where, interval.rounds, interval.set, None if step.is_alternating else interval.side, interval.rep


@dataclass(frozen=True, slots=True)
class _Rep:
    """One rep, or one interval that is of none."""

    intervals: tuple[Placed, ...]

    @property
    def works(self) -> list[Placed]:
        return [placed for placed in self.intervals if placed.interval.exact]

    @property
    def look(self) -> tuple[object, ...]:
        """What two reps have in common that differ in nothing but their count, and the words before the first."""
        prepared = self.intervals[0].interval.kind == "prepare"
        return tuple(_look(placed) for placed in self.intervals[prepared:])


def _look(placed: Placed) -> tuple[object, ...]:
    interval, grown_ms = placed.interval, placed.grown_ms
    lasts_ms = 0 if grown_ms else placed.end_ms - placed.start_ms
    words = tuple(cue.utterance.text for cue in placed.cues if isinstance(cue, Speech) and cue.why != "rep")
    return interval.kind, lasts_ms, grown_ms > 0, interval.side, interval.set, interval.phase_index, words


def _likewise(reps: Sequence[_Rep], width: int | None) -> Iterator[str]:
    works = [rep.works[0] for rep in reps]
    numbers = f"reps {works[0].interval.rep} to {works[-1].interval.rep} likewise"
    grown_ms = [placed.grown_ms for rep in reps for placed in rep.intervals if placed.grown_ms]
    grown = f"up to +{max(grown_ms) / 1000:.1f}s for the words" if grown_ms else ""
    parts = filter(None, (numbers, grown, f"work at {_instants([placed.start_ms for placed in works])}"))
    yield from _line(reps[0].intervals[0].start_ms, "  ", ", ".join(parts), width)


def _instants(starts_ms: Sequence[int]) -> str:
    """Write when something begins: every instant, or their rhythm where there are many and it is even."""
    steps_ms = {later_ms - earlier_ms for earlier_ms, later_ms in pairwise(starts_ms)}
    if len(starts_ms) > MOST_LISTED and len(steps_ms) == 1:
        first, last = clock_text(starts_ms[0]), clock_text(starts_ms[-1])
        return f"{first} and every {duration_text(steps_ms.pop())} until {last}"
    return ", ".join(map(clock_text, starts_ms))


def _interval(placed: Placed, width: int | None) -> Iterator[str]:
    lasts = duration_text(round(placed.end_ms - placed.start_ms, -2))
    grown = f"+{placed.grown_ms / 1000:.1f}s for the words" if placed.grown_ms >= 50 else ""
    about = ", ".join(filter(None, (*_about(placed), grown)))
    yield from _line(placed.start_ms, "  ", f"{placed.interval.kind:<8} {lasts:>6}  {about}".rstrip(), width)
    for cue in placed.cues:
        if isinstance(cue, Speech):
            yield from _line(cue.at_ms, "      ", f'"{cue.utterance.text}"', width)


def _about(placed: Placed) -> Iterator[str]:
    interval, step = placed.interval, placed.interval.step
    if step is None or interval.kind == "prepare":
        return
    if step.sets > 1:
        yield f"set {interval.set} of {step.sets}"
    if step.reps > 1:
        yield f"rep {interval.rep} of {step.reps}"
    if interval.side:
        yield interval.side
    if interval.phase is not None and interval.phase.say:
        yield interval.phase.say
    yield from _breaths(placed)


def _breaths(placed: Placed) -> Iterator[str]:
    """Yield how work is paced, and how much of it isn't."""
    paced = pacing_of(placed.interval)
    if paced is None:
        return
    yield f"{paced.breaths} breath{'s' * (paced.breaths > 1)} of {duration_text(paced.breath.whole_ms)}"
    if paced.unpaced_ms:
        yield f"the last {duration_text(paced.unpaced_ms)} not paced"


def _line(at_ms: int, indent: str, text: str, width: int | None) -> Iterator[str]:
    first = f"{clock_text(at_ms):>7}  {indent}"
    if width is None:
        yield f"{first}{text}"
        return
    hanging = " " * (len(first) + text.startswith('"'))
    yield from wrap(
        text, max(width, LEAST_WIDTH), initial_indent=first, subsequent_indent=hanging, break_on_hyphens=False
    )
