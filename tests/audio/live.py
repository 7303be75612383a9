"""A session on the virtual sound card, watched from outside: what it said, and what was heard when."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .recording import SAMPLERATE_HZ, carried

if TYPE_CHECKING:
    from .conftest import SoundCard
    from .recording import Recorder

FADE_FRAMES = SAMPLERATE_HZ // 100
_SHORTEST_FRAMES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Frames that follow each other; instants are of `time.monotonic()`."""

    first: int
    last: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a session said of itself.

    Attributes:
        looks: when, state, position_ms, breaks, trouble.
        failure: what it failed with.
    """

    looks: list[tuple[float, str, int, int, str]]
    failure: str
    total_ms: int

    @property
    def breaks(self) -> int:
        return self.looks[-1][3]


class LiveSession:
    """Plays as soon as it can; commands are sent by name."""

    def __init__(self, card: SoundCard, routine: str, **wishes: Any) -> None:
        command = [sys.executable, "-m", "audio.session", json.dumps({"routine": routine, **wishes})]
        pipe = subprocess.PIPE
        environment = {**card.environment, "XDG_CACHE_HOME": str(card.folder / "clips")}
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment)

    def wait_until_begun(self) -> None:
        """Wait until the timeline is heard."""
        assert self.process.stdout
        assert self.process.stdout.readline() == "begun\n"

    def send(self, command: str) -> float:
        """Send a command; return when."""
        assert self.process.stdin
        sent_s = time.monotonic()
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return sent_s

    def ended(self, timeout_s: float = 15) -> Told:
        """Quit if it hasn't ended; it ends in time, without a word on standard error."""
        if self.process.poll() is None:
            self.send("quit")
        return self.told(timeout_s)

    def told(self, timeout_s: float) -> Told:
        """Wait for its end; it comes in time, without a word on standard error."""
        out, err = self.process.communicate(timeout=timeout_s)
        assert (self.process.returncode, err) == (0, "")
        report = json.loads(out.splitlines()[-1])
        looks = [tuple(entry) for entry in report["log"] if len(entry) == 5]
        failure = next((entry[2] for entry in report["log"] if entry[1] == "failed"), "")
        return Told(looks=looks, failure=failure, total_ms=report["total_ms"])


def wait_until_heard(recorder: Recorder, seconds: float, timeout_s: float = 15) -> None:
    """Wait until so much of a timeline was recorded from now on, or for so long at most."""
    until_s = time.monotonic() + timeout_s
    first = last = None
    while time.monotonic() < until_s and (first is None or last is None or last - first < seconds * SAMPLERATE_HZ):
        time.sleep(0.05)
        last = _latest(recorder)
        first = last if first is None or last is None else first


def _latest(recorder: Recorder) -> int | None:
    numbers = carried(recorder.latest(2)[:, 0])
    return int(numbers[1]) if len(numbers) == 2 and numbers[0] >= 0 and numbers[1] == numbers[0] + 1 else None


def runs(*recorders: Recorder) -> list[Run]:
    """End recordings; return what was heard of the timeline, run by run, in the order of time."""
    found = [run for recorder in recorders for run in _runs(*recorder.recorded())]
    inside = [one for one in found if any(_is_inside(one, other) for other in found)]
    return sorted((run for run in found if run not in inside), key=lambda run: run.start_s)


def _is_inside(one: Run, other: Run) -> bool:
    """Tell whether it is part of another: a recorder may be moved to where a second one is."""
    length, other_length = one.last - one.first, other.last - other.first
    is_later = length == other_length and one.start_s > other.start_s
    return other.first <= one.first and one.last <= other.last and (length < other_length or is_later)


def _runs(samples: np.ndarray[Any, np.dtype[np.float32]], start_s: float) -> list[Run]:
    numbers = carried(samples[:, 0])
    ends = np.flatnonzero(np.diff(numbers) != 1)
    pairs = zip([0, *(ends + 1)], [*ends, len(numbers) - 1], strict=True)
    return [
        Run(
            first=int(numbers[first]),
            last=int(numbers[last]),
            start_s=start_s + first / SAMPLERATE_HZ,
            end_s=start_s + last / SAMPLERATE_HZ,
        )
        for first, last in pairs
        if last - first > _SHORTEST_FRAMES and numbers[first] >= 0
    ]
