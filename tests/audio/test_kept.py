"""What is kept of sessions that were really played: the place, the log, and the way in for other programs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .conftest import SoundCard

pytestmark = pytest.mark.audio

PROGRAM = (sys.executable, "-m", "voiceroutine")
ROUTINE = """
title = "Two holds"
cues = { profile = "quiet", safety = false }
[[steps]]
name = "First"
hold = "5s"
prepare = "1s"
[[steps]]
name = "Second"
hold = "5s"
prepare = "2s"
sides = "each"
"""


@pytest.fixture
def routine(tmp_path: Path) -> Path:
    file = tmp_path / "two.toml"
    file.write_text(ROUTINE)
    return file


@pytest.fixture
def environment(soundcard: SoundCard, tmp_path: Path) -> Mapping[str, str]:
    folders = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("STATE", "CONFIG", "DATA")}
    return {**soundcard.environment, **folders, "VOICEROUTINE_HISTORY": "true"}


class Played:
    """A `play --json` that is watched from outside."""

    def __init__(self, environment: Mapping[str, str], *arguments: str) -> None:
        command = [*PROGRAM, "play", *arguments, "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(environment))
        self.events: list[dict[str, Any]] = []

    def until(self, **wanted: object) -> dict[str, Any]:
        """Read events up to one that has these values, and return it."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            if wanted.items() <= self.events[-1].items():
                return self.events[-1]
        raise AssertionError(self.events)

    def ended(self) -> int:
        assert self.process.stdout
        self.events += [json.loads(line) for line in self.process.stdout]
        self.process.stdout.close()
        return self.process.wait(10)

    def killed(self) -> None:
        self.process.kill()
        self.ended()


def said(environment: Mapping[str, str], *arguments: str) -> str:
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=True, env=environment).stdout


def test_an_interrupted_session_goes_on_with_the_side_it_was_at(routine: Path, environment: Mapping[str, str]) -> None:
    first = Played(environment, str(routine))
    work = first.until(kind="work", step="Second", side="right")
    time.sleep(1)
    first.process.send_signal(signal.SIGINT)
    assert first.ended() == 130
    again = Played(environment, str(routine), "--resume")
    begun = again.until(event="interval")
    assert (begun["kind"], begun["step"], begun["side"]) == ("prepare", "Second", "right")
    assert begun["start_ms"] < work["start_ms"]
    assert again.ended() == 0
    entries = json.loads(said(environment, "history", "--json"))
    entries = entries["sessions"] if isinstance(entries, dict) else entries
    assert sorted(entry["ended"] for entry in entries) == ["done", "stopped"]
    third = Played(environment, str(routine), "--resume")
    assert third.until(event="interval")["kind"] == "intro"
    third.killed()


def test_a_session_that_was_killed_is_remembered_too(routine: Path, environment: Mapping[str, str]) -> None:
    first = Played(environment, str(routine))
    first.until(kind="work", step="Second", side="right")
    time.sleep(0.5)
    first.killed()
    again = Played(environment, str(routine), "--resume")
    assert again.until(event="interval")["step"] == "Second"
    again.killed()


def test_another_program_controls_it(routine: Path, environment: Mapping[str, str]) -> None:
    played = Played(environment, str(routine))
    played.until(kind="work", step="First")
    assert said(environment, "control", "pause") == "Paused.\n"
    played.until(event="state", state="paused")
    assert "Two holds: paused" in said(environment, "control")
    said(environment, "control", "next")
    assert played.until(event="interval")["step"] == "Second"
    said(environment, "control", "quit")
    assert played.ended() == 0


def test_a_session_that_was_fitted_tells_what_changed_and_goes_on(environment: Mapping[str, str]) -> None:
    flags = ("desk-reset", "--minutes", "2", "--voice", "silent", "--side-first", "left")
    first = Played(environment, *flags)
    assert first.until(event="message")["text"] == "Neck tilt left out (optional)"
    assert abs(first.until(event="duration")["duration_ms"] - 120_000) <= 3_000
    first.until(event="interval", kind="prepare")
    first.process.send_signal(signal.SIGINT)
    assert first.ended() == 130
    again = Played(environment, *flags, "--resume")
    assert again.until(event="interval")["kind"] == "prepare"
    again.killed()
