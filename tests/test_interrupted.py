"""The memory of interrupted sessions: where they go on, and that it never stands in the way."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import routines
from timetable import WHERE, hold, in_phases, routine_of, timeline_of

from voiceroutine.interrupted import (
    Place,
    fingerprint,
    forget,
    index_in,
    key_of,
    memory_file,
    offer_text,
    place_in,
    place_of,
    recall,
    remember,
)
from voiceroutine.routine import Block, Rest, Say
from voiceroutine.unroll import unroll

if TYPE_CHECKING:
    from pathlib import Path

    from voiceroutine.routine import Routine, Step
    from voiceroutine.timeline import Placed, Timeline

NOW = datetime(2025, 5, 1, 18, 30, tzinfo=UTC)
SIDES = ("left", "right")


@pytest.fixture
def memory(own_folders: Path) -> Path:
    return memory_file()


def interrupted(timeline: Timeline, one: Placed, **flags: str) -> Place:
    """Stop a second into an interval."""
    intervals = [placed.interval for placed in timeline.intervals]
    place = place_of(intervals, timeline.intervals.index(one), one.start_ms + 1_000, when=NOW, flags=flags)
    assert place is not None
    return place


def works(timeline: Timeline, name: str, **wanted: object) -> list[Placed]:
    return [
        one
        for one in timeline.intervals
        if one.interval.exact
        and one.interval.step
        and one.interval.step.name == name
        and all(getattr(one.interval, key) == value for key, value in wanted.items())
    ]


def small(*steps: Step) -> Timeline:
    return timeline_of(routine_of(*steps))


def gap_before(timeline: Timeline, kind: str, work: Placed) -> int:
    """Return where the last gap of a kind before some work begins."""
    before = [one for one in timeline.intervals if one.interval.kind == kind and one.end_ms <= work.start_ms]
    return before[-1].start_ms


def test_it_goes_on_with_the_announcement_of_the_side() -> None:
    timeline = small(hold(name="Fold"), hold(name="Turn", sides=SIDES, sets=2, reps=3), hold(name="Nod"))
    first = works(timeline, "Turn", side="left", set=1)
    second = works(timeline, "Turn", side="right", set=1)
    third = works(timeline, "Turn", side="left", set=2)
    for work in first:
        assert place_in(timeline.intervals, interrupted(timeline, work)) == gap_before(timeline, "prepare", first[0])
    for work in second:
        assert place_in(timeline.intervals, interrupted(timeline, work)) == gap_before(timeline, "switch", second[0])
    for work in third:
        assert place_in(timeline.intervals, interrupted(timeline, work)) == gap_before(timeline, "rest", third[0])


def test_a_pause_is_begun_again() -> None:
    timeline = small(hold(), Rest(where=WHERE, rest_ms=20_000), Say(where=WHERE, text="Well done."), hold(name="Nod"))
    for kind in ("rest", "say", "prepare"):
        pause = next(one for one in timeline.intervals if one.interval.kind == kind)
        assert place_in(timeline.intervals, interrupted(timeline, pause)) == pause.start_ms


def test_before_and_after_the_exercises_nothing_is_remembered() -> None:
    intervals = unroll(routine_of(hold()))
    for index in (0, len(intervals) - 1, len(intervals), -1):
        assert place_of(intervals, index, 0, when=NOW, flags={}) is None


def test_other_voices_move_the_instant_but_not_the_place() -> None:
    routine = routine_of(hold(name="Fold", instruction="Slowly fold."), hold(name="Nod"))
    quick, slow = timeline_of(routine), timeline_of(routine, slowly=30_000)
    [work] = works(quick, "Nod")
    start_ms = place_in(slow.intervals, interrupted(quick, work))
    assert start_ms == gap_before(slow, "prepare", works(slow, "Nod")[0])
    assert start_ms != gap_before(quick, "prepare", work)


def test_in_a_changed_routine_the_same_side_is_found() -> None:
    before = small(hold(name="Fold"), hold(name="Turn", sides=SIDES))
    after = small(hold(name="Nod"), hold(name="Shrug"), hold(9_000, name="Turn", sides=SIDES), hold(name="Fold"))
    [work] = works(before, "Turn", side="right")
    [same] = works(after, "Turn", side="right")
    assert place_in(after.intervals, interrupted(before, work)) == gap_before(after, "switch", same)


def test_in_a_changed_routine_the_same_round_and_rep_are_found() -> None:
    def rounds(*steps: Step) -> Block:
        return Block(where=WHERE, repeat=3, rest_ms=0, steps=steps)

    turn = hold(name="Turn", sides=SIDES, reps=3, is_alternating=True)
    before, after = small(rounds(turn)), small(hold(name="Fold"), rounds(turn))
    [work] = works(before, "Turn", rounds=(2,), side="right", rep=2)
    [same] = works(after, "Turn", rounds=(2,), side="right", rep=2)
    assert place_in(after.intervals, interrupted(before, work)) == gap_before(after, "switch", same)


@pytest.mark.parametrize(
    "steps",
    [
        (hold(name="Turns", sides=SIDES),),
        (hold(name="Turn"),),
        (hold(name="Turn", sides=("right side", "left side")),),
        (hold(name="Turn", sides=SIDES), hold(name="Fold"), hold(name="Turn", sides=SIDES)),
        (Block(where=WHERE, repeat=2, rest_ms=0, steps=(hold(name="Turn", sides=SIDES),)),),
    ],
    ids=["renamed", "no sides", "other sides", "twice", "in rounds"],
)
def test_where_it_is_not_exactly_there_nothing_is_found(steps: tuple[Step, ...]) -> None:
    before = small(hold(name="Fold"), hold(name="Turn", sides=SIDES))
    [work] = works(before, "Turn", side="right")
    assert place_in(small(*steps).intervals, interrupted(before, work)) is None


def test_a_pause_of_a_changed_routine_is_not_guessed() -> None:
    before = small(hold(), Rest(where=WHERE, rest_ms=20_000), hold(name="Nod"))
    rest = next(one for one in before.intervals if one.interval.kind == "rest")
    after = small(hold(), Rest(where=WHERE, rest_ms=30_000), hold(name="Nod"))
    assert place_in(after.intervals, interrupted(before, rest)) is None


def test_a_fingerprint_changes_with_what_is_done_and_with_nothing_else() -> None:
    def of(routine: Routine) -> str:
        return fingerprint(unroll(routine))

    plain = of(routine_of(hold(name="Turn", sides=SIDES)))
    assert plain == of(routine_of(hold(name="Turn", sides=SIDES, instruction="Slowly."), title="Other"))
    others = [
        hold(name="Turns", sides=SIDES), hold(name="Turn", sides=SIDES[::-1]), hold(6_000, name="Turn", sides=SIDES),
        hold(name="Turn", sides=SIDES, sets=2), in_phases(("up", 2_000), name="Turn", sides=SIDES),
    ]  # fmt: skip
    assert len({plain, *(of(routine_of(other)) for other in others)}) == 6


@given(routines(), st.data())
def test_in_the_same_routine_every_place_is_found_before_it(routine: Routine, data: st.DataObject) -> None:
    intervals = unroll(routine, has_limits=False)
    index = data.draw(st.integers(0, len(intervals) - 1))
    place = place_of(intervals, index, 1, when=NOW, flags={})
    if place is None:
        assert intervals[index].kind in {"intro", "closing"}
        return
    found = index_in(intervals, place)
    assert found is not None
    assert found <= index
    assert not intervals[found].exact
    assert all(one.kind in {"work", "relax"} for one in intervals[found + 1 : index + 1])
    assert found == index or intervals[found].side == intervals[index].side


@pytest.fixture
def place() -> Place:
    timeline = small(hold(name="Turn", sides=SIDES))
    [work] = works(timeline, "Turn", side="right")
    return interrupted(timeline, work, voice="silent")


def test_what_is_remembered_is_recalled(memory: Path, place: Place) -> None:
    assert recall("a", NOW) is None
    assert remember("a", place)
    assert recall("a", NOW) == place
    assert recall("b", NOW) is None
    other = replace(place, index=3, flags={"rate": 140, "no_limits": True, "voice": None})
    assert remember("a", other)
    assert recall("a", NOW) == other
    assert forget("a", NOW)
    assert recall("a", NOW) is None
    assert forget("a", NOW)
    assert sorted(file.name for file in memory.parent.iterdir()) == ["interrupted.json", "interrupted.lock"]


def test_to_forget_nothing_makes_no_file(memory: Path) -> None:
    assert forget("a", NOW)
    assert not memory.exists()


def test_after_a_week_it_is_forgotten(memory: Path, place: Place) -> None:
    remember("a", place)
    assert recall("a", NOW + timedelta(days=7)) == place
    assert recall("a", NOW + timedelta(days=7, seconds=1)) is None
    remember("b", replace(place, when=NOW + timedelta(days=8)))
    assert [*json.loads(memory.read_text())["places"]] == ["b"]


def test_of_many_routines_the_last_20_are_kept(memory: Path, place: Place) -> None:
    for number in range(25):
        remember(str(number), replace(place, when=NOW + timedelta(minutes=number)))
    kept = {str(number) for number in range(25) if recall(str(number), NOW + timedelta(hours=1))}
    assert kept == {str(number) for number in range(5, 25)}
    assert memory.stat().st_size < 20_000


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b'{"format": 2, "places": {"a": {}}}', b'{"format": 1, "places": []}',
     b'{"format": 1, "places": {"a": null, "b": {}, "c": 3}}', b"\xff\x00", b"[" * 100_000],
)  # fmt: skip
def test_a_file_that_makes_no_sense_counts_as_empty(memory: Path, place: Place, content: bytes) -> None:
    memory.parent.mkdir(parents=True)
    memory.write_bytes(content)
    assert recall("a", NOW) is None
    assert remember("a", place)
    assert recall("a", NOW) == place


@pytest.mark.parametrize(
    "change",
    [{"index": -1}, {"index": "2"}, {"position_ms": 1.5}, {"when": "2025-05-01T18:30:00"}, {"when": "soon"},
     {"rounds": 3}, {"rounds": ["x"]}, {"step": 7}, {"side": []}, {"flags": []}, {"fingerprint": None}],
)  # fmt: skip
def test_a_place_that_can_not_be_counts_as_none(memory: Path, place: Place, change: dict[str, object]) -> None:
    remember("a", place)
    remember("b", place)
    data = json.loads(memory.read_text())
    data["places"]["a"].update(change)
    memory.write_text(json.dumps(data))
    assert recall("a", NOW) is None
    assert recall("b", NOW) == place


def test_a_folder_in_the_way_is_no_error(memory: Path, place: Place) -> None:
    memory.mkdir(parents=True)
    assert recall("a", NOW) is None
    assert not remember("a", place)
    assert forget("a", NOW)


FULL = """
import resource, sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from voiceroutine.interrupted import recall, remember
now, memory = datetime.fromisoformat(sys.argv[2]), Path(sys.argv[1])
place = recall("a", now, memory)
resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
print(remember("b", place, memory), recall("a", now, memory) == place)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows can't limit the size of files")
def test_a_full_disk_is_no_error_and_loses_nothing(memory: Path, place: Place) -> None:
    remember("a", place)
    arguments = [sys.executable, "-c", FULL, str(memory), NOW.isoformat()]
    assert subprocess.run(arguments, capture_output=True, text=True, check=True).stdout == "False True\n"
    assert sorted(file.name for file in memory.parent.iterdir()) == ["interrupted.json", "interrupted.lock"]


