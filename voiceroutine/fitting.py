"""A routine fitted to a length.

The policy, for a shorter session: optional steps are left out, as many as may be without becoming too short; then sets
are fewer, likewise; then single holds are shortened, all in the same proportion of what their author allows. For a
longer one: single holds are lengthened; where that isn't enough, sets are added, as few as may be. Only where that
doesn't lead to the length are the means combined in any way. What can't be reached is refused, with what can.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from voiceroutine.cues import estimated_ms
from voiceroutine.errors import RoutineError, SettingError
from voiceroutine.flexible import Path, Plan, changed, held_parts, is_within, optional_parts, repeated_parts
from voiceroutine.timeline import compile_timeline
from voiceroutine.units import clock_text, duration_text
from voiceroutine.unroll import unroll

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voiceroutine.flexible import Held, Repeated
    from voiceroutine.routine import Routine
    from voiceroutine.unroll import Interval

    LengthOf = Callable[[Routine], int]
    IntervalsOf = Callable[[Routine], Sequence[Interval]]

LEAST_TOLERANCE_MS = 3_000
TOLERANCE_PERCENT = 2
HOLD_STEPS_MS = (1_000, 500, 100)

_MOST_SELECTIONS = 64
_MOST_TRIES = 12
_MOST_OFFERS = 4
_BUCKETS_A_TOLERANCE = 8


def tolerance_ms(target_ms: int) -> int:
    """Return how far from a wished length a session may be: 2 % or 3 s, whichever is larger."""
    return max(LEAST_TOLERANCE_MS, target_ms * TOLERANCE_PERCENT // 100)


def fitted(routine: Routine, target_ms: int, length_of: LengthOf, intervals_of: IntervalsOf = unroll) -> Routine:
    """Return a routine that lasts as long as wished, within 2 % or 3 s; its `changes` tell what is otherwise.

    Args:
        routine: as its author wrote it.
        target_ms: the length that is wished.
        length_of: how many milliseconds a routine lasts once it is compiled; asked for a few times.
        intervals_of: a routine, unrolled: all of it, or from where the session begins.

    Raises:
        SettingError: the length can't be reached; the text says which can.
    """
    return _Fitting(routine, target_ms, length_of, intervals_of).found()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """Which means may be used at once."""

    leaves_out: bool
    fewer_sets: bool
    more_sets: bool
    shorter_holds: bool
    longer_holds: bool


_ANY = _Way(leaves_out=True, fewer_sets=True, more_sets=True, shorter_holds=True, longer_holds=True)
_SHORTER = (
    replace(_ANY, more_sets=False, longer_holds=False),
    replace(_ANY, more_sets=False),
    _ANY,
)
_LONGER = (
    replace(_ANY, leaves_out=False, fewer_sets=False, shorter_holds=False),
    replace(_ANY, leaves_out=False, fewer_sets=False),
    _ANY,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """A selection of steps and their sets, with holds as they are written.

    Attributes:
        out: the parts that are left out.
        more: for each repeated part, how many sets more than written.
        length_ms: how long it is, as far as is known.
        room_ms: how much shorter (negative) and longer the holds can make it.
        cost: how unevenly the sets changed: the sum of squares of `more`.
    """

    out: frozenset[Path]
    more: tuple[int, ...] = ()
    length_ms: int
    room_ms: tuple[int, int] = (0, 0)
    cost: int = 0

    @property
    def key(self) -> tuple[frozenset[Path], tuple[int, ...]]:
        return self.out, self.more


@dataclass(frozen=True, slots=True, kw_only=True)
class _Option:
    """One number of sets of a part: how many more, and what that does to the length and to the room of the holds."""

    more: int
    longer_ms: int
    room_ms: tuple[int, int]


class _Fitting:
    """Finds a plan. Lengths are estimated, and what is chosen is compiled, until an estimate is right."""

    def __init__(self, routine: Routine, target_ms: int, length_of: LengthOf, intervals_of: IntervalsOf) -> None:
        self._routine = routine = replace(routine, fitted_ms=target_ms)
        self._target_ms = target_ms
        self._tolerance_ms = tolerance_ms(target_ms)
        self._length_of = length_of
        self._intervals_of = intervals_of
        self._written_ms = length_of(routine)
        self._drifts_ms: dict[object, int] = {}
        self._reduced_ms: dict[frozenset[Path], int] = {}
        self._tried: dict[Plan, int] = {}

    def found(self) -> Routine:
        plan = self._found_plan()
        if plan is None:
            raise SettingError(self._refusal())
        return changed(self._routine, plan)

    def _found_plan(self) -> Plan | None:
        if self._is_near(self._written_ms):
            return Plan()
        ways = _SHORTER if self._target_ms < self._written_ms else _LONGER
        return next((plan for plan in map(self._fitting_plan, ways) if plan is not None), None)

    def _is_near(self, length_ms: int) -> bool:
        return abs(length_ms - self._target_ms) <= self._tolerance_ms

    def _fitting_plan(self, way: _Way) -> Plan | None:
        for _ in range(_MOST_TRIES):
            state = self._best(way)
            if state is None:
                return None
            plan = self._plan(state, self._target_ms)
            if self._is_near(self._tried_ms(state, plan)):
                return self._polished(state, plan)
        return None

    def _polished(self, state: _State, plan: Plan) -> Plan:
        """Return the plan, or one with better holds now that the length is known."""
        if not plan.holds_ms:
            return plan
        better = self._plan(state, self._target_ms)
        self._tried_ms(state, better)
        return min(plan, better, key=lambda one: abs(self._tried[one] - self._target_ms))

    def _tried_ms(self, state: _State, plan: Plan) -> int:
        """Return the real length of a plan; by how much the estimate was wrong is remembered for its state."""
        if plan not in self._tried:
            self._tried[plan] = self._length_of(changed(self._routine, plan))
        held_ms = sum(self._longer_ms(held, plan) for held in self._held)
        self._drifts_ms[state.key] = self._tried[plan] - state.length_ms - held_ms
        return self._tried[plan]

    def _longer_ms(self, held: Held, plan: Plan) -> int:
        holds_ms = dict(plan.holds_ms)
        works = self._works(held, plan.out, dict(plan.counts))
        return works * (holds_ms.get(held.paths[0], held.hold_ms) - held.hold_ms) if works else 0

    def _length_ms(self, state: _State) -> int:
        return state.length_ms + self._drifts_ms.get(state.key, 0)

    # What is chosen

    def _best(self, way: _Way) -> _State | None:
        selections = self._selections if way.leaves_out else (frozenset[Path](),)
        if way == _SHORTER[0]:
            selections = sorted(selections, key=self._left_over_ms)
        best: tuple[tuple[int, ...], _State] | None = None
        for out in selections:
            if not self._may_arrive_without(out, way):
                continue
            fitting = [state for state in self._states(out, way) if self._can_reach(state, way)]
            for state in fitting:
                score = self._score(state, way)
                if best is None or score < best[0]:
                    best = score, state
            if best and way == _SHORTER[0]:
                break
        return best and best[1]

    def _left_over_ms(self, out: frozenset[Path]) -> tuple[int, int, int]:
        """Tell how much is still too long without some steps; what would be too short comes last."""
        over_ms = self._additive_ms(out) - self._target_ms
        return (over_ms < -self._tolerance_ms, max(0, abs(over_ms) - self._tolerance_ms), len(out))

    def _score(self, state: _State, way: _Way) -> tuple[int, ...]:
        need_ms = abs(self._target_ms - self._length_ms(state))
        left_ms = max(0, need_ms - self._tolerance_ms)
        if way == _SHORTER[0]:
            return left_ms, state.cost
        if way == _LONGER[0]:
            return state.cost, -left_ms
        return left_ms // self._tolerance_ms, state.cost + len(state.out), left_ms

    def _can_reach(self, state: _State, way: _Way) -> bool:
        need_ms = self._target_ms - self._length_ms(state)
        least_ms = state.room_ms[0] if way.shorter_holds else 0
        most_ms = state.room_ms[1] if way.longer_holds else 0
        return least_ms - self._tolerance_ms <= need_ms <= most_ms + self._tolerance_ms

    # What there is to choose from

    @cached_property
    def _selections(self) -> Sequence[frozenset[Path]]:
        """Every way to leave something out, or some of evenly spread lengths where there are very many."""
        parts = [part for part in optional_parts(self._routine) if self._is_possible(part)]
        found: list[frozenset[Path]] = [frozenset()]
        for part in parts:
            found += [out | part for out in found]
            if len(found) > _MOST_SELECTIONS:
                found = self._kept_selections(found)
        return found

    def _is_possible(self, out: frozenset[Path]) -> bool:
        """Tell whether the session can be without some steps: not if it would begin with one of them."""
        try:
            return self._without_ms(out) < self._without_ms(frozenset())
        except SettingError:
            return False

    def _kept_selections(self, found: Sequence[frozenset[Path]]) -> list[frozenset[Path]]:
        """Return selections of evenly spread lengths, those that leave out everything and nothing among them."""
        ordered = sorted(found, key=lambda out: (self._additive_ms(out), len(out)))
        spread = [
            ordered[index * (len(ordered) - 1) // (_MOST_SELECTIONS // 2)] for index in range(_MOST_SELECTIONS // 2)
        ]
        return list(dict.fromkeys([*spread, ordered[-1]]))

    def _additive_ms(self, out: frozenset[Path]) -> int:
        whole_ms = self._without_ms(frozenset())
        return whole_ms - sum(whole_ms - self._without_ms(frozenset([path])) for path in out)

    def _without_ms(self, out: frozenset[Path]) -> int:
        """Return about how long the routine is without some steps."""
        if out not in self._reduced_ms:
            self._reduced_ms[out] = self._estimated_ms(Plan(out=out)) + self._drift_ms
        return self._reduced_ms[out]

    @cached_property
    def _drift_ms(self) -> int:
        """By how much estimates are too short for this voice."""
        return self._written_ms - self._estimated_ms(Plan())

    def _estimated_ms(self, plan: Plan) -> int:
        routine = changed(self._routine, plan)
        timeline = compile_timeline(routine, self._intervals_of(routine), estimated_ms, lambda _: 0)
        return timeline.duration_ms

    def _states(self, out: frozenset[Path], way: _Way, *, has_all: bool = False) -> Iterable[_State]:
        """Return states of all lengths that sets can lead to, of those about as long the one that is most even.

        Args:
            out: what is left out.
            way: the means.
            has_all: whether those are there too that are far from the wished length.
        """
        first = _State(out=out, length_ms=self._without_ms(out), room_ms=self._room_ms(out))
        choices = [self._choices(part, options, out, way) for part, options in self._options]
        bucket_ms = max(1, self._tolerance_ms // _BUCKETS_A_TOLERANCE, 1_000 if has_all else 0)
        states = [first]
        for index, options in enumerate(choices):
            grown: dict[int, _State] = {}
            ahead_ms = None if has_all else _reach_ms(choices[index + 1 :])
            for state in states:
                for option in options:
                    one = _with(state, option)
                    place = one.length_ms // bucket_ms
                    if (place not in grown or one.cost < grown[place].cost) and self._may_arrive(one, ahead_ms):
                        grown[place] = one
            states = [*grown.values()]
        return states

    def _may_arrive_without(self, out: frozenset[Path], way: _Way) -> bool:
        """Tell whether it is worth a closer look what is possible without some steps."""
        choices = [self._choices(part, options, out, way) for part, options in self._options]
        rough = _State(out=out, length_ms=self._additive_ms(out), room_ms=self._room_ms(out))
        return self._may_arrive(rough, _reach_ms(choices))

    @staticmethod
    def _choices(part: Repeated, options: Sequence[_Option], out: frozenset[Path], way: _Way) -> Sequence[_Option]:
        if is_within(part.paths[0], out):
            return (_AS_WRITTEN,)
        return [one for one in options if (one.more >= 0 or way.fewer_sets) and (one.more <= 0 or way.more_sets)]

    def _may_arrive(self, state: _State, ahead_ms: tuple[int, int] | None) -> bool:
        """Tell whether what is still to be chosen may lead to the wished length; lengths are a little uncertain."""
        if ahead_ms is None:
            return True
        need_ms = self._target_ms - state.length_ms
        doubt_ms = 6 * self._tolerance_ms
        return state.room_ms[0] + ahead_ms[0] - doubt_ms <= need_ms <= state.room_ms[1] + ahead_ms[1] + doubt_ms

    @cached_property
    def _options(self) -> list[tuple[Repeated, tuple[_Option, ...]]]:
        return [(part, tuple(self._options_of(part))) for part in self._repeated]

    def _options_of(self, part: Repeated) -> Iterator[_Option]:
        yield _AS_WRITTEN
        whole_ms = self._without_ms(frozenset()) - self._drift_ms
        for bound, direction in ((part.fewest, -1), (part.most, 1)):
            one_ms = self._estimated_or_none(Plan(counts=part.plus(direction))) if bound else None
            if one_ms is not None and one_ms != whole_ms:
                for more in range(direction, bound + direction, direction):
                    yield _Option(
                        more=more, longer_ms=abs(more) * (one_ms - whole_ms), room_ms=self._more_room_ms(part, more)
                    )

    def _estimated_or_none(self, plan: Plan) -> int | None:
        """Estimate a length; None if the session couldn't begin where it is to, or would be longer than the limits."""
        try:
            return self._estimated_ms(plan)
        except (SettingError, RoutineError):
            return None

    @cached_property
    def _held(self) -> tuple[Held, ...]:
        works = [one for one in self._intervals_of(self._routine) if one.exact]
        return held_parts(self._routine, Counter(id(one.step) for one in works))

    @cached_property
    def _repeated(self) -> tuple[Repeated, ...]:
        return repeated_parts(self._routine)

    @cached_property
    def _written_counts(self) -> dict[Path, int]:
        return {path: count for part in self._repeated for path, count in zip(part.paths, part.counts, strict=True)}

    def _works(self, held: Held, out: frozenset[Path], counts: dict[Path, int]) -> int:
        """Return how often something is held, with some steps left out and other numbers of sets and rounds."""
        written = self._written_counts
        total = 0
        for path, works in zip(held.paths, held.works, strict=True):
            owner = next((one for one in counts if is_within(path, [one])), None)
            if not is_within(path, out):
                total += works * counts[owner] // written[owner] if owner is not None else works
        return total

    def _room_ms(self, out: frozenset[Path]) -> tuple[int, int]:
        works = [(held, self._works(held, out, {})) for held in self._held]
        least_ms = sum(number * (held.min_ms - held.hold_ms) for held, number in works)
        return least_ms, sum(number * (held.max_ms - held.hold_ms) for held, number in works)

    def _more_room_ms(self, part: Repeated, more: int) -> tuple[int, int]:
        least_ms = most_ms = 0
        for held in self._held:
            for path, works in zip(held.paths, held.works, strict=True):
                for owner, count in zip(part.paths, part.counts, strict=True):
                    if is_within(path, [owner]):
                        least_ms += works * more * (held.min_ms - held.hold_ms) // count
                        most_ms += works * more * (held.max_ms - held.hold_ms) // count
        return least_ms, most_ms

    # From what is chosen to a plan

    def _plan(self, state: _State, target_ms: int) -> Plan:
        counts = tuple(
            pair for (part, _), more in zip(self._options, state.more, strict=True) if more for pair in part.plus(more)
        )
        need_ms = target_ms - self._length_ms(state)
        holds_ms = self._holds_ms(state, dict(counts), need_ms) if abs(need_ms) > self._tolerance_ms else ()
        return Plan(out=state.out, counts=counts, holds_ms=holds_ms)

    def _holds_ms(self, state: _State, counts: dict[Path, int], need_ms: int) -> tuple[tuple[Path, int], ...]:
        """Return all holds, moved by the same share of their room, in the coarsest steps that meet the promise."""
        kept = [(held, self._works(held, state.out, counts)) for held in self._held]
        kept = [(held, works) for held, works in kept if works]
        room_ms = state.room_ms[0] if need_ms < 0 else state.room_ms[1]
        share = min(1.0, need_ms / room_ms) if room_ms else 0.0
        rounded: list[int] = []
        for step_ms in HOLD_STEPS_MS:
            rounded = _rounded(kept, share, step_ms, shorter=need_ms < 0)
            reached_ms = sum(
                works * (hold_ms - held.hold_ms) for (held, works), hold_ms in zip(kept, rounded, strict=True)
            )
            if abs(reached_ms - share * room_ms) <= self._tolerance_ms // 2:
                break
        return tuple(
            (path, hold_ms)
            for (held, _), hold_ms in zip(kept, rounded, strict=True)
            if hold_ms != held.hold_ms
            for path in held.paths
            if not is_within(path, state.out)
        )

    # What is said where nothing fits

    def _refusal(self) -> str:
        title = f'"{self._routine.title}" can\'t be made {clock_text(self._target_ms)} long'
        rule = "Only optional steps, sets, rounds and single holds change; all else is as long as it was written."
        lengths_ms = sorted({found_ms for near_ms in self._nearest_ms() for found_ms in self._offered_ms(near_ms)})
        if not lengths_ms:
            return "\n".join([*self._as_written(title), f"    {rule}"])
        flags = " or ".join(f"--length {duration_text(length_ms)}" for length_ms in lengths_ms)
        if len(lengths_ms) > 1:
            clocks = " and ".join(map(clock_text, lengths_ms))
            return f"{title}; the nearest that it can be are {clocks}: {flags}\n    {rule}"
        end = "shortest" if lengths_ms[0] > self._target_ms else "longest"
        return f"{title}; the {end} that it can be is {clock_text(lengths_ms[0])}: {flags}\n    {rule}"

    def _as_written(self, title: str) -> Iterator[str]:
        """Yield the beginning of a refusal where only the written length is known to be possible, if it is."""
        length_ms = next(self._offered_ms(self._length_of(replace(self._routine, fitted_ms=None))), None)
        if length_ms is None:
            yield f"{title}."
        else:
            yield f"{title}; as it is written it is {clock_text(length_ms)}: --length {duration_text(length_ms)}"

    def _offered_ms(self, near_ms: int) -> Iterator[int]:
        """Yield a length in whole seconds that can be wished: a wish for another length may be said in other words."""
        for _ in range(_MOST_OFFERS):
            length_ms = max(1_000, (near_ms + 500) // 1_000 * 1_000)
            other = _Fitting(self._routine, length_ms, self._length_of, self._intervals_of)
            if other._found_plan() is not None:
                yield length_ms
                return
            near_ms = min(other._nearest_ms(), key=lambda one: abs(one - self._target_ms))

    def _nearest_ms(self) -> set[int]:
        """Return the nearest lengths that can be reached, one on each side of what is wished where there are any."""
        shortest, longest = self._extreme(0), self._extreme(1)
        if self._target_ms <= self._end_ms(shortest, 0):
            ends = [(shortest, 0)]
        elif self._target_ms >= self._end_ms(longest, 1):
            ends = [(longest, 1)]
        else:
            states = [state for out in self._selections for state in self._states(out, _ANY, has_all=True)]
            below = [state for state in (shortest, *states) if self._end_ms(state, 1) <= self._target_ms]
            above = [state for state in (longest, *states) if self._end_ms(state, 0) > self._target_ms]
            ends = [(max(below, key=lambda state: self._end_ms(state, 1)), 1)] if below else []
            ends += [(min(above, key=lambda state: self._end_ms(state, 0)), 0)] if above else []
        return {self._tried_ms(state, self._plan(state, self._end_ms(state, end))) for state, end in ends}

    def _extreme(self, end: int) -> _State:
        """Return the shortest (0) or longest (1) state."""
        sign = 1 if end else -1
        found = []
        for out in (min(self._selections, key=self._additive_ms), frozenset[Path]()):
            state = _State(out=out, length_ms=self._without_ms(out), room_ms=self._room_ms(out))
            for part, options in self._options:
                choices = self._choices(part, options, out, _ANY)
                state = _with(state, max(choices, key=lambda one: sign * (one.longer_ms + one.room_ms[end])))
            found.append(state)
        return max(found, key=lambda state: sign * self._end_ms(state, end))

    def _end_ms(self, state: _State, end: int) -> int:
        return self._length_ms(state) + state.room_ms[end]


_AS_WRITTEN = _Option(more=0, longer_ms=0, room_ms=(0, 0))


def _with(state: _State, option: _Option) -> _State:
    least_ms, most_ms = state.room_ms
    return _State(
        out=state.out,
        more=(*state.more, option.more),
        length_ms=state.length_ms + option.longer_ms,
        room_ms=(least_ms + option.room_ms[0], most_ms + option.room_ms[1]),
        cost=state.cost + option.more**2,
    )


def _reach_ms(choices: Sequence[Sequence[_Option]]) -> tuple[int, int]:
    """Return by how much some choices may make a session shorter (negative) and longer, with the room of holds."""
    least_ms = sum(min(one.longer_ms + min(0, one.room_ms[0]) for one in options) for options in choices)
    return least_ms, sum(max(one.longer_ms + max(0, one.room_ms[1]) for one in options) for options in choices)


def _rounded(kept: Sequence[tuple[Held, int]], share: float, step_ms: int, *, shorter: bool) -> list[int]:
    """Return holds in whole steps whose sum is as near as can be to a share of the room of each.

    Each is rounded down; then those that lost most are rounded up instead, as far as that makes up for what is lost.
    """
    ends_ms = [held.min_ms if shorter else held.max_ms for held, _ in kept]
    ideal_ms = [held.hold_ms + share * (end_ms - held.hold_ms) for (held, _), end_ms in zip(kept, ends_ms, strict=True)]
    lowest_ms = [min(held.hold_ms, end_ms) for (held, _), end_ms in zip(kept, ends_ms, strict=True)]
    highest_ms = [max(held.hold_ms, end_ms) for (held, _), end_ms in zip(kept, ends_ms, strict=True)]
    found_ms = [max(low_ms, int(ideal // step_ms) * step_ms) for ideal, low_ms in zip(ideal_ms, lowest_ms, strict=True)]
    lost_ms = sum(works * (ideal - found) for (_, works), ideal, found in zip(kept, ideal_ms, found_ms, strict=True))
    for index in sorted(range(len(kept)), key=lambda one: found_ms[one] - ideal_ms[one]):
        works, more_ms = kept[index][1], min(step_ms, highest_ms[index] - found_ms[index])
        if more_ms > 0 and lost_ms >= works * more_ms / 2:
            found_ms[index] += more_ms
            lost_ms -= works * more_ms
    return found_ms
