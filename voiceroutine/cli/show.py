"""`voiceroutine show`."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceroutine.cli.options import DEFAULT_ROUTINE, listening_options, produced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voiceroutine.cues import Cue
    from voiceroutine.errors import Problem
    from voiceroutine.production import Production
    from voiceroutine.routine import Change
    from voiceroutine.timeline import Placed, Timeline


@click.command("show")
@click.argument("routine", default=DEFAULT_ROUTINE)
@listening_options
@click.option("--json", "as_json", is_flag=True, help="Print the whole timeline for programs.")
@click.option(
    "--plot", type=click.Path(path_type=Path), metavar="FILE", callback=lambda _context, _option, path: _picture(path),
    help="Draw the session into FILE, a .svg or .png picture, instead. Replaced if it is there.",
)  # fmt: skip
@click.option("--estimate", is_flag=True, help="Estimate how long speech lasts instead of measuring it.")
def command(routine: str, as_json: bool, plot: Path | None, estimate: bool, **flags: Any) -> None:
    """Show when what happens in ROUTINE, without playing it (a name or a file; neck-cooldown if none is given)."""
    if as_json and plot:
        raise click.UsageError("--json prints and --plot draws; give one of them.")
    if plot:
        from voiceroutine.pictures import check_path

        check_path(plot)
    production = produced(routine, is_estimated=estimate, **flags)
    timeline = production.estimated_timeline() if estimate else production.timeline()
    voice = "estimated" if estimate else voice_text(production)
    if as_json:
        data = timeline_data(timeline, voice, production.routine.changes)
        click.echo(json.dumps(data, ensure_ascii=False, indent=1))
    elif plot:
        _draw(timeline, voice, plot)
    else:
        _print(timeline, voice, production.routine.changes)


def _picture(path: Path | None) -> Path | None:
    from voiceroutine.pictures import SUFFIXES

    if path is not None and path.suffix.lower() not in SUFFIXES:
        raise click.BadParameter(f"{path}: the name must end in {' or '.join(SUFFIXES)}.")
    return path


def _draw(timeline: Timeline, voice: str, path: Path) -> None:
    from voiceroutine.pictures import write_picture
    from voiceroutine.pictures.session import session_picture
    from voiceroutine.units import clock_text

    write_picture(session_picture(timeline, voice), path)
    click.echo(f"{path}: {timeline.title}, {clock_text(timeline.duration_ms)}")


def _print(timeline: Timeline, voice: str, changes: Sequence[Change]) -> None:
    from voiceroutine.cli.timetable import timetable

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in timetable(timeline, voice, width, changes):
        click.echo(line)


def voice_text(production: Production) -> str:
    """Write the voice that speaks as the flag --voice takes it."""
    choice, name = production.choice, production.routine.voice.name
    return f"{choice.engine.name}:{name}" if name and not choice.is_stand_in else choice.engine.name


def timeline_data(timeline: Timeline, voice: str, changes: Sequence[Change] = ()) -> dict[str, Any]:
    """Return a timeline as the JSON that tools read, with what is otherwise than written."""
    return {
        "format": 1,
        "title": timeline.title,
        "voice": voice,
        "duration_ms": timeline.duration_ms,
        "changes": [change_data(change) for change in changes],
        "intervals": [interval_data(placed) for placed in timeline.intervals],
        "cues": [cue_data(cue) for cue in timeline.cues],
        "chapters": [
            {"start_ms": chapter.start_ms, "end_ms": chapter.end_ms, "title": chapter.title}
            for chapter in timeline.chapters
        ],
        "problems": [problem_data(problem) for problem in timeline.problems],
    }


def change_data(change: Change) -> dict[str, Any]:
    """Return a change as JSON; `from` and `to` are numbers of sets or rounds, or a hold in milliseconds."""
    return {
        "what": change.what, "step": change.step, "from": change.before, "to": change.after, "text": change.text
    }  # fmt: skip


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


def interval_data(placed: Placed) -> dict[str, Any]:
    """Return an interval at its instants, and what it is of."""
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
        "breath": _breath_data(placed),
        "source": f"{interval.where.file}:{interval.where.line}" if interval.where.line else interval.where.file,
    }


def _breath_data(placed: Placed) -> dict[str, int] | None:
    from voiceroutine.cues import pacing_of

    paced = pacing_of(placed.interval)
    if paced is None:
        return None
    breath = paced.breath
    lengths = {"in_ms": breath.in_ms, "out_ms": breath.out_ms}
    return {**lengths, "breaths": paced.breaths, "unpaced_ms": paced.unpaced_ms}


def cue_data(cue: Cue) -> dict[str, Any]:
    """Return words or a chime at their instants."""
    from voiceroutine.cues import Speech

    instants = {"start_ms": cue.at_ms, "end_ms": cue.end_ms}
    if isinstance(cue, Speech):
        return {"kind": "speech", **instants, "text": cue.utterance.text, "why": cue.why}
    return {"kind": "chime", **instants, "sound": cue.sound, "why": cue.why}
