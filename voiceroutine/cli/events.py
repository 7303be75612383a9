"""What happened between two looks at a session, for whoever tells it line by line."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voiceroutine.cues import Cue
    from voiceroutine.levels import Levels
    from voiceroutine.player import Snapshot, State
    from voiceroutine.score import Score
    from voiceroutine.timeline import Placed

BACK_MS = 500
AHEAD_MS = 1_000
JUST_NOW_MS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged:
    """The session does something else now."""

    before: State | None
    state: State
    position_ms: int
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """An interval is heard from now on."""

    index: int
    placed: Placed

    @property
    def position_ms(self) -> int:
        """The instant at which it begins."""
        return self.placed.start_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class CueHeard:
    """Words or a chime began."""

    cue: Cue

    @property
    def position_ms(self) -> int:
        """The instant at which they begin."""
        return self.cue.at_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The listener went elsewhere; `is_inside` if that is in the same interval."""

    from_ms: int
    position_ms: int
    is_inside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengthened:
    """The listener gave an interval more time."""

    index: int
    placed: Placed
    by_ms: int
    position_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelsChanged:
    """The listener wants words or chimes softer, louder or silent."""

    before: Levels
    levels: Levels
    position_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokeOff:
    """Sound broke off, so many times in all."""

    breaks: int
    position_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthKnown:
    """How long the session lasts is exactly known now, or is different now."""

    duration_ms: int
    position_ms: int


Event = StateChanged | Began | CueHeard | Moved | Lengthened | LevelsChanged | BrokeOff | LengthKnown


def is_leading_in(snapshot: Snapshot) -> bool:
    """Whether nothing of the routine has sounded yet."""
    is_waiting = snapshot.state == "waiting" and snapshot.position_ms == 0
    return snapshot.state == "lead-in" or is_waiting or snapshot.position_ms < 0 or not _score_of(snapshot)


def _score_of(snapshot: Snapshot) -> Score | None:
    return snapshot.score if snapshot.score is not None and snapshot.score.placed else None


class Follower:
    """Tells what happened since the last look.

    Args:
        clock_s: by which one tells that time passed from a jump ahead.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._looked_s = clock_s()
        self._before: Snapshot | None = None
        self._duration_ms = -1

    def events(self, now: Snapshot) -> list[Event]:
        """Return what happened, in order."""
        before, self._before = self._before, now
        looked_s, self._looked_s = self._looked_s, self._clock_s()
        elapsed_ms = round((self._looked_s - looked_s) * 1000)
        events = [*_changes(before, now), *self._length(now)]
        score = _score_of(now)
        if score is not None and not is_leading_in(now):
            events += _progress(before, now, score, elapsed_ms)
        return events

    def _length(self, now: Snapshot) -> Iterator[Event]:
        if now.score is not None and now.score.is_complete and now.score.total_ms != self._duration_ms:
            self._duration_ms = now.score.total_ms
            yield LengthKnown(duration_ms=self._duration_ms, position_ms=now.position_ms)


def _changes(before: Snapshot | None, now: Snapshot) -> Iterator[Event]:
    if now.breaks > (before.breaks if before else 0):
        yield BrokeOff(breaks=now.breaks, position_ms=now.position_ms)
    if before is None or (before.state, before.trouble) != (now.state, now.trouble):
        yield StateChanged(
            before=before.state if before else None,
            state=now.state,
            position_ms=now.position_ms,
            trouble=now.trouble,
        )
    if before is not None and before.levels != now.levels:
        yield LevelsChanged(before=before.levels, levels=now.levels, position_ms=now.position_ms)


def _progress(before: Snapshot | None, now: Snapshot, score: Score, elapsed_ms: int) -> Iterator[Event]:
    known_index, known_ms = (before.index, before.position_ms) if before and not is_leading_in(before) else (-1, -1)
    if before is not None:
        yield from _lengthening(before, now, score)
    if -BACK_MS <= now.position_ms - known_ms <= elapsed_ms + AHEAD_MS:
        yield from _onwards(known_index, known_ms, now, score)
        return
    is_inside = now.index == known_index
    if known_index >= 0:
        yield Moved(from_ms=known_ms, position_ms=now.position_ms, is_inside=is_inside)
    if not is_inside or now.position_ms - score.placed[now.index].start_ms <= AHEAD_MS:
        yield from _onwards(now.index - 1, now.position_ms - JUST_NOW_MS, now, score)


def _onwards(known_index: int, known_ms: int, now: Snapshot, score: Score) -> Iterator[Event]:
    """Yield what began after an interval and an instant that are known."""
    for index in range(max(0, known_index), now.index + 1):
        placed = score.placed[index]
        if index > known_index:
            yield Began(index=index, placed=placed)
        yield from _heard(placed, known_ms, now.position_ms)


def _heard(placed: Placed, after_ms: int, until_ms: int) -> Iterator[Event]:
    yield from (CueHeard(cue=cue) for cue in placed.cues if after_ms < cue.at_ms <= until_ms)


def _lengthening(before: Snapshot, now: Snapshot, score: Score) -> Iterator[Event]:
    old, index = _score_of(before), before.index
    if old is None or old is score or index >= min(len(old.placed), len(score.placed)):
        return
    placed = score.placed[index]
    by_ms = placed.end_ms - placed.start_ms - (old.placed[index].end_ms - old.placed[index].start_ms)
    if by_ms:
        yield Lengthened(index=index, placed=placed, by_ms=by_ms, position_ms=now.position_ms)
