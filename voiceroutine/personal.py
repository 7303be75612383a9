"""A routine as one listener wants it: which side comes first, how long stretches are held, what is never done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from voiceroutine.checks import side_of
from voiceroutine.choosing import choose, plain
from voiceroutine.errors import SettingError
from voiceroutine.flexible import held_otherwise, is_stretch, with_hold
from voiceroutine.routine import Block, Change, Exercise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from voiceroutine.routine import Routine, Step

Side = Literal["left", "right"]


def without_never(routine: Routine, never: Sequence[str]) -> Routine:
    """Return a routine without the exercises that its listener never wants, with a line for each.

    Args:
        routine: what there is.
        never: ids or names of exercises; those that aren't in this routine don't matter.

    Raises:
        SettingError: nothing is left to do.
    """
    unwanted = {plain(name) for name in never}
    found = [
        step for step in routine.exercises() if {plain(name) for name in (step.exercise or "", step.name)} & unwanted
    ]
    if not found:
        return routine
    if len(found) == len([*routine.exercises()]):
        raise SettingError(
            f'There is nothing left to do: your settings never want any exercise of "{routine.title}"; '
            "with --only NAME one of them is done all the same."
        )
    left = choose(routine, skip=[str(step.number) for step in found])
    changes = (
        Change(what="left out", step=name, text=f"{name} left out (never wanted; --only would do it)")
        for name in dict.fromkeys(step.name for step in found)
    )
    return replace(left, changes=(*left.changes, *changes))


def sided(routine: Routine, first: Side) -> Routine:
    """Return a routine in which one side comes before the other, wherever an exercise has both."""
    words = routine.phrases().sides
    return _with_exercises(routine, lambda step: replace(step, sides=_ordered(step.sides, first, words)))


def _ordered(sides: tuple[str, ...], first: Side, words: Mapping[str, str]) -> tuple[str, ...]:
    """Return sides with right and left changed for each other if the wished one comes later; others stay."""
    found = [side_of(label, words) for label in sides]
    if found.count("right") != 1 or found.count("left") != 1:
        return sides
    right, left = found.index("right"), found.index("left")
    if (left < right) == (first == "left"):
        return sides
    ordered = [*sides]
    ordered[right], ordered[left] = sides[left], sides[right]
    return tuple(ordered)


def held(routine: Routine, hold_ms: int) -> Routine:
    """Return a routine whose single holds of stretches last for one time, which fitting then leaves alone.

    Its changes tell what is otherwise, and which exercises are as they were.
    """
    exercises = [*routine.exercises()]
    changes = [held_otherwise(step, hold_ms) for step in exercises if is_stretch(step) and step.rep_ms != hold_ms]
    others = dict.fromkeys(step.name for step in exercises if not is_stretch(step))
    if others:
        names = ", ".join(others)
        text = f"As it was, having no single hold of a stretch: {names}"
        changes.append(Change(what="as it was", step=names, text=text))
    longer = _with_exercises(routine, lambda step: _held(step, hold_ms) if is_stretch(step) else step)
    return replace(longer, changes=(*routine.changes, *changes))


def _held(step: Exercise, hold_ms: int) -> Exercise:
    return replace(with_hold(step, hold_ms), min_ms=hold_ms, max_ms=hold_ms)


def _with_exercises(routine: Routine, change: Callable[[Exercise], Exercise]) -> Routine:
    return replace(routine, steps=tuple(_changed(step, change) for step in routine.steps))


def _changed(step: Step, change: Callable[[Exercise], Exercise]) -> Step:
    if isinstance(step, Block):
        return replace(step, steps=tuple(_changed(one, change) for one in step.steps))
    return change(step) if isinstance(step, Exercise) else step
