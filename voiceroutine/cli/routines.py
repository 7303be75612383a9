"""`voiceroutine routines`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voiceroutine.library import Library
    from voiceroutine.model import Entries


@click.command("routines")
def command() -> None:
    """List the routines that there are, yours first where both have a name."""
    from voiceroutine.library import default_library, user_folder

    for line in _list(default_library()):
        click.echo(line)
    click.echo(f"\nYour own go into {user_folder()}")


def _list(library: Library) -> Iterator[str]:
    from voiceroutine.document import shown

    files = {shown(name): file for name, file in library.routine_files().items()}
    entries, problem = _entries(library)
    width = max(map(len, files), default=0)
    for name, file in files.items():
        yield f"{name:<{width}}  {_summary(name, file, entries)}"
    for name in files:
        if translations := library.languages(name):
            yield f"\n{name} is there in {', '.join(translations)}, too: add --language {translations[0]}"
    if problem:
        yield f"\nYour own exercises are left out, because their file is wrong:\n{problem}"


def _entries(library: Library) -> tuple[Entries, str]:
    """Return all exercises and no problem; or, if the user's own file is wrong, the bundled ones and what is wrong."""
    from voiceroutine.errors import RoutineError
    from voiceroutine.library import Library, bundled_folder

    try:
        return library.exercises(), ""
    except RoutineError as error:
        return Library(folders=(bundled_folder("routines"),)).exercises(), str(error)


def _summary(name: str, file: Path, entries: Entries) -> str:
    from voiceroutine.document import read_document
    from voiceroutine.errors import RoutineError
    from voiceroutine.loading import load_routine
    from voiceroutine.production import Production

    try:
        routine = load_routine(read_document(file), entries)
        duration_ms = Production(routine).estimated_timeline().duration_ms
    except RoutineError as error:
        problem = error.problems[0]
        line = f"line {problem.where.line}: " if problem.where.line else ""
        return f'is wrong: {line}{problem.message}; "voiceroutine check {name}" says more'
    minutes = max(1, round(duration_ms / 60_000))
    count = sum(1 for _ in routine.exercises())
    exercises = f"{count:>2} exercise{' ' if count == 1 else 's'}"
    return f"{minutes:>2} min, {exercises}  {routine.summary or routine.title}"
