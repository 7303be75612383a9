"""Whatever happens to the device, the session goes on from what was heard last, or ends as promised.

FAULT_TIMES=20 pytest -m audio tests/audio/test_faults.py     tries each at so many random instants
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from .live import FADE_FRAMES, LiveSession, Run, Told, runs
from .recording import SAMPLERATE_HZ, Recorder

if TYPE_CHECKING:
    from .conftest import SoundCard

pytestmark = pytest.mark.audio

TIMES = int(os.environ.get("FAULT_TIMES", "1"))
OFF_FRAMES = SAMPLERATE_HZ // 20
GOES_ON_S = 1.0
ROUTINE = """
title = "Long"
cues = { safety = false }
[[steps]]
name = "Fold"
hold = "120s"
"""


@pytest.fixture(params=range(TIMES))
def moment_s(request: pytest.FixtureRequest) -> float:
    """When something happens, after the start."""
    return random.Random(request.param * 7919 + os.getpid()).uniform(2.0, 4.0)


def pactl(card: SoundCard, *arguments: str) -> str:
    done = subprocess.run(["pactl", *arguments], env=card.environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def add_sink(card: SoundCard, name: str) -> str:
    return pactl(card, "load-module", "module-null-sink", f"sink_name={name}", "format=float32le", "rate=48000")


def card_module(card: SoundCard) -> str:
    lines = pactl(card, "list", "short", "modules").splitlines()
    return next(line.split()[0] for line in lines if "sink_name=card" in line)


def server_pid(card: SoundCard) -> int:
    return int((card.folder / "pid").read_text())


def stopped_for(pid: int, seconds: float) -> None:
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)


def assert_goes_on(heard: list[Run], told: Told) -> None:
    """Each part of the timeline follows on the one before, within 50 ms, and the last goes on for a while."""
    assert told.failure == ""
    assert len(heard) > 0
    log = open("/tmp/fw/faults.txt", "a")
    print(os.environ["PYTEST_CURRENT_TEST"][30:80], told.breaks, [(round((b.first-480-a.last)/48,1), round((b.start_s-a.end_s)*1000)) for a,b in zip(heard,heard[1:])], os.getloadavg()[0], [round((l[0]-heard[0].start_s),2) for i,l in enumerate(told.looks) if i and told.looks[i-1][1:2]+told.looks[i-1][3:]!=l[1:2]+l[3:]], file=log, flush=True)
    for before, after in zip(heard, heard[1:], strict=False):
        assert abs(after.first - FADE_FRAMES - before.last) <= OFF_FRAMES, heard
    assert heard[-1].last - heard[-1].first > GOES_ON_S / 2 * SAMPLERATE_HZ, (heard, told.looks[-1])


def told_of(told: Told, state: str) -> bool:
    return any(look[1] == state for look in told.looks)


def test_a_device_that_is_pulled_while_another_is_there(doomed_soundcard: SoundCard, moment_s: float) -> None:
    card = doomed_soundcard
    add_sink(card, "second")
    recorders = [Recorder(card.environment), Recorder(card.environment, "second")]
    session = LiveSession(card, ROUTINE)
    time.sleep(moment_s)
    pactl(card, "unload-module", card_module(card))
    time.sleep(GOES_ON_S + 1)
    told = session.ended()
    heard = runs(*recorders)
    assert_goes_on(heard, told)
    assert told.breaks == 1


def test_a_device_that_is_pulled_and_comes_back(doomed_soundcard: SoundCard, moment_s: float) -> None:
    card = doomed_soundcard
    recorders = [Recorder(card.environment)]
    session = LiveSession(card, ROUTINE)
    time.sleep(moment_s)
    pactl(card, "unload-module", card_module(card))
    time.sleep(2)
    add_sink(card, "card")
    recorders.append(Recorder(card.environment))
    time.sleep(GOES_ON_S + 2)
    told = session.ended()
    heard = runs(*recorders)
    assert_goes_on(heard, told)
    assert told_of(told, "recovering")


def test_a_device_that_is_pulled_and_stays_away(doomed_soundcard: SoundCard, moment_s: float) -> None:
    card = doomed_soundcard
    recorder = Recorder(card.environment)
    session = LiveSession(card, ROUTINE, patience_s=2)
    time.sleep(moment_s)
    pactl(card, "unload-module", card_module(card))
    told = session.told(25)
    recorder.stop()
    assert "Nothing could be opened for 2 seconds since." in told.failure
    assert told_of(told, "recovering")


def test_a_server_that_dies_and_starts_again(doomed_soundcard: SoundCard, moment_s: float) -> None:
    card = doomed_soundcard
    recorders = [Recorder(card.environment)]
    session = LiveSession(card, ROUTINE)
    time.sleep(moment_s)
    card.kill()
    time.sleep(random.uniform(0.5, 5))
    card.start()
    recorders.append(Recorder(card.environment))
    time.sleep(GOES_ON_S + 2)
    told = session.ended()
    heard = runs(*recorders)
    assert_goes_on(heard, told)
    assert told.breaks >= 1


def test_a_sink_that_is_suspended_and_resumed(doomed_soundcard: SoundCard, moment_s: float) -> None:
    card = doomed_soundcard
    recorder = Recorder(card.environment)
    session = LiveSession(card, ROUTINE)
    time.sleep(moment_s)
    pactl(card, "suspend-sink", "card", "1")
    time.sleep(random.uniform(0.3, 6))
    pactl(card, "suspend-sink", "card", "0")
    time.sleep(GOES_ON_S + 2)
    told = session.ended()
    assert_goes_on(runs(recorder), told)


def test_another_default_device(doomed_soundcard: SoundCard, moment_s: float) -> None:
    card = doomed_soundcard
    add_sink(card, "second")
    recorders = [Recorder(card.environment), Recorder(card.environment, "second")]
    session = LiveSession(card, ROUTINE)
    time.sleep(moment_s)
    pactl(card, "set-default-sink", "second")
    time.sleep(GOES_ON_S + 1)
    told = session.ended()
    assert_goes_on(runs(*recorders), told)


def test_a_process_that_was_stopped(doomed_soundcard: SoundCard, moment_s: float) -> None:
    recorder = Recorder(doomed_soundcard.environment)
    session = LiveSession(doomed_soundcard, ROUTINE)
    time.sleep(moment_s)
    stopped_for(session.process.pid, 2)
    time.sleep(GOES_ON_S + 1)
    told = session.ended()
    assert_goes_on(runs(recorder), told)
    assert told.breaks >= 1


def test_a_server_that_was_stopped(doomed_soundcard: SoundCard, moment_s: float) -> None:
    recorder = Recorder(doomed_soundcard.environment)
    session = LiveSession(doomed_soundcard, ROUTINE)
    time.sleep(moment_s)
    stopped_for(server_pid(doomed_soundcard), random.uniform(1, 5))
    time.sleep(GOES_ON_S + 2)
    told = session.ended()
    assert_goes_on(runs(recorder), told)
