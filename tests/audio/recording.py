"""Numbered frames, and a recorder of the virtual sound card that finds them again.

Each frame of the test signal carries its own number (left: the low 15 bits, right: the rest; exact in float32), so a
recording tells which frame sounded when: what is lost, repeated or inserted is counted, not guessed.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SAMPLERATE_HZ = 48_000
FRAME_BYTES = 8
# Each octave holds almost three minutes of them, up to full scale half an hour.
_FIRST_BITS = 0x3A000000


def numbered(first: int, frames: int) -> NDArray[np.float32]:
    """Return frames that carry the numbers from `first`, which is 1 or more, as silence is 0."""
    numbers = np.arange(first, first + frames)
    samples = np.empty((frames, 2), np.float32)
    samples[:, 0] = (numbers & 0x7FFF) / 32768
    samples[:, 1] = (numbers >> 15) / 32768
    return samples


def carrying(numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return one sample for each number, 0 or more: floats that follow each other, from about -66 dBFS upwards."""
    return (numbers + _FIRST_BITS).astype(np.int32).view(np.float32)


def carried(samples: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the numbers in samples, or something below 0 or without neighbors for other samples."""
    return np.ascontiguousarray(samples, np.float32).view(np.int32).astype(np.int64) - _FIRST_BITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a recording holds; times are of `time.monotonic()`, within some milliseconds."""

    numbers: NDArray[np.int64]
    first_s: float
    last_s: float
    inserted_frames: int


class Recorder:
    """Records the card, or another sink of its server, from construction until `stop`."""

    def __init__(self, environment: Mapping[str, str], sink: str = "card") -> None:
        shape = ("--raw", "--format=float32le", f"--rate={SAMPLERATE_HZ}", "--channels=2")
        # Without a client that wants a low latency, a null sink works in blocks of 2 s.
        command = ("parec", "-d", f"{sink}.monitor", "--latency-msec=5", *shape)
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(environment))
        self._chunks: list[bytes] = []
        self._starts_s: list[float] = []
        self._thread = threading.Thread(target=self._record, daemon=True)
        self._thread.start()
        self._wait_for_card()

    def stop(self) -> Heard:
        """End the recording and read the numbers in it."""
        return self._read(*self.recorded())

    def recorded(self) -> tuple[NDArray[np.float32], float]:
        """End the recording; return its samples (frames, 2) and when the first of them sounded."""
        self._process.kill()
        self._process.wait(5)
        self._thread.join(5)
        assert self._process.stdout
        self._process.stdout.close()
        raw = b"".join(self._chunks)
        samples = np.frombuffer(raw[: len(raw) // FRAME_BYTES * FRAME_BYTES], np.float32).reshape(-1, 2)
        return samples, float(np.percentile(self._starts_s, 5))

    def latest(self, frames: int) -> NDArray[np.float32]:
        """Return what was recorded last, or nothing when that is less."""
        raw = b"".join(self._chunks[-2:])
        whole = sum(map(len, self._chunks[:])) % FRAME_BYTES
        raw = raw[: len(raw) - whole][-frames * FRAME_BYTES :]
        return np.frombuffer(raw if len(raw) == frames * FRAME_BYTES else b"", np.float32).reshape(-1, 2)

    def _record(self) -> None:
        assert self._process.stdout
        recorded_bytes = 0
        while chunk := os.read(self._process.stdout.fileno(), 65536):
            recorded_bytes += len(chunk)
            self._chunks.append(chunk)
            self._starts_s.append(time.monotonic() - recorded_bytes / FRAME_BYTES / SAMPLERATE_HZ)

    def _wait_for_card(self) -> None:
        give_up_s = time.monotonic() + 5
        while not self._chunks:
            assert time.monotonic() < give_up_s, "the virtual sound card gives no sound to record"
            time.sleep(0.005)

    def _read(self, samples: NDArray[np.float32], start_s: float) -> Heard:
        low, high = np.rint(samples.T * 32768).astype(np.int64)
        numbers = high << 15 | low
        at = np.flatnonzero(numbers)
        first, last = (int(at[0]), int(at[-1])) if len(at) else (0, 0)
        return Heard(
            numbers=numbers[at],
            first_s=start_s + first / SAMPLERATE_HZ,
            last_s=start_s + last / SAMPLERATE_HZ,
            inserted_frames=last - first + 1 - len(at) if len(at) else 0,
        )
