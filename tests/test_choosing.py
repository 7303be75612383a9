"""Some exercises of a routine, and sessions that begin later."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count, pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import SOUND_LENGTHS_MS, Session, sessions
from test_law_of_time import law, reps_of
from timetable import said, timeline_of

from voiceroutine.choosing import Start, begun_at, choose, start_at
from voiceroutine.document import parse_document
from voiceroutine.errors import SettingError
from voiceroutine.loading import load_routine
from voiceroutine.routine import Block, Exercise, Routine, Step
from voiceroutine.timeline import compile_timeline
from voiceroutine.unroll import Interval, identity_of, unroll

if TYPE_CHECKING:
    from conftest import Ended

TEXT = """
title = "Evening"
cues = { safety = false }
[[steps]]
say = "Sit tall."
[[steps]]
name = "Chin tuck"
instruction = "Draw your chin straight back."
hold = "5s"
reps = 2
[[steps]]
rest = "10s"
say = "Then {next}."
[[steps]]
repeat = 3
rest = "7s"
[[steps.steps]]
name = "Neck tilt, seated"
hold = "5s"
sides = "each"
needs = ["a chair"]
[[steps.steps]]
wait = "5s"
[[steps.steps]]
name = "Neck roll"
instruction = "Keep it small."
hold = "5s"
caution = "{next} comes after this."
[[steps]]
say = "Stand up."
[[steps]]
name = "Chin tuck"
instruction = "Draw your chin straight back."
hold = "9s"
"""


@pytest.fixture(scope="module")
def evening() -> Routine:
    return load_routine(parse_document(TEXT), {})


def rows(intervals: Sequence[Interval]) -> list[str]:
    """Return what is there besides work, gaps inside exercises, the intro and the closing."""
    return [
        (f"{one.step.number}" if one.step else one.kind) + "".join(f" r{number}" for number in one.rounds)
        for one in intervals[1:-1]
        if one.step is None or one.kind == "prepare"
    ]


def chosen(routine: Routine, **choice: Sequence[str]) -> list[str]:
    return rows(unroll(choose(routine, **choice)))


def begun(routine: Routine, text: str) -> tuple[Interval, ...]:
    return begun_at(unroll(routine), start_at(routine, text))


def test_without_a_choice_all_is_there(evening: Routine) -> None:
    assert choose(evening) is evening
    assert chosen(evening) == [
        "say", "1", "rest", "2 r1", "wait", "3 r1", "rest", "2 r2", "wait", "3 r2", "rest", "2 r3", "wait", "3 r3",
        "say", "4",
    ]  # fmt: skip


def test_what_stands_between_goes_with_the_exercise_before_it(evening: Routine) -> None:
    assert chosen(evening, only=["1"]) == ["say", "1", "rest"]
    assert chosen(evening, only=["4"]) == ["say", "4"]
    assert chosen(evening, skip=["neck tilt, seated"]) == [
        "say", "1", "rest", "3 r1", "rest", "3 r2", "rest", "3 r3", "say", "4",
    ]  # fmt: skip


def test_a_block_without_exercises_vanishes(evening: Routine) -> None:
    assert chosen(evening, skip=["2", "3"]) == ["say", "1", "rest", "4"]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3", "3"),
        ("Neck roll", "3"),
        ("NECK-ROLL", "3"),
        ("neck r", "3"),
        ("chin", "14"),
        ("Neck tilt, seated", "2"),
        ("2,3", "23"),
        (" neck r , 1,", "13"),
    ],
)
def test_steps_are_meant_by_number_name_or_the_beginning_of_one(evening: Routine, text: str, numbers: str) -> None:
    kept = [str(step.number) for step in choose(evening, only=[text]).exercises()]
    assert kept == [*numbers]
    left = [str(step.number) for step in choose(evening, skip=[text]).exercises()]
    assert left == [number for number in "1234" if number not in numbers]


LIST = """
The exercises are:
     1  Chin tuck
     2  Neck tilt, seated
     3  Neck roll
     4  Chin tuck"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nek roll", '--only: there is no exercise "nek roll" in "Evening"; did you mean "Neck roll"?' + LIST),
        ("5", '--only: there is no exercise "5" in "Evening".' + LIST),
        ("neck", '--only: "neck" may be several exercises; write more of it, or its number.' + LIST),
        ("", '--only: there is no exercise "" in "Evening".' + LIST),
        ("1,,x", '--only: there is no exercise "x" in "Evening".' + LIST),
    ],
)
def test_what_is_not_there_is_told_with_what_is(evening: Routine, text: str, message: str) -> None:
    with pytest.raises(SettingError) as raised:
        choose(evening, only=[text])
    assert str(raised.value) == message


