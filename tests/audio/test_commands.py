"""Random commands to a session on the virtual sound card: each leads to its place, and the clock tells what is heard.

COMMAND_TIMES=20 pytest -m audio tests/audio/test_commands.py     tries so many sequences
"""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from following import Follower, Where

from voiceroutine.document import parse_document
from voiceroutine.loading import load_routine
from voiceroutine.player import COMMANDS, FADE_FRAMES, Command
from voiceroutine.production import Production

from .live import LiveSession, Told, runs
from .recording import SAMPLERATE_HZ, Recorder, carried

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .conftest import SoundCard

pytestmark = pytest.mark.audio

TIMES = int(os.environ.get("COMMAND_TIMES", "1"))
# To the effect, and how far apart the clocks of the recorder and of the sender may be.
EFFECT_MS, CLOCKS_MS = 120, 20
UNHEARD = {"mute", "voice-up", "voice-down", "chimes-up", "chimes-down"}
ROUTINE = """
title = "All there is"
[cues]
safety = false
[defaults]
prepare = "3s"
[[steps]]
name = "First"
hold = "12s"
sides = "each"
[[steps]]
name = "Second"
hold = "4s"
reps = 3
[[steps]]
rest = "5s"
[[steps]]
name = "Third"
hold = "60s"
"""


def sequence(seed: int) -> list[tuple[float, Command]]:
    """Return ten commands, each with how long to wait before it: often not at all, or about a count-in."""
    draw = random.Random(seed)
    known = [command for command in COMMANDS if command not in {"quit", "more"}]
    waits_s = [draw.choice([0.0, draw.uniform(0, 0.1), draw.uniform(0.2, 2), draw.uniform(2, 2.5)]) for _ in range(10)]
    return [(wait_s, draw.choice(known)) for wait_s in waits_s]


@pytest.mark.parametrize("number", range(TIMES))
def test_each_command_leads_to_its_place(soundcard: SoundCard, number: int) -> None:
    """Runs again where the machine was too busy for an unbroken sound."""
    for attempt in range(3):
        told, sent, heard, start_s = played(soundcard, sequence(number * 7919 + os.getpid() + attempt))
        if told.breaks == 0:
            break
    assert told.breaks == 0
    assert_clock_agrees(told, heard, start_s)
    assert_accounted(heard, [(int((sent_s - start_s) * SAMPLERATE_HZ), command) for sent_s, command in sent])


@pytest.mark.parametrize("sink", ["pulse", "alsa", "pacat", "aplay"])
def test_through_every_sink_a_session_is_unbroken(soundcard: SoundCard, sink: str) -> None:
    """Runs again where the machine was too busy for it."""
    for _ in range(3):
        recorder = Recorder(soundcard.environment)
        session = LiveSession(soundcard, ROUTINE, sink=sink)
        session.wait_until_begun()
        time.sleep(2)
        session.ended()
        heard = runs(recorder)
        if len(heard) == 1:
            break
    assert len(heard) == 1
    assert heard[0].last - heard[0].first > SAMPLERATE_HZ


def played(
    card: SoundCard, commands: list[tuple[float, Command]]
) -> tuple[Told, list[tuple[float, Command]], NDArray[np.float32], float]:
    """Return what the session said, which command was sent when, the recording, and when that began."""
    recorder = Recorder(card.environment)
    session = LiveSession(card, ROUTINE)
    session.wait_until_begun()
    time.sleep(1)
    sent = []
    for wait_s, command in commands:
        time.sleep(wait_s)
        sent.append((session.send(command), command))
    time.sleep(3)
    told = session.ended()
    samples, start_s = recorder.recorded()
    return told, sent, samples[:, 0], start_s


def assert_clock_agrees(told: Told, heard: NDArray[np.float32], start_s: float) -> None:
    numbers = carried(heard)
    errors_ms: list[float] = []
    for look_s, _, position_ms, *_ in told.looks:
        frame = int((look_s - start_s) * SAMPLERATE_HZ)
        if 0 < frame < len(numbers) and numbers[frame] >= 0 and numbers[frame] == numbers[frame - 1] + 1:
            errors_ms.append(numbers[frame] * 1000 / SAMPLERATE_HZ - position_ms)
    assert float(np.percentile(np.abs(errors_ms), 95)) <= CLOCKS_MS


def assert_accounted(heard: NDArray[np.float32], sent: list[tuple[int, Command]]) -> None:
    placed = Production(load_routine(parse_document(ROUTINE), {})).timeline().intervals
    begins = int(np.flatnonzero(carried(heard) == 0)[0])
    follower = Follower(heard=heard, has_listener=False)
    ways = {Where(cursor=begins, place=0, state="plays")}
    for number, (frame, command) in enumerate(sent):
        if command in UNHEARD:
            continue
        earlier = sum(frame - one < SAMPLERATE_HZ // 2 for one, _ in sent[:number])
        latest = frame + (EFFECT_MS + CLOCKS_MS) * SAMPLERATE_HZ // 1000 + 2 * FADE_FRAMES * earlier
        before: set[Any] = ways
        ways = {way for where in before for way in follower.after(where, command, latest, [placed])}
        if command in {"pause", "resume"}:
            ways |= {where for where in before if (where.state == "paused") is (command == "pause")}
        assert ways, (frame, command, before, sent)
