"""Encode only what sounds: stretches of sound in threads, and silence as one packet, repeated.

A stretch begins and ends on the boundaries of the codec's packets, with silence around it. So it decodes to the same
samples as it would in the midst of one long stream.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    import numpy.typing as npt

    Steps = npt.NDArray[np.int16]

THREADS = 2
MOST_WAITING = 16
CHUNK_SAMPLES = 1 << 18
# A new encoder costs more than some packets of silence.
SHORTEST_SILENCE = 8
LEAD = 1
MOST_AT_ONCE = 1 << 12


class Coder(Protocol):
    """An encoder, new for each stretch."""

    def encode(self, samples: Steps) -> Sequence[bytes]:
        """Take whole packets of samples, shape (frames, channels); return the packets that are whole by now."""

    def flush(self) -> Sequence[bytes]:
        """Return the packets that were held back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """What is the same for all stretches.

    Attributes:
        coder: makes an encoder.
        silence: a packet in which nothing sounds and which needs no other one.
        packet_frames: how many frames go into a packet.
        channels: samples a frame.
        tail: how many packets after the last that has sound still carry some of it.
        lag: how many packets of silence push out what an encoder holds back.
    """

    coder: Callable[[], Coder]
    silence: bytes
    packet_frames: int
    channels: int
    tail: int
    lag: int


class Stretches:
    """Takes samples, and gives as many packets as they fill, in order."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._left_over = np.zeros((0, codec.channels), np.int16)
        self._quiet = 0
        self._stretch: _Stretch | None = None
        self._waiting: deque[Future[list[bytes]] | int] = deque()
        self._pool = ThreadPoolExecutor(THREADS)
        self._packets = 0

    def take(self, samples: Steps) -> Iterator[list[bytes]]:
        """Encode samples, interleaved by channel; yield packets that are ready, and wait where too many aren't."""
        frames = samples.reshape(-1, self._codec.channels)
        if len(self._left_over):
            frames = np.concatenate([self._left_over, frames])
        whole = len(frames) // self._codec.packet_frames
        self._take(frames[: whole * self._codec.packet_frames], whole)
        self._left_over = frames[whole * self._codec.packet_frames :].copy()
        yield from self._ready(MOST_WAITING)

    def finish(self, packets: int) -> Iterator[list[bytes]]:
        """Yield the packets that are missing, until there have been so many."""
        missing = -len(self._left_over) % self._codec.packet_frames
        last = np.pad(self._left_over, ((0, missing), (0, 0)))
        self._take(last, len(last) // self._codec.packet_frames)
        self._quiet += packets - self._packets
        self._end_stretch(lead=0)
        yield from self._ready(0)
        self.close()

    def close(self) -> None:
        """Stop encoding."""
        self._pool.shutdown(cancel_futures=True)

    def _take(self, frames: Steps, packets: int) -> None:
        """Encode whole packets; those that are silent only when sound follows soon, or has just been."""
        self._packets += packets
        in_packets = frames.reshape(packets, self._codec.packet_frames * self._codec.channels)
        size = self._codec.packet_frames
        for start, end, is_loud in _runs(np.asarray(in_packets.any(axis=1))):
            if not is_loud:
                self._quiet += end - start
                continue
            if self._stretch is None or self._quiet >= self._codec.tail + LEAD + SHORTEST_SILENCE:
                self._end_stretch(lead=min(LEAD, self._quiet))
                self._stretch = _Stretch(self._codec, self._pool)
            self._feed_quiet(self._stretch)
            self._waiting.extend(self._stretch.feed(frames[start * size : end * size]))

    def _feed_quiet(self, stretch: _Stretch) -> None:
        if self._quiet:
            zeros = np.zeros((self._quiet * self._codec.packet_frames, self._codec.channels), np.int16)
            self._waiting.extend(stretch.feed(zeros))
            self._quiet = 0

    def _end_stretch(self, lead: int) -> None:
        """End the stretch in the silence after it; the last packets of that silence belong to what follows."""
        silence = self._quiet - lead
        if self._stretch:
            self._quiet = min(silence, self._codec.tail)
            silence -= self._quiet
            self._feed_quiet(self._stretch)
            self._waiting.append(self._stretch.end())
        self._stretch = None
        self._quiet = lead
        if silence:
            self._waiting.append(silence)

    def _ready(self, most_waiting: int) -> Iterator[list[bytes]]:
        while self._waiting and (len(self._waiting) > most_waiting or _is_done(self._waiting[0])):
            part = self._waiting.popleft()
            if not isinstance(part, int):
                yield part.result()
                continue
            for at in range(0, part, MOST_AT_ONCE):
                yield [self._codec.silence] * min(MOST_AT_ONCE, part - at)


class _Stretch:
    """One stretch of sound: chunks that are encoded one after the other, in whichever thread is free."""

    def __init__(self, codec: Codec, pool: ThreadPoolExecutor) -> None:
        self._codec = codec
        self._pool = pool
        self._coder = codec.coder()
        self._parts: list[Steps] = []
        self._fed = self._given = 0
        self._unsent_frames = 0
        self._before: Future[list[bytes]] | None = None

    def feed(self, frames: Steps) -> Iterator[Future[list[bytes]]]:
        """Append whole packets of samples; yield what is being encoded, if that is enough for a chunk."""
        self._parts.append(frames)
        self._unsent_frames += len(frames)
        self._fed += len(frames) // self._codec.packet_frames
        if self._unsent_frames * self._codec.channels >= CHUNK_SAMPLES:
            yield self._submit(None)

    def end(self) -> Future[list[bytes]]:
        """Return the rest; as many packets come out as went in."""
        self._parts.append(np.zeros((self._codec.lag * self._codec.packet_frames, self._codec.channels), np.int16))
        return self._submit(self._fed)

    def _submit(self, total: int | None) -> Future[list[bytes]]:
        frames, self._parts, self._unsent_frames = np.concatenate(self._parts), [], 0
        self._before = self._pool.submit(self._encode, frames, self._before, total)
        return self._before

    def _encode(self, frames: Steps, before: Future[list[bytes]] | None, total: int | None) -> list[bytes]:
        """Return the packets that are whole by now; of the last ones only as many as make up the total."""
        if before:
            before.result()
        packets = [*self._coder.encode(frames), *(self._coder.flush() if total is not None else ())]
        if total is not None:
            packets = packets[: total - self._given]
        self._given += len(packets)
        return packets


def _runs(is_loud: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int, bool]]:
    """Yield from where to where packets are loud, or are not."""
    edges = [0, *(np.flatnonzero(np.diff(is_loud)) + 1).tolist(), len(is_loud)]
    for start, end in pairwise(edges):
        if end > start:
            yield start, end, bool(is_loud[start])


def _is_done(part: Future[list[bytes]] | int) -> bool:
    return isinstance(part, int) or part.done()