def test_ids_are_in_the_list() -> None:
    text = 'title = "Small"\n[[exercises]]\nid = "dog"\nname = "Stretch"\nhold = "5s"\n[[steps]]\nexercise = "dog"\n'
    routine = load_routine(parse_document(text), {})
    assert [*choose(routine, only=["dog"]).exercises()] == [*choose(routine, only=["stre"]).exercises()]
    with pytest.raises(SettingError, match=r"\n     1  Stretch \(dog\)$"):
        choose(routine, skip=["cat"])


def test_nothing_left_is_told(evening: Routine) -> None:
    with pytest.raises(SettingError) as raised:
        choose(evening, only=["1"], skip=["chin"])
    assert str(raised.value) == 'There is nothing left to do: --only and --skip leave no exercise of "Evening".'


def test_a_sentence_that_names_the_next_exercise_goes_where_there_is_none(evening: Routine) -> None:
    texts = [text for _, text in said(timeline_of(choose(evening, only=["1"])))]
    assert "Rest." in texts
    assert "Then Neck roll." in [text for _, text in said(timeline_of(choose(evening, only=["1", "3"])))]
    texts = [text for _, text in said(timeline_of(choose(evening, only=["3"])))]
    assert not any("comes after this" in text for text in texts)


def test_beginning_later_keeps_the_intro_and_the_numbers_of_rounds(evening: Routine) -> None:
    assert rows(begun(evening, "Neck roll, round 2")) == ["3 r2", "rest", "2 r3", "wait", "3 r3", "say", "4"]
    assert rows(begun(evening, "2, Runde 3")) == ["2 r3", "wait", "3 r3", "say", "4"]
    assert rows(begun(evening, "4")) == ["4"]
    assert [one.kind for one in begun(evening, "4")] == ["intro", "prepare", "work", "closing"]


def test_a_name_that_comes_twice_begins_at_its_first(evening: Routine) -> None:
    assert rows(begun(evening, "chin tuck"))[0] == "1"


def test_the_intro_counts_and_asks_for_what_will_be_heard(evening: Routine) -> None:
    timeline = compile_timeline(evening, begun(evening, "4"), lambda _: 1_000, SOUND_LENGTHS_MS.__getitem__)
    assert [text for _, text in said(timeline)] == [
        "Evening. About one minute.",
        "Chin tuck.",
        "Draw your chin straight back.",
        "That was all. Well done.",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("neck roll, round 4", '--from: "Neck roll" has no round 4; there are: 1, 2, 3.'),
        ("1, round 2", '--from: "Chin tuck" has no round 2; it is in no block of several rounds.'),
        ("zzz", '--from: there is no exercise "zzz" in "Evening".' + LIST),
    ],
)
def test_a_beginning_that_is_not_there_is_told(evening: Routine, text: str, message: str) -> None:
    with pytest.raises(SettingError) as raised:
        begun(evening, text)
    assert str(raised.value) == message


def test_beginning_and_choosing_combine(evening: Routine) -> None:
    routine = choose(evening, only=["1,3,4"])
    assert rows(begun(routine, "3, round 3")) == ["3 r3", "say", "4"]
    with pytest.raises(SettingError, match='no exercise "2"'):
        begun(routine, "2")


def numbered(steps: Sequence[Step], numbers: Iterator[int]) -> tuple[Step, ...]:
    return tuple(
        replace(step, steps=numbered(step.steps, numbers))
        if isinstance(step, Block)
        else replace(step, number=next(numbers))
        if isinstance(step, Exercise)
        else step
        for step in steps
    )


