"""Every set, side and rep, in order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from strategies import exercises
from timetable import WHERE, hold, in_phases, routine_of

from voiceroutine.errors import RoutineError
from voiceroutine.routine import Block, Exercise, Rest, Say, Step
from voiceroutine.unroll import Interval, unroll, written_ms

Row = tuple[str, int, str | None, int]


def rows(*steps: Step) -> list[Row]:
    """Return kind, set, side and rep of all intervals but the intro and the closing."""
    return [(one.kind, one.set, one.side, one.rep) for one in unroll(routine_of(*steps))[1:-1]]


def kinds(*steps: Step) -> str:
    return " ".join(interval.kind for interval in unroll(routine_of(*steps)))


def test_a_routine_has_an_intro_and_a_closing() -> None:
    assert kinds(hold()) == "intro prepare work closing"


def test_without_steps_only_they_are_left() -> None:
    assert kinds() == "intro closing"


def test_between_reps_stands_relax() -> None:
    assert kinds(hold(reps=3)) == "intro prepare work relax work relax work closing"


def test_a_relax_of_zero_is_no_gap() -> None:
    assert kinds(hold(reps=3, relax_ms=0)) == "intro prepare work work work closing"


def test_sides_one_after_the_other() -> None:
    assert rows(hold(reps=2, sides=("right", "left"))) == [
        ("prepare", 1, "right", 1),
        ("work", 1, "right", 1),
        ("relax", 1, "right", 2),
        ("work", 1, "right", 2),
        ("switch", 1, "left", 1),
        ("work", 1, "left", 1),
        ("relax", 1, "left", 2),
        ("work", 1, "left", 2),
    ]


def test_alternate_takes_turns_rep_by_rep_with_switches_only() -> None:
    assert rows(hold(reps=2, sides=("right", "left"), is_alternating=True)) == [
        ("prepare", 1, "right", 1),
        ("work", 1, "right", 1),
        ("switch", 1, "left", 1),
        ("work", 1, "left", 1),
        ("switch", 1, "right", 2),
        ("work", 1, "right", 2),
        ("switch", 1, "left", 2),
        ("work", 1, "left", 2),
    ]


def test_five_alternating_reps_are_ten_works() -> None:
    assert kinds(hold(reps=5, sides=("right", "left"), is_alternating=True)).count("work") == 10


def test_sets_are_outermost_and_parted_by_a_rest() -> None:
    assert rows(hold(sets=2, sides=("right", "left"))) == [
        ("prepare", 1, "right", 1),
        ("work", 1, "right", 1),
        ("switch", 1, "left", 1),
        ("work", 1, "left", 1),
        ("rest", 2, "right", 1),
        ("work", 2, "right", 1),
        ("switch", 2, "left", 1),
        ("work", 2, "left", 1),
    ]


def test_the_same_label_twice_is_two_sides() -> None:
    assert kinds(hold(sides=("left", "left"))) == "intro prepare work switch work closing"


def test_phases_are_works_without_a_gap() -> None:
    intervals = unroll(routine_of(in_phases(("lift", 2_000), ("sink", 3_000), reps=2)))
    assert [(one.kind, one.rep, one.phase_index) for one in intervals[1:-1]] == [
        ("prepare", 1, 0),
        ("work", 1, 1),
        ("work", 1, 2),
        ("work", 2, 1),
        ("work", 2, 2),
    ]


def test_gaps_carry_their_own_minimum() -> None:
    intervals = unroll(routine_of(hold(reps=2, sets=2, sides=("right", "left"))))
    minimums = {interval.kind: interval.minimum_ms for interval in intervals}
    assert minimums == {
        "intro": 0, "prepare": 10_000, "work": 5_000, "relax": 2_000, "switch": 4_000, "rest": 6_000, "closing": 0,
    }  # fmt: skip


def test_rests_says_and_prepares_add_up() -> None:
    steps = (Rest(where=WHERE, rest_ms=9_000), Say(where=WHERE, text="Up.", pause_ms=500), hold())
    assert kinds(*steps) == "intro rest say prepare work closing"
    assert written_ms(unroll(routine_of(*steps))) == 9_000 + 500 + 10_000 + 5_000


def test_every_round_has_its_own_prepare_and_the_rest_is_between_rounds() -> None:
    block = Block(where=WHERE, steps=(hold(), hold(name="Roll")), repeat=2, rest_ms=7_000)
    assert kinds(block, hold()) == (
        "intro prepare work prepare work rest prepare work prepare work prepare work closing"
    )
    assert kinds(replace(block, rest_ms=0)) == "intro prepare work prepare work prepare work prepare work closing"


def test_rounds_of_nested_blocks_are_numbered_where_there_are_several() -> None:
    inner = Block(where=WHERE, steps=(hold(),), repeat=2)
    outer = Block(where=WHERE, steps=(inner,), repeat=2)
    once = Block(where=WHERE, steps=(inner,))
    numbers = [one.rounds for one in unroll(routine_of(outer, once)) if one.kind == "prepare"]
    assert numbers == [(1, 1), (1, 2), (2, 1), (2, 2), (1,), (2,)]


def test_every_interval_knows_the_exercise_that_comes_next() -> None:
    steps = (hold(name="One"), Rest(where=WHERE, rest_ms=9_000), hold(name="Two"), Say(where=WHERE, text="Done."))
    found = [(one.kind, one.next_step.name if one.next_step else None) for one in unroll(routine_of(*steps))]
    assert found == [
        ("intro", "One"),
        ("prepare", "Two"),
        ("work", "Two"),
        ("rest", "Two"),
        ("prepare", None),
        ("work", None),
        ("say", None),
        ("closing", None),
    ]


def test_an_exercise_is_met_for_the_first_time_once() -> None:
    again = hold(name="Renamed", exercise="fold", instruction="Sit.")
    taught = hold(exercise="fold", instruction="Sit.")
    other = hold(exercise="fold", instruction="Stand.")
    found = [one.is_first_time for one in unroll(routine_of(taught, again, other)) if one.kind == "prepare"]
    assert found == [True, False, True]


@settings(max_examples=50, deadline=None)
@given(exercises())
def test_order_of_work(step: Exercise) -> None:
    assert rows(step) == [("prepare", 1, first_side(step), 1), *prescribed(step)]


def first_side(step: Exercise) -> str | None:
    return step.sides[0] if step.sides else None


def prescribed(step: Exercise) -> list[Row]:
    """Write the works down loop by loop, and the gap that each one's successor asks for."""
    sides = step.sides or (None,)
    one_set = [(side, rep) for side in sides for rep in range(1, step.reps + 1)]
    if step.is_alternating:
        one_set = [(side, rep) for rep in range(1, step.reps + 1) for side in sides]
    found: list[Row] = []
    for set_ in range(1, step.sets + 1):
        for index, (side, rep) in enumerate(one_set):
            if index:
                same_side = one_set[index - 1][0] == side
                gap = "relax" if same_side and not step.is_alternating else "switch"
                found += [(gap, set_, side, rep)] if gap == "switch" or step.relax_ms else []
            elif set_ > 1:
                found.append(("rest", set_, side, rep))
            found += [("work", set_, side, rep)] * len(step.phases)
    return found


def limit_message(*steps: Step) -> str:
    with pytest.raises(RoutineError) as caught:
        unroll(routine_of(*steps))
    (problem,) = caught.value.problems
    return problem.message


def test_more_than_5000_intervals_are_refused() -> None:
    assert len(unroll(routine_of(hold(1_000, reps=2_498)))) == 4_998
    assert "more than 5,000 intervals" in limit_message(hold(1_000, reps=1_000, sets=3))


def test_huge_repeats_end_at_once() -> None:
    step: Step = hold(1_000, reps=1_000, sets=1_000)
    for _ in range(8):
        step = Block(where=WHERE, steps=(step,), repeat=1_000)
    assert "more than 5,000 intervals" in limit_message(step)


def test_more_than_4_hours_are_refused() -> None:
    hour_ms = 3_600_000
    assert "longer than 4 hours" in limit_message(hold(4 * hour_ms - 9_999))
    assert written_ms(unroll(routine_of(hold(4 * hour_ms - 10_000)))) == 4 * hour_ms


def test_without_limits_anything_goes() -> None:
    intervals: tuple[Interval, ...] = unroll(routine_of(hold(5 * 3_600_000, reps=3_000)), has_limits=False)
    assert len(intervals) == 6_002
