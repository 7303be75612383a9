"""Small routines for tests, and timelines as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from strategies import SOUND_LENGTHS_MS

from voiceroutine.cues import Cue, Speech, Utterance
from voiceroutine.errors import Location
from voiceroutine.routine import CueSettings, Exercise, Phase, Routine, Step
from voiceroutine.timeline import Timeline, compile_timeline
from voiceroutine.unroll import Interval, unroll

WHERE = Location(file="small.toml", line=1, column=1)


def hold(hold_ms: int = 5_000, **changes: Any) -> Exercise:
    """Return a hold with gaps of its own: prepare 10 s, relax 2 s, switch 4 s, rest 6 s."""
    written: dict[str, Any] = {"name": "Fold", "action": "hold", "phases": (Phase(lasts_ms=hold_ms),)}
    gaps = {"prepare_ms": 10_000, "relax_ms": 2_000, "switch_ms": 4_000, "rest_ms": 6_000}
    return Exercise(**{"where": WHERE, **gaps, **written, **changes})


def in_phases(*phases: tuple[str | None, int], **changes: Any) -> Exercise:
    """Return an exercise of named phases, without a gap between its reps."""
    parts = tuple(Phase(say=say, lasts_ms=lasts_ms) for say, lasts_ms in phases)
    return hold(action="phases", phases=parts, **{"name": "Roll", "relax_ms": 0, **changes})


def routine_of(*steps: Step, title: str = "Small", **cues: Any) -> Routine:
    """Return a routine whose listener knows the safety rule."""
    settings = CueSettings(**{"safety": False, **cues})
    return Routine(title=title, summary=None, where=WHERE, steps=steps, cues=settings)


def timeline_of(routine: Routine, **lasts_ms: int) -> Timeline:
    """Compile; a sentence lasts a second, except those whose first word is given."""

    def measure(utterance: Utterance) -> int:
        first_word = utterance.text.split()[0].strip(".,:").lower()
        return lasts_ms.get(first_word, 1_000) * 150 // utterance.voice.rate_wpm

    return compile_timeline(routine, unroll(routine), measure, SOUND_LENGTHS_MS.__getitem__)


def table(timeline: Timeline) -> list[str]:
    """Write a timeline: a line for each interval, and below it those of its cues."""
    return [" ".join(line.split()) for line in lines(timeline)]


def lines(timeline: Timeline) -> Iterator[str]:
    for placed in timeline.intervals:
        grown = f" +{placed.grown_ms}" if placed.grown_ms else ""
        yield f"{placed.start_ms:>8} {placed.end_ms:>8}  {placed.interval.kind}{of_what(placed.interval)}{grown}"
        yield from (f"{cue.at_ms:>8} {cue.end_ms:>8}      {cue.why:<12} {sounding(cue)}" for cue in placed.cues)


def of_what(interval: Interval) -> str:
    if interval.step is None:
        return ""
    phase = f", phase {interval.phase_index}" if len(interval.step.phases) > 1 and interval.exact else ""
    side = f" {interval.side}" if interval.side else ""
    return f" {interval.step.name}{side}, set {interval.set}, rep {interval.rep}{phase}"


def sounding(cue: Cue) -> str:
    if isinstance(cue, Speech):
        faster = "" if cue.utterance.voice.rate_wpm == 150 else f" ({cue.utterance.voice.rate_wpm} wpm)"
        return f'"{cue.utterance.text}"{faster}'
    return f"({cue.sound})"


def said(timeline: Timeline, kind: str | None = None) -> list[tuple[str, str]]:
    """Return (why, text) of everything said, of one kind of interval if that is given."""
    cues = (cue for placed in timeline.intervals if kind in {None, placed.interval.kind} for cue in placed.cues)
    return [(cue.why, cue.utterance.text) for cue in cues if isinstance(cue, Speech)]
