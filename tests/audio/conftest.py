"""A sound card without hardware for the tests that play."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .recording import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PROGRAMS = ("pulseaudio", "pactl", "parec", "pacat", "aplay")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundCard:
    """A running virtual sound card, and the environment that leads a child process to it."""

    folder: Path
    environment: dict[str, str]

    def kill(self) -> None:
        """End its server as a crash would."""
        os.kill(int((self.folder / "pid").read_text()), signal.SIGKILL)

    def start(self) -> None:
        """Start the server anew after `kill`."""
        _run("down", self.folder)
        _run("up", self.folder)


@pytest.fixture(scope="session")
def soundcard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundCard]:
    """One card for all tests that leave it whole."""
    with _running(tmp_path_factory.mktemp("sound")) as card, _awake(card):
        yield card


@pytest.fixture
def doomed_soundcard(tmp_path: Path) -> Iterator[SoundCard]:
    """A card for one test that breaks it."""
    with _running(tmp_path) as card:
        yield card


@contextmanager
def _running(parent: Path) -> Iterator[SoundCard]:
    _need_programs()
    folder = parent / "card"
    _run("up", folder)
    pairs = (line.split("=", 1) for line in (folder / "env").read_text().splitlines())
    paths = os.pathsep.join([str(HERE.parent), str(HERE.parent.parent)])
    try:
        yield SoundCard(folder=folder, environment={**os.environ, "PYTHONPATH": paths, **dict(pairs)})
    finally:
        _run("down", folder)


@contextmanager
def _awake(card: SoundCard) -> Iterator[None]:
    # Each first recorder waits for up to 2 s until the null sink works in short blocks; this one is the first.
    recorder = Recorder(card.environment)
    try:
        yield
    finally:
        recorder.stop()


def _need_programs() -> None:
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing and os.environ.get("CI"):
        pytest.fail(f"the virtual sound card needs {', '.join(missing)}")
    if missing:
        pytest.skip(f"the virtual sound card needs {', '.join(missing)}; soundcard.sh names the packages")


def _run(command: str, folder: Path) -> None:
    subprocess.run([HERE / "soundcard.sh", command, folder], check=True, timeout=30)
