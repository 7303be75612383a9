"""Where a listener's wishes lead in a timeline. Pure: a session asks, and goes there."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from voiceroutine.cues import Speech

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voiceroutine.timeline import Placed
    from voiceroutine.unroll import Interval

RESTART_WITHIN_MS = 3_000
SEEK_MS = 5_000
_STOPS = {"intro", "prepare", "closing"}
_NEVER_LONGER = {"intro", "closing"}


def index_at(placed: Sequence[Placed], instant_ms: int) -> int:
    """Return the index of the interval that sounds at an instant, the last one after the end."""
    return max(0, bisect_right(placed, instant_ms, key=lambda one: one.start_ms) - 1)


def next_ms(placed: Sequence[Placed], now_ms: int) -> int | None:
    """Return where the next exercise or the closing begins, if that is known."""
    return next((start_ms for start_ms in _stops(placed) if start_ms > now_ms), None)


def previous_ms(placed: Sequence[Placed], now_ms: int) -> int:
    """Return where this exercise began or, within its first three seconds, the one before."""
    before = [start_ms for start_ms in _stops(placed) if start_ms <= now_ms]
    is_fresh = now_ms - before[-1] < RESTART_WITHIN_MS
    return before[-2] if is_fresh and len(before) > 1 else before[-1]


def announced_index(intervals: Sequence[Interval], index: int) -> int:
    """Return which interval announces the side of one, or the one itself where nothing does."""
    while index > 0 and intervals[index].kind in {"work", "relax"}:
        index -= 1
    return index


def announced_ms(placed: Sequence[Placed], index: int) -> int:
    """Return where the side of an interval was announced, or where this rest or sentence begins."""
    return placed[announced_index([one.interval for one in placed], index)].start_ms


def resumed_ms(placed: Sequence[Placed], now_ms: int) -> int:
    """Return where to go on after a pause: inside work right there, else with the sentence that was interrupted."""
    here = placed[index_at(placed, now_ms)]
    if here.interval.exact:
        return now_ms
    said = (cue.at_ms for cue in here.cues if isinstance(cue, Speech) and cue.at_ms <= now_ms < cue.end_ms)
    return next(said, now_ms)


def longer_ms(one: Placed, by_ms: int) -> int | None:
    """Return the least length that makes an interval so much longer, or None where no more time can be given.

    That is so in phases, which follow each other without a gap, and at both ends of a session.
    """
    interval = one.interval
    is_phase = interval.exact and interval.step is not None and interval.step.action == "phases"
    if is_phase or interval.kind in _NEVER_LONGER:
        return None
    written_ms = interval.minimum_ms if interval.kind == "say" else one.end_ms - one.start_ms
    return written_ms + by_ms


def _stops(placed: Sequence[Placed]) -> list[int]:
    return [one.start_ms for one in placed if one.interval.kind in _STOPS]
