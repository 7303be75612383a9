"""A mix into audio files: mixed once, block by block, measured, and written into every file that is wanted of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.beside import told
from voiceroutine.exporting.formats import open_encoder
from voiceroutine.exporting.loudness import Meter
from voiceroutine.mix import below_ceiling
from voiceroutine.sinks.tags import Shape
from voiceroutine.units import SAMPLERATE_HZ, frame_at, gain_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from voiceroutine.audio import Samples
    from voiceroutine.exporting.measured import Loudness
    from voiceroutine.mix import Mix
    from voiceroutine.sinks import Sink
    from voiceroutine.sinks.tags import Tags

    Progress = Callable[[float], None]

BLOCK_FRAMES = 1 << 16
# What of its surroundings a resampler hears.
CONTEXT_FRAMES = SAMPLERATE_HZ // 5
# So many frames are a whole number of them at every sample rate there is.
COMMON_FRAMES = SAMPLERATE_HZ // 25


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFile:
    """A file, or a part of one that is split, to be filled with a stretch of a mix.

    Attributes:
        path: what it will be called; of a failure this is told.
        part: where it is written.
        suffix: its format.
        tags: what players show.
        start_ms: the instant of its first frame.
        end_ms: the instant after its last one.
        samplerate_hz: frames a second.
        channels: how often each sample comes.
        bitrate_kbps: None is what the format needs for speech and bells.
    """

    path: Path
    part: Path
    suffix: str
    tags: Tags
    start_ms: int
    end_ms: int
    samplerate_hz: int = SAMPLERATE_HZ
    channels: int = 1
    bitrate_kbps: int | None = None

    @property
    def shape(self) -> Shape:
        """How its samples are laid out."""
        frames = frame_at(self.end_ms, self.samplerate_hz) - frame_at(self.start_ms, self.samplerate_hz)
        return Shape(
            samplerate_hz=self.samplerate_hz, channels=self.channels, bitrate_kbps=self.bitrate_kbps, frames=frames
        )


def render(
    mix: Mix, duration_ms: int, files: Sequence[AudioFile], *, gain_db: float = 0.0, progress: Progress = lambda _: None
) -> Loudness:
    """Fill files with a mix, and return how loud it is in them.

    Args:
        mix: what sounds.
        duration_ms: how long all of it lasts.
        files: what is wanted of it.
        gain_db: how much louder it is than as it is mixed; peaks stay below the ceiling.
        progress: told how much is done, from 0 to 1.

    Raises:
        ExportError: a file can't be as wanted, or can't be written.
    """
    mix.end_at(duration_ms)
    meter = _MeterBeside()
    total_frames = max(1, frame_at(duration_ms))
    with ExitStack() as stack:
        stack.callback(meter.close)
        lanes = [_Lane(file) for file in files]
        for lane in lanes:
            stack.callback(lane.close)
        for first_frame, block in _blocks(mix, duration_ms, gain_db):
            meter.add(block)
            for lane in lanes:
                lane.take(first_frame, block)
            progress((first_frame + len(block)) / total_frames)
        for lane in lanes:
            lane.finish()
    return meter.loudness(max((file.channels for file in files), default=1))


def _blocks(mix: Mix, duration_ms: int, gain_db: float) -> Iterator[tuple[int, Samples]]:
    """Yield all samples with the frame of the first; a block is overwritten when the next one is asked for."""
    block = np.empty(BLOCK_FRAMES, np.float32)
    end_frame = frame_at(duration_ms)
    for first_frame in range(0, end_frame, BLOCK_FRAMES):
        mixed = mix.read(first_frame, block[: min(BLOCK_FRAMES, end_frame - first_frame)])
        if gain_db:
            mixed *= np.float32(gain_of(gain_db))
            below_ceiling(mixed)
        yield first_frame, mixed


class _MeterBeside:
    """A meter in a thread of its own, at most one block behind."""

    def __init__(self) -> None:
        self._meter = Meter()
        self._pool = ThreadPoolExecutor(1, "meter")
        self._last: Future[None] | None = None

    def add(self, samples: Samples) -> None:
        """Measure what comes next; it may be overwritten once this has returned."""
        if self._last:
            self._last.result()
        self._last = self._pool.submit(self._meter.add, samples.copy())

    def loudness(self, channels: int) -> Loudness:
        """Return how loud everything was that came."""
        if self._last:
            self._last.result()
        return self._meter.loudness(channels)

    def close(self) -> None:
        """Let go of the thread."""
        self._pool.shutdown()


class _Lane:
    """One file, filled with what of the mix is meant for it. It is opened when its first sample comes."""

    def __init__(self, file: AudioFile) -> None:
        self._file = file
        self._is_resampled = file.samplerate_hz != SAMPLERATE_HZ
        context = CONTEXT_FRAMES if self._is_resampled else 0
        first_frame = max(0, frame_at(file.start_ms) - context)
        self._from_frame = first_frame // COMMON_FRAMES * COMMON_FRAMES if context else first_frame
        self._to_frame = frame_at(file.end_ms) + context
        self._sink: Sink | None = None
        self._is_finished = False
        self._resampled: _Resampled | None = None

    def take(self, first_frame: int, block: Samples) -> None:
        """Write what lies in the file's stretch."""
        low = max(0, self._from_frame - first_frame)
        samples = block[low : max(low, self._to_frame - first_frame)]
        if self._is_finished or not len(samples):
            return
        with told(self._file.path, "-o"):
            self._write(samples)
            if first_frame + len(block) >= self._to_frame:
                self._finish()

    def finish(self) -> None:
        """Write what is left, and the end."""
        if not self._is_finished:
            with told(self._file.path, "-o"):
                self._finish()

    def close(self) -> None:
        """Let go of the file as it is."""
        if self._sink:
            self._sink.close()

    def _write(self, samples: Samples) -> None:
        sink = self._opened()
        if self._resampled:
            samples = self._resampled.of(samples)
        sink.write(_in_channels(samples, self._file.channels))

    def _finish(self) -> None:
        sink = self._opened()
        if self._resampled:
            sink.write(_in_channels(self._resampled.rest(), self._file.channels))
        sink.finish()
        self._is_finished = True
        sink.close()

    def _opened(self) -> Sink:
        if self._sink is None:
            file = self._file
            self._sink = open_encoder(file.part, file.suffix, file.shape, file.tags)
            if self._is_resampled:
                dropped = self._from_frame * file.samplerate_hz // SAMPLERATE_HZ
                before = frame_at(file.start_ms, file.samplerate_hz) - dropped
                self._resampled = _Resampled(file.samplerate_hz, before, file.shape.frames)
        return self._sink


class _Resampled:
    """Samples at another rate: exactly as many as are wanted, without those before."""

    def __init__(self, samplerate_hz: int, before: int, wanted: int) -> None:
        import soxr

        self._stream = soxr.ResampleStream(SAMPLERATE_HZ, samplerate_hz, 1, dtype="float32", quality="HQ")
        self._before = before
        self._missing = wanted

    def of(self, samples: Samples) -> Samples:
        """Return what comes out for samples."""
        return self._kept(self._stream.resample_chunk(samples))

    def rest(self) -> Samples:
        """Return what is left; the resampler adds or lacks a frame at the end, at most."""
        kept = self._kept(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))
        return np.pad(kept, (0, self._missing))

    def _kept(self, out: Samples) -> Samples:
        dropped = min(self._before, len(out))
        self._before -= dropped
        kept = out[dropped : dropped + self._missing]
        self._missing -= len(kept)
        return kept


def _in_channels(samples: Samples, channels: int) -> Samples:
    return np.ascontiguousarray(samples) if channels == 1 else np.repeat(samples, channels)
