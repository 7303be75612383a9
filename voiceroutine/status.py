"""What goes on in a session, as one value: for another terminal, a desktop, a program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voiceroutine.units import clock_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from voiceroutine.player import Snapshot
    from voiceroutine.timeline import Placed

    Describe = Callable[[], "Status"]

BESIDE_EXERCISES = {
    "intro": "Welcome",
    "rest": "Rest",
    "say": "Listen",
    "wait": "Your turn",
    "closing": "Closing",
}
GAPS = {"prepare": "get ready", "relax": "let go", "switch": "change sides", "rest": "rest"}
STANDSTILLS = frozenset({"paused", "your turn"})
ENDS = frozenset({"done", "stopped", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What goes on at a moment; what doesn't apply is None. The names are those of `show --json`.

    Attributes:
        state: of the session, like "playing" or "paused".
        title: of the routine.
        kind: of the interval, like "work" or "rest".
        step: the exercise's name.
        side: as it is said.
        set: from 1.
        sets: how many there are.
        rep: from 1.
        reps: how many there are.
        position_ms: from the start of the routine; negative in the lead-in.
        total_ms: how long the routine lasts.
        total_is_exact: whether it is known to the millisecond yet.
        left_ms: of the interval.
        voice_db: level of the voice, against what the routine asks for.
        chimes_db: level of the chimes.
        is_muted: whether the voice is silent.
    """

    state: str
    title: str
    kind: str | None = None
    step: str | None = None
    side: str | None = None
    set: int | None = None
    sets: int | None = None
    rep: int | None = None
    reps: int | None = None
    position_ms: int
    total_ms: int = 0
    total_is_exact: bool = False
    left_ms: int | None = None
    voice_db: float = 0.0
    chimes_db: float = 0.0
    is_muted: bool = False

    @property
    def name(self) -> str:
        """What goes on, in a few words: "Neck tilt, right"."""
        what = self.step or BESIDE_EXERCISES.get(self.kind or "", "Starting")
        return f"{what}, {self.side}" if self.side else what


def status_of(title: str, heard: Snapshot) -> Status:
    """Return what goes on in a session of a routine."""
    score, levels = heard.score, heard.levels
    common = Status(
        state=heard.state,
        title=title,
        position_ms=heard.position_ms,
        total_ms=score.total_ms if score is not None else 0,
        total_is_exact=score is not None and score.is_complete,
        voice_db=levels.voice_db,
        chimes_db=levels.chimes_db,
        is_muted=levels.is_muted,
    )
    if score is None or not score.placed or heard.position_ms < 0:
        return common
    return _within(score.placed[min(heard.index, len(score.placed) - 1)], common)


def _within(placed: Placed, common: Status) -> Status:
    interval, step = placed.interval, placed.interval.step
    left_ms = max(0, placed.end_ms - max(placed.start_ms, common.position_ms))
    here = replace(common, kind=interval.kind, left_ms=left_ms)
    if step is None:
        return here
    return replace(
        here,
        step=step.name,
        side=interval.side,
        set=interval.set,
        sets=step.sets,
        rep=interval.rep,
        reps=step.reps,
    )


def in_words(status: Status) -> str:
    """Write a status in three short lines, for people."""
    return "\n".join(filter(None, (_where(status), _what(status), _loudness(status))))


def _where(status: Status) -> str:
    about = "" if status.total_is_exact else "about "
    total = f" of {about}{clock_text(status.total_ms)}" if status.total_ms else ""
    return f"{status.title}: {status.state}, {clock_text(max(0, status.position_ms))}{total}"


def _what(status: Status) -> str:
    if status.left_ms is None:
        left_s = -(-max(0, -status.position_ms) // 1000)
        return f"starts in {left_s} s" if left_s else ""
    parts = [status.name]
    parts += [f"rep {status.rep} of {status.reps}"] if (status.reps or 0) > 1 else []
    parts += [f"set {status.set} of {status.sets}"] if (status.sets or 0) > 1 else []
    parts += [GAPS[status.kind]] if status.step and status.kind in GAPS else []
    return f"{', '.join(parts)}: {-(-status.left_ms // 1000)} s left"


def _loudness(status: Status) -> str:
    voice = "the voice is muted" if status.is_muted else _level("voice", status.voice_db)
    return ", ".join(filter(None, (voice, _level("chimes", status.chimes_db))))


def _level(what: str, level_db: float) -> str:
    return f"{what} {level_db:+g} dB" if level_db else ""