WRITER = """
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from voiceroutine.interrupted import recall, remember
now, memory = datetime.fromisoformat(sys.argv[2]), Path(sys.argv[1])
place = recall("a", now, memory)
for number in range(9):
    assert remember(sys.argv[3] + str(number), place, memory)
"""


def test_programs_that_remember_at_once_lose_nothing(memory: Path, place: Place) -> None:
    remember("a", place)
    arguments = [sys.executable, "-c", WRITER, str(memory), NOW.isoformat()]
    writers = [subprocess.Popen([*arguments, name]) for name in "xy"]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert {*json.loads(memory.read_text())["places"]} == {"a", *(f"{name}{n}" for name in "xy" for n in range(9))}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_nobody_else_may_read_it(memory: Path, place: Place) -> None:
    remember("a", place)
    assert memory.stat().st_mode & 0o077 == 0


def test_the_key_is_the_file_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    routine = routine_of(hold())
    assert key_of(routine) == str(tmp_path / "small.toml")


@pytest.mark.parametrize(
    ("since", "told"),
    [
        (timedelta(seconds=59), "just now"), (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=1), "1 minute ago"), (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=2, minutes=50), "2 hours ago"), (timedelta(days=1, hours=3), "1 day ago"),
    ],
)  # fmt: skip
def test_an_offer_says_where_and_since_when(place: Place, since: timedelta, told: str) -> None:
    plain = replace(place, position_ms=83_000)
    assert offer_text(plain, NOW + since) == f"Turn, right side; stopped at 1:23, {told}"


def test_an_offer_says_set_and_round_where_there_are_more(place: Place) -> None:
    deep = replace(place, position_ms=83_000, set=2, rounds=(1, 3), side=None)
    assert offer_text(deep, NOW) == "Turn, set 2, round 1.3; stopped at 1:23, just now"
    assert offer_text(replace(deep, step=None, set=1, rounds=()), NOW) == "a pause; stopped at 1:23, just now"
