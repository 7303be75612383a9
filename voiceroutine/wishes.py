"""What a listener wants otherwise than a routine says, and how that is told from the routine as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voiceroutine.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.personal import Side
    from voiceroutine.routine import Profile, Theme


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the listener wants otherwise than the routine says; None where nothing.

    A language that isn't needed is taken where the routine is there in it; otherwise the routine stays as it is.

    Attributes:
        length_ms: how long the session is to be; `Production.fitted` makes it so, since that takes a voice.
        pace: how fast gaps and speech are; 1 is as written.
        paces_work: whether work follows the pace too.
        side_first: which side comes before the other.
        hold_ms: how long single holds of stretches last.
        start: name, number or id of the exercise to begin at.
        never: exercises that aren't wanted, unless `only` asks for some.
        chimes: a theme; it wins over every chime of the file but those of `during`.
        background: a bundled name, or a file anywhere.
        has_background: whether anything may sound under it.
        settled: the names of wishes that are the user's settings, and not of this session.
    """

    engine: str | None = None
    voice: str | None = None
    rate_wpm: int | None = None
    profile: Profile | None = None
    language: str | None = None
    is_language_needed: bool = True
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    length_ms: int | None = None
    pace: float | None = None
    paces_work: bool = False
    side_first: Side | None = None
    hold_ms: int | None = None
    start: str | None = None
    never: tuple[str, ...] = ()
    chimes: Theme | None = None
    background: str | None = None
    has_background: bool = True
    settled: frozenset[str] = frozenset()

    def chosen(self) -> tuple[str, ...]:
        """Return short texts that tell this version from others: "6 min", "slower (80 %)", "left first"."""
        return tuple(text for name, text in self._texts() if name not in self.settled)

    def _texts(self) -> Iterator[tuple[str, str]]:
        if self.length_ms is not None:
            yield "length", _length_text(self.length_ms)
        if self.pace is not None and self.pace != 1:
            all_of_it = ", work too" if self.paces_work else ""
            yield "pace", f"{'slower' if self.pace < 1 else 'faster'} ({self.pace * 100:g} %{all_of_it})"
        if self.side_first is not None:
            yield "side_first", f"{self.side_first} first"
        if self.hold_ms is not None:
            yield "hold", f"holds of {duration_text(self.hold_ms)}"
        if self.start is not None:
            yield "start", f"from {self.start}"
        if self.only:
            yield "only", f"only {', '.join(self.only)}"
        if self.skip:
            yield "skip", f"without {', '.join(self.skip)}"
        if self.profile is not None:
            yield "profile", str(self.profile)
        if self.language is not None:
            yield "language", self.language
        yield from self._sounds()

    def _sounds(self) -> Iterator[tuple[str, str]]:
        if self.chimes is not None:
            yield "chimes", f"chimes {self.chimes}"
        if not self.has_background:
            yield "background", "without background"
        elif self.background is not None:
            yield "background", f"with {Path(self.background).stem}"


def file_stem(name: str, chosen: Sequence[str]) -> str:
    """Return what to call a file: `neck-cooldown-6min-left-first`.

    Args:
        name: the routine's name.
        chosen: what tells this version from others.
    """
    return "-".join([name, *filter(None, map(_in_file_name, chosen))])


def _in_file_name(text: str) -> str:
    """Return letters, digits and hyphens; a number stays with its unit."""
    joined = re.sub(r"(?<=\d) (?=\w+)", "", text.casefold())
    return "-".join(re.findall(r"\w+", joined))


def _length_text(length_ms: int) -> str:
    minutes, milliseconds = divmod(length_ms, 60_000)
    seconds = f"{milliseconds / 1000:g} s" if milliseconds or not minutes else ""
    return " ".join(filter(None, (f"{minutes} min" if minutes else "", seconds)))
