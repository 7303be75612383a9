"""Every live sink plays through a virtual sound card: whole, in order, silent when told, loud about losses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from .recording import SAMPLERATE_HZ, Heard, Recorder

if TYPE_CHECKING:
    from .conftest import SoundCard

pytestmark = pytest.mark.audio

SINKS = ("portaudio", "pulse", "alsa", "pacat", "aplay")
# How far heard_frames may be off: the two that feed a program can only estimate.
TOLERANCE_MS = {"portaudio": 40, "pulse": 40, "alsa": 40, "pacat": 250, "aplay": 250}


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the player reported and what the card heard."""

    report: dict[str, Any]
    heard: Heard


def start(card: SoundCard, sink: str, mode: str, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "audio.player", sink, mode, str(seconds)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=card.environment)


def ended(player: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = player.communicate(timeout=60)
    assert (player.returncode, err) == (0, "")
    report: dict[str, Any] = json.loads(out)
    return report


def play(card: SoundCard, sink: str, mode: str, seconds: float) -> Played:
    recorder = Recorder(card.environment)
    report = ended(start(card, sink, mode, seconds))
    return Played(report=report, heard=recorder.stop())


@pytest.mark.parametrize("sink", [*SINKS, "first"])
def test_every_frame_sounds_once_and_in_order(soundcard: SoundCard, sink: str) -> None:
    played = play(soundcard, sink, "finish", 3)
    assert played.heard.numbers.tolist() == list(range(1, 3 * SAMPLERATE_HZ + 1))
    assert played.heard.inserted_frames == 0
    assert played.report["heard_frames"] == 3 * SAMPLERATE_HZ
    assert played.report["underflows"] == 0


@pytest.mark.parametrize("sink", SINKS)
def test_heard_frames_follows_what_sounds(soundcard: SoundCard, sink: str) -> None:
    played = play(soundcard, sink, "finish", 3)
    readings = np.array(played.report["heard"])
    assert (np.diff(readings[:, 1]) >= 0).all()
    sounding = readings[(readings[:, 1] > SAMPLERATE_HZ) & (readings[:, 1] < 2 * SAMPLERATE_HZ)]
    true_frames = (sounding[:, 0] - played.heard.first_s) * SAMPLERATE_HZ
    error_ms = np.abs(sounding[:, 1] - true_frames) / SAMPLERATE_HZ * 1000
    assert np.median(error_ms) < TOLERANCE_MS[sink]


@pytest.mark.parametrize("sink", SINKS)
def test_close_falls_silent(soundcard: SoundCard, sink: str) -> None:
    played = play(soundcard, sink, "close", 4)
    closing_s = played.report["closing_s"]
    assert closing_s - 0.5 < played.heard.last_s < closing_s + 0.2
    assert played.report["closed_s"] - closing_s < 2.5
    assert "closed" in played.report["error"] or "ended" in played.report["error"]


@pytest.mark.parametrize("sink", SINKS)
def test_a_lost_server_is_reported_by_write(doomed_soundcard: SoundCard, sink: str) -> None:
    recorder = Recorder(doomed_soundcard.environment)
    player = start(doomed_soundcard, sink, "cut", 30)
    time.sleep(2)
    killed_s = time.monotonic()
    doomed_soundcard.kill()
    report = ended(player)
    recorder.stop()
    assert 0 < report["lost_s"] - killed_s < 4


@pytest.mark.parametrize("sink", SINKS)
def test_a_frozen_server_is_reported_by_write_and_keeps_nothing_from_ending(
    doomed_soundcard: SoundCard, sink: str
) -> None:
    recorder = Recorder(doomed_soundcard.environment)
    player = start(doomed_soundcard, sink, "cut", 30)
    time.sleep(2)
    frozen_s = time.monotonic()
    os.kill(int((doomed_soundcard.folder / "pid").read_text()), signal.SIGSTOP)
    report = ended(player)
    ended_s = time.monotonic()
    doomed_soundcard.kill()
    recorder.stop()
    assert 2 < report["lost_s"] - frozen_s < 5
    assert ended_s - report["lost_s"] < 4
