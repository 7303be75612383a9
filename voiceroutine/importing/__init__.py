"""Routines from the files of other programs: a reader for each kind, and the TOML text of what it found."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal

from voiceroutine.document import parse_document, read_bytes, shown
from voiceroutine.errors import Location, Problem, RoutineError
from voiceroutine.loading import load_routine
from voiceroutine.mistakes import MOST_PROBLEMS
from voiceroutine.model import RoutineFile
from voiceroutine.unroll import unroll
from voiceroutine.writing import LONGEST_LINE, dump, toml_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from voiceroutine.model import Entries

Kind = Literal["csv", "w2a"]
KINDS: Mapping[str, Kind] = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".yaml": "w2a", ".yml": "w2a"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What was read from another program's file.

    Attributes:
        data: the routine, in the shape of a routine file.
        notes: what has no counterpart here, or became something else.
        origins: where the top-level parts of `data` come from: `steps[0]`, `title`.
    """

    data: Mapping[str, Any]
    notes: tuple[Problem, ...] = ()
    origins: Mapping[str, Location] = field(default_factory=dict)

    def titled(self, title: str) -> Imported:
        """Return the same with another title."""
        return replace(self, data={**self.data, "title": title})


def read_foreign(path: Path, kind: Kind, library: Entries) -> Imported:
    """Read a file of another program.

    Raises:
        RoutineError: it can't be read, or something in it is wrong; with every problem.
        VoiceroutineError: the package that reads its kind isn't installed.
    """
    data = read_bytes(path)
    if kind == "csv":
        from voiceroutine.importing.spreadsheet import read_csv

        return read_csv(data, str(path), library)
    from voiceroutine.importing.w2a import read_w2a

    return read_w2a(data, str(path))


def routine_text(imported: Imported, library: Entries, file: str) -> str:
    """Return the TOML text of what was imported, with the notes as comments at its top; it loads without a problem.

    Raises:
        RoutineError: the format doesn't allow something in it; with the places in the imported file.
    """
    document = parse_document(toml_text(imported.data), file)
    try:
        unroll(load_routine(document, library))
    except RoutineError as error:
        raise refusal([_at_origin(problem, imported, file) for problem in error.problems]) from None
    comments = [f"Imported from {shown(_name_of(file))}.", *map(_comment, imported.notes)]
    lines = (line for comment in comments for line in wrap(comment, LONGEST_LINE - 2, subsequent_indent="    "))
    return "".join(f"# {line}\n" for line in lines) + "\n" + dump(RoutineFile.model_validate(document.data))


def refusal(problems: Sequence[Problem]) -> RoutineError:
    """Return the error that carries the problems, each once; of very many the first 50."""
    once = [*dict.fromkeys(problems)]
    more = len(once) - MOST_PROBLEMS
    if more > 0:
        file = once[0].where.file.rpartition(":")[0] or once[0].where.file
        message = f"and {more:,} more problem{'s' * (more > 1)}"
        end = Problem(where=Location(file=file), message=message, hint="mend these first, then import again")
        once = [*once[:MOST_PROBLEMS], end]
    return RoutineError(once)


def _name_of(file: str) -> str:
    return re.split(r"[/\\]", file)[-1]


def title_of(file: str) -> str:
    """Return a title made of a file's name: `C:/neck_day-2.csv` is "Neck day 2"."""
    stem = _name_of(file).rsplit(".", 1)[0]
    words = " ".join("".join(c if c.isalnum() else " " for c in stem).split())[:120]
    return words[:1].upper() + words[1:] or "Imported routine"


def _comment(note: Problem) -> str:
    place = note.where.file.rpartition(":")[2] if not note.where.line else str(note.where.line)
    line = f"line {place}: " if place.isdecimal() else ""
    path = f"{note.where.path}: " if note.where.path else ""
    return shown(f"{line}{path}{note.message}{f' ({note.hint})' if note.hint else ''}")


def _at_origin(problem: Problem, imported: Imported, file: str) -> Problem:
    """Tell a problem of the routine where the imported file has what it comes from."""
    path = problem.where.path
    part = re.match(r"steps\[\d+\]|[^.\[]*", path)
    name = part[0] if part else ""
    if name not in imported.origins:
        hint = "make several routines of it" if "--no-limits" in problem.hint else problem.hint
        where = Location(file=file, path="" if path == "steps" else path)
        return replace(problem, where=where, hint=hint)
    origin, below = imported.origins[name], path[len(name) :].lstrip(".")
    return replace(problem, where=replace(origin, path=".".join(filter(None, (origin.path, below)))))
