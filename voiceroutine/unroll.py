"""A routine in the order in which it happens: every round, set, side and rep becomes an interval.

    intro · prepare work relax work … · prepare work switch work rest … · closing

Between two works stands exactly one gap; a `relax` of zero is no gap at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Literal

from voiceroutine.errors import Location, Problem, RoutineError
from voiceroutine.routine import Block, CueSettings, Exercise, Phase, Rest, Routine, Say, Wait
from voiceroutine.units import LONGEST_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.routine import Step

Kind = Literal["intro", "prepare", "work", "relax", "switch", "rest", "say", "wait", "closing"]

MOST_INTERVALS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InBlock:
    """One round of a block with a title; `rounds` counts those of repeated blocks from the outermost to this one."""

    where: Location
    title: str
    rounds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A stretch of time with one purpose.

    `set`, `rep` and `phase_index` count from 1; they belong to the work, or to the work that a gap leads to.
    `step` is the exercise it belongs to; `next_step` the exercise that comes after it, or after this one. `blocks`
    are those with a title that the exercise is in, from the outermost.
    """

    kind: Kind
    where: Location
    minimum_ms: int = 0
    cues: CueSettings
    step: Exercise | None = None
    next_step: Exercise | None = None
    rounds: tuple[int, ...] = ()
    blocks: tuple[InBlock, ...] = ()
    side: str | None = None
    set: int = 1
    rep: int = 1
    is_first_time: bool = False
    phase: Phase | None = None
    phase_index: int = 0
    text: str | None = None

    @property
    def exact(self) -> bool:
        """Whether it lasts exactly as long as prescribed: work does, gaps may grow."""
        return self.kind == "work"

    def same_rep(self, other: Interval) -> bool:
        """Whether another interval of work follows in the same rep: they are phases of one."""
        return self.exact and other.exact and other.phase_index == self.phase_index + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Occurrence:
    """A step that is not a block, once."""

    step: Exercise | Say | Rest | Wait
    rounds: tuple[int, ...]
    blocks: tuple[InBlock, ...] = ()
    next_step: Exercise | None = None


def unroll(routine: Routine, *, has_limits: bool = True) -> tuple[Interval, ...]:
    """Return all intervals of a routine in order.

    Raises:
        RoutineError: more than 5,000 intervals, or more than 4 hours, unless `has_limits` is false.
    """
    flat = _flatten(routine.steps, (), ())
    occurrences = _with_next(list(islice(flat, MOST_INTERVALS + 1) if has_limits else flat))
    intervals = _intervals(routine, occurrences)
    unrolled = tuple(islice(intervals, MOST_INTERVALS + 1) if has_limits else intervals)
    if has_limits:
        _check_limits(routine, unrolled)
    return unrolled


def identity_of(step: Exercise) -> tuple[str, str | None]:
    """Return what two steps have in common if who was taught one knows the other."""
    return step.exercise or step.name, step.instruction


def written_ms(intervals: Sequence[Interval]) -> int:
    """Return how long intervals are as written: the sum of all minimums."""
    return sum(interval.minimum_ms for interval in intervals)


def lengthened(intervals: Sequence[Interval], index: int, minimum_ms: int) -> tuple[Interval, ...]:
    """Return the intervals with one of them made longer."""
    longer = replace(intervals[index], minimum_ms=minimum_ms)
    return (*intervals[:index], longer, *intervals[index + 1 :])


def _check_limits(routine: Routine, unrolled: Sequence[Interval]) -> None:
    if len(unrolled) > MOST_INTERVALS:
        message = f"has more than {MOST_INTERVALS:,} intervals once every round, set and rep is written out"
        hint = "are repeat, sets and reps right? --no-limits plays it all the same"
    elif written_ms(unrolled) > LONGEST_MS:
        message = "is longer than 4 hours"
        hint = "are the durations right? --no-limits plays it all the same"
    else:
        return
    where = replace(routine.where, path="steps", text="", width=0)
    raise RoutineError([Problem(where=where, message=message, hint=hint)])


