"""MP3 files by LAME: constant bit rate, exact length, and only what sounds is encoded."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from voiceroutine.sinks.id3 import id3_bytes
from voiceroutine.sinks.mpeg import Mpeg
from voiceroutine.sinks.wav import steps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    import numpy.typing as npt

    from voiceroutine.sinks import Block
    from voiceroutine.sinks.tags import Shape, Tags

    Steps = npt.NDArray[np.int16]

ENCODER_DELAY_FRAMES = 576
DECODER_DELAY_FRAMES = 529
QUALITY = 7
THREADS = 2
MOST_WAITING = 16
CHUNK_MS = 4_000
# A sample is heard in the frame it is in and in what the filters smear it over.
LEAD = 1
SMEAR_FRAMES = ENCODER_DELAY_FRAMES + DECODER_DELAY_FRAMES + 576
# What LAME holds back until it has heard what follows.
LAG = 3
SHORTEST_SILENCE = 8


def default_kbps(shape: Shape) -> int:
    """Return the bit rate at which speech and bells sound as they are, as far as heard."""
    by_rate = {48_000: (64, 96), 44_100: (64, 96), 32_000: (56, 80)}
    low_rate = (40, 64) if shape.samplerate_hz >= 16_000 else (32, 48)
    return by_rate.get(shape.samplerate_hz, low_rate)[shape.channels - 1]


class Mp3Sink:
    """Encodes stretches of sound in threads, and writes silence between them as one frame, repeated.

    A stretch begins and ends on the boundaries of MPEG frames with silence around it, so it decodes to the same samples
    as it would in the midst of one long stream. The first frame tells players how much of the beginning and the end to
    leave out.

    Raises:
        OSError: the file can't be written.
    """

    def __init__(self, path: Path, shape: Shape, tags: Tags) -> None:
        self._mpeg = Mpeg(
            samplerate_hz=shape.samplerate_hz,
            channels=shape.channels,
            bitrate_kbps=shape.bitrate_kbps or default_kbps(shape),
        )
        self._frames = 0
        self._left_over = np.zeros(0, np.int16)
        self._quiet = 0
        self._stretch: _Stretch | None = None
        self._waiting: deque[Future[bytes] | int] = deque()
        self._pool = ThreadPoolExecutor(THREADS)
        self._music_bytes = 0
        self._file = path.open("wb")
        self._file.write(id3_bytes(tags, has_chapters=True))
        self._info_at = self._file.tell()
        self._file.write(self._mpeg.info(frames=0, music_bytes=0, music_crc=0, delay=0, padding=0))

    def write(self, block: Block) -> None:
        """Encode samples."""
        fresh = steps(np.frombuffer(block, np.float32))
        self._frames += len(fresh) // self._mpeg.channels
        samples = np.concatenate([self._left_over, fresh]) if len(self._left_over) else fresh
        size = self._mpeg.samples_per_frame * self._mpeg.channels
        whole = len(samples) // size
        self._take(samples[: whole * size].reshape(whole, size))
        self._left_over = samples[whole * size :].copy()
        self._write_done(MOST_WAITING)

    def finish(self) -> None:
        """Encode what is left, and write the first frame."""
        if self._file.closed:
            return
        size = self._mpeg.samples_per_frame * self._mpeg.channels
        last = np.pad(self._left_over, (0, -len(self._left_over) % size))
        self._take(last.reshape(-1, size))
        per_frame = self._mpeg.samples_per_frame
        total = -(-(self._frames + ENCODER_DELAY_FRAMES + DECODER_DELAY_FRAMES) // per_frame)
        self._quiet += total - -(-self._frames // per_frame)
        self._end_stretch(lead=0)
        self._write_done(0)
        self._pool.shutdown()
        self._write_info(total)
        self._file.close()

    def _write_info(self, total: int) -> None:
        info = self._mpeg.info(
            frames=total,
            music_bytes=self._music_bytes,
            music_crc=0,
            delay=ENCODER_DELAY_FRAMES,
            padding=total * self._mpeg.samples_per_frame - self._frames - ENCODER_DELAY_FRAMES,
        )
        self._file.seek(self._info_at)
        self._file.write(info)

    def close(self) -> None:
        """Close the file as it is."""
        self._pool.shutdown(cancel_futures=True)
        with suppress(OSError):
            self._file.close()

    def _take(self, frames: Steps) -> None:
        """Encode whole MPEG frames; those that are silent only when sound follows soon, or has just been."""
        for start, end, is_loud in _runs(np.asarray(frames.any(axis=1))):
            if not is_loud:
                self._quiet += end - start
                continue
            if self._stretch is None or self._quiet >= self._tail + LEAD + SHORTEST_SILENCE:
                self._end_stretch(lead=min(LEAD, self._quiet))
                self._stretch = _Stretch(self._mpeg, self._pool)
            self._feed_quiet()
            self._queue(self._stretch.feed(frames[start:end].tobytes()))

    @property
    def _tail(self) -> int:
        """How many silent frames hear something of what was before them."""
        return 1 + SMEAR_FRAMES // self._mpeg.samples_per_frame

    def _feed_quiet(self) -> None:
        if self._stretch and self._quiet:
            self._queue(self._stretch.feed(bytes(self._quiet * self._mpeg.pcm_bytes)))
            self._quiet = 0

    def _end_stretch(self, lead: int) -> None:
        """End the stretch in the silence after it; the last frames of that silence belong to what follows."""
        silence = self._quiet - lead
        if self._stretch:
            self._quiet = min(silence, self._tail)
            silence -= self._quiet
            self._feed_quiet()
            self._queue(self._stretch.end())
        self._stretch = None
        self._quiet = lead
        if silence:
            self._waiting.append(silence)

    def _queue(self, encoding: Iterator[Future[bytes]]) -> None:
        self._waiting.extend(encoding)

    def _write_done(self, most_waiting: int) -> None:
        """Write what is encoded, in order; wait for some of it if too much is not."""
        while self._waiting and (len(self._waiting) > most_waiting or _is_done(self._waiting[0])):
            self._write(self._waiting.popleft())

    def _write(self, part: Future[bytes] | int) -> None:
        content = self._mpeg.silence * part if isinstance(part, int) else part.result()
        self._music_bytes += len(content)
        self._file.write(content)


class _Stretch:
    """One stretch of sound: chunks that are encoded one after the other, in whichever thread is free."""

    def __init__(self, mpeg: Mpeg, pool: ThreadPoolExecutor) -> None:
        self._mpeg = mpeg
        self._pool = pool
        self._encoder = _lame(mpeg)
        self._pcm = bytearray()
        self._chunk_bytes = mpeg.samplerate_hz * mpeg.channels * 2 * CHUNK_MS // 1000
        self._fed = 0
        self._encoded = bytearray()
        self._given = 0
        self._before: Future[bytes] | None = None

    def feed(self, pcm: bytes) -> Iterator[Future[bytes]]:
        """Append whole MPEG frames of samples; yield what is being encoded, if that is enough for a chunk."""
        self._pcm += pcm
        self._fed += len(pcm) // self._mpeg.pcm_bytes
        if len(self._pcm) >= self._chunk_bytes:
            yield self._submit(None)

    def end(self) -> Iterator[Future[bytes]]:
        """Yield the rest; as many MPEG frames come out as went in."""
        self._pcm += bytes(LAG * self._mpeg.pcm_bytes)
        yield self._submit(self._fed)

    def _submit(self, total: int | None) -> Future[bytes]:
        pcm, self._pcm = bytes(self._pcm), bytearray()
        self._before = self._pool.submit(self._encode, pcm, self._before, total)
        return self._before

    def _encode(self, pcm: bytes, before: Future[bytes] | None, total: int | None) -> bytes:
        """Return the frames that are whole by now; of the last ones only as many as make up the total."""
        if before:
            before.result()
        self._encoded += self._encoder.encode(pcm)
        if total is not None:
            self._encoded += self._encoder.flush()
        ends = self._mpeg.ends(self._encoded)
        end = ends[-1] if total is None else ends[total - self._given]
        whole = bytes(self._encoded[:end])
        del self._encoded[:end]
        self._given += len(ends) - 1
        return whole


def _lame(mpeg: Mpeg) -> Any:
    import lameenc

    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_channels(mpeg.channels)
    encoder.set_in_sample_rate(mpeg.samplerate_hz)
    encoder.set_out_sample_rate(mpeg.samplerate_hz)
    encoder.set_bit_rate(mpeg.bitrate_kbps)
    encoder.set_quality(QUALITY)
    return encoder


def _runs(is_loud: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int, bool]]:
    """Yield from where to where frames are loud, or are not."""
    edges = [0, *(np.flatnonzero(np.diff(is_loud)) + 1).tolist(), len(is_loud)]
    for start, end in pairwise(edges):
        if end > start:
            yield start, end, bool(is_loud[start])


def _is_done(part: Future[bytes] | int) -> bool:
    return isinstance(part, int) or part.done()
