"""A session line by line, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_display import ROUTINE, at

from voiceroutine.cli.events import Follower
from voiceroutine.cli.lines import EVENT_NAMES, JsonDisplay, LineDisplay
from voiceroutine.document import parse_document
from voiceroutine.levels import Levels
from voiceroutine.loading import load_routine
from voiceroutine.player import Snapshot
from voiceroutine.production import Production
from voiceroutine.score import Score, score_of
from voiceroutine.units import clock_text

Capture = pytest.CaptureFixture[str]
FIRST_HOLD = 2


@pytest.fixture(scope="module")
def score() -> Score:
    score = score_of(Production(load_routine(parse_document(ROUTINE), {})))
    score.wait()
    return score


class Clock:
    """Stands still unless it is told to go on."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def clock_of(snapshot: Snapshot) -> str:
    return clock_text(snapshot.position_ms)


def test_plain_lines(score: Score, capsys: Capture) -> None:
    display = LineDisplay(shows_words=True)
    hold = at(score, "work", 300)
    for snapshot in (
        Snapshot(state="lead-in", position_ms=-9_300, index=0),
        Snapshot(state="lead-in", position_ms=-300, index=0),
        at(score, "intro", 900),
        at(score, "prepare", 600),
        at(score, "work", 100),
        at(score, "work", 200),
        replace(hold, state="paused"),
        replace(hold, state="counting in"),
        hold,
    ):
        display.show(snapshot)
    clocks = [clock_text(score.placed[index].start_ms) for index in (1, FIRST_HOLD)]
    assert capsys.readouterr().out.splitlines() == [
        "          starts in 9 seconds",
        "    0:00  Welcome",
        '          "Evening. About six minutes."',
        f"    {clocks[0]}  Neck stretch: get ready · right · set 1 of 2",
        '          "Neck stretch."',
        f"    {clocks[1]}  Neck stretch: hold · right · set 1 of 2, 30s",
        f"    {clocks[1]}  paused",
        f"    {clocks[1]}  goes on in a moment",
        f"    {clocks[1]}  goes on",
    ]


def test_what_a_listener_and_a_loudspeaker_do_is_a_line_each(score: Score, capsys: Capture) -> None:
    display = LineDisplay(shows_words=False)
    hold = at(score, "work", 2_300)
    longer = score.longer(FIRST_HOLD, 40_000, hold.position_ms)
    assert longer is not None
    longer.wait()
    display.show(hold)
    capsys.readouterr()
    for changes in (
        {"levels": Levels(is_muted=True)},
        {"levels": Levels(chimes_db=-3)},
        {"levels": Levels()},
        {"score": longer},
        {"score": longer, "position_ms": hold.position_ms + 5_000},
        {"score": longer, "breaks": 1},
        {"score": longer, "breaks": 2, "state": "recovering", "trouble": "The sound device went away."},
        {"score": longer, "breaks": 2},
    ):
        display.show(replace(hold, **changes))
    now, later = clock_of(hold), clock_text(hold.position_ms + 5_000)
    assert capsys.readouterr().out.splitlines() == [
        f"    {now}  voice off",
        f"    {now}  chimes -3 dB",
        f"    {now}  voice and chimes as usual",
        f"    {now}  10s more, 40s in all",
        f"    {later}  on by 5 s",
        f"    {now}  sound broke off",
        f"    {now}  back by 5 s",
        f"    {now}  sound broke off, 2 times so far",
        f"    {now}  The sound device went away.",
        f"    {now}  goes on",
    ]


def test_question_mark_lists_the_keys(capsys: Capture) -> None:
    LineDisplay(shows_words=False).show_keys()
    assert capsys.readouterr().out.splitlines() == [
        "   space, p  pause, or go on",
        "          n  next exercise",
        "          b  back to the one before",
        "          r  this side again",
        "right, left  5 s on, or back",
        "          +  10 s more of this",
        "          m  voice off, or on",
        "   up, down  voice louder, softer",
        "       ], [  chimes louder, softer",
        "          q  quit",
        "          ?  these keys",
    ]


def test_nothing_is_missed_between_two_looks(score: Score) -> None:
    clock = Clock()
    follower = Follower(clock)
    follower.events(at(score, "prepare", 100))
    clock.now_s = 400
    end = Snapshot(state="done", position_ms=score.total_ms, index=len(score.placed) - 1, score=score)
    names = [EVENT_NAMES[type(event)] for event in follower.events(end)]
    assert names.count("interval") == len(score.placed) - 2
    assert names.count("cue") == sum(len(placed.cues) for placed in score.placed[1:])
    assert "jump" not in names