@st.composite
def shortened(draw: st.DrawFn) -> tuple[Routine, set[int], Start, Session]:
    """Draw a whole routine, what is kept of it, where it begins, and the session with what is kept."""
    session = draw(sessions())
    whole = replace(session.routine, steps=numbered(session.routine.steps, count(1)))
    numbers = [step.number for step in whole.exercises()]
    assume(numbers)
    kept = draw(st.sets(st.sampled_from(numbers), min_size=1))
    routine = choose(whole, only=[str(number) for number in kept])
    return whole, kept, Start(number=draw(st.sampled_from(sorted(kept)))), replace(session, routine=routine)


Shortened = tuple[Routine, set[int], Start, Session]


@law
@given(shortened())
def test_what_is_kept_has_its_whole_dose(drawn: Shortened) -> None:
    whole, kept, start, session = drawn
    before, after = unroll(whole), unroll(session.routine)
    assert doses(after) == [dose for dose in doses(before) if dose[0] in kept]
    begun = begun_at(after, start)
    assert doses(begun) == doses(after)[-len(doses(begun)) :]


def doses(intervals: Sequence[Interval]) -> list[tuple[object, ...]]:
    return [
        (one.step.number, one.kind, one.rounds, one.side, one.set, one.rep, one.phase_index, one.minimum_ms)
        for one in intervals
        if one.step is not None
    ]


@law
@given(shortened())
def test_every_exercise_is_taught_the_first_time_that_it_is_heard(drawn: Shortened) -> None:
    _, _, start, session = drawn
    for intervals in (session.intervals(), begun_at(session.intervals(), start)):
        met = set[tuple[str, str | None]]()
        for interval in intervals:
            if interval.kind == "prepare" and interval.step is not None:
                assert interval.is_first_time == (identity_of(interval.step) not in met)
                met.add(identity_of(interval.step))


@law
@given(shortened())
def test_the_law_of_time_holds_for_what_is_heard(drawn: Shortened) -> None:
    _, _, start, session = drawn
    intervals = begun_at(session.intervals(), start)
    timeline = compile_timeline(session.routine, intervals, session.pace, SOUND_LENGTHS_MS.__getitem__)
    assert [placed.interval for placed in timeline.intervals] == [*intervals]
    assert all(one.end_ms == other.start_ms for one, other in pairwise(timeline.intervals))
    assert all(placed.grown_ms >= 0 for placed in timeline.intervals)
    for rep in reps_of(timeline):
        assert [placed.end_ms - placed.start_ms for placed in rep.placed] == [p.lasts_ms for p in rep.step.phases]


@law
@given(shortened())
def test_the_next_one_named_is_the_next_one_heard(drawn: Shortened) -> None:
    _, _, start, session = drawn
    intervals = begun_at(session.intervals(), start)
    following = None
    for interval in reversed(intervals):
        if interval.kind != "closing":
            assert interval.next_step is following
        if interval.kind == "prepare":
            following = interval.step


def test_the_command_line_chooses(command: Callable[..., Ended]) -> None:
    choice = ("--only", "chin,2", "--only", "6", "--skip", "6", "--from", "chin-tuck")
    shown = json.loads(command("show", "neck-cooldown", "--estimate", "--json", *choice).out)
    assert [chapter["title"] for chapter in shown["chapters"]] == ["Introduction", "Chin tuck"]
    rows = command("show", "neck-cooldown", "--estimate", *choice).out.splitlines()
    assert [row.split(maxsplit=1)[1] for row in rows if " · " in row] == ["5. Chin tuck · 5 reps · hold 5s"]


def test_a_wrong_choice_ends_with_status_2(command: Callable[..., Ended]) -> None:
    for name in ("show", "export", "play"):
        ended = command(name, "neck-cooldown", "--from", "zzz")
        assert (ended.status, ended.out) == (2, "")
        assert ended.err.startswith('--from: there is no exercise "zzz" in "Neck cool-down".\nThe exercises are:\n')
