"""Where sessions were interrupted, so that they can go on: a small file in the state folder, never an error.

A place is found again by the index of its interval if the routine is the same, otherwise by the name, round, set and
side of its exercise. It begins again with the gap that announces that side.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voiceroutine.beside import written_beside
from voiceroutine.locks import locked
from voiceroutine.transport import announced_index

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voiceroutine.routine import Routine
    from voiceroutine.timeline import Placed
    from voiceroutine.unroll import Interval

Flag = str | int | float | bool | None

MOST_PLACES = 20
KEPT_FOR = timedelta(days=7)
LARGEST_BYTES = 1 << 20
PATIENCE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a session was interrupted.

    Attributes:
        when: with the offset of the clock on the wall.
        position_ms: the instant of the timeline that was heard.
        index: of its interval.
        fingerprint: of the intervals of the whole session.
        step: the name of the exercise; None between exercises.
        side: as the interval has it.
        set: as the interval has it.
        rep: as the interval has it.
        rounds: as the interval has them.
        flags: how it was listened to: the flags that change what is heard, by name.
    """

    when: datetime
    position_ms: int
    index: int
    fingerprint: str
    step: str | None = None
    side: str | None = None
    set: int = 1
    rep: int = 1
    rounds: tuple[int, ...] = ()
    flags: Mapping[str, Flag] = field(default_factory=dict)


def fingerprint(intervals: Sequence[Interval]) -> str:
    """Return what changes whenever a place could be another one: kinds, exercises, sides and lengths."""
    told = [
        (one.kind, one.step.name if one.step else None, one.rounds, one.set, one.side, one.rep, one.minimum_ms)
        for one in intervals
    ]
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()


def key_of(routine: Routine) -> str:
    """Return what a routine is remembered by: its file."""
    return str(Path(routine.where.file).absolute())


def place_of(
    intervals: Sequence[Interval], index: int, position_ms: int, *, when: datetime, flags: Mapping[str, Flag]
) -> Place | None:
    """Return what to remember of an interrupted session; nothing where there is little to go on from.

    Args:
        intervals: the whole session as it was unrolled, before anything was changed while it played.
        index: of the interval that was heard.
        position_ms: the instant of the timeline.
        when: the time on the wall, with an offset.
        flags: how it was listened to.
    """
    here = intervals[index] if 0 <= index < len(intervals) else None
    if here is None or here.kind in {"intro", "closing"}:
        return None
    return Place(
        when=when,
        position_ms=position_ms,
        index=index,
        fingerprint=fingerprint(intervals),
        step=here.step.name if here.step else None,
        side=here.side,
        set=here.set,
        rep=here.rep,
        rounds=here.rounds,
        flags=dict(flags),
    )


def index_in(intervals: Sequence[Interval], place: Place) -> int | None:
    """Return the interval to begin again with: the gap that announces the side that was interrupted.

    Args:
        intervals: the whole session, unrolled.
        place: where it was interrupted, maybe in another version of the routine.
    """
    if place.index < len(intervals) and fingerprint(intervals) == place.fingerprint:
        return announced_index(intervals, place.index)
    index = _same_side(intervals, place)
    return None if index is None else announced_index(intervals, index)


def place_in(placed: Sequence[Placed], place: Place) -> int | None:
    """Return the instant to begin again at, in milliseconds, or nothing if the place isn't there any more.

    Args:
        placed: the whole session, compiled.
        place: where it was interrupted, maybe in another version of the routine.
    """
    index = index_in([one.interval for one in placed], place)
    return None if index is None else placed[index].start_ms


def offer_text(place: Place, now: datetime) -> str:
    """Write where a session would go on, and how long ago it stopped."""
    from voiceroutine.units import clock_text

    parts = [place.step or "a pause"]
    parts += [f"{place.side} side"] if place.side else []
    parts += [f"set {place.set}"] if place.set > 1 else []
    parts += [f"round {'.'.join(map(str, place.rounds))}"] if place.rounds else []
    return f"{', '.join(parts)}; stopped at {clock_text(place.position_ms)}, {_ago(now - place.when)}"


