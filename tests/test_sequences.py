"""Random commands to a session: what sounds is what the timeline says from the place that each leads to.

SEQUENCE_EXAMPLES=1000 pytest tests/test_sequences.py     looks longer
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from audio.recording import carried
from audio.session import NumberedProduction
from following import EFFECT_FRAMES, FRAMES_PER_MS, Follower, PacedSink, Where
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st
from listening import SAMPLERATE_HZ, Samples

from voiceroutine.cues import Chime, Speech
from voiceroutine.document import parse_document
from voiceroutine.levels import AS_MIXED, Levels
from voiceroutine.loading import load_routine
from voiceroutine.player import COMMANDS, FADE_FRAMES, Command, Session, Snapshot
from voiceroutine.production import Production
from voiceroutine.score import Score, score_of

if TYPE_CHECKING:
    from voiceroutine.sinks import Block
    from voiceroutine.timeline import Placed

EXAMPLES = int(os.environ.get("SEQUENCE_EXAMPLES", "12"))
LEAD_IN_MS = 500
PATIENCE_S = 30

ROUTINE = """
title = "All there is"
[cues]
safety = false
[defaults]
prepare = "3s"
[[steps]]
say = "Sit tall and breathe."
[[steps]]
name = "First"
hold = "12s"
sides = "each"
[[steps]]
wait = "6s"
[[steps]]
name = "Second"
hold = "4s"
reps = 3
[[steps]]
rest = "5s"
[[steps]]
name = "Third"
hold = "20s"
"""


class PromptScore(Score):
    """More time is there at once: a sink whose time doesn't pass by itself can't wait for it."""

    def longer(self, index: int, minimum_ms: int, from_ms: int) -> Score | None:
        made = super().longer(index, minimum_ms, from_ms)
        return None if made is None else prompt(made)


def prompt(score: Score) -> Score:
    score.wait()
    score.__class__ = PromptScore
    score.tick = np.zeros(480, np.float32) if isinstance(score.mix, Numbered) else score.tick
    return score


Numbered = type(NumberedProduction(load_routine(parse_document(ROUTINE), {})).mix())


@dataclass(kw_only=True)
class Trial:
    """One session, with a command as often as so much of it was heard."""

    production: Production
    commands: Sequence[tuple[int, Command]]
    has_listener: bool = False
    plays_on: bool = False
    sink: PacedSink = field(default_factory=PacedSink)
    looks: list[tuple[int, Snapshot]] = field(default_factory=list)
    sent: list[tuple[int, Command]] = field(default_factory=list)

    def run(self) -> Samples:
        """Return what was heard after the lead-in, to the end or for some seconds after the last command."""
        ready = threading.Event()
        quits: list[tuple[int, Command]] = [] if self.plays_on else [(self.commands[-1][0] + 4_000, "quit")]
        left: list[tuple[int, Command]] = [*self.commands, *quits]

        def open_sink(first: Block) -> PacedSink:
            ready.wait(PATIENCE_S)
            self.sink.write(first)
            return self.sink

        def look(heard: int) -> bool:
            already = len(self.sent)
            self.looks.append((heard - LEAD_IN_MS * FRAMES_PER_MS, session.snapshot()))
            while left and heard >= (LEAD_IN_MS + left[0][0]) * FRAMES_PER_MS:
                self.sent.append((heard - LEAD_IN_MS * FRAMES_PER_MS, left[0][1]))
                session.send(left.pop(0)[1])
            return len(self.sent) > already

        session = Session(open_sink, lead_in_ms=LEAD_IN_MS, has_listener=self.has_listener)
        self.sink.on_piece = look
        session.perform(prompt(score_of(self.production)))
        ready.set()
        assert session.wait(PATIENCE_S)
        return self.sink.samples()[LEAD_IN_MS * FRAMES_PER_MS :, 0]

    def scores(self, first_frame: int, last_frame: int) -> list[list[Placed]]:
        """Return the timelines that there were in a part of the recording."""
        seen = [look.score for frame, look in self.looks if frame <= last_frame and look.score]
        early = [look.score for frame, look in self.looks if frame < first_frame and look.score]
        found = dict.fromkeys([*early[-1:], *seen[len(early) :]]) or dict.fromkeys(seen[-1:])
        return [score.placed for score in found]


@cache
def numbered_production() -> Production:
    return NumberedProduction(load_routine(parse_document(ROUTINE), {}))


@cache
def real_production() -> Production:
    return Production(load_routine(parse_document(ROUTINE), {}))


def gaps() -> st.SearchStrategy[int]:
    return st.one_of(st.integers(0, 100), st.integers(0, 3_000), st.integers(1_900, 2_400), st.integers(0, 9_000))


def sequences() -> st.SearchStrategy[list[tuple[int, Command]]]:
    command = st.sampled_from([one for one in COMMANDS if one != "quit"])
    pairs = st.lists(st.tuples(gaps(), command), min_size=1, max_size=12)
    return pairs.map(lambda found: [(sum(gap for gap, _ in found[: n + 1]), one[1]) for n, one in enumerate(found)])


SILENT_COMMANDS = {"mute", "voice-up", "voice-down", "chimes-up", "chimes-down", "more"}


def check(trial: Trial) -> None:
    heard = trial.run()
    assert_clock_agrees(trial, heard)
    assert_accounted(trial, heard)
    level = float(carried_level(heard))
    assert float(np.abs(np.diff(heard)).max()) <= level / 479 * 1.1


def carried_level(heard: Samples) -> float:
    return float(np.abs(heard).max())


def assert_clock_agrees(trial: Trial, heard: Samples) -> None:
    numbers = carried(heard)
    for frame, look in trial.looks:
        if 1 < frame < len(heard) and numbers[frame] >= 0 and numbers[frame] == numbers[frame - 1] + 1:
            assert abs(numbers[frame] / FRAMES_PER_MS - look.position_ms) <= 11, (frame, look.state)


def assert_accounted(trial: Trial, heard: Samples) -> None:
    follower = Follower(heard=heard, has_listener=trial.has_listener)
    ways = {Where(cursor=0, place=0, state="plays")}
    for number, (frame, command) in enumerate(trial.sent):
        if command == "quit" or frame >= len(heard):
            break
        if command in SILENT_COMMANDS:
            continue
        scores = trial.scores(frame - SAMPLERATE_HZ // 5, frame + SAMPLERATE_HZ // 5)
        before = ways
        # Those just before it are obeyed first, each with its fades.
        earlier = sum(frame - one < SAMPLERATE_HZ // 2 for one, _ in trial.sent[:number])
        latest = frame + EFFECT_FRAMES + 2 * FADE_FRAMES * earlier
        ways = {way for where in before for way in follower.after(where, command, latest, scores)}
        if command == "resume":
            ways |= {where for where in before if where.state != "paused"}
        if command == "pause":
            ways |= {where for where in before if where.state == "paused"}
        is_over = any(follower.is_over(where, scores) for where in before)
        assert ways or is_over, (frame, command, before)
        if is_over and not ways:
            return


@settings(max_examples=EXAMPLES, deadline=None)
@given(commands=sequences(), has_listener=st.booleans())
@example(commands=[(0, "more"), (0, "toggle")], has_listener=False)
def test_each_command_leads_to_its_place(commands: list[tuple[int, Command]], has_listener: bool) -> None:
    check(Trial(production=numbered_production(), commands=commands, has_listener=has_listener))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
def test_each_of_many_commands_leads_to_its_place(part: int) -> None:
    @seed(part)
    @settings(max_examples=40, deadline=None)
    @given(commands=sequences(), has_listener=st.booleans())
    def leads_to_its_place(commands: list[tuple[int, Command]], has_listener: bool) -> None:
        check(Trial(production=numbered_production(), commands=commands, has_listener=has_listener))

    leads_to_its_place()


def steepest(production: Production, scores: Iterable[Score]) -> float:
    """Return the largest step from sample to sample in timelines at their loudest, and of a fade on top of it."""
    most = 0.0
    for score in scores:
        for levels in (AS_MIXED, Levels(voice_db=12, chimes_db=12), Levels(voice_db=12, chimes_db=-30)):
            samples = score.mix.read(0, np.empty(score.total_ms * FRAMES_PER_MS, np.float32), levels)
            step = float(np.abs(np.diff(samples)).max())
            most = max(most, step + 2 * float(np.abs(samples).max()) / (FADE_FRAMES - 1))
    return most


@settings(max_examples=EXAMPLES // 4, deadline=None)
@given(commands=sequences(), has_listener=st.booleans())
def test_nothing_clicks(commands: list[tuple[int, Command]], has_listener: bool) -> None:
    trial = Trial(production=real_production(), commands=commands, has_listener=has_listener)
    heard = trial.run()
    scores = dict.fromkeys(look.score for _, look in trial.looks if look.score)
    assert float(np.abs(np.diff(heard)).max()) <= steepest(trial.production, scores)


def after_more(*moments_ms: int) -> tuple[Trial, Samples, list[Score]]:
    """Play with more time at some moments; return what was heard, and the timelines from first to last."""
    commands: list[tuple[int, Command]] = [(at_ms, "more") for at_ms in moments_ms]
    trial = Trial(production=real_production(), commands=commands, plays_on=True)
    heard = trial.run()
    return trial, heard, [*dict.fromkeys(look.score for _, look in trial.looks if look.score)]


def placed_of(score: Score, name: str | None, kind: str, occurrence: int = 0) -> Placed:
    found = [one for one in score.placed if one.interval.kind == kind]
    return [one for one in found if name is None or (one.interval.step and one.interval.step.name == name)][occurrence]


def lasts_ms(placed: Placed) -> int:
    return placed.end_ms - placed.start_ms


def fresh() -> Score:
    return prompt(score_of(real_production()))


def chimes(placed: Placed) -> list[tuple[str, int]]:
    """Return the chimes of an interval: why, and how long before its end."""
    return [(cue.why, placed.end_ms - cue.at_ms) for cue in placed.cues if isinstance(cue, Chime)]


def assert_heard_as(score: Score, heard: Samples) -> None:
    """What was heard is this timeline from its start to its end, but for some fades between ways to play the same."""
    rendered = score.mix.read(0, np.empty(score.total_ms * FRAMES_PER_MS, np.float32))
    assert len(heard) == len(rendered)
    assert np.allclose(heard, rendered, atol=1e-5)


@pytest.mark.parametrize("into_ms", [600, 1_500, 6_100, 10_500, 16_500, 18_200, 19_600, 19_750, 19_850, 19_899])
def test_more_makes_a_hold_ten_seconds_longer(into_ms: int) -> None:
    """Its end and its countdown are where the longer one's are, whenever it was asked for; halfway comes once."""
    before = placed_of(fresh(), "Third", "work")
    _, heard, scores = after_more(before.start_ms + into_ms - 100)
    assert len(scores) == 2
    after = placed_of(scores[-1], "Third", "work")
    assert lasts_ms(after) == lasts_ms(before) + 10_000
    assert scores[-1].total_ms == scores[0].total_ms + 10_000
    whys = [cue.why for cue in after.cues]
    assert whys.count("halfway") == 1
    assert chimes(after)[-1] == chimes(before)[-1]
    assert set(chimes(before)[-3:]) <= set(chimes(after))
    assert_heard_as(scores[-1], heard)


