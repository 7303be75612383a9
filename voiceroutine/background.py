"""What sounds under a whole routine: a loop, softer under words, faded at both ends.

It is a function of position, as the mix is. Where words follow each other closely the loop stays down between them. So
the samples of an instant depend on words that come later, and at the end on how long all of it lasts: on no more than
what lies within `lookahead_ms`.
"""

from __future__ import annotations

import weakref
from bisect import bisect_left
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np

from voiceroutine.audio import MOST_GAIN_DB, Clip, Loudness, loudness_of_parts
from voiceroutine.recordings import read_pcm
from voiceroutine.units import SAMPLERATE_HZ, frame_at, gain_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import IO

    import numpy.typing as npt

    from voiceroutine.audio import Samples

    Pcm = npt.NDArray[np.int16]

FALL_MS = 400
RISE_MS = 800
# Of a level that changes faster, the change itself is heard.
FASTEST_DB_PER_10_MS = 0.9
# Words nearer to each other than this count as one: falling and rising in less is heard as pumping.
NEAR_MS = 1_500
CROSSFADE_FRAMES = 2 * SAMPLERATE_HZ
# By how much the loudest moment of music may be above the level that is wished.
MOST_ABOVE_DB = 6.0
# What `scripts/make_sounds.py` makes.
BUNDLED_LOUDNESS = Loudness(whole_lufs=-38.0, loudest_lufs=-36.0)

_MEASURED_FRAMES = 5 * SAMPLERATE_HZ
_BYTES_IN_MEMORY = 2 << 20
_FRAME_BYTES = 2


class Loop(Protocol):
    """Mono samples of 16 bits at 48 kHz whose end goes on into their beginning."""

    @property
    def frames(self) -> int:
        """How many there are."""

    @property
    def loudness(self) -> Loudness:
        """How loud they are."""

    def piece(self, first_frame: int, frames: int) -> Pcm:
        """Return samples from a frame on; fewer where the loop ends."""


@dataclass(frozen=True)
class ShortLoop:
    """A loop in memory.

    Args:
        pcm: the samples.
        known: their loudness, if it needn't be measured.
    """

    pcm: Pcm
    known: Loudness | None = None

    @property
    def frames(self) -> int:
        """How many samples there are."""
        return len(self.pcm)

    @cached_property
    def loudness(self) -> Loudness:
        """How loud they are."""
        return self.known or _measured(self)

    def piece(self, first_frame: int, frames: int) -> Pcm:
        """Return samples from a frame on; fewer where the loop ends."""
        return self.pcm[first_frame : first_frame + frames]


