"""`voiceroutine check`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from voiceroutine.cli.options import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voiceroutine.errors import Problem


@click.command("check")
@click.argument("files", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print the problems for editors.")
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.option("--language", type=Language(), metavar="TAG", help='Which translation of them, like "de".')
@click.option("--no-limits", is_flag=True, help="Allow more than 4 hours or 5,000 intervals.")
def command(files: Sequence[str], as_json: bool, strict: bool, language: str | None, no_limits: bool) -> int:
    """Find every problem of routine FILES, without a voice. What depends on speech is estimated."""
    problems = [problem for file in files for problem in _problems(file, language, has_limits=not no_limits)]
    if as_json:
        from voiceroutine.cli.show import problem_data

        click.echo(json.dumps({"problems": [problem_data(problem) for problem in problems]}, ensure_ascii=False))
    else:
        _print(files, problems)
    failing: set[Any] = {"error", "warning"} if strict else {"error"}
    return 3 if any(problem.severity in failing for problem in problems) else 0


def _problems(file: str, language: str | None, *, has_limits: bool) -> Sequence[Problem]:
    from voiceroutine.checks import dose_problems
    from voiceroutine.errors import RoutineError
    from voiceroutine.production import Production, Wishes, load

    try:
        routine = load(file, Wishes(language=language))
        timeline = Production(routine, has_limits=has_limits).estimated_timeline()
    except RoutineError as error:
        return error.problems
    estimated = (_estimated(problem) for problem in timeline.problems if problem not in routine.notes)
    found = [*dose_problems(routine), *routine.notes, *estimated]
    return sorted(found, key=lambda problem: (problem.where.line, problem.where.column))


def _estimated(problem: Problem) -> Problem:
    """Say that a problem depends on how long speech lasts, which was not measured."""
    return replace(problem, message=f"{problem.message} (estimated)")


def _print(files: Sequence[str], problems: Sequence[Problem]) -> None:
    for problem in problems:
        click.echo(str(problem))
    counts = {kind: sum(problem.severity == kind for problem in problems) for kind in ("error", "warning", "note")}
    found = ", ".join(_counted(count, kind) for kind, count in counts.items() if count)
    click.echo(f"{_counted(len(files), 'routine')}: {found or 'no problems'}.")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
