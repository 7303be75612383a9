"""Every way to fail, with the exit status that the command line ends with.

VoiceroutineError
├── SettingError  2  a setting is wrong
├── RoutineError  3  the routine is wrong
├── VoiceError    4  nothing can speak
├── DeviceError   5  nothing can play
└── ExportError   6  the file could not be made
"""

from __future__ import annotations

import difflib
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Severity = Literal["error", "warning", "note"]


EXCERPT_COLUMNS = 100
_LEAD_COLUMNS = 40
_NEAR_CHARACTERS = 200
_TAB = "    "


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in a routine file, counted in characters from 1; two are equal if the place is the same.

    Attributes:
        file: its name, as it was given.
        line: 0 where there is none.
        column: 0 where there is none.
        path: the key or element, like `steps[2].hold`.
        text: the whole line; empty where there is nothing to show.
        width: how many characters of the line the key or element takes, from the column on; 0 if it isn't written.
    """

    file: str
    line: int = 0
    column: int = 0
    path: str = ""
    text: str = field(default="", compare=False, repr=False)
    width: int = field(default=0, compare=False)

    def __str__(self) -> str:
        file = visible(self.file)
        return f"{file}:{self.line}:{self.column}" if self.line else file

    def excerpt(self) -> str:
        """Return the line and a marker below it, at most 100 columns wide and safe to print; empty without a line."""
        if not self.line or not self.text.strip(" \t"):
            return ""
        gutter = f"    {self.line} | "
        at = min(self.column - 1, len(self.text))
        shown, before, marked = _around(self.text, at, self.width, EXCERPT_COLUMNS - len(gutter))
        return f"{gutter}{shown}\n{'| ':>{len(gutter)}}{' ' * before}{'^' * max(1, marked)}"


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
        excerpt = self.where.excerpt()
        return f"{place}: {kind}{self.message}{hint}" + (f"\n{excerpt}" if excerpt else "")


def visible(text: str) -> str:
    """Write as an escape whatever can't be seen, or would change how the rest is seen."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _around(line: str, at: int, width: int, most: int) -> tuple[str, int, int]:
    """Return what fits of a line around an index, the columns before that index, and those that `width` takes."""
    start, end = max(0, at - _NEAR_CHARACTERS), at + _NEAR_CHARACTERS
    before = ["…"] * (start > 0) + _cells(line[start:at])
    rest = _cells(line[at:end]) + ["…"] * (end < len(line))
    lead = _cut(before[::-1], max(_LEAD_COLUMNS, most - _columns(rest)))[::-1]
    shown = _cut(rest, most - _columns(lead))
    marked = min(_columns(rest[:width]), _columns(shown))
    return "".join(lead + shown).rstrip(" "), _columns(lead), marked


def _cells(text: str) -> list[str]:
    return [_TAB if c == "\t" else visible(c) for c in text]


def _cut(cells: list[str], most: int) -> list[str]:
    ends = [*accumulate(_columns([cell]) for cell in cells)]
    return cells if not ends or ends[-1] <= most else [*cells[: bisect_right(ends, most - 1)], "…"]


def _columns(cells: list[str]) -> int:
    """Return how wide a terminal shows a text: East Asian characters take two columns, combining marks none."""
    text = "".join(cells)
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(0 if category(c) in ("Mn", "Me") else 1 + (east_asian_width(c) in "WF") for c in text)


class VoiceroutineError(Exception):
    """Anything that a user can mend; its text is what happened, where, and what to do."""

    exit_status: ClassVar[int] = 1


class SettingError(VoiceroutineError):
    """A setting of the user's can't be understood."""

    exit_status = 2


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
