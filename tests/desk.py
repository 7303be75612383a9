"""A session in memory: obeys commands and tells what goes on, without a loudspeaker and without time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from timetable import hold, routine_of, timeline_of

from voiceroutine.routine import Rest
from voiceroutine.status import Status, status_of
from voiceroutine.timeline import Placed
from voiceroutine.unroll import Interval

TITLE = "Evening"


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    voice_db: float = 0.0
    chimes_db: float = 0.0
    is_muted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    placed: tuple[Placed, ...]
    is_complete: bool = True

    @property
    def total_ms(self) -> int:
        return self.placed[-1].end_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    score: Score | None
    state: str = "playing"
    position_ms: int = 0
    levels: Levels = field(default_factory=Levels)

    @property
    def index(self) -> int:
        placed = self.score.placed if self.score else ()
        return max(0, sum(one.start_ms <= self.position_ms for one in placed) - 1)


def evening() -> Score:
    neck = hold(30_000, name="Neck tilt", sides=("left", "right"), sets=2)
    rest = Rest(where=neck.where, rest_ms=20_000, cues=routine_of(neck).cues)
    return Score(placed=timeline_of(routine_of(neck, rest, title=TITLE)).intervals)


class Desk:
    """Obeys as a player does, as far as it can be seen from outside."""

    def __init__(self) -> None:
        self.obeyed: list[str] = []
        self.moment = Moment(score=evening())

    def at(self, kind: str, side: str | None = None, after_ms: int = 0) -> None:
        """Go to an instant after the first interval of a kind, and of a side, begins."""
        assert self.moment.score is not None
        found = next(one for one in self.moment.score.placed if matches(one.interval, kind, side))
        self.moment = replace(self.moment, position_ms=found.start_ms + after_ms)

    def send(self, command: Any) -> None:
        self.obeyed.append(command)
        was = self.moment.state
        states = {"pause": "paused", "resume": "playing", "quit": "stopped"}
        states["toggle"] = "playing" if was == "paused" else "paused"
        moved_ms = {"forward": 5_000, "back": -5_000}.get(command, 0)
        position_ms = self.moment.position_ms + moved_ms
        self.moment = replace(self.moment, state=states.get(command, was), position_ms=position_ms)
        levels = self.moment.levels
        changed_db = {"voice-up": 3.0, "voice-down": -3.0}.get(command, 0.0)
        self.moment = replace(self.moment, levels=replace(levels, voice_db=levels.voice_db + changed_db))

    def describe(self) -> Status:
        return status_of(TITLE, self.moment)


def matches(interval: Interval, kind: str, side: str | None) -> bool:
    return interval.kind == kind and side in (None, interval.side)
