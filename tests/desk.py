"""A session in memory: obeys commands and tells what goes on, without a loudspeaker and without time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from timetable import hold, routine_of, timeline_of

from voiceroutine.player import Snapshot
from voiceroutine.production import Production
from voiceroutine.routine import Rest
from voiceroutine.score import Score
from voiceroutine.status import Status, status_of
from voiceroutine.transport import SEEK_MS

if TYPE_CHECKING:
    from voiceroutine.player import Command, State
    from voiceroutine.unroll import Interval

TITLE = "Evening"


def evening() -> Score:
    neck = hold(30_000, name="Neck tilt", sides=("left", "right"), sets=2)
    rest = Rest(where=neck.where, rest_ms=20_000, cues=routine_of(neck).cues)
    routine = routine_of(neck, rest, title=TITLE)
    score = Score([replace(one, cues=()) for one in timeline_of(routine).intervals], Production(routine).mix())
    score.wait()
    return score


class Desk:
    """Obeys as a player does, as far as it can be seen from outside."""

    def __init__(self) -> None:
        self.obeyed: list[str] = []
        self.score = evening()
        self.moment = Snapshot(state="playing", position_ms=0, index=0, score=self.score)

    def at(self, kind: str, side: str | None = None, after_ms: int = 0) -> None:
        """Go to an instant after the first interval of a kind, and of a side, begins."""
        found = next(one for one in self.score.placed if matches(one.interval, kind, side))
        self.go_to(found.start_ms + after_ms)

    def go_to(self, position_ms: int) -> None:
        index = self.score.index_at(position_ms)
        self.moment = replace(self.moment, position_ms=position_ms, index=index)

    def be(self, state: State) -> None:
        self.moment = replace(self.moment, state=state)

    def send(self, command: Command) -> None:
        self.obeyed.append(command)
        levels = self.moment.levels
        if command in {"pause", "resume", "toggle"}:
            is_paused = self.moment.state == "paused"
            self.be("paused" if command == "pause" or (command == "toggle" and not is_paused) else "playing")
        elif command == "quit":
            self.be("stopped")
        elif command in {"forward", "back"}:
            self.go_to(self.moment.position_ms + (SEEK_MS if command == "forward" else -SEEK_MS))
        elif command in {"voice-up", "voice-down"}:
            voice_db = levels.voice_db + (3.0 if command == "voice-up" else -3.0)
            self.moment = replace(self.moment, levels=replace(levels, voice_db=voice_db))

    def describe(self) -> Status:
        return status_of(TITLE, self.moment)


def matches(interval: Interval, kind: str, side: str | None) -> bool:
    return interval.kind == kind and side in (None, interval.side)
