"""Slower and faster: gaps and speech, and work only where that is wished."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import Session, sessions
from test_content import MINUTES
from test_law_of_time import law, reps_of
from timetable import hold, in_phases, routine_of

from voiceroutine.pacing import paced
from voiceroutine.production import Production, load
from voiceroutine.routine import Block, Breath, Exercise, Rest, Routine, Say, VoiceSettings, Wait
from voiceroutine.unroll import unroll

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

    Command = Callable[..., Ended]

PACES = st.sampled_from([0.5, 0.7, 0.8, 0.9, 1.0, 1.3, 2.0])
WHERE = hold().where


def of_kind(routine: Routine, kind: str) -> list[int]:
    return [one.minimum_ms for one in unroll(routine) if one.kind == kind]


def test_gaps_and_speech_are_slower_and_work_is_not() -> None:
    written = routine_of(
        Say(where=WHERE, text="Sit.", pause_ms=2_000),
        hold(20_000, reps=2, sets=2, sides=("right", "left")),
        Rest(where=WHERE, rest_ms=8_000),
        Wait(where=WHERE, wait_ms=12_000),
        Block(where=WHERE, repeat=2, rest_ms=4_000, steps=(in_phases(("up", 2_000), ("down", 3_000)),)),
    )
    slow = paced(written, 0.8)
    assert of_kind(slow, "work") == of_kind(written, "work")
    for kind in ("say", "prepare", "relax", "switch", "rest", "wait"):
        assert of_kind(slow, kind) == [gap_ms * 1.25 for gap_ms in of_kind(written, kind)]
    assert slow.voice.rate_wpm == 120
    assert slow.cues == written.cues


def test_a_rate_stays_one_that_engines_have() -> None:
    quick = replace(routine_of(hold()), voice=VoiceSettings(rate_wpm=300))
    assert paced(quick, 2.0).voice.rate_wpm == 400
    assert paced(replace(quick, voice=VoiceSettings(rate_wpm=120)), 0.5).voice.rate_wpm == 80


def test_work_too_keeps_its_breaths_and_what_is_said_in_it() -> None:
    step = hold(50_000, breath=Breath(in_ms=4_000, out_ms=6_000), min_ms=20_000, max_ms=60_000)
    for pace in (0.5, 0.6, 0.7, 0.9, 1.3, 1.7, 2.0):
        [slow] = paced(routine_of(step), pace, paces_work=True).exercises()
        assert slow.breath is not None
        assert slow.rep_ms // slow.breath.whole_ms == 5
        assert abs(slow.rep_ms - 50_000 / pace) <= 100
        assert slow.min_ms <= slow.rep_ms <= slow.max_ms


def test_at_its_own_pace_nothing_changes() -> None:
    for name in MINUTES:
        routine = load(name)
        assert paced(routine, 1.0, paces_work=True) == routine


@law
@given(sessions(), PACES, st.booleans())
def test_the_law_of_time_holds_at_any_pace(session: Session, pace: float, paces_work: bool) -> None:
    routine = paced(session.routine, pace, paces_work=paces_work)
    timeline = replace(session, routine=routine).timeline()
    assert all(one.end_ms == other.start_ms for one, other in pairwise(timeline.intervals))
    assert all(rep.ms == rep.step.rep_ms for rep in reps_of(timeline))
    written, other = list(session.routine.exercises()), list(routine.exercises())
    for before, after in zip(written, other, strict=True):
        assert (after.phases == before.phases) or paces_work
        assert (after.relax_ms == 0) == (before.relax_ms == 0)
        assert all(cue.at_ms < after.rep_ms for cue in after.during)


def shown(command: Command, *flags: str) -> dict[str, Any]:
    ended = command("show", "neck-cooldown", "--json", "--estimate", *flags)
    assert (ended.status, ended.err) == (0, "")
    data: dict[str, Any] = json.loads(ended.out)
    return data


def works_ms(data: dict[str, Any]) -> list[int]:
    return [one["end_ms"] - one["start_ms"] for one in data["intervals"] if one["kind"] == "work"]


def test_slower_is_longer_with_the_same_work(command: Command) -> None:
    usual, slow = shown(command), shown(command, "--pace", "0.8")
    assert works_ms(slow) == works_ms(usual)
    assert slow["duration_ms"] > usual["duration_ms"] + 20_000
    all_slow = shown(command, "--pace", "0.8", "--pace-all")
    longer = zip(works_ms(all_slow), works_ms(usual), strict=True)
    assert all(0 <= slow_ms - usual_ms * 1.25 < 100 for slow_ms, usual_ms in longer)
    ticks = [cue["start_ms"] for cue in all_slow["cues"] if cue["why"] == "countdown"]
    assert {after - before for before, after in pairwise(ticks) if after - before < 2_000} == {1_000}


def test_speech_is_made_anew_at_the_rate(command: Command) -> None:
    texts = []
    for flags in ((), ("--pace", "0.8"), ("--rate", "120")):
        data = json.loads(command("show", "chin-tuck-habit", "--json", "--voice", "espeak", *flags).out)
        texts.append([cue["end_ms"] - cue["start_ms"] for cue in data["cues"] if cue["kind"] == "speech"])
    assert texts[1] == texts[2]
    assert sum(texts[1]) > sum(texts[0])


@pytest.mark.parametrize("pace", ["0.4", "2.5", "slow"])
def test_a_pace_that_is_none_is_refused(command: Command, pace: str) -> None:
    assert command("show", "--pace", pace).status == 2


def test_pace_all_goes_with_a_pace(command: Command) -> None:
    ended = command("show", "--pace-all")
    assert (ended.status, ended.err.splitlines()[-1]) == (2, "Error: --pace-all goes with a --pace, like --pace 0.8.")


def test_a_slower_session_of_the_same_length() -> None:
    routine = paced(load("neck-cooldown"), 0.8)
    found = Production(routine).fitted(8 * 60_000, is_estimated=True)
    assert abs(found.estimated_timeline().duration_ms - 480_000) <= 9_600
    assert isinstance(next(found.routine.exercises()), Exercise)
