"""What of a routine may change to fit a length, and the routine with some of that changed.

Only three things ever change: optional steps may go, sets (and rounds of a block) may be more or fewer, and single
holds of a stretch may be shorter or longer within the author's `min` and `max`. Whatever belongs together because one
side is in one step and the other side in another changes together, or not at all.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voiceroutine.checks import is_isometric, side_of
from voiceroutine.choosing import without_next
from voiceroutine.routine import LONG_HOLD_MS, SHORT_HOLD_MS, Block, Change, Exercise, Rest, Say, Wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from voiceroutine.routine import Routine, Step

Path = tuple[int, ...]
"""The index of a step, and of the block it is in, from the outermost."""

MOST_SETS = 4
"""2 to 4 repeats of a stretch in a session (Garber 2011); more are done only where the author wrote more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is otherwise than written.

    Attributes:
        out: the steps that are left out.
        counts: pairs of a step and its new number of sets or rounds.
        holds_ms: pairs of a step and its new hold.
    """

    out: frozenset[Path] = frozenset()
    counts: tuple[tuple[Path, int], ...] = ()
    holds_ms: tuple[tuple[Path, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """Steps whose sets or rounds change together; `counts` are the written ones."""

    paths: tuple[Path, ...]
    counts: tuple[int, ...]

    def plus(self, more: int) -> tuple[tuple[Path, int], ...]:
        """Return so many more sets of each, or fewer if negative."""
        return tuple((path, count + more) for path, count in zip(self.paths, self.counts, strict=True))

    @property
    def fewest(self) -> int:
        """How many may go, as a negative number."""
        return 1 - min(self.counts)

    @property
    def most(self) -> int:
        """How many may be added."""
        return max(0, MOST_SETS - max(self.counts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Steps whose single hold is the same, and stays the same; `works` are how often each is held."""

    paths: tuple[Path, ...]
    works: tuple[int, ...]
    hold_ms: int
    min_ms: int
    max_ms: int


def walked(steps: Sequence[Step], within: Path = ()) -> Iterator[tuple[Path, Step]]:
    """Yield every step with its path, a block before what is in it."""
    for index, step in enumerate(steps):
        path = (*within, index)
        yield path, step
        if isinstance(step, Block):
            yield from walked(step.steps, path)


def is_within(path: Path, out: Iterable[Path]) -> bool:
    """Tell whether a step is one of some, or in one of them."""
    return any(path[: len(one)] == one for one in out)


def is_stretch(exercise: Exercise) -> bool:
    """Tell whether it is a single hold of a stretch: no reps, no presses, and not a moment's hold of something else.

    A hold under 10 s is a stretch only if its author said how long it may become.
    """
    is_long = exercise.rep_ms >= SHORT_HOLD_MS or exercise.max_ms < LONG_HOLD_MS
    return exercise.action == "hold" and exercise.reps == 1 and is_long and not is_isometric(exercise)


