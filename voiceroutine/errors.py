"""Every way to fail, with the exit status that the command line ends with.

VoiceroutineError
├── RoutineError  3  the routine is wrong
├── VoiceError    4  nothing can speak
├── DeviceError   5  nothing can play
└── ExportError   6  the file could not be made
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in a routine file; line and column count from 1, 0 where there is none."""

    file: str
    line: int = 0
    column: int = 0
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something to tell the author: what, where, and what to do about it."""

    where: Location
    message: str
    hint: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        place = f"{self.where}: {self.where.path}" if self.where.path else f"{self.where}"
        kind = "" if self.severity == "error" else f"{self.severity}: "
        hint = f"\n    {self.hint}" if self.hint else ""
        return f"{place}: {kind}{self.message}{hint}"


class VoiceroutineError(Exception):
    """Anything that a user can mend; its text is what happened, where, and what to do."""

    exit_status: ClassVar[int] = 1


class RoutineError(VoiceroutineError):
    """The routine is wrong; carries every problem that was found."""

    exit_status = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class VoiceError(VoiceroutineError):
    """An engine or a voice can't be used."""

    exit_status = 4


class DeviceError(VoiceroutineError):
    """There is nothing to play on, or it went away."""

    exit_status = 5


class ExportError(VoiceroutineError):
    """The audio file could not be made."""

    exit_status = 6


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return 'did you mean "…"?' for the nearest candidate, or an empty text."""
    nearest = difflib.get_close_matches(word, list(candidates), n=1, cutoff=0.6)
    return f'did you mean "{nearest[0]}"?' if nearest else ""
