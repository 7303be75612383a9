"""`voiceroutine routines`."""

from __future__ import annotations

import click


@click.command("routines")
def command() -> None:
    """List the routines that there are, yours first where both have a name."""
    from voiceroutine.errors import RoutineError
    from voiceroutine.library import default_library, user_folder
    from voiceroutine.production import Production, load

    library = default_library()
    for name in library.routine_files():
        try:
            routine = load(name, library=library)
            minutes = Production(routine).estimated_timeline().duration_ms / 60_000
        except RoutineError as error:
            click.echo(f"{name:<20} is wrong: {error.problems[0]}")
            continue
        exercises = sum(1 for _ in routine.exercises())
        click.echo(f"{name:<20} about {minutes:.0f} min, {exercises} exercises.  {routine.summary or routine.title}")
    click.echo(f"\nYour own go into {user_folder()}")
