"""What loudspeakers share: the format, the buffer's length, the clock, and calls that may hang."""

from __future__ import annotations

import queue
import sys
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NoReturn, TypeVar, cast

from voiceroutine.errors import DeviceError
from voiceroutine.units import SAMPLERATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from voiceroutine.sinks import Block

CHANNELS = 2
FRAME_BYTES = 4 * CHANNELS
BLOCK_FRAMES = 1024
BUFFER_MS = 100
STALL_MS = 3000
CLOSE_LIMIT_MS = 2000
FINISH_LIMIT_MS = 5000
_SWITCH_INTERVAL_S = 0.0005
_NAP_MS = 100

_Result = TypeVar("_Result")


def samples_of(block: Block) -> memoryview:
    """Return the block's bytes, refusing what would be heard as noise.

    Raises:
        TypeError: not C-contiguous float32 (or raw bytes) of whole frames.
    """
    view = memoryview(cast("Buffer", block))
    if view.format.lstrip("@=<>") not in ("f", "B"):
        raise TypeError(f'samples must be float32, not of format "{view.format}"')
    if not view.c_contiguous or view.nbytes % FRAME_BYTES:
        raise TypeError(f"samples must be whole, contiguous frames of {CHANNELS} channels")
    return view.cast("B") if view.nbytes else memoryview(b"")


def within(limit_ms: int, call: Callable[[], _Result], late: Callable[[_Result], object] | None = None) -> _Result:
    """Return what the call returns, or give up on it.

    A call that was given up goes on in its thread; what it returns in the end is handed to `late`.

    Raises:
        TimeoutError: the limit is over.
    """
    outcomes: queue.SimpleQueue[Callable[[], _Result]] = queue.SimpleQueue()
    threading.Thread(target=lambda: outcomes.put(_outcome(call)), daemon=True).start()
    try:
        outcome = _answer(outcomes, limit_ms)
    except TimeoutError:
        if late:
            threading.Thread(target=_dispose, args=(outcomes, late), daemon=True).start()
        raise
    return outcome()


class DeviceThread:
    """Makes calls that may hang one after the other, on a thread that doesn't keep the process from ending."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        threading.Thread(target=_work, args=(self._calls,), daemon=True).start()

    def within(self, limit_ms: int, call: Callable[[], object]) -> None:
        """Make a call, or give up on it; it then goes on, and later calls wait for it.

        Raises:
            TimeoutError: the limit is over.
        """
        outcomes: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._calls.put(lambda: outcomes.put(_outcome(call)))
        _answer(outcomes, limit_ms)()

    def end(self) -> None:
        """Take no more calls."""
        self._calls.put(None)


def _work(calls: queue.SimpleQueue[Callable[[], object] | None]) -> None:
    while call := calls.get():
        call()


def _answer(outcomes: queue.SimpleQueue[Callable[[], _Result]], limit_ms: int) -> Callable[[], _Result]:
    # Naps are counted, not a clock: after the process was stopped, a clock would accuse the device.
    nap_ms = min(limit_ms, _NAP_MS)
    for _ in range(limit_ms // nap_ms):
        with suppress(queue.Empty):
            return outcomes.get(timeout=nap_ms / 1000)
    raise TimeoutError(f"no answer within {limit_ms} ms")


def _outcome(call: Callable[[], _Result]) -> Callable[[], _Result]:
    try:
        result = call()
    except Exception as error:  # noqa: BLE001 - raised again in the thread that asked
        return partial(_raise, error)
    return lambda: result


def _raise(error: Exception) -> NoReturn:
    raise error


def _dispose(outcomes: queue.SimpleQueue[Callable[[], _Result]], late: Callable[[_Result], object]) -> None:
    with suppress(Exception):
        late(outcomes.get()())


class HeardClock:
    """Which frame sounds now, between two readings of a device's delay; never falls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written_frames = 0
        self._all_heard_at_s = 0.0
        self._heard_frames = 0
        self._stopped = False

    def set(self, written_frames: int, delay_s: float) -> None:
        """Take a reading: the last of the written frames will sound after the delay."""
        with self._lock:
            self._written_frames = written_frames
            self._all_heard_at_s = time.monotonic() + delay_s

    def stop(self) -> None:
        """Stay at the frame that sounds now."""
        self.frames()
        with self._lock:
            self._stopped = True

    def frames(self) -> int:
        """Return how many frames have sounded."""
        with self._lock:
            if not self._stopped:
                ahead_frames = max(0, round((self._all_heard_at_s - time.monotonic()) * SAMPLERATE_HZ))
                self._heard_frames = max(self._heard_frames, self._written_frames - ahead_frames)
            return self._heard_frames


