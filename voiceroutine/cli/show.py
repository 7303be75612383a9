"""`voiceroutine show`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from voiceroutine.cli.options import DEFAULT_ROUTINE, listening_options, produced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voiceroutine.cues import Cue
    from voiceroutine.errors import Problem
    from voiceroutine.timeline import Placed, Timeline


@click.command("show")
@click.argument("routine", default=DEFAULT_ROUTINE)
@listening_options
@click.option("--json", "as_json", is_flag=True, help="Print the whole timeline for programs.")
@click.option("--estimate", is_flag=True, help="Estimate how long speech lasts instead of measuring it.")
def command(routine: str, as_json: bool, estimate: bool, **flags: Any) -> None:
    """Show when what happens in ROUTINE, without playing it (a name or a file; neck-cooldown if none is given)."""
    production = produced(routine, **flags)
    timeline = production.estimated_timeline() if estimate else production.timeline()
    voice = "estimated" if estimate else voice_text(production.choice.engine.name, production.routine.voice.name)
    if as_json:
        click.echo(json.dumps(timeline_data(timeline, voice), ensure_ascii=False, indent=1))
    else:
        for line in _timetable(timeline, voice):
            click.echo(line)


def voice_text(engine: str, name: str | None) -> str:
    """Write a voice as the flag --voice takes it."""
    return f"{engine}:{name}" if name else engine


def timeline_data(timeline: Timeline, voice: str) -> dict[str, Any]:
    """Return a timeline as the JSON that tools read."""
    return {
        "format": 1,
        "title": timeline.title,
        "voice": voice,
        "duration_ms": timeline.duration_ms,
        "intervals": [_interval_data(placed) for placed in timeline.intervals],
        "cues": [_cue_data(cue) for cue in timeline.cues],
        "chapters": [
            {"start_ms": chapter.start_ms, "end_ms": chapter.end_ms, "title": chapter.title}
            for chapter in timeline.chapters
        ],
        "problems": [problem_data(problem) for problem in timeline.problems],
    }


def problem_data(problem: Problem) -> dict[str, Any]:
    """Return a problem as the JSON that editors read; lines and columns count from 1, `end_column` is the one after."""
    where = problem.where
    return {
        "severity": problem.severity,
        "where": f"{where.file}:{where.line}:{where.column}",
        "file": where.file,
        "line": where.line or None,
        "column": where.column or None,
        "end_column": where.column + where.width if where.width else None,
        "path": where.path,
        "message": problem.message,
        "hint": problem.hint or None,
    }


def _interval_data(placed: Placed) -> dict[str, Any]:
    interval, step = placed.interval, placed.interval.step
    return {
        "kind": interval.kind,
        "start_ms": placed.start_ms,
        "end_ms": placed.end_ms,
        "grown_ms": placed.grown_ms,
        "step": step.name if step else None,
        "exercise": step.exercise if step else None,
        "side": interval.side if step else None,
        "set": interval.set if step else None,
        "sets": step.sets if step else None,
        "rep": interval.rep if step else None,
        "reps": step.reps if step else None,
        "phase": interval.phase.say if interval.phase else None,
        "source": f"{interval.where.file}:{interval.where.line}" if interval.where.line else interval.where.file,
    }


def _cue_data(cue: Cue) -> dict[str, Any]:
    from voiceroutine.cues import Speech

    instants = {"start_ms": cue.at_ms, "end_ms": cue.end_ms}
    if isinstance(cue, Speech):
        return {"kind": "speech", **instants, "text": cue.utterance.text, "why": cue.why}
    return {"kind": "chime", **instants, "sound": cue.sound, "why": cue.why}


def _timetable(timeline: Timeline, voice: str) -> Iterator[str]:
    from voiceroutine.units import clock_text

    works = sum(placed.interval.exact and placed.interval.phase_index == 1 for placed in timeline.intervals)
    stretches = f"{works} stretch{'es' * (works != 1)} of work"
    yield f"{timeline.title}: {clock_text(timeline.duration_ms)}, {stretches}, voice {voice}"
    for chapter in timeline.chapters:
        yield ""
        yield f"{clock_text(chapter.start_ms):>8}  {chapter.title}"
        for placed in timeline.intervals:
            if chapter.start_ms <= placed.start_ms < chapter.end_ms:
                yield from _rows(placed)
    yield ""
    yield f"{clock_text(timeline.duration_ms):>8}  End"
    for problem in timeline.problems:
        yield ""
        yield str(problem)


def _rows(placed: Placed) -> Iterator[str]:
    from voiceroutine.cues import Speech
    from voiceroutine.units import clock_text, duration_text

    lasts = duration_text(round(placed.end_ms - placed.start_ms, -2))
    grown = f" (+{placed.grown_ms / 1000:.1f}s for the words)" if placed.grown_ms else ""
    start, kind = clock_text(placed.start_ms), placed.interval.kind
    yield f"{start:>8}    {kind:<8} {lasts:>7}  {_label(placed)}{grown}".rstrip()
    for cue in placed.cues:
        if isinstance(cue, Speech):
            yield f'{clock_text(cue.at_ms):>8}        "{cue.utterance.text}"'


def _label(placed: Placed) -> str:
    interval, step = placed.interval, placed.interval.step
    if step is None or interval.kind == "prepare":
        return ""
    parts = [f"set {interval.set} of {step.sets}"] if step.sets > 1 else []
    parts += [f"rep {interval.rep} of {step.reps}"] if step.reps > 1 else []
    parts += [interval.side] if interval.side else []
    parts += [interval.phase.say] if interval.phase and interval.phase.say else []
    return ", ".join(parts)