def test_more_twice_is_twenty_seconds() -> None:
    before = placed_of(fresh(), "Third", "work")
    _, heard, scores = after_more(before.start_ms + 5_000, before.start_ms + 5_050)
    assert lasts_ms(placed_of(scores[-1], "Third", "work")) == lasts_ms(before) + 20_000
    assert_heard_as(scores[-1], heard)


@pytest.mark.parametrize(("name", "kind"), [("Third", "prepare"), ("First", "switch"), (None, "rest"), (None, "say")])
@pytest.mark.parametrize("into", [0.1, 0.6, 0.95])
def test_more_makes_a_gap_longer(name: str | None, kind: str, into: float) -> None:
    before = placed_of(fresh(), name, kind)
    _, heard, scores = after_more(before.start_ms + int(into * lasts_ms(before)) - 100)
    after = placed_of(scores[-1], name, kind)
    assert lasts_ms(after) == lasts_ms(before) + 10_000
    assert_heard_as(scores[-1], heard)


def test_what_is_said_goes_on_when_there_is_more_time() -> None:
    before = placed_of(fresh(), None, "say")
    spoken = next(cue for cue in before.cues if isinstance(cue, Speech))
    _, heard, scores = after_more((spoken.at_ms + spoken.end_ms) // 2)
    after = placed_of(scores[-1], None, "say")
    assert spoken in after.cues
    assert_heard_as(scores[-1], heard)


def test_the_snapshot_follows_when_there_is_more_time() -> None:
    before = placed_of(fresh(), "Third", "work")
    trial, _, scores = after_more(before.start_ms + 3_000)
    last = trial.looks[-1][1]
    assert last.score is scores[-1]
    in_hold = [look for _, look in trial.looks if before.end_ms < look.position_ms < before.end_ms + 9_900]
    assert {scores[-1].placed[look.index].interval.kind for look in in_hold} == {"work"}