def _flatten(steps: Sequence[Step], rounds: tuple[int, ...], blocks: tuple[InBlock, ...]) -> Iterator[_Occurrence]:
    for step in steps:
        if not isinstance(step, Block):
            yield _Occurrence(step=step, rounds=rounds, blocks=blocks)
            continue
        for number in range(1, step.repeat + 1):
            if number > 1 and step.rest_ms:
                rest = Rest(where=step.where, rest_ms=step.rest_ms, cues=step.cues)
                yield _Occurrence(step=rest, rounds=rounds, blocks=blocks)
            own_rounds = (*rounds, number) if step.repeat > 1 else rounds
            own = (InBlock(where=step.where, title=step.title, rounds=own_rounds),) if step.title else ()
            yield from _flatten(step.steps, own_rounds, (*blocks, *own))


def _with_next(occurrences: Sequence[_Occurrence]) -> list[_Occurrence]:
    following: Exercise | None = None
    found = []
    for occurrence in reversed(occurrences):
        found.append(replace(occurrence, next_step=following))
        if isinstance(occurrence.step, Exercise):
            following = occurrence.step
    return found[::-1]


def _intervals(routine: Routine, occurrences: Sequence[_Occurrence]) -> Iterator[Interval]:
    met: set[tuple[str, str | None]] = set()
    first = next((o.step for o in occurrences if isinstance(o.step, Exercise)), None)
    yield Interval(kind="intro", where=routine.where, cues=routine.cues, next_step=first)
    for occurrence in occurrences:
        if isinstance(occurrence.step, Exercise):
            identity = identity_of(occurrence.step)
            cues = occurrence.step.cues or routine.cues
            yield from _exercise(occurrence, occurrence.step, cues, is_first_time=identity not in met)
            met.add(identity)
        else:
            yield _between_exercises(occurrence.step, occurrence.step.cues or routine.cues, occurrence.next_step)
    yield Interval(kind="closing", where=routine.where, cues=routine.cues)


def _between_exercises(step: Say | Rest | Wait, cues: CueSettings, next_step: Exercise | None) -> Interval:
    kind: Kind
    match step:
        case Say(pause_ms=minimum_ms):
            kind = "say"
        case Rest(rest_ms=minimum_ms):
            kind = "rest"
        case Wait(wait_ms=minimum_ms):
            kind = "wait"
    return Interval(kind=kind, where=step.where, minimum_ms=minimum_ms, cues=cues, text=step.text, next_step=next_step)


def _exercise(occurrence: _Occurrence, step: Exercise, cues: CueSettings, *, is_first_time: bool) -> Iterator[Interval]:
    common = Interval(
        kind="prepare",
        where=step.where,
        cues=cues,
        step=step,
        next_step=occurrence.next_step,
        rounds=occurrence.rounds,
        blocks=occurrence.blocks,
        is_first_time=is_first_time,
    )
    reps = (replace(common, set=set_, side=side, rep=rep) for set_, side, rep in _order_of_work(step))
    first = next(reps)
    yield replace(first, minimum_ms=step.prepare_ms)
    yield from _work(first, step)
    for before, rep in pairwise(chain([first], reps)):
        yield from _gap(before, rep, step)
        yield from _work(rep, step)


def _order_of_work(step: Exercise) -> Iterator[tuple[int, str | None, int]]:
    sides: tuple[str | None, ...] = step.sides or (None,)
    for set_ in range(1, step.sets + 1):
        if step.is_alternating:
            yield from ((set_, side, rep) for rep in range(1, step.reps + 1) for side in sides)
        else:
            yield from ((set_, side, rep) for side in sides for rep in range(1, step.reps + 1))


def _gap(before: Interval, after: Interval, step: Exercise) -> Iterator[Interval]:
    if before.set != after.set:
        yield replace(after, kind="rest", minimum_ms=step.rest_ms)
    elif step.is_alternating or before.side != after.side or after.rep == 1:
        yield replace(after, kind="switch", minimum_ms=step.switch_ms)
    elif step.relax_ms:
        yield replace(after, kind="relax", minimum_ms=step.relax_ms)


def _work(rep: Interval, step: Exercise) -> Iterator[Interval]:
    for index, phase in enumerate(step.phases, start=1):
        yield replace(rep, kind="work", minimum_ms=phase.lasts_ms, phase=phase, phase_index=index)
