"""Random routines, and voices that take a random time for each sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Literal
from zlib import crc32

from hypothesis import strategies as st

from voiceroutine.cues import Utterance
from voiceroutine.errors import Location
from voiceroutine.routine import (
    Block,
    Breath,
    CueSettings,
    During,
    Exercise,
    Phase,
    Rest,
    Routine,
    Say,
    Step,
    Wait,
)
from voiceroutine.timeline import Timeline, compile_timeline
from voiceroutine.unroll import Interval, unroll

WHERE = Location(file="random.toml", line=1, column=1)
ACTIONS: tuple[Literal["hold", "move", "phases"], ...] = ("hold", "move", "phases")
SOUND_LENGTHS_MS = {
    "bell": 2_700, "bowl": 4_000, "two-tone": 1_500, "soft-tick": 200, "tick": 100, "three-bells": 5_000,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pace:
    """How long sentences last: anything up to a longest time, the same for the same text, shorter at a faster rate."""

    seed: int
    longest_ms: int
    slower: Pace | None = None

    def __call__(self, utterance: Utterance) -> int:
        drawn_ms = crc32(f"{self.seed} {utterance.text}".encode()) % (self.longest_ms + 1)
        more_ms = self.slower(utterance) if self.slower else 0
        return drawn_ms * 150 // utterance.voice.rate_wpm + more_ms


@dataclass(frozen=True, slots=True)
class Session:
    """A routine, how long its sentences last, and what became of both."""

    routine: Routine
    pace: Pace

    def intervals(self) -> tuple[Interval, ...]:
        return unroll(self.routine)

    def timeline(self) -> Timeline:
        return compile_timeline(self.routine, self.intervals(), self.pace, SOUND_LENGTHS_MS.__getitem__)

    def slower(self, by: Pace) -> Session:
        return replace(self, pace=replace(self.pace, slower=by))


def paces() -> st.SearchStrategy[Pace]:
    longest_ms = st.sampled_from([0, 400, 800, 2_000, 5_000, 20_000])
    return st.builds(Pace, st.integers(0, 1_000), longest_ms)


@cache
def work_ms() -> st.SearchStrategy[int]:
    edges = st.sampled_from([1, 700, 1_000, 1_999, 2_000, 2_999, 3_000, 8_999, 9_000, 19_999, 20_000, 20_001, 30_000])
    return edges | st.integers(1, 45_000)


@cache
def gap_ms() -> st.SearchStrategy[int]:
    return st.sampled_from([0, 0, 1, 400, 3_000, 14_999, 15_000, 20_000]) | st.integers(0, 25_000)


@cache
def instructions(*, has_hold: bool) -> st.SearchStrategy[str | None]:
    length = "Hold for {hold}." if has_hold else "As slowly as you like."
    return st.sampled_from([None, "Sit tall.", length, "{name}: {rep} of {reps}, {set} of {sets}. {total}."])


@cache
def short_forms(*, has_sides: bool) -> st.SearchStrategy[str | None]:
    return st.sampled_from([None, "Once more.", *(["Now {side}."] if has_sides else [])])


@cache
def phases(*, has_sides: bool) -> st.SearchStrategy[tuple[Phase, ...]]:
    words = st.sampled_from([None, "Lift.", "Back and down.", *(["Turn to the {side}."] if has_sides else [])])
    lasts_ms = st.sampled_from([300, 700, 1_000, 1_500, 2_000, 3_000]) | work_ms()
    return st.lists(st.builds(Phase, say=words, lasts_ms=lasts_ms), min_size=1, max_size=3).map(tuple)


@cache
def held() -> st.SearchStrategy[tuple[Phase, ...]]:
    return st.builds(Phase, lasts_ms=work_ms()).map(lambda phase: (phase,))


def during(rep_ms: int) -> st.SearchStrategy[tuple[During, ...]]:
    at_ms = st.sampled_from([0, rep_ms // 4, rep_ms // 2, rep_ms - 1]) | st.integers(0, rep_ms - 1)
    says = st.sampled_from(["Breathe out.", "Let the shoulder get heavy.", "{remaining} to go.", "Almost there."])
    word = st.builds(partial(During, where=WHERE), at_ms=at_ms, say=says)
    ring = st.builds(partial(During, where=WHERE), at_ms=at_ms, chime=st.sampled_from(["soft-tick", "bell"]))
    return st.lists(word | word | ring, min_size=1, max_size=4, unique_by=lambda cue: cue.say).map(tuple)


@cache
def breaths() -> st.SearchStrategy[Breath | None]:
    lasts_ms = st.integers(1_000, 6_000)
    how = st.sampled_from([None, "tone", "words"])
    return st.none() | st.builds(Breath, in_ms=lasts_ms, out_ms=lasts_ms, paced_with=how)


@st.composite
def exercises(draw: st.DrawFn) -> Exercise:
    action = draw(st.sampled_from(ACTIONS))
    sides = draw(st.sampled_from([(), (), ("right", "left"), ("right", "left"), ("up", "down", "left"), ("only",)]))
    number = draw(st.integers(1, 3))
    parts = draw(phases(has_sides=bool(sides)) if action == "phases" else held())
    rep_ms = sum(part.lasts_ms for part in parts)
    breath = draw(breaths())
    shortest_ms, longest_ms = draw(st.sampled_from([(rep_ms, rep_ms), (10_000, 60_000), (20_000, 45_000), (1, 90_000)]))
    return Exercise(
        where=WHERE,
        name=f"Exercise {number}",
        exercise=draw(st.sampled_from([None, f"exercise-{number}"])),
        action=action,
        phases=parts,
        during=draw(st.just(()) | during(rep_ms)),
        breath=breath if breath is not None and breath.whole_ms <= rep_ms else None,
        is_optional=draw(st.booleans()),
        min_ms=min(shortest_ms, rep_ms),
        max_ms=max(longest_ms, rep_ms),
        instruction=draw(instructions(has_hold=action != "phases")),
        cue=draw(short_forms(has_sides=bool(sides))),
        caution=draw(st.sampled_from([None, "Never into pain."])),
        reps=draw(st.integers(1, 3)),
        sides=sides,
        is_alternating=sides == ("right", "left") and draw(st.booleans()),
        sets=draw(st.integers(1, 2)),
        prepare_ms=draw(gap_ms()),
        relax_ms=draw(gap_ms()),
        switch_ms=draw(gap_ms()),
        rest_ms=draw(gap_ms()),
        needs=draw(st.sampled_from([(), ("a chair",), ("a wall", "a towel")])),
    )


@st.composite
def crowded_sessions(draw: st.DrawFn) -> Session:
    """Draw reps without gaps, whose counts and phase words have hardly room."""
    exercise = replace(
        draw(exercises()),
        action="phases",
        phases=draw(st.lists(crowded_phases(), min_size=1, max_size=4).map(tuple)),
        reps=3,
        sets=1,
        sides=(),
        is_alternating=False,
        relax_ms=0,
    )
    cues = CueSettings(countdown_s=draw(st.sampled_from([0, 1])), count_reps=draw(st.booleans()))
    routine = Routine(title="Crowded", summary=None, where=WHERE, steps=(exercise,), cues=cues)
    longest_ms = draw(st.sampled_from([400, 800, 2_000]))
    return Session(routine, Pace(draw(st.integers(0, 1_000)), longest_ms))


@cache
def crowded_phases() -> st.SearchStrategy[Phase]:
    words = st.sampled_from(["Lift.", "Sink.", "Back and down.", None])
    return st.builds(Phase, say=words, lasts_ms=st.integers(300, 3_000))


def says() -> st.SearchStrategy[Say]:
    text = st.sampled_from(["Breathe.", "About {total}."])
    return st.builds(partial(Say, where=WHERE), text=text, pause_ms=gap_ms(), is_optional=st.booleans())


def rests() -> st.SearchStrategy[Rest]:
    text = st.sampled_from([None, "Shake it out."])
    return st.builds(partial(Rest, where=WHERE), rest_ms=gap_ms(), text=text)


def waits() -> st.SearchStrategy[Wait]:
    wait_ms = st.integers(1, 20_000)
    return st.builds(partial(Wait, where=WHERE), wait_ms=wait_ms, text=st.sampled_from([None, "Find a doorway."]))


def steps(deepest: int = 2) -> st.SearchStrategy[tuple[Step, ...]]:
    one: st.SearchStrategy[Step] = exercises() | exercises() | says() | rests() | waits()
    if deepest:
        one |= blocks(deepest - 1)
    return st.lists(one, min_size=1, max_size=3).map(tuple)


def blocks(deepest: int) -> st.SearchStrategy[Block]:
    repeat = st.integers(1, 2)
    inner = st.deferred(lambda: steps(deepest))
    optional = st.sampled_from([False, False, True])
    return st.builds(partial(Block, where=WHERE), steps=inner, repeat=repeat, rest_ms=gap_ms(), is_optional=optional)


def cue_settings() -> st.SearchStrategy[CueSettings]:
    return st.builds(
        CueSettings,
        profile=st.sampled_from(["normal", "coach", "quiet", "bell"]),
        countdown_s=st.sampled_from([0, 1, 3, 3, 10]),
        countdown_with=st.sampled_from(["tick", "voice"]),
        halfway=st.sampled_from(["voice", "chime", "off"]),
        every_ms=st.sampled_from([0, 0, 5_000, 7_000, 15_000]),
        encourage=st.booleans(),
        next_up=st.booleans(),
        count_reps=st.booleans(),
        safety=st.booleans(),
    )


def routines() -> st.SearchStrategy[Routine]:
    return st.builds(
        Routine, title=st.just("Random"), summary=st.none(), where=st.just(WHERE), steps=steps(), cues=cue_settings()
    )


def sessions() -> st.SearchStrategy[Session]:
    return st.builds(Session, routines(), paces())