class LongLoop:
    """A loop on disk, in a file without a name that goes when the loop does: ten minutes need no memory.

    Args:
        parts: a recording; its end fades into its beginning, in two seconds or a quarter of it.

    Raises:
        OSError: there is no room for it on the disk.
    """

    def __init__(self, parts: Iterable[Clip]) -> None:
        self._file: IO[bytes] = SpooledTemporaryFile(_BYTES_IN_MEMORY)  # noqa: SIM115  closed with the loop
        weakref.finalize(self, self._file.close)
        self._lock = Lock()
        self._first_frame = 0
        self.frames = 0
        for samples in _resampled(parts):
            self.frames += len(samples)
            self._file.write(_to_pcm(samples).tobytes())
        self._crossfade()

    @cached_property
    def loudness(self) -> Loudness:
        """How loud it is."""
        return _measured(self)

    def piece(self, first_frame: int, frames: int) -> Pcm:
        """Return samples from a frame on; fewer where the loop ends."""
        frames = min(frames, self.frames - first_frame)
        with self._lock:
            self._file.seek((self._first_frame + first_frame) * _FRAME_BYTES)
            return np.frombuffer(self._file.read(frames * _FRAME_BYTES), np.int16)

    def _crossfade(self) -> None:
        frames = min(CROSSFADE_FRAMES, self.frames // 4)
        angle = np.linspace(0, np.pi / 2, frames)
        end, beginning = self.piece(self.frames - frames, frames), self.piece(0, frames)
        seam = np.rint(end * np.cos(angle) + beginning * np.sin(angle))
        self._file.seek((self.frames - frames) * _FRAME_BYTES)
        self._file.write(np.clip(seam, -32768, 32767).astype(np.int16).tobytes())
        self._file.flush()
        self._first_frame, self.frames = frames, self.frames - frames


def bundled_loop(file: Path) -> Loop:
    """Return a loop of a bundled file, which was made as one."""
    return ShortLoop(read_pcm(file), BUNDLED_LOUDNESS)


def _measured(loop: Loop) -> Loudness:
    starts = range(0, loop.frames, _MEASURED_FRAMES)
    return loudness_of_parts(_floats(loop.piece(start, _MEASURED_FRAMES)) for start in starts)


def _resampled(parts: Iterable[Clip]) -> Iterator[Samples]:
    stream = None
    for part in parts:
        if part.samplerate_hz == SAMPLERATE_HZ:
            yield part.samples
            continue
        import soxr

        stream = stream or soxr.ResampleStream(part.samplerate_hz, SAMPLERATE_HZ, 1, dtype="float32", quality="HQ")
        yield stream.resample_chunk(part.samples)
    if stream is not None:
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _to_pcm(samples: Samples) -> Pcm:
    pcm: Pcm = np.clip(np.rint(samples * np.float32(32768)), -32768, 32767).astype(np.int16)
    return pcm


def _floats(pcm: Pcm) -> Clip:
    return Clip(samples=pcm.astype(np.float32) / np.float32(32768), samplerate_hz=SAMPLERATE_HZ)


class Background:
    """A loop under words.

    Args:
        loop: what sounds.
        level_lufs: how loud it is where nobody speaks; its loudest moment is at most 6 dB above. No recording is
            raised by more than 20 dB.
        duck_db: by how much that changes under words, so less than 0.
        fade_ms: how long it fades in at the start and out at the end.
    """

    def __init__(self, loop: Loop, *, level_lufs: float, duck_db: float, fade_ms: int) -> None:
        self._loop = loop
        level_db = _gain_db(loop.loudness, level_lufs)
        fall_ms, rise_ms = (max(ms, round(-duck_db * 10 / FASTEST_DB_PER_10_MS)) for ms in (FALL_MS, RISE_MS))
        self._up = np.float32(gain_of(level_db) / 32768)
        self._down = np.float32(gain_of(level_db + duck_db) / 32768)
        self._fall = _ramp(level_db, level_db + duck_db, frame_at(fall_ms))
        self._rise = _ramp(level_db + duck_db, level_db, frame_at(rise_ms))
        self._fade_frames = frame_at(fade_ms)
        self._end_frame: int | None = None
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.lookahead_ms = max(NEAR_MS, fade_ms)

    def anew(self) -> Background:
        """Return the same, before it knew of any words."""
        other = copy(self)
        other.forget()
        return other

    def forget(self) -> None:
        """Know of no words and no end."""
        self._starts, self._ends, self._end_frame = [], [], None

    def duck(self, start_ms: int, end_ms: int) -> None:
        """Be softer from one instant to another; they come in the order of their starts."""
        start, end = frame_at(start_ms), frame_at(end_ms)
        if self._ends and start - self._ends[-1] < frame_at(NEAR_MS):
            self._ends[-1] = max(self._ends[-1], end)
        elif start < end:
            self._ends.append(end)
            self._starts.append(start)

    def end_at(self, duration_ms: int) -> None:
        """Fade out so as to be silent from this instant on."""
        self._end_frame = frame_at(duration_ms)

    def read(self, first_frame: int, out: Samples) -> None:
        """Fill `out`, shape (frames,), with what sounds from `first_frame` on."""
        gains = self._gains(first_frame, len(out))
        begin = 0
        while begin < len(out):
            piece = self._loop.piece((first_frame + begin) % self._loop.frames, len(out) - begin)
            end = begin + len(piece)
            np.multiply(piece, gains[begin:end] if gains.ndim else gains, out=out[begin:end])
            begin = end

    def _gains(self, first_frame: int, frames: int) -> Samples:
        """Return the gain of every frame, or one for all of them."""
        low = bisect_left(self._ends, first_frame - len(self._rise))
        high = bisect_left(self._starts, first_frame + frames + len(self._fall))
        fades = [*self._fades(first_frame, frames)]
        if low >= high and not fades:
            return np.asarray(self._up)
        gains = np.full(frames, self._up, np.float32)
        for start, end in zip(self._starts[low:high], self._ends[low:high], strict=True):
            _put(gains, start - len(self._fall) - first_frame, self._fall)
            gains[max(0, start - first_frame) : max(0, end - first_frame)] = self._down
            _put(gains, end - first_frame, self._rise)
        for begin, fade in fades:
            gains[begin : begin + len(fade)] *= fade
        return gains

    def _fades(self, first_frame: int, frames: int) -> Iterator[tuple[int, Samples]]:
        """Yield what the gains are multiplied with, from a frame on."""
        if first_frame < self._fade_frames:
            yield 0, _curve(np.arange(first_frame, min(first_frame + frames, self._fade_frames)) / self._fade_frames)
        if self._end_frame is None or first_frame + frames <= self._end_frame - self._fade_frames:
            return
        begin = max(0, self._end_frame - self._fade_frames - first_frame)
        left = self._end_frame - np.arange(first_frame + begin, first_frame + frames)
        yield begin, _curve(np.maximum(left, 0) / max(1, self._fade_frames))


def _gain_db(loudness: Loudness, level_lufs: float) -> float:
    if not np.isfinite(loudness.whole_lufs):
        return 0.0
    wanted_db, most_db = level_lufs - loudness.whole_lufs, level_lufs + MOST_ABOVE_DB - loudness.loudest_lufs
    return min(wanted_db, most_db, MOST_GAIN_DB)


def _ramp(from_db: float, to_db: float, frames: int) -> Samples:
    """Return gains that change evenly in decibels."""
    levels_db = from_db + (to_db - from_db) * (np.arange(frames) + 0.5) / frames
    ramp: Samples = (10 ** (levels_db / 20) / 32768).astype(np.float32)
    return ramp


def _curve(share: npt.NDArray[np.float64]) -> Samples:
    """Return gains from 0 to 1, without a corner at either."""
    share = np.minimum(share, 1.0)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def _put(gains: Samples, at: int, ramp: Samples) -> None:
    begin, end = max(0, at), min(len(gains), at + len(ramp))
    if begin < end:
        gains[begin:end] = ramp[begin - at : end - at]