def test_a_jump_tells_only_what_is_heard(score: Score) -> None:
    follower = Follower(Clock())
    follower.events(at(score, "work", 29_000))
    events = follower.events(at(score, "switch", 50, occurrence=1))
    assert [EVENT_NAMES[type(event)] for event in events] == ["jump", "interval", "cue"]


def test_a_key_is_waited_for(capsys: Capture) -> None:
    display = LineDisplay(shows_words=False, begins_by_key=True)
    display.show(Snapshot(state="lead-in", position_ms=0, index=0))
    display.show(Snapshot(state="lead-in", position_ms=-400, index=0))
    assert capsys.readouterr().out == "          press any key to begin\n"


def told(capsys: Capture) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_is_an_object_a_line(score: Score, capsys: Capture) -> None:
    display = JsonDisplay("Evening", "silent", 400_000, Follower(Clock()))
    display.say("Something.")
    display.show(Snapshot(state="lead-in", position_ms=-300, index=0))
    hold = at(score, "work", 100)
    display.show(hold)
    display.show(replace(hold, state="paused", levels=Levels(is_muted=True)))
    display.show(replace(hold, state="recovering", trouble="Gone.", breaks=1))
    display.close()
    assert told(capsys) == [
        {"event": "session", "format": 1, "title": "Evening", "voice": "silent", "duration_ms": 400_000},
        {"event": "message", "text": "Something."},
        {"event": "state", "position_ms": -300, "state": "lead-in", "trouble": None},
        {"event": "state", "position_ms": hold.position_ms, "state": "playing", "trouble": None},
        {"event": "duration", "position_ms": hold.position_ms, "duration_ms": score.total_ms},
        {
            "event": "interval",
            "position_ms": score.placed[FIRST_HOLD].start_ms,
            "index": FIRST_HOLD,
            "kind": "work",
            "start_ms": score.placed[FIRST_HOLD].start_ms,
            "end_ms": score.placed[FIRST_HOLD].end_ms,
            "grown_ms": 0,
            "step": "Neck stretch",
            "exercise": None,
            "side": "right",
            "set": 1,
            "sets": 2,
            "rep": 1,
            "reps": 1,
            "phase": None,
            "breath": None,
            "source": "<text>:4",
        },
        {
            "event": "cue",
            "position_ms": score.placed[FIRST_HOLD].start_ms,
            "kind": "chime",
            "start_ms": score.placed[FIRST_HOLD].start_ms,
            "end_ms": score.placed[FIRST_HOLD].start_ms + 2_800,
            "sound": "bell",
            "why": "start",
        },
        {"event": "state", "position_ms": hold.position_ms, "state": "paused", "trouble": None},
        {"event": "levels", "position_ms": hold.position_ms, "voice_db": 0.0, "chimes_db": 0.0, "is_muted": True},
        {"event": "break", "position_ms": hold.position_ms, "breaks": 1},
        {"event": "state", "position_ms": hold.position_ms, "state": "recovering", "trouble": "Gone."},
        {"event": "levels", "position_ms": hold.position_ms, "voice_db": 0.0, "chimes_db": 0.0, "is_muted": False},
        {
            "event": "end",
            "position_ms": hold.position_ms,
            "state": "stopped",
            "duration_ms": score.total_ms,
            "share": round(hold.position_ms / score.total_ms, 4),
            "breaks": 1,
        },
    ]


def test_json_tells_jumps_and_more_time(score: Score, capsys: Capture) -> None:
    display = JsonDisplay("Evening", "silent", 400_000, Follower(Clock()))
    hold = at(score, "work", 2_000)
    longer = score.longer(FIRST_HOLD, 40_000, hold.position_ms)
    assert longer is not None
    longer.wait()
    display.show(hold)
    capsys.readouterr()
    display.show(replace(hold, score=longer))
    display.show(replace(hold, score=longer, position_ms=hold.position_ms + 5_000))
    more = told(capsys)
    assert [(event["event"], event["position_ms"]) for event in more] == [
        ("duration", hold.position_ms),
        ("more", hold.position_ms),
        ("jump", hold.position_ms + 5_000),
    ]
    assert (more[1]["by_ms"], more[1]["end_ms"] - more[1]["start_ms"]) == (10_000, 40_000)
    assert more[2]["from_ms"] == hold.position_ms


def test_every_event_is_documented() -> None:
    page = (Path(__file__).parent.parent / "docs" / "session-events.md").read_text(encoding="utf-8")
    described = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert {"session", "message", "end", *EVENT_NAMES.values()} <= described
