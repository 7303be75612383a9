"""Which exercises of a routine are done, and where a session begins.

Leaving out is a matter of the routine: what is chosen is unrolled like any other, so that the first time of an exercise
that is heard is the one with its instruction. Beginning later is a matter of the intervals: sets and rounds keep the
numbers that they have.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import dropwhile
from typing import TYPE_CHECKING

from voiceroutine.errors import SettingError, did_you_mean
from voiceroutine.routine import Block, Exercise, Rest, Say, Wait
from voiceroutine.unroll import identity_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from voiceroutine.routine import Routine, Step
    from voiceroutine.unroll import Interval

_ROUND = re.compile(r"(?P<step>.+?)\s*,\D*(?P<rounds>\d+(?:\.\d+)*)\s*")
_NEXT = "{next}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a session begins: at an exercise of the file, in a round of it if there are any numbers."""

    number: int
    rounds: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """How `start_at` finds it, even if its name is now that of several."""
        return f"{self.number}, {'.'.join(map(str, self.rounds))}" if self.rounds else f"{self.number}"


def choose(routine: Routine, *, only: Sequence[str] = (), skip: Sequence[str] = ()) -> Routine:
    """Return a routine of some exercises, each with its whole dose.

    What stands between exercises belongs to the one before it, and goes with it; what precedes the first one of the
    file stays.

    Args:
        routine: what there is to choose from.
        only: names, numbers or ids of what is done, several in one text parted by commas; all if empty.
        skip: the same of what is left out.

    Raises:
        SettingError: something isn't there, may be several, or nothing is left.
    """
    if not only and not skip:
        return routine
    wanted = _numbers("--only", only, routine) if only else {step.number for step in routine.exercises()}
    wanted -= _numbers("--skip", skip, routine)
    if not wanted:
        flags = " and ".join(flag for flag, values in (("--only", only), ("--skip", skip)) if values)
        verb = "leave" if only and skip else "leaves"
        raise SettingError(f'There is nothing left to do: {flags} {verb} no exercise of "{routine.title}".')
    return replace(routine, steps=tuple(_Sieve(wanted).through(routine.steps)))


def start_at(routine: Routine, text: str) -> Start:
    """Find the exercise at which to begin: by name, number or id, as in `chin-tuck, round 2`.

    Raises:
        SettingError: it isn't there, or may be several.
    """
    if not _matches(text, routine) and (found := _ROUND.fullmatch(text)):
        rounds = tuple(int(number) for number in found["rounds"].split("."))
        return Start(number=min(_found("--from", found["step"], routine)), rounds=rounds)
    return Start(number=min(_found("--from", text, routine)))


def begun_at(intervals: Sequence[Interval], start: Start) -> tuple[Interval, ...]:
    """Return the intervals from an exercise on, after the intro; whatever was before is left out.

    Raises:
        SettingError: there is no such round.
    """
    rest = tuple(dropwhile(lambda interval: not _begins(interval, start), intervals))
    if not rest:
        raise SettingError(_no_round(intervals, start))
    intro = replace(intervals[0], next_step=rest[0].step)
    return (intro, *_taught_once(rest))


def _begins(interval: Interval, start: Start) -> bool:
    is_there = interval.kind == "prepare" and interval.step is not None and interval.step.number == start.number
    return is_there and interval.rounds[: len(start.rounds)] == start.rounds


def _no_round(intervals: Sequence[Interval], start: Start) -> str:
    met = [one for one in intervals if one.kind == "prepare" and one.step and one.step.number == start.number]
    name = met[0].step.name if met and met[0].step else ""
    rounds = [".".join(map(str, one.rounds)) for one in met if one.rounds]
    there = f"there are: {', '.join(dict.fromkeys(rounds))}" if rounds else "it is in no block of several rounds"
    return f'--from: "{name}" has no round {".".join(map(str, start.rounds))}; {there}.'


