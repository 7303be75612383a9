"""Whatever happens to the device, the session goes on from what was heard last, or ends as promised.

FAULT_TIMES=20 pytest -m audio tests/audio/test_faults.py     tries each at so many random instants
FAULT_LOG=FILE                                                keeps what was measured
FAULT_SINK=pulse                                              tries another sink, of those in player.py
"""

from __future__ import annotations

import itertools
import os
import pty
import random
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .live import FADE_FRAMES, LiveSession, Run, Told, runs, wait_until_heard
from .recording import SAMPLERATE_HZ, Recorder
from .test_play import read_for

if TYPE_CHECKING:
    from .conftest import SoundCard

pytestmark = pytest.mark.audio

TIMES = int(os.environ.get("FAULT_TIMES", "1"))
SINK = os.environ.get("FAULT_SINK", "first")
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
    """When something happens, after something was heard."""
    return random.Random(request.param * 7919 + os.getpid()).uniform(0.2, 2.0)


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


def assert_goes_on(heard: list[Run], told: Told, off_frames: int = OFF_FRAMES) -> None:
    """Each part of the timeline follows on the one before, within 50 ms, and it goes on after the longest break."""
    assert told.failure == ""
    pairs = list(itertools.pairwise(heard))
    offsets = [after.first - FADE_FRAMES - before.last for before, after in pairs]
    note(told, [round(offset / SAMPLERATE_HZ * 1000, 1) for offset in offsets])
    assert all(abs(offset) <= off_frames for offset in offsets), heard
    _, after_break = max(pairs, key=lambda pair: pair[1].start_s - pair[0].end_s, default=(None, heard[0]))
    assert heard[-1].last - after_break.first > GOES_ON_S / 2 * SAMPLERATE_HZ, (heard, told.looks[-1])


def note(told: Told, offsets_ms: list[float]) -> None:
    """Keep what was measured, where a file for it is given: how far off it went on, breaks, the load."""
    if file := os.environ.get("FAULT_LOG"):
        test = os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2]
        with Path(file).open("a") as log:
            log.write(f"{test}: {offsets_ms} ms, {told.breaks} breaks, load {os.getloadavg()[0]:.1f}\n")


def told_of(told: Told, state: str) -> bool:
    return any(look[1] == state for look in told.looks)


def test_a_device_that_is_pulled_while_another_is_there(doomed_soundcard: SoundCard, moment_s: float) -> None:
    card = doomed_soundcard
    add_sink(card, "second")
    recorders = [Recorder(card.environment), Recorder(card.environment, "second")]
    session = LiveSession(card, ROUTINE, sink=SINK)
    session.wait_until_begun()
    time.sleep(moment_s)
    pactl(card, "unload-module", card_module(card))
    wait_until_heard(recorders[-1], GOES_ON_S)
    told = session.ended()
    heard = runs(*recorders)
    assert_goes_on(heard, told)


def test_a_device_that_is_pulled_and_comes_back(doomed_soundcard: SoundCard, moment_s: float) -> None:
    card = doomed_soundcard
    recorders = [Recorder(card.environment)]
    session = LiveSession(card, ROUTINE, sink=SINK)
    session.wait_until_begun()
    time.sleep(moment_s)
    pactl(card, "unload-module", card_module(card))
    time.sleep(2)
    add_sink(card, "card")
    recorders.append(Recorder(card.environment))
    wait_until_heard(recorders[-1], GOES_ON_S)
    told = session.ended()
    heard = runs(*recorders)
    assert_goes_on(heard, told)
    assert told_of(told, "recovering")


def test_a_device_that_is_pulled_and_stays_away(doomed_soundcard: SoundCard, moment_s: float) -> None:
    card = doomed_soundcard
    recorder = Recorder(card.environment)
    session = LiveSession(card, ROUTINE, sink=SINK, patience_s=2)
    session.wait_until_begun()
    time.sleep(moment_s)
    pactl(card, "unload-module", card_module(card))
    told = session.told(25)
    recorder.stop()
    assert "Nothing could be opened for 2 seconds since." in told.failure
    assert told_of(told, "recovering")


def test_a_server_that_dies_and_starts_again(doomed_soundcard: SoundCard, moment_s: float) -> None:
    card = doomed_soundcard
    recorders = [Recorder(card.environment)]
    session = LiveSession(card, ROUTINE, sink=SINK)
    session.wait_until_begun()
    time.sleep(moment_s)
    card.kill()
    time.sleep(random.uniform(0.5, 5))
    card.start()
    recorders.append(Recorder(card.environment))
    wait_until_heard(recorders[-1], GOES_ON_S)
    told = session.ended()
    heard = runs(*recorders)
    assert_goes_on(heard, told)
    assert told.breaks >= 1


