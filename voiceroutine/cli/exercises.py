"""`voiceroutine exercises`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voiceroutine.routine import Exercise


@click.command("exercises")
@click.argument("exercise", required=False)
def command(exercise: str | None) -> None:
    """List the exercises that there are, or show EXERCISE in full."""
    from voiceroutine.cues import dose_text
    from voiceroutine.library import default_library

    library = default_library()
    if exercise is not None:
        for line in _in_full(_alone(exercise)):
            click.echo(line)
        return
    for name in library.exercises():
        alone = _alone(name)
        click.echo(f"{name:<24} {alone.name:<24} {dose_text(alone)}")


def _alone(name: str) -> Exercise:
    from voiceroutine.document import parse_document
    from voiceroutine.library import default_library
    from voiceroutine.routine import load_routine

    text = f'title = "One exercise"\n[[steps]]\nexercise = "{name}"\n'
    routine = load_routine(parse_document(text, "exercises"), default_library().exercises())
    return next(routine.exercises())


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