def _taught_once(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """Yield intervals anew where what was the second time has become the first one."""
    met: set[tuple[str, str | None]] = set()
    is_first_time = False
    for interval in intervals:
        if interval.step is not None and interval.kind == "prepare":
            is_first_time = identity_of(interval.step) not in met
            met.add(identity_of(interval.step))
        yield replace(interval, is_first_time=is_first_time) if interval.step is not None else interval


class _Sieve:
    """Lets steps through, those between exercises only if they belong to one that is wanted."""

    def __init__(self, wanted: set[int]) -> None:
        self._wanted = wanted
        self._is_open = True
        self._has_next = True

    def through(self, steps: Iterable[Step]) -> Iterator[Step]:
        for step in steps:
            if isinstance(step, Block):
                inside = tuple(self.through(step.steps))
                if inside:
                    yield replace(step, steps=inside)
                continue
            if isinstance(step, Exercise):
                self._is_open = step.number in self._wanted
                self._has_next = step.number < max(self._wanted)
            if self._is_open and (kept := step if self._has_next else without_next(step)):
                yield kept


def without_next(step: Exercise | Say | Rest | Wait) -> Exercise | Say | Rest | Wait | None:
    """Return a step without the sentences that name the next exercise, as the last one has none; None if it goes."""
    match step:
        case Say():
            return None if _NEXT in step.text else step
        case Rest() | Wait():
            return replace(step, text=_unless_next(step.text))
    return replace(
        step,
        instruction=_unless_next(step.instruction),
        cue=_unless_next(step.cue),
        caution=_unless_next(step.caution),
        phases=tuple(replace(phase, say=_unless_next(phase.say)) for phase in step.phases),
        during=tuple(cue for cue in step.during if _NEXT not in (cue.say or "")),
    )


def _unless_next(text: str | None) -> str | None:
    return None if text is None or _NEXT in text else text


def _numbers(flag: str, texts: Iterable[str], routine: Routine) -> set[int]:
    found = set[int]()
    for text in texts:
        # A name may have a comma in it.
        parts = [text] if _matches(text, routine) else [part for part in text.split(",") if part.strip()]
        found = found.union(*(_found(flag, part, routine) for part in parts or [text]))
    return found


def _found(flag: str, text: str, routine: Routine) -> set[int]:
    """Return the numbers of the exercises that a text means: all those of one id or name."""
    found = _matches(text, routine)
    if not found:
        names = {name: None for step in routine.exercises() for name in (step.exercise, step.name) if name}
        hint = did_you_mean(text.strip(), names)
        message = f'{flag}: there is no exercise "{text.strip()}" in "{routine.title}"{f"; {hint}" if hint else "."}'
        raise SettingError(_with_list(message, routine))
    if min(len({plain(step.exercise or step.name) for step in found}), len({plain(step.name) for step in found})) > 1:
        message = f'{flag}: "{text.strip()}" may be several exercises; write more of it, or its number.'
        raise SettingError(_with_list(message, routine))
    return {step.number for step in found}


def _matches(text: str, routine: Routine) -> list[Exercise]:
    """Return the exercises with that number, or that name or id, or whose name or id begins so."""
    wanted, steps = plain(text), [*routine.exercises()]
    called = [(step, [plain(name) for name in (step.exercise, step.name) if name]) for step in steps]
    return (
        [step for step in steps if wanted == str(step.number)]
        or [step for step, names in called if wanted in names]
        or [step for step, names in called if wanted and any(name.startswith(wanted) for name in names)]
    )


def plain(name: str) -> str:
    """Return a name as names are compared: in any case, with hyphens or spaces."""
    return " ".join(name.casefold().replace("-", " ").split())


def _with_list(message: str, routine: Routine) -> str:
    rows = [
        f"    {step.number:>2}  {step.name}{f' ({step.exercise})' if step.exercise else ''}"
        for step in routine.exercises()
    ]
    return "\n".join([message, "The exercises are:", *rows])
