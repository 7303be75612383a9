"""Sessions fitted to a length: the promise, the policy, and what is said where nothing fits.

LAW_EXAMPLES=2000 pytest tests/test_fitting.py      looks longer
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import Pace, Session, sessions
from test_content import MINUTES
from test_law_of_time import law, reps_of
from timetable import WHERE, hold, in_phases, routine_of, timeline_of

from voiceroutine.checks import is_isometric
from voiceroutine.errors import SettingError
from voiceroutine.fitting import LEAST_TOLERANCE_MS, fitted, tolerance_ms
from voiceroutine.flexible import MOST_SETS
from voiceroutine.production import Production, load
from voiceroutine.routine import Block, During, Exercise, Rest, Routine, Say, Step
from voiceroutine.timeline import Timeline
from voiceroutine.unroll import Interval, unroll
from voiceroutine.wishes import Wishes

if TYPE_CHECKING:
    from conftest import Ended

    Command = Callable[..., Ended]

NAMED = re.compile(r"--length (\S+)")
SECONDS = re.compile(r"(?:(\d+)m)?(?:(\d+)s)?")


@cache
def bundled(name: str) -> Routine:
    return load(name)


def estimated(routine: Routine) -> Timeline:
    return Production(routine).estimated_timeline()


def small_ms(routine: Routine) -> int:
    return timeline_of(routine).duration_ms


def fit(routine: Routine, seconds: float) -> Routine:
    return fitted(routine, round(seconds * 1000), small_ms)


def told(routine: Routine) -> list[str]:
    return [change.text for change in routine.changes]


def named_ms(refusal: str) -> list[int]:
    """Return the lengths that a refusal offers."""
    matches = [SECONDS.fullmatch(text) for text in NAMED.findall(refusal)]
    return [(int(found[1] or 0) * 60 + int(found[2] or 0)) * 1000 for found in matches if found]


def of_sides(intervals: Sequence[Interval]) -> dict[str, Counter[str]]:
    """Return for every exercise how long it works each side."""
    work_ms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in intervals:
        if one.exact and one.step is not None and one.side in {"left", "right"}:
            work_ms[one.step.exercise or one.step.name][str(one.side)] += one.minimum_ms
    return work_ms


def unequal(intervals: Sequence[Interval]) -> set[str]:
    return {name for name, sides in of_sides(intervals).items() if sides["left"] != sides["right"]}


def doses(steps: Iterable[Step]) -> set[tuple[object, ...]]:
    """Return of every exercise what never changes: all but its sets, and its hold if it is a single one."""
    found: set[tuple[object, ...]] = set()
    for step in steps:
        if isinstance(step, Block):
            found |= doses(step.steps)
        elif isinstance(step, Exercise):
            is_single = step.action == "hold" and step.reps == 1 and not is_isometric(step)
            gaps = (step.prepare_ms, step.relax_ms, step.switch_ms, step.rest_ms)
            found.add((step.name, step.action, () if is_single else step.phases, step.reps, step.sides, gaps))
    return found


def check_kept(written: Routine, found: Routine) -> None:
    """Check what holds for every fitted routine."""
    intervals = unroll(found, has_limits=False)
    assert (intervals[0].kind, intervals[-1].kind) == ("intro", "closing")
    assert found.cues.safety == written.cues.safety
    assert any(True for _ in found.exercises()) == any(True for _ in written.exercises())
    assert doses(found.steps) <= doses(written.steps)
    assert unequal(intervals) <= unequal(unroll(written, has_limits=False))
    for step in found.exercises():
        assert 1 <= step.sets <= max(MOST_SETS, *(one.sets for one in written.exercises()))
        if step.action == "hold":
            assert min(step.min_ms or step.rep_ms, step.rep_ms) <= step.rep_ms <= max(step.max_ms, step.rep_ms)
        assert all(cue.at_ms < step.rep_ms for cue in step.during)


# The promise

REACHED = {
    "after-cycling-or-swimming": range(2, 21),
    "after-lifting": range(3, 21),
    "chin-tuck-habit": range(2, 3),
    "desk-reset": range(2, 11),
    "evening-unwind": range(4, 21),
    "neck-complete": range(4, 21),
    "neck-cooldown": range(3, 21),
    "neck-strength": range(4, 16),
    "neck-warmup": range(3, 12),
    "rest-day": range(3, 21),
}


@pytest.mark.parametrize("minutes", range(2, 21))
@pytest.mark.parametrize("name", MINUTES)
def test_a_bundled_routine_is_as_long_as_wished_or_says_what_it_can_be(name: str, minutes: int) -> None:
    written, wished_ms = bundled(name), minutes * 60_000
    try:
        found = Production(written).fitted(wished_ms, is_estimated=True)
    except SettingError as error:
        assert minutes not in REACHED[name]
        for length_ms in named_ms(str(error)):
            again = Production(written).fitted(length_ms, is_estimated=True)
            assert abs(again.estimated_timeline().duration_ms - length_ms) <= tolerance_ms(length_ms)
        assert named_ms(str(error))
        return
    timeline = found.estimated_timeline()
    assert abs(timeline.duration_ms - wished_ms) <= tolerance_ms(wished_ms)
    check_kept(written, found.routine)
    assert unequal(found.intervals) == set()
    assert all(rep.ms == rep.step.rep_ms for rep in reps_of(timeline))
    assert bool(found.routine.changes) == (
        doses(found.routine.steps) != doses(written.steps) or found.routine.steps != written.steps
    )


A_MOMENT_MS = 30_000


QUIET = {"countdown_s": 0, "countdown_with": "tick", "halfway": "voice", "every_ms": 0} | dict.fromkeys(
    ("next_up", "count_reps", "encourage"), False
)


def test_where_no_other_length_keeps_what_it_says_the_written_one_is_offered() -> None:
    gaps = {"prepare_ms": 14_999, "relax_ms": 0, "switch_ms": 0, "rest_ms": 0}
    one = hold(1, name="Exercise 1", sides=("right", "left"), sets=2, min_ms=1, max_ms=1, **gaps)
    routine = routine_of(Say(where=WHERE, text="Breathe."), one, title="Random", **QUIET)
    session = Session(routine, Pace(300, 2_000))
    with pytest.raises(SettingError) as refused:
        fitted(routine, 54_458, lambda routine: replace(session, routine=routine).timeline().duration_ms)
    assert str(refused.value) == (
        '"Random" can\'t be made 0:54 long; as it is written it is 0:37: --length 37s\n'
        "    Only optional steps, sets, rounds and single holds change; all else is as long as it was written."
    )


@law
@given(sessions(), st.sampled_from([0.2, 0.5, 0.8, 0.97, 1.0, 1.1, 1.5, 2.5]))
def test_a_random_routine_is_as_long_as_wished_or_says_what_it_can_be(session: Session, share: float) -> None:
    def length_ms(routine: Routine) -> int:
        return replace(session, routine=routine).timeline().duration_ms

    written_ms = length_ms(session.routine)
    wished_ms = round(written_ms * share)
    try:
        found = fitted(session.routine, wished_ms, length_ms)
    except SettingError as error:
        # Where the words for a length last very differently, or are most of it, no length may be what it says.
        assert named_ms(str(error)) or session.pace.longest_ms > LEAST_TOLERANCE_MS or written_ms < A_MOMENT_MS
        for named in named_ms(str(error)):
            assert abs(length_ms(fitted(session.routine, named, length_ms)) - named) <= tolerance_ms(named)
        return
    assert abs(length_ms(found) - wished_ms) <= tolerance_ms(wished_ms)
    check_kept(session.routine, found)
    timeline = replace(session, routine=found).timeline()
    assert all(one.end_ms == other.start_ms for one, other in pairwise(timeline.intervals))
    assert all(rep.ms == rep.step.rep_ms for rep in reps_of(timeline))


@law
@given(sessions())
def test_the_same_wish_gives_the_same_routine(session: Session) -> None:
    def length_ms(routine: Routine) -> int:
        return replace(session, routine=routine).timeline().duration_ms

    def outcome() -> Routine | str:
        try:
            return fitted(session.routine, length_ms(session.routine) * 3 // 4, length_ms)
        except SettingError as error:
            return str(error)

    assert outcome() == outcome()


@pytest.mark.slow
@pytest.mark.parametrize("name", MINUTES)
def test_the_promise_holds_for_a_real_voice(name: str, command: Command) -> None:
    for minutes in (2, 4, 6, 9, 15):
        ended = command("show", name, "--minutes", str(minutes), "--json", "--voice", "espeak")
        if ended.status == 0:
            assert abs(json.loads(ended.out)["duration_ms"] - minutes * 60_000) <= tolerance_ms(minutes * 60_000)
            continue
        assert ended.status == 2
        for length in NAMED.findall(ended.err):
            assert command("show", name, "--length", length, "--voice", "espeak").status == 0


# The policy


def test_nothing_changes_where_it_is_near_enough() -> None:
    routine = routine_of(hold(30_000), hold(20_000, name="Tilt", is_optional=True))
    found = fit(routine, small_ms(routine) / 1000 + 2)
    assert (found.steps, found.changes) == (routine.steps, ())


def long_routine() -> Routine:
    return routine_of(
        Say(where=hold().where, text="Sit tall."),
        hold(40_000, name="Neck tilt", sides=("right", "left"), sets=2, min_ms=20_000, max_ms=60_000),
        in_phases(("up", 2_000), ("down", 3_000), name="Shoulder roll", reps=6, is_optional=True),
        hold(5_000, name="Chin tuck", reps=6, sets=2),
        hold(6_000, name="Neck isometrics", sides=("forward", "backward", "left", "right")),
        hold(30_000, name="Fold", min_ms=10_000, max_ms=60_000),
    )


def test_optional_steps_go_first_then_sets_then_holds_are_shorter() -> None:
    routine = long_routine()
    whole_s = small_ms(routine) / 1000
    assert told(fit(routine, whole_s - 40)) == ["Shoulder roll left out (optional)"]
    assert told(fit(routine, whole_s - 86)) == ["Shoulder roll left out (optional)", "Chin tuck: 2 sets → 1"]
    shorter = fit(routine, whole_s - 206)
    assert told(shorter) == [
        "Neck tilt: 2 sets → 1",
        "Neck tilt: hold 40 s → 31 s",
        "Shoulder roll left out (optional)",
        "Chin tuck: 2 sets → 1",
        "Fold: hold 30 s → 20 s",
    ]
    assert [change.what for change in shorter.changes] == [
        "fewer sets", "shorter hold", "left out", "fewer sets", "shorter hold",
    ]  # fmt: skip


def test_holds_are_longer_before_there_are_more_sets() -> None:
    routine = long_routine()
    whole_s = small_ms(routine) / 1000
    assert told(fit(routine, whole_s + 55)) == ["Neck tilt: hold 40 s → 50 s", "Fold: hold 30 s → 45 s"]
    most = fit(routine, whole_s + 110)
    assert told(most) == ["Neck tilt: hold 40 s → 60 s", "Fold: hold 30 s → 60 s"]
    more = fit(routine, whole_s + 150)
    assert sum(change.what == "more sets" for change in more.changes) == 1


def test_presses_reps_and_phases_are_never_held_for_another_time() -> None:
    routine = long_routine()
    for share in (0.5, 0.7, 1.3, 2.0):
        for step in fit(routine, small_ms(routine) / 1000 * share).exercises():
            if step.name in {"Shoulder roll", "Chin tuck", "Neck isometrics"}:
                assert step.rep_ms == {"Shoulder roll": 5_000, "Chin tuck": 5_000, "Neck isometrics": 6_000}[step.name]


def test_a_moment_of_strength_is_not_taken_for_a_stretch() -> None:
    with pytest.raises(SettingError):
        fit(routine_of(hold(5_000, max_ms=60_000, sets=4)), 150)
    assert told(fit(routine_of(hold(8_000, min_ms=8_000, max_ms=20_000, sets=4)), 95))


def test_rounds_of_a_block_are_its_sets() -> None:
    block = Block(where=hold().where, title="Slow rounds", repeat=3, steps=(hold(5_000, reps=3),), rest_ms=5_000)
    routine = routine_of(block)
    found = fit(routine, small_ms(routine) / 1000 * 2 / 3)
    assert told(found) == ["Slow rounds: 3 rounds → 2"]
    assert found.changes[0].what == "fewer rounds"


def test_sides_in_steps_of_their_own_stay_equal() -> None:
    right, left = (hold(30_000, name="Lean", sides=(side,), min_ms=10_000, max_ms=60_000) for side in ("right", "left"))
    named = (hold(30_000, name=f"Lean {side}", min_ms=10_000, max_ms=60_000) for side in ("right", "left"))
    for steps in ((right, left), tuple(named)):
        routine = routine_of(*steps, hold(25_000, name="Fold", min_ms=10_000, max_ms=60_000))
        for share in (0.6, 0.7, 0.81, 1.23, 1.9, 3.1):
            first, second, _ = fit(routine, small_ms(routine) / 1000 * share).exercises()
            assert (first.rep_ms, first.sets) == (second.rep_ms, second.sets)


def test_one_side_does_not_go_without_the_other() -> None:
    right = hold(20_000, name="Lean", sides=("right",), is_optional=True)
    left = replace(right, sides=("left",), is_optional=False)
    with pytest.raises(SettingError):
        fit(routine_of(right, left, hold(5_000, name="Tuck", reps=2)), 70 - 32)
    both = routine_of(right, replace(left, is_optional=True), hold(5_000, name="Tuck", reps=2))
    found = fit(both, small_ms(both) / 1000 - 60)
    assert told(found) == ["Lean left out (optional)", "Lean left out (optional)"]


def test_one_exercise_stays_even_if_all_are_optional() -> None:
    routine = routine_of(hold(10_000, is_optional=True), hold(10_000, name="Tilt", is_optional=True))
    assert told(fit(routine, small_ms(routine) / 1000 - 20)) == ["Tilt left out (optional)"]


def test_a_rest_that_leads_nowhere_goes_too_and_two_are_one() -> None:
    def rest(text: str | None = None) -> Rest:
        return Rest(where=hold().where, rest_ms=15_000, text=text)

    say = Say(where=hold().where, text="Then comes {next}.")
    last = routine_of(hold(5_000), say, rest(), hold(5_000, name="Tilt", is_optional=True))
    [only] = fit(last, small_ms(last) / 1000 - 32).steps
    assert isinstance(only, Exercise)
    middle = routine_of(
        hold(5_000), rest(), hold(5_000, name="Tilt", is_optional=True), rest("Find a chair."), hold(6_000, name="Fold")
    )
    found = fit(middle, small_ms(middle) / 1000 - 30)
    assert [step.text for step in found.steps if isinstance(step, Rest)] == ["Find a chair."]


def test_what_is_said_during_a_hold_keeps_its_place_in_proportion() -> None:
    during = tuple(During(where=hold().where, at_ms=at_ms, say="Breathe.") for at_ms in (10_000, 35_000))
    routine = routine_of(hold(40_000, min_ms=10_000, during=during))
    [step] = fit(routine, small_ms(routine) / 1000 - 20).exercises()
    assert isinstance(step, Exercise)
    assert (step.rep_ms, [cue.at_ms for cue in step.during]) == (20_000, [5_000, 17_500])


def test_holds_are_whole_seconds_unless_the_promise_needs_finer_ones() -> None:
    routine = routine_of(hold(30_000, min_ms=10_000, sides=("right", "left"), sets=1))
    [step] = fit(routine, small_ms(routine) / 1000 - 9).exercises()
    assert step.rep_ms % 1_000 == 0
    many = routine_of(hold(12_000, min_ms=10_000, sides=("right", "left"), sets=40, switch_ms=0, rest_ms=0))
    total_s = small_ms(many) / 1000
    [step] = fit(many, total_s - 36).exercises()
    assert step.rep_ms == 11_500 or step.sets != 40


def test_all_holds_change_by_the_same_share_of_their_room() -> None:
    routine = routine_of(
        hold(30_000, name="A", min_ms=10_000),
        hold(50_000, name="B", min_ms=20_000),
        hold(20_000, name="C", min_ms=20_000),
    )
    found = fit(routine, small_ms(routine) / 1000 - 25)
    assert told(found) == ["A: hold 30 s → 20 s", "B: hold 50 s → 35 s"]


def test_a_session_says_the_length_that_was_wished() -> None:
    routine = replace(bundled("neck-cooldown"))
    timeline = Production(routine).fitted(6 * 60_000, is_estimated=True).estimated_timeline()
    texts = [cue.utterance.text for cue in timeline.cues if hasattr(cue, "utterance")]
    assert texts[0] == "Neck cool-down. About six minutes."


# What is said


def test_too_short_is_refused_with_the_shortest(command: Command) -> None:
    assert command("show", "neck-cooldown", "--minutes", "1", "--estimate") == (
        2,
        "",
        '"Neck cool-down" can\'t be made 1:00 long; the shortest that it can be is 2:18: --length 2m18s\n'
        "    Only optional steps, sets, rounds and single holds change; all else is as long as it was written.\n",
    )


def test_too_long_is_refused_with_the_longest_and_between_with_both(command: Command) -> None:
    long = command("show", "chin-tuck-habit", "--minutes", "20", "--estimate").err.splitlines()[0]
    assert long == '"Chin tuck habit" can\'t be made 20:00 long; the longest that it can be is 6:15: --length 6m15s'
    between = command("show", "chin-tuck-habit", "--minutes", "3", "--estimate").err.splitlines()[0]
    assert between == (
        '"Chin tuck habit" can\'t be made 3:00 long; the nearest that it can be are 2:00 and 3:25: '
        "--length 2m or --length 3m25s"
    )


def test_what_changed_is_shown_in_lines_and_in_json(command: Command) -> None:
    lines = command("show", "neck-cooldown", "--minutes", "8", "--estimate").out.splitlines()
    assert lines[2:4] == ["  Neck stretch: hold 30 s → 59 s", ""]
    data = json.loads(command("show", "neck-cooldown", "--minutes", "8", "--estimate", "--json").out)
    assert data["changes"] == [
        {
            "what": "longer hold",
            "step": "Neck stretch",
            "from": 30_000,
            "to": 59_000,
            "text": "Neck stretch: hold 30 s → 59 s",
        }
    ]
    assert json.loads(command("show", "neck-cooldown", "--estimate", "--json").out)["changes"] == []


def test_an_export_tells_what_changed(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "short.wav"
    ended = command("export", "desk-reset", "--minutes", "2", "--voice", "silent", "-o", str(file))
    change, told = ended.out.splitlines()
    assert (ended.status, change) == (0, "Neck tilt left out (optional)")
    assert told.startswith(f"{file}: 1:57, ")


def test_minutes_and_length_are_one_wish(command: Command) -> None:
    ended = command("show", "--minutes", "6", "--length", "6m")
    assert (ended.status, ended.err.splitlines()[-1]) == (
        2, "Error: --minutes and --length are the same wish; give one of them.",
    )  # fmt: skip
    one = command("show", "--minutes", "6.5", "--estimate")
    assert one == command("show", "--length", "6m30s", "--estimate") == command("show", "--length", "390", "--estimate")
    for flag, value in (("--minutes", "0"), ("--minutes", "-3"), ("--length", "soon"), ("--length", "0s")):
        assert command("show", flag, value).status == 2


def test_it_combines_with_a_choice_and_a_later_beginning(command: Command) -> None:
    flags = ("--from", "chin-tuck", "--skip", "neck-massage", "--pace", "0.9", "--length", "2m", "--estimate", "--json")
    data = json.loads(command("show", "neck-complete", *flags, "--minutes", "5").out or "{}")
    assert data == {}
    data = json.loads(command("show", "neck-complete", *flags[:6], "--minutes", "5", "--estimate", "--json").out)
    assert abs(data["duration_ms"] - 300_000) <= tolerance_ms(300_000)
    exercises = list(dict.fromkeys(one["exercise"] for one in data["intervals"] if one["exercise"]))
    assert exercises[0] == "chin-tuck"
    assert "neck-massage" not in exercises


def test_where_it_begins_is_never_left_out() -> None:
    production = Production(bundled("neck-complete"), start="neck-retraction")
    found = production.fitted(2 * 60_000 + 30_000, is_estimated=True)
    first = next(one.step for one in found.intervals if one.step)
    assert first.exercise == "neck-retraction"
    assert abs(found.estimated_timeline().duration_ms - 150_000) <= 3_000


@pytest.mark.parametrize("language", ["de", "es", "fr", "ru"])
def test_translations_fit_as_the_original_does(language: str) -> None:
    for minutes in (3, 5, 6, 9, 12):
        production = Production(load("neck-cooldown", Wishes(language=language)))
        found = production.fitted(minutes * 60_000, is_estimated=True)
        assert abs(found.estimated_timeline().duration_ms - minutes * 60_000) <= tolerance_ms(minutes * 60_000)
