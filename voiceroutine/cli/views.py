"""What there is to see of a session at a moment, as text: nothing here knows a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voiceroutine.cues import Speech
from voiceroutine.units import clock_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voiceroutine.levels import Levels
    from voiceroutine.player import Snapshot
    from voiceroutine.score import Score
    from voiceroutine.timeline import Placed

COUNTED_AS_CLOCK_S = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a listener may want to see, as text.

    Attributes:
        name: of the exercise, or what goes on.
        detail: side, set and rep.
        count: what is left of this interval: seconds, or minutes and seconds.
        widest_count: what the count was at most in this interval.
        share: how much of this interval is over, 0 to 1.
        next: what follows.
        words: what is being said.
        session: how far the whole is.
        session_share: the same, 0 to 1.
    """

    name: str
    detail: str
    count: str
    widest_count: str
    share: float
    next: str
    words: str
    session: str
    session_share: float


KIND_NAMES = {
    "intro": "Welcome",
    "prepare": "Get ready",
    "relax": "Let go",
    "switch": "Change sides",
    "rest": "Rest",
    "say": "Listen",
    "wait": "Your turn",
    "closing": "Done",
}


STANDSTILLS: Mapping[str, str] = {
    "paused": "paused",
    "counting in": "goes on in a moment",
    "waiting": "waits for the voice",
    "your turn": "your turn: press space to go on",
    "recovering": "no sound device; trying again",
}


def view_of(snapshot: Snapshot, score: Score) -> View:
    """Return what there is to see at a moment of a session that has begun."""
    placed = score.placed[snapshot.index]
    now_ms = max(0, snapshot.position_ms)
    start_ms, end_ms = _bounds(score.placed, snapshot.index)
    left_ms = max(0, end_ms - now_ms)
    about = "" if score.is_complete else "about "
    return View(
        name=placed.interval.step.name if placed.interval.step else KIND_NAMES.get(placed.interval.kind, ""),
        detail=detail_text(placed),
        count=_count_text(left_ms),
        widest_count=_count_text(end_ms - start_ms),
        share=min(1.0, (now_ms - start_ms) / max(1, end_ms - start_ms)),
        next=_next_text(score.placed, snapshot.index),
        words=_words_at(placed, now_ms),
        session=f"{clock_text(now_ms)} of {about}{clock_text(score.total_ms)}",
        session_share=min(1.0, now_ms / max(1, score.total_ms)),
    )


def _count_text(left_ms: int) -> str:
    left_s = -(-left_ms // 1000)
    return f"{left_s}" if left_s < COUNTED_AS_CLOCK_S else clock_text(left_s * 1000)


def levels_text(levels: Levels) -> str:
    """Write how loud voice and chimes are, where that isn't as usual: "voice off, chimes -3 dB"."""
    voice = "off" if levels.is_muted else _decibels(levels.voice_db)
    chimes = _decibels(levels.chimes_db)
    return ", ".join([f"voice {voice}"] * bool(voice) + [f"chimes {chimes}"] * bool(chimes))


def _decibels(level_db: float) -> str:
    return f"{level_db:+g} dB" if level_db else ""


def detail_text(placed: Placed) -> str:
    """Write what goes on: "hold · right side · rep 2 of 5"."""
    interval, step = placed.interval, placed.interval.step
    if step is None:
        return ""
    doing = step.action if placed.interval.exact else KIND_NAMES[interval.kind].lower()
    parts = [interval.phase.say.rstrip(".").lower() if interval.phase and interval.phase.say else doing]
    parts += [interval.side] if interval.side else []
    parts += [f"rep {interval.rep} of {step.reps}"] if step.reps > 1 else []
    parts += [f"set {interval.set} of {step.sets}"] if step.sets > 1 else []
    parts += [f"round {'.'.join(map(str, interval.rounds))}"] if interval.rounds else []
    return " · ".join(parts)


def _bounds(placed: Sequence[Placed], index: int) -> tuple[int, int]:
    """Return start and end of what is counted: all phases of a rep, or one interval."""
    first = last = index
    while first > 0 and placed[first - 1].interval.same_rep(placed[first].interval):
        first -= 1
    while last + 1 < len(placed) and placed[last].interval.same_rep(placed[last + 1].interval):
        last += 1
    return placed[first].start_ms, placed[last].end_ms


def _next_text(placed: Sequence[Placed], index: int) -> str:
    here = placed[index].interval
    if here.kind == "intro" or not here.exact:
        following = next((one for one in placed[index + 1 :] if one.interval.exact), None)
        if following is not None and following.interval.step is not None and here.step is None:
            return following.interval.step.name
    after = next((one.interval for one in placed[index + 1 :] if one.interval.kind != "work"), None)
    if here.exact and after is not None and after.step is here.step and after.kind != "prepare":
        return {"switch": f"{after.side}", "relax": f"rep {after.rep}", "rest": f"set {after.set}"}[after.kind]
    return here.next_step.name if here.next_step else ""


def _words_at(placed: Placed, now_ms: int) -> str:
    said = [cue for cue in placed.cues if isinstance(cue, Speech) and cue.at_ms <= now_ms]
    return said[-1].utterance.text if said else ""


def bar(share: float, cells: int) -> str:
    """Draw a bar that doesn't need color."""
    full = round(max(0.0, min(1.0, share)) * max(1, cells))
    return "━" * full + "·" * (max(1, cells) - full)


_DIGITS = {
    "0": ("███", "█ █", "█ █", "█ █", "███"),
    "1": ("  █", "  █", "  █", "  █", "  █"),
    "2": ("███", "  █", "███", "█  ", "███"),
    "3": ("███", "  █", "███", "  █", "███"),
    "4": ("█ █", "█ █", "███", "  █", "  █"),
    "5": ("███", "█  ", "███", "  █", "███"),
    "6": ("███", "█  ", "███", "█ █", "███"),
    "7": ("███", "  █", "  █", "  █", "  █"),
    "8": ("███", "█ █", "███", "█ █", "███"),
    "9": ("███", "█ █", "███", "  █", "███"),
    ":": (" ", "█", " ", "█", " "),
}
DIGIT_ROWS = 5


def large(count: str, scale: int = 1) -> list[str]:
    """Draw digits five rows tall, or some times that, to be read from the floor; cells are twice as wide as dots."""
    rows = [" ".join(_DIGITS[digit][row] for digit in count) for row in range(DIGIT_ROWS)]
    return ["".join(cell * 2 * scale for cell in row) for row in rows for _ in range(scale)]
