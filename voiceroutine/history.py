"""The log of sessions: what was done when, a line each, on this machine only, and only if the user wants it.

A line is a JSON object. One that a full disk or a crash tore is skipped, and the next one begins on a line of its own.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from voiceroutine.locks import locked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from io import RawIOBase
    from pathlib import Path

    from voiceroutine.timeline import Placed
    from voiceroutine.unroll import Interval

Ended = Literal["done", "stopped", "lost device"]

PATIENCE_S = 2.0
WEEKS = 6
# Looks further apart have a jump between them, or a machine that slept.
MOST_BETWEEN_LOOKS_MS = 1_500
DONE_SHARE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A session that is over.

    Attributes:
        begun: when, with the offset of the clock on the wall.
        title: of the routine.
        routine: its name or its file.
        done_ms: how much of it was heard, without what was skipped; never more than `total_ms`.
        total_ms: how long all of it lasts.
        exercises_done: how many exercises, each round of one counted, were heard nearly whole.
        exercises: how many there are.
        ended: how it ended.
    """

    begun: datetime
    title: str
    routine: str
    done_ms: int
    total_ms: int
    exercises_done: int
    exercises: int
    ended: Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """How many sessions were begun on each day from a Monday on; None for days that are still to come."""

    monday: date
    counts: tuple[int | None, ...]


class Heard:
    """How much of a session has been heard, out of looks at where it is."""

    def __init__(self) -> None:
        self._spans: list[list[int]] = []

    def look(self, position_ms: int) -> None:
        """Take note of the instant that is heard now; look several times a second."""
        last = self._spans[-1] if self._spans else None
        if last is not None and 0 <= position_ms - last[1] <= MOST_BETWEEN_LOOKS_MS:
            last[1] = position_ms
        elif position_ms >= 0:
            self._spans.append([position_ms, position_ms])

    def between_ms(self, start_ms: int, end_ms: int) -> int:
        """Return how much was heard between two instants, what was heard twice counted once."""
        heard_ms, reached_ms = 0, start_ms
        for first_ms, last_ms in sorted(self._spans):
            heard_ms += max(0, min(last_ms, end_ms) - max(first_ms, reached_ms))
            reached_ms = max(reached_ms, last_ms)
        return heard_ms

    def exercises(self, placed: Sequence[Placed]) -> int:
        """Return how many exercises were heard nearly whole, their gaps apart."""
        return sum(self._is_done(works) for works in _works(placed))

    def _is_done(self, works: Sequence[Placed]) -> bool:
        heard_ms = sum(self.between_ms(work.start_ms, work.end_ms) for work in works)
        return heard_ms >= DONE_SHARE * sum(work.end_ms - work.start_ms for work in works)


def entry_of(
    heard: Heard,
    placed: Sequence[Placed],
    intervals: Sequence[Interval],
    *,
    begun: datetime,
    title: str,
    routine: str,
    total_ms: int,
    ended: Ended,
) -> Entry:
    """Return what is to be logged of a session.

    Args:
        heard: the looks at it.
        placed: what was compiled of it; need not be all.
        intervals: all of it, unrolled.
        begun: when, with an offset.
        title: of the routine.
        routine: its name or its file.
        total_ms: how long all of it lasts.
        ended: how it ended.
    """
    return Entry(
        begun=begun,
        title=title,
        routine=routine,
        done_ms=heard.between_ms(0, total_ms),
        total_ms=total_ms,
        exercises_done=heard.exercises(placed),
        exercises=sum(_is_begin(interval) for interval in intervals),
        ended=ended,
    )


def log_file() -> Path:
    """Return where the log is, or will be."""
    import platformdirs

    return platformdirs.user_state_path("voiceroutine", appauthor=False) / "history.jsonl"


def keep(entry: Entry, log: Path | None = None) -> str:
    """Write a session into the log; return nothing, or a sentence that says why it couldn't be."""
    log = log or log_file()
    try:
        append(log, entry)
    except OSError as error:
        return f"This session could not be written into the log {log}: {error.strerror or error}."
    return ""


def append(log: Path, entry: Entry) -> None:
    """Add a line to a log; of two programs that do so at once, each gets its own.

    Raises:
        OSError: it can't be written; then the log is as it was.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(as_data(entry), ensure_ascii=False).encode(errors="replace")
    with locked(log.with_suffix(".lock"), PATIENCE_S), os.fdopen(_opened(log), "r+b", buffering=0) as file:
        size_bytes = file.seek(0, os.SEEK_END)
        is_torn = size_bytes > 0 and _last_byte(file) != b"\n"
        try:
            _write_whole(file, b"\n" * is_torn + line + b"\n")
        except OSError:
            with suppress(OSError):
                file.truncate(size_bytes)
            raise


def read(log: Path | None = None) -> tuple[Entry, ...]:
    """Return every session of a log, the oldest first; a line that isn't whole is skipped.

    Raises:
        OSError: the log is there, but can't be read.
    """
    try:
        lines = (log or log_file()).read_bytes().split(b"\n")
    except FileNotFoundError:
        return ()
    found = [entry for line in lines if (entry := _entry(line)) is not None]
    return tuple(sorted(found, key=lambda entry: entry.begun))


def clear(log: Path | None = None) -> bool:
    """Remove the log; return whether there was one.

    Raises:
        OSError: it can't be removed.
    """
    log = log or log_file()
    there = log.exists()
    log.unlink(missing_ok=True)
    with suppress(OSError):
        log.with_suffix(".lock").unlink()
    return there


def calendar(entries: Iterable[Entry], now: datetime, weeks: int = WEEKS) -> Iterator[Week]:
    """Yield the last weeks, the current one last."""
    today = now.date()
    days = [entry.begun.date() for entry in entries]
    this_monday = today - timedelta(days=today.weekday())
    for back in reversed(range(weeks)):
        monday = this_monday - timedelta(weeks=back)
        week = [monday + timedelta(days=n) for n in range(7)]
        yield Week(monday=monday, counts=tuple(days.count(day) if day <= today else None for day in week))


def as_data(entry: Entry) -> dict[str, Any]:
    """Return a session as it is in the log, for programs."""
    return {**asdict(entry), "begun": entry.begun.isoformat(timespec="seconds")}


def _opened(log: Path) -> int:
    """Open a log that nobody else may read, to add to it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    return os.open(log, flags, 0o600)


def _last_byte(file: RawIOBase) -> bytes | None:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def _write_whole(file: RawIOBase, content: bytes) -> None:
    while content:
        content = content[file.write(content) or 0 :]


def _entry(line: bytes) -> Entry | None:
    """Return what a line says, or nothing if it isn't a whole one."""
    try:
        data = json.loads(line)
        entry = Entry(**{field.name: data[field.name] for field in fields(Entry)})
        entry = replace(entry, begun=datetime.fromisoformat(data["begun"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    is_right = entry.begun.tzinfo is not None and entry.ended in get_args(Ended)
    numbers = (entry.done_ms, entry.total_ms, entry.exercises_done, entry.exercises)
    texts = (entry.title, entry.routine)
    is_right = is_right and all(type(number) is int and number >= 0 for number in numbers)
    return entry if is_right and all(isinstance(text, str) for text in texts) else None


def _works(placed: Sequence[Placed]) -> Iterator[list[Placed]]:
    """Yield the stretches of work of every exercise of which there is one."""
    works: list[Placed] = []
    for one in placed:
        if _is_begin(one.interval):
            if works:
                yield works
            works = []
        if one.interval.exact:
            works.append(one)
    if works:
        yield works


def _is_begin(interval: Interval) -> bool:
    return interval.kind == "prepare"
