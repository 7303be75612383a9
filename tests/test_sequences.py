"""Random commands to a session: what sounds is what the timeline says from the place that each leads to."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from audio.recording import carried
from audio.session import NumberedProduction
from following import EFFECT_FRAMES, FRAMES_PER_MS, Follower, PacedSink, Where
from hypothesis import given, settings
from hypothesis import strategies as st
from listening import SAMPLERATE_HZ, Samples

from voiceroutine.document import parse_document
from voiceroutine.loading import load_routine
from voiceroutine.player import COMMANDS, FADE_FRAMES, Command, Session, Snapshot
from voiceroutine.production import Production
from voiceroutine.score import Score, score_of

if TYPE_CHECKING:
    from voiceroutine.sinks import Block
    from voiceroutine.timeline import Placed

EXAMPLES = int(os.environ.get("SEQUENCE_EXAMPLES", "60"))
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
    sink: PacedSink = field(default_factory=PacedSink)
    looks: list[tuple[int, Snapshot]] = field(default_factory=list)
    sent: list[tuple[int, Command]] = field(default_factory=list)

    def run(self) -> Samples:
        """Return what was heard after the lead-in, as far as it can be before somebody goes on from a wait."""
        ready = threading.Event()
        left = [*self.commands, (self.commands[-1][0] + 4_000, "quit")] if self.commands else []

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


def gaps() -> st.SearchStrategy[int]:
    return st.one_of(st.integers(0, 100), st.integers(0, 3_000), st.integers(1_900, 2_400), st.integers(0, 15_000))


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
def test_each_command_leads_to_its_place(commands: list[tuple[int, Command]], has_listener: bool) -> None:
    check(Trial(production=numbered_production(), commands=commands, has_listener=has_listener))
