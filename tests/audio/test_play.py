"""`play` as a listener hears it, through a virtual sound card."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from .recording import SAMPLERATE_HZ, Recorder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .conftest import SoundCard

pytestmark = pytest.mark.audio

STEP = 1 / 32768
FAINT = 0.002
PLAY = (sys.executable, "-m", "voiceroutine", "play")
# The same program where a library that it may use is missing.
WITHOUT = "import sys; sys.modules[{module!r}] = None; from voiceroutine.cli import main; main(sys.argv[1:])"

ROUTINE = """
title = "Everything once"
[defaults]
prepare = "2s"
[[steps]]
say = "Sit tall."
[[steps]]
exercise = "chin-tuck"
hold = "3s"
reps = 2
[[steps]]
name = "Tilt"
hold = "9s"
sides = "each"
switch = "2s"
[[steps]]
rest = "2s"
[[steps]]
exercise = "shoulder-roll"
reps = 2
"""

SHORT = """
title = "Short"
cues = { safety = false }
[[steps]]
name = "Tilt"
hold = "3s"
sides = "each"
prepare = 0
"""


@pytest.fixture
def routine(tmp_path: Path) -> Path:
    file = tmp_path / "everything.toml"
    file.write_text(ROUTINE)
    return file


def exported(routine: Path, card: SoundCard) -> NDArray[np.float32]:
    file = routine.with_suffix(".wav")
    command = [sys.executable, "-m", "voiceroutine", "export", str(routine), "-o", str(file)]
    subprocess.run(command, check=True, capture_output=True, env=card.environment)
    samples, _ = soundfile.read(file, dtype="float32")
    return np.asarray(samples, np.float32)


def first_loud(samples: NDArray[np.float32]) -> int:
    return int(np.flatnonzero(np.abs(samples) > FAINT)[0])


@pytest.mark.parametrize(("missing", "text"), [("nothing", ROUTINE), ("sounddevice", SHORT)])
def test_what_sounds_is_the_export_frame_for_frame(
    soundcard: SoundCard, routine: Path, missing: str, text: str
) -> None:
    routine.write_text(text)
    expected = exported(routine, soundcard)
    recorder = Recorder(soundcard.environment)
    command = [sys.executable, "-c", WITHOUT.format(module=missing), "play", str(routine), "--no-ui"]
    ended = subprocess.run(command, capture_output=True, text=True, env=soundcard.environment, timeout=180, check=False)
    samples, _ = recorder.recorded()

    assert (ended.returncode, ended.stderr) == (0, "")
    assert np.array_equal(samples[:, 0], samples[:, 1])
    heard = samples[:, 0]
    start = first_loud(heard) - first_loud(expected)
    assert float(np.abs(heard[start : start + len(expected)] - expected).max()) <= STEP
    assert not heard[start + len(expected) :].any()
    lead_in = heard[np.flatnonzero(heard)[0] : start]
    assert len(lead_in) >= SAMPLERATE_HZ * 0.45
    assert -72 < 20 * np.log10(lead_in[lead_in != 0].std()) < -68


def test_control_c_is_silence_within_200_ms(soundcard: SoundCard, routine: Path) -> None:
    recorder = Recorder(soundcard.environment)
    player = subprocess.Popen(
        [*PLAY, str(routine), "--no-ui"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=soundcard.environment
    )
    time.sleep(2.5)
    asked_s = time.monotonic()
    player.send_signal(signal.SIGINT)
    _, err = player.communicate(timeout=5)
    ended_s = time.monotonic()
    time.sleep(0.3)
    samples, start_s = recorder.recorded()

    assert (player.returncode, err.strip()) == (130, b"")
    last_s = start_s + np.flatnonzero(samples[:, 0])[-1] / SAMPLERATE_HZ
    assert last_s - asked_s < 0.2
    assert ended_s - asked_s < 1


def test_keys_pause_and_quit_and_the_terminal_is_restored(soundcard: SoundCard, routine: Path) -> None:
    terminal, inside = pty.openpty()
    before = termios.tcgetattr(inside)
    recorder = Recorder(soundcard.environment)
    environment = {**soundcard.environment, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    player = subprocess.Popen([*PLAY, str(routine)], stdin=inside, stdout=inside, stderr=inside, env=environment)
    shown = read_for(terminal, 3)
    os.write(terminal, b" ")
    shown += read_for(terminal, 1.5)
    quit_s = time.monotonic()
    os.write(terminal, b"q")
    shown += read_for(terminal, 3)
    status = player.wait(5)
    after = termios.tcgetattr(inside)
    os.close(inside)
    samples, start_s = recorder.recorded()

    text = shown.decode(errors="replace")
    assert status == 0
    assert "Everything once" in text
    assert "paused" in text
    assert "\x1b[?1049h" in text
    assert "\x1b[?1049l" in text
    assert "Stopped at 0:0" in text
    assert after == before
    paused = samples[int((quit_s - 1 - start_s) * SAMPLERATE_HZ) : int((quit_s - start_s) * SAMPLERATE_HZ), 0]
    assert not paused.any()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_restores_the_terminal(soundcard: SoundCard, routine: Path, number: signal.Signals) -> None:
    terminal, inside = pty.openpty()
    before = termios.tcgetattr(inside)
    environment = {**soundcard.environment, "TERM": "xterm-256color"}
    player = subprocess.Popen([*PLAY, str(routine)], stdin=inside, stdout=inside, stderr=inside, env=environment)
    read_for(terminal, 2)
    assert termios.tcgetattr(inside) != before
    player.send_signal(number)
    shown = read_for(terminal, 2)
    assert player.wait(5) == 130
    assert termios.tcgetattr(inside) == before
    assert b"\x1b[?1049l" in shown
    os.close(inside)


def test_a_terminal_that_goes_away_is_no_reason_to_be_busy(soundcard: SoundCard, routine: Path) -> None:
    terminal, inside = pty.openpty()
    player = subprocess.Popen(
        [*PLAY, str(routine), "--no-ui"], stdin=inside, stdout=subprocess.DEVNULL, env=soundcard.environment
    )
    os.close(inside)
    time.sleep(3)
    os.close(terminal)
    busy_s = cpu_s(player.pid)
    time.sleep(2)
    busy_s = cpu_s(player.pid) - busy_s
    assert player.poll() is None
    player.kill()
    player.wait(5)
    assert busy_s < 0.5


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_for(terminal: int, seconds: float) -> bytes:
    read = b""
    until_s = time.monotonic() + seconds
    while (left_s := until_s - time.monotonic()) > 0:
        if select.select([terminal], [], [], left_s)[0]:
            try:
                read += os.read(terminal, 65536)
            except OSError:
                break
    return read
