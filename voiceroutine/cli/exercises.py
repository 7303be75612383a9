"""`voiceroutine exercises`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voiceroutine.model import ExerciseEntry
    from voiceroutine.routine import Exercise


@click.command("exercises")
@click.argument("exercise", required=False)
def command(exercise: str | None) -> None:
    """List the exercises that there are, or show EXERCISE in full."""
    from voiceroutine.library import default_library
    from voiceroutine.routine import library_exercise

    library = default_library().exercises()
    lines = _list(library) if exercise is None else _in_full(library_exercise(exercise, library))
    for line in lines:
        click.echo(line)


def _list(library: Mapping[str, Sequence[ExerciseEntry]]) -> Iterator[str]:
    from voiceroutine.cues import dose_text
    from voiceroutine.errors import RoutineError
    from voiceroutine.routine import library_exercise

    for name in library:
        try:
            exercise = library_exercise(name, library)
        except RoutineError as error:
            yield f"{name:<24} {error.problems[0].message}"
        else:
            yield f"{name:<24} {exercise.name:<24} {dose_text(exercise)}"


def _in_full(exercise: Exercise) -> Iterator[str]:
    from voiceroutine.cues import dose_text
    from voiceroutine.units import duration_text

    yield f"{exercise.name} ({exercise.exercise})"
    yield ""
    rows = {
        "How": exercise.instruction,
        "Short": exercise.cue,
        "Dose": dose_text(exercise),
        "Prepare": duration_text(exercise.prepare_ms),
        "Care": exercise.caution,
        "Needs": ", ".join(exercise.needs),
        "Muscles": ", ".join(exercise.muscles),
        "Source": exercise.source,
    }
    for label, text in rows.items():
        if text:
            yield f"{label + ':':<9} {text}"