def test_a_sink_that_is_suspended_and_resumed(doomed_soundcard: SoundCard, moment_s: float) -> None:
    card = doomed_soundcard
    recorder = Recorder(card.environment)
    session = LiveSession(card, ROUTINE, sink=SINK)
    session.wait_until_begun()
    time.sleep(moment_s)
    pactl(card, "suspend-sink", "card", "1")
    time.sleep(random.uniform(0.3, 6))
    pactl(card, "suspend-sink", "card", "0")
    wait_until_heard(recorder, GOES_ON_S)
    told = session.ended()
    assert_goes_on(runs(recorder), told)


def test_another_default_device(doomed_soundcard: SoundCard, moment_s: float) -> None:
    card = doomed_soundcard
    add_sink(card, "second")
    recorders = [Recorder(card.environment), Recorder(card.environment, "second")]
    session = LiveSession(card, ROUTINE, sink=SINK)
    session.wait_until_begun()
    time.sleep(moment_s)
    pactl(card, "set-default-sink", "second")
    wait_until_heard(recorders[-1], GOES_ON_S)
    told = session.ended()
    assert_goes_on(runs(*recorders), told)


def test_a_process_that_was_stopped(doomed_soundcard: SoundCard, moment_s: float) -> None:
    recorder = Recorder(doomed_soundcard.environment)
    session = LiveSession(doomed_soundcard, ROUTINE, sink=SINK)
    session.wait_until_begun()
    time.sleep(moment_s)
    stopped_for(session.process.pid, 2)
    wait_until_heard(recorder, GOES_ON_S)
    told = session.ended()
    assert_goes_on(runs(recorder), told)
    assert told.breaks >= 1 or SINK != "first"


def test_a_server_that_was_stopped(doomed_soundcard: SoundCard, moment_s: float) -> None:
    recorder = Recorder(doomed_soundcard.environment)
    session = LiveSession(doomed_soundcard, ROUTINE, sink=SINK)
    session.wait_until_begun()
    time.sleep(moment_s)
    stopped_for(server_pid(doomed_soundcard), random.uniform(1, 5))
    wait_until_heard(recorder, GOES_ON_S)
    told = session.ended()
    # After 3 s it counts as lost; what it held then, up to 110 ms, is played twice if it lives on after all.
    assert_goes_on(runs(recorder), told, off_frames=OFF_FRAMES * 5 // 2)


SLOW = """
title = "Words"
cues = { safety = false }
[defaults]
prepare = "2s"
[[steps]]
say = "Sit tall and breathe."
[[steps]]
name = "First"
hold = "4s"
sides = "each"
[[steps]]
say = "Shake it out."
[[steps]]
name = "Second"
hold = "30s"
"""


def test_a_slow_disk_under_the_clips(soundcard: SoundCard, moment_s: float) -> None:
    """What waits for clips waits between works, loses nothing, and the device never goes short."""
    LiveSession(soundcard, SLOW).ended(30)
    recorder = Recorder(soundcard.environment)
    session = LiveSession(soundcard, SLOW, slow_s=0.3 + moment_s / 3)
    session.wait_until_begun()
    time.sleep(12)
    told = session.ended()
    heard = runs(recorder)
    assert_goes_on(heard, told)
    assert all(abs(after.first - FADE_FRAMES - before.last) <= 1 for before, after in itertools.pairwise(heard)), heard
    assert told.breaks == 0


PLAY_FOR_2_S = """
import sys
from voiceroutine.player import Session
Session.__init__.__kwdefaults__["patience_s"] = 2.0
from voiceroutine.cli import main
main(sys.argv[1:])
"""


def test_play_without_a_device_any_more_ends_with_5_and_a_way_out(doomed_soundcard: SoundCard, tmp_path: Path) -> None:
    """Also restores the terminal."""
    routine = tmp_path / "long.toml"
    routine.write_text(ROUTINE)
    terminal, inside = pty.openpty()
    before = termios.tcgetattr(inside)
    environment = {**doomed_soundcard.environment, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    command = [sys.executable, "-c", PLAY_FOR_2_S, "play", str(routine)]
    player = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=subprocess.PIPE, env=environment)
    shown = read_for(terminal, 3)
    doomed_soundcard.kill()
    shown += read_for(terminal, 8)
    err = player.communicate(timeout=20)[1].decode()
    shown += read_for(terminal, 0.1)
    after = termios.tcgetattr(inside)
    os.close(inside)
    os.close(terminal)
    assert player.returncode == 5
    assert "Nothing could be opened for 2 seconds since." in err
    assert f"export {routine}" in err
    assert "Traceback" not in err
    assert after == before
    assert b"\x1b[?1049l" in shown