def with_hold(exercise: Exercise, hold_ms: int) -> Exercise:
    """Return an exercise held for another time; what is said during it keeps its place in proportion."""
    during = tuple(replace(cue, at_ms=cue.at_ms * hold_ms // exercise.rep_ms) for cue in exercise.during)
    return replace(exercise, phases=(replace(exercise.phases[0], lasts_ms=hold_ms),), during=during)


def optional_parts(routine: Routine) -> tuple[frozenset[Path], ...]:
    """Return the steps that may be left out, in the order of the file; those of one element go together.

    At least one exercise is in none of them.
    """
    outermost: list[Path] = []
    for path, step in walked(routine.steps):
        if isinstance(step, Exercise | Say | Block) and step.is_optional and not is_within(path, outermost):
            outermost.append(path)
    parts = [frozenset([path]) for path in outermost]
    for paths in _pairs(routine).values():
        touched = [part for part in parts if any(is_within(path, part) for path in paths)]
        parts = [part for part in parts if part not in touched]
        if touched and all(is_within(path, frozenset().union(*touched)) for path in paths):
            parts.append(frozenset().union(*touched))
    exercises = [path for path, step in walked(routine.steps) if isinstance(step, Exercise)]
    if all(is_within(path, frozenset().union(*parts)) for path in exercises):
        parts = [part for part in parts if not exercises or not is_within(exercises[0], part)]
    return tuple(sorted(parts, key=min))


def repeated_parts(routine: Routine) -> tuple[Repeated, ...]:
    """Return what has sets or rounds; in a block of several rounds, the rounds are what changes."""
    counted = dict(_counted(routine.steps, ()))
    groups: dict[Path, tuple[Path, ...]] = {path: (path,) for path in counted}
    for paths in _pairs(routine).values():
        owners = tuple(dict.fromkeys(next((one for one in counted if is_within(path, [one])), ()) for path in paths))
        if len(owners) > 1:
            for owner in owners:
                groups.pop(owner, None)
            if set(owners) == set(paths) and len({_dose(routine, path) for path in paths}) == 1:
                groups[owners[0]] = owners
    return tuple(
        Repeated(paths=paths, counts=tuple(counted[path] for path in paths)) for _, paths in sorted(groups.items())
    )


def held_parts(routine: Routine, heard: Mapping[int, int]) -> tuple[Held, ...]:
    """Return the single holds that may change, those of one exercise together.

    Args:
        routine: as it is written.
        heard: for the `id` of an exercise, how many stretches of its work will be heard; it isn't there if none.
    """
    pairs = _pairs(routine)
    groups: defaultdict[object, list[tuple[Path, Exercise, int]]] = defaultdict(list)
    for path, step, rounds in _with_rounds(routine.steps, (), 1):
        works = min(step.sets * max(1, len(step.sides)) * rounds, heard.get(id(step), 0))
        of_pair = next((key for key, paths in pairs.items() if path in paths), None)
        is_fixed = of_pair is not None and len({_hold_of(routine, path) for path in pairs[of_pair]}) > 1
        if works and is_stretch(step) and not is_fixed:
            range_ms = (step.rep_ms, min(step.min_ms or step.rep_ms, step.rep_ms), max(step.max_ms, step.rep_ms))
            groups[(step.exercise or step.name, range_ms) if of_pair is None else (of_pair, range_ms)].append(
                (path, step, works)
            )
    return tuple(_held(members) for members in groups.values())


def _held(members: Sequence[tuple[Path, Exercise, int]]) -> Held:
    step = members[0][1]
    return Held(
        paths=tuple(path for path, _, _ in members),
        works=tuple(works for _, _, works in members),
        hold_ms=step.rep_ms,
        min_ms=min(step.min_ms or step.rep_ms, step.rep_ms),
        max_ms=max(step.max_ms, step.rep_ms),
    )


def changed(routine: Routine, plan: Plan) -> Routine:
    """Return a routine changed by a plan, with a line for each change."""
    kept = [
        path for path, step in walked(routine.steps) if isinstance(step, Exercise) and not is_within(path, plan.out)
    ]
    was_last = max((path for path, step in walked(routine.steps) if isinstance(step, Exercise)), default=())
    steps = _Rebuilding(plan, max(kept, default=()), was_last).through(routine.steps, ())
    changes = (*routine.changes, *_changes(routine, plan))
    return replace(routine, steps=tuple(_without_double_rests(steps, routine)), changes=changes)


class _Rebuilding:
    """Builds the steps anew; after the last exercise that is left, nothing leads to a next one."""

    def __init__(self, plan: Plan, last: Path, was_last: Path) -> None:
        self._plan = plan
        self._counts = dict(plan.counts)
        self._holds_ms = dict(plan.holds_ms)
        self._last = last
        self._was_last = was_last

    def through(self, steps: Sequence[Step], within: Path) -> list[Step]:
        found = []
        for index, step in enumerate(steps):
            path = (*within, index)
            if path not in self._plan.out and (one := self._one(step, path)) is not None:
                found.append(one)
        return found

    def _one(self, step: Step, path: Path) -> Step | None:
        match step:
            case Block():
                steps = tuple(self.through(step.steps, path))
                return replace(step, steps=steps, repeat=self._counts.get(path, step.repeat)) if steps else None
            case Exercise():
                step = replace(step, sets=self._counts.get(path, step.sets))
                step = with_hold(step, self._holds_ms[path]) if path in self._holds_ms else step
        if self._last <= path < self._was_last:
            leads_nowhere = isinstance(step, Rest | Wait) and path > self._last
            return None if leads_nowhere else without_next(step)
        return step


def _without_double_rests(steps: Sequence[Step], routine: Routine) -> Iterator[Step]:
    """Yield steps without the rest, of two that only now follow each other, that says nothing of its own."""
    written = {(id(before), id(after)) for before, after in zip(routine.steps, routine.steps[1:], strict=False)}
    kept: list[Step] = []
    for step in steps:
        before = kept[-1] if kept else None
        if isinstance(step, Rest) and isinstance(before, Rest) and (id(before), id(step)) not in written:
            if step.text is None:
                continue
            if before.text is None:
                kept.pop()
        kept.append(step)
    yield from kept


def _changes(routine: Routine, plan: Plan) -> Iterator[Change]:
    counts, holds_ms = dict(plan.counts), dict(plan.holds_ms)
    for path, step in walked(routine.steps):
        name = name_of(step)
        if path in plan.out:
            yield Change(what="left out", step=name, text=f"{name} left out (optional)")
        if is_within(path, plan.out):
            continue
        count = step.repeat if isinstance(step, Block) else step.sets if isinstance(step, Exercise) else 0
        if counts.get(path, count) != count:
            yield _counted_otherwise(step, name, count, counts[path])
        if isinstance(step, Exercise) and holds_ms.get(path, step.rep_ms) != step.rep_ms:
            yield held_otherwise(step, holds_ms[path])


def name_of(step: Step) -> str:
    """Return what to call a step: its name or title, the exercises in it, or the beginning of its words."""
    match step:
        case Exercise():
            return step.name
        case Block():
            inside = [name_of(one) for _, one in walked(step.steps) if isinstance(one, Exercise)]
            return step.title or ", ".join(dict.fromkeys(inside)) or "A block"
        case Say():
            return f'"{step.text}"' if len(step.text) <= 40 else f'"{step.text[:40].rstrip()}…"'
    return "Rest"


def _counted_otherwise(step: Step, name: str, before: int, after: int) -> Change:
    if isinstance(step, Block):
        text = f"{name}: {before} round{'s' * (before != 1)} → {after}"
        return Change(
            what="fewer rounds" if after < before else "more rounds", step=name, before=before, after=after, text=text
        )
    text = f"{name}: {before} set{'s' * (before != 1)} → {after}"
    return Change(
        what="fewer sets" if after < before else "more sets", step=name, before=before, after=after, text=text
    )


def held_otherwise(step: Exercise, hold_ms: int) -> Change:
    """Return the change of a hold."""
    what = "shorter hold" if hold_ms < step.rep_ms else "longer hold"
    text = f"{step.name}: hold {step.rep_ms / 1000:g} s → {hold_ms / 1000:g} s"
    return Change(what=what, step=step.name, before=step.rep_ms, after=hold_ms, text=text)  # type: ignore[arg-type]


def _counted(steps: Sequence[Step], within: Path) -> Iterator[tuple[Path, int]]:
    for index, step in enumerate(steps):
        path = (*within, index)
        if isinstance(step, Exercise):
            yield path, step.sets
        elif isinstance(step, Block) and step.repeat > 1:
            yield path, step.repeat
        elif isinstance(step, Block):
            yield from _counted(step.steps, path)


def _with_rounds(steps: Sequence[Step], within: Path, rounds: int) -> Iterator[tuple[Path, Exercise, int]]:
    for index, step in enumerate(steps):
        if isinstance(step, Block):
            yield from _with_rounds(step.steps, (*within, index), rounds * step.repeat)
        elif isinstance(step, Exercise):
            yield (*within, index), step, rounds


def _pairs(routine: Routine) -> dict[str, list[Path]]:
    """Return, for each exercise that is done more on one side in some step, all its steps that have sides."""
    words = routine.phrases().sides
    of_name: defaultdict[str, list[tuple[Path, bool]]] = defaultdict(list)
    for path, step in walked(routine.steps):
        if isinstance(step, Exercise):
            labels = [side_of(label, words) for label in step.sides or (step.name,)]
            if set(labels) & {"right", "left"}:
                is_uneven = labels.count("right") != labels.count("left")
                of_name[_unsided(step, words)].append((path, is_uneven))
    return {
        name: [path for path, _ in found]
        for name, found in of_name.items()
        if len(found) > 1 and any(is_uneven for _, is_uneven in found)
    }


def _unsided(step: Exercise, words: Mapping[str, str]) -> str:
    """Return what a step and its twin of the other side are both called."""
    if step.sides:
        return step.exercise or step.name
    sides = {word.casefold() for word in words.values()}
    return " ".join(word for word in re.findall(r"\w+", step.name.casefold()) if word not in sides)


def _at(routine: Routine, path: Path) -> Exercise:
    found = next(step for at, step in walked(routine.steps) if at == path)
    assert isinstance(found, Exercise)
    return found


def _dose(routine: Routine, path: Path) -> tuple[int, ...]:
    step = _at(routine, path)
    return step.rep_ms, step.reps, step.sets


def _hold_of(routine: Routine, path: Path) -> tuple[int, ...]:
    step = _at(routine, path)
    return step.rep_ms, step.min_ms, step.max_ms, step.reps