def memory_file() -> Path:
    """Return where interrupted sessions are remembered, or will be."""
    import platformdirs

    return platformdirs.user_state_path("voiceroutine", appauthor=False) / "interrupted.json"


def remember(key: str, place: Place, memory: Path | None = None) -> bool:
    """Remember where a routine was interrupted; return whether that was possible."""
    return _change(memory or memory_file(), {key: place}, place.when)


def forget(key: str, now: datetime, memory: Path | None = None) -> bool:
    """Forget a routine that has come to its end; return whether that was possible."""
    memory = memory or memory_file()
    return key not in _read(memory) or _change(memory, {key: None}, now)


def recall(key: str, now: datetime, memory: Path | None = None) -> Place | None:
    """Return where a routine was interrupted in the last 7 days."""
    return _recent(_read(memory or memory_file()), now).get(key)


def _change(memory: Path, changes: Mapping[str, Place | None], now: datetime) -> bool:
    with locked(memory.with_suffix(".lock"), PATIENCE_S):
        places = {**_recent(_read(memory), now), **changes}
        kept = sorted(((key, place) for key, place in places.items() if place), key=lambda one: one[1].when)
        data = {key: _data(place) for key, place in kept[-MOST_PLACES:]}
        try:
            memory.parent.mkdir(parents=True, exist_ok=True)
            with written_beside(memory) as part:
                part.chmod(0o600)
                part.write_text(json.dumps({"format": 1, "places": data}), encoding="utf-8")
        except (OSError, ValueError):
            return False
    return True


def _read(memory: Path) -> Mapping[str, Place]:
    """Return what is remembered; nothing of what can't be understood."""
    try:
        with memory.open("rb") as file:
            data = json.loads(file.read(LARGEST_BYTES))
        written = data["places"].items() if data["format"] == 1 else ()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    found: dict[str, Place] = {}
    for key, one in written:
        with suppress(ValueError, TypeError, KeyError):
            found[key] = _place(one)
    return found


def _recent(places: Mapping[str, Place], now: datetime) -> dict[str, Place]:
    return {key: place for key, place in places.items() if now - place.when <= KEPT_FOR}


def _data(place: Place) -> dict[str, Any]:
    return {**asdict(place), "when": place.when.isoformat()}


def _place(data: Mapping[str, Any]) -> Place:
    """Return a place as it was written.

    Raises:
        ValueError: it wasn't written by this program.
    """
    place = Place(**{one.name: data[one.name] for one in fields(Place)})
    place = replace(place, when=datetime.fromisoformat(data["when"]), rounds=tuple(place.rounds))
    numbers = (place.position_ms, place.index, place.set, place.rep, *place.rounds)
    is_right = place.when.tzinfo is not None and all(type(number) is int and number >= 0 for number in numbers)
    names = all(name is None or isinstance(name, str) for name in (place.step, place.side))
    if not (is_right and names and isinstance(place.flags, dict) and isinstance(place.fingerprint, str)):
        raise ValueError("not a place")
    return place


def _same_side(intervals: Sequence[Interval], place: Place) -> int | None:
    """Return where the same side of the same exercise is in a changed routine, if there is exactly one such place."""
    same = [
        index for index, one in enumerate(intervals) if one.step is not None and _identity(one) == _identity_of(place)
    ]
    begins = {_begin(intervals, index) for index in same}
    if len(begins) != 1:
        return None
    return next((index for index in same if intervals[index].rep == place.rep), same[0])


def _identity(interval: Interval) -> tuple[str, tuple[int, ...], int, str | None]:
    assert interval.step is not None
    return interval.step.name, interval.rounds, interval.set, interval.side


def _identity_of(place: Place) -> tuple[str | None, tuple[int, ...], int, str | None]:
    return place.step, place.rounds, place.set, place.side


def _begin(intervals: Sequence[Interval], index: int) -> int:
    while intervals[index].kind != "prepare":
        index -= 1
    return index


def _ago(since: timedelta) -> str:
    minutes = max(0, int(since.total_seconds())) // 60
    for name, length in (("day", 1440), ("hour", 60), ("minute", 1)):
        count = minutes // length
        if count:
            return f"{count} {name}{'s' * (count > 1)} ago"
    return "just now"