class PromptThreads:
    """Lets Python switch threads every 0.5 ms until `end`: else a busy thread makes the sound stutter.

    The setting is the process's: the first sink to need it changes it, the last to end restores it.
    """

    _lock: ClassVar = threading.Lock()
    _needing: ClassVar[set[PromptThreads]] = set()
    _usual_s: ClassVar = 0.0

    def __init__(self) -> None:
        with PromptThreads._lock:
            if not PromptThreads._needing:
                PromptThreads._usual_s = sys.getswitchinterval()
                sys.setswitchinterval(min(_SWITCH_INTERVAL_S, PromptThreads._usual_s))
            PromptThreads._needing.add(self)

    def end(self) -> None:
        """Switch as before, unless another sink still needs it; may be called twice."""
        with PromptThreads._lock:
            was_last = PromptThreads._needing == {self}
            PromptThreads._needing.discard(self)
            if was_last:
                sys.setswitchinterval(PromptThreads._usual_s)


class BlockingSink(ABC):
    """A live sink on an interface whose own write waits for room in its buffer, if need be for ever.

    One thread makes all its calls: freeing a stream while another writes to it would end the process.

    Raises:
        DeviceError: on construction, when the device can't be opened.
    """

    name: str
    block_frames = BLOCK_FRAMES
    underflows = 0

    def __init__(self) -> None:
        self._clock = HeardClock()
        self._closing = threading.Lock()
        self._written_frames = 0
        self._closed = False
        self._open()
        self._device = DeviceThread()
        self._threads = PromptThreads()

    def write(self, block: Block) -> None:
        """Play the samples, a device block at a time."""
        samples = samples_of(block)
        for start in range(0, len(samples), BLOCK_FRAMES * FRAME_BYTES):
            self._write_piece(bytes(samples[start : start + BLOCK_FRAMES * FRAME_BYTES]))

    def room_s(self) -> float:
        """Return 0: a write waits for room by itself, and only a full buffer never runs dry."""
        self._refuse_closed()
        return 0.0

    def recall(self, at_most_frames: int) -> int:  # noqa: ARG002
        """Return 0: what was written is in the device's own buffer."""
        return 0

    def finish(self) -> None:
        """Wait until everything has sounded."""
        try:
            self._device.within(FINISH_LIMIT_MS, self._drain_unless_closed)
        except TimeoutError:
            raise DeviceError("The sound device no longer takes sound.") from None
        self._clock.set(self._written_frames, 0)

    def close(self) -> None:
        """Fall silent at once and let the device go."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._clock.stop()
        self._threads.end()
        with suppress(Exception):
            self._let_go()
        self._device.end()

    def heard_frames(self) -> int:
        """Return how many of the written frames have sounded."""
        return self._clock.frames()

    def _write_piece(self, piece: bytes) -> None:
        try:
            self._device.within(STALL_MS, partial(self._play_unless_closed, piece))
        except TimeoutError:
            raise DeviceError(f"The sound device took nothing for {STALL_MS // 1000} seconds.") from None

    def _play_unless_closed(self, piece: bytes) -> None:
        self._refuse_closed()
        self._play(piece)
        self._written_frames += len(piece) // FRAME_BYTES
        self._clock.set(self._written_frames, self._delay_s())

    def _drain_unless_closed(self) -> None:
        self._refuse_closed()
        self._drain()

    def _let_go(self) -> None:
        self._device.within(CLOSE_LIMIT_MS, self._release)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise DeviceError("The sound output is closed.")

    @abstractmethod
    def _open(self) -> None:
        """Open the device, or raise DeviceError."""

    @abstractmethod
    def _play(self, piece: bytes) -> None:
        """Hand one block to the device, waiting for room."""

    @abstractmethod
    def _delay_s(self) -> float:
        """Seconds until the last frame that was played will sound."""

    @abstractmethod
    def _drain(self) -> None:
        """Wait until the device has played everything."""

    @abstractmethod
    def _release(self) -> None:
        """Drop what has not sounded and free the device."""
