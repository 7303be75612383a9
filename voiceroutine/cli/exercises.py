"""`voiceroutine exercises`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from voiceroutine.cli.options import Language

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.library import Library
    from voiceroutine.model import Entries
    from voiceroutine.routine import Exercise

COLUMNS = 100


@click.command("exercises")
@click.argument("exercise", required=False)
@click.option("--language", type=Language(), metavar="TAG", help='In which language, like "de".', default="en")
def command(exercise: str | None, language: str) -> None:
    """List the exercises that there are, or show EXERCISE in full."""
    from voiceroutine.library import default_library
    from voiceroutine.loading import library_exercise

    library = default_library()
    entries = library.exercises(language)
    if exercise is None:
        lines = _list(entries, language)
    else:
        lines = _in_full(library_exercise(exercise, entries, language), library, entries)
    for line in lines:
        click.echo(line)


def _list(entries: Entries, language: str) -> Iterator[str]:
    """Yield a line for each exercise, grouped by what has to be at hand."""
    from voiceroutine.errors import RoutineError
    from voiceroutine.loading import library_exercise

    groups: dict[tuple[str, ...], list[Exercise]] = {(): []}
    problems = []
    for name in entries:
        try:
            exercise = library_exercise(name, entries, language)
        except RoutineError as error:
            problems.append(error.problems[0].message)
        else:
            groups.setdefault(exercise.needs, []).append(exercise)
    listed = [exercise for exercises in groups.values() for exercise in exercises]
    widths = max(map(len, entries)), max((len(exercise.name) for exercise in listed), default=0)
    for needs, exercises in groups.items():
        yield f"With {', '.join(needs)}:" if needs else "Anywhere:"
        yield from _rows(exercises, *widths)
        yield ""
    yield from (f"Not usable: {problem}" for problem in problems)
    yield '"voiceroutine exercises ID" shows one in full.'


def _rows(exercises: Sequence[Exercise], id_width: int, name_width: int) -> Iterator[str]:
    from voiceroutine.cues import dose_text

    for exercise in exercises:
        yield f"  {exercise.exercise:<{id_width}}  {exercise.name:<{name_width}}  {dose_text(exercise)}"


def _in_full(exercise: Exercise, library: Library, entries: Entries) -> Iterator[str]:
    import textwrap

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
        "Used in": ", ".join(_users(exercise, library, entries)),
    }
    for label, text in rows.items():
        if text:
            yield from textwrap.wrap(f"{label + ':':<9} {text}", COLUMNS, subsequent_indent=" " * 10)


def _users(exercise: Exercise, library: Library, entries: Entries) -> Iterator[str]:
    """Yield the names of the routines that use an exercise; those that are wrong are passed over."""
    from voiceroutine.document import read_document, shown
    from voiceroutine.errors import RoutineError
    from voiceroutine.loading import load_routine

    for name, file in library.routine_files().items():
        try:
            routine = load_routine(read_document(file), entries)
        except RoutineError:
            continue
        if any(used.exercise == exercise.exercise for used in routine.exercises()):
            yield shown(name)
