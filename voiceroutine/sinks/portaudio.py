"""The loudspeaker by way of PortAudio: the only sink for Linux, macOS and Windows alike."""

from __future__ import annotations

import atexit
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from voiceroutine.errors import DeviceError
from voiceroutine.sinks.alsa import refuse_missing_default
from voiceroutine.sinks.live import (
    BLOCK_FRAMES,
    CHANNELS,
    CLOSE_LIMIT_MS,
    FRAME_BYTES,
    STALL_MS,
    PromptThreads,
    samples_of,
    within,
)
from voiceroutine.sinks.quiet import restore_c_libraries, silence_c_libraries
from voiceroutine.units import SAMPLERATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from voiceroutine.sinks import Block

_QUEUE_FRAMES = 3 * BLOCK_FRAMES
# What the device has begun to take can't be taken back, so pieces are short.
_PIECE_FRAMES = 256
_POLL_MS = 10
# With a buffer so short, commands take effect in less than 120 ms. Each period wakes three threads, but a buffer of
# only two goes short on a busy machine.
_BUFFER_MS = 80
_PERIOD_FRAMES = 1280
_LONGEST_NAP_MS = 150
_TAIL_MS = 250
_IMPOSSIBLY_FAST_FRAMES = 2 * SAMPLERATE_HZ
_BUFFER_FRAMES_AT_MOST = SAMPLERATE_HZ // 8
_NULL_DEVICE_NAP_S = 0.005
_NULL_DEVICE_LIMIT_S = 0.25
_STOPPED_S = 0.25


class PortAudioSink:
    """Plays by a callback that PortAudio's own thread makes.

    While it is open, what C libraries print on stderr is dropped: PortAudio comments on every loss there. Close a sink
    whose device was lost before opening another one.

    Attributes:
        underflows: times between the first write and `finish` that silence had to fill in, that the device says it had
            to wait, or that it asked for nothing for a quarter of a second.
    """

    name = "sounddevice"
    block_frames = 16 * BLOCK_FRAMES

    def __init__(self, device: str | int | None = None, first: Block = b"") -> None:
        """Open the device (a name, a part of it, or an index; None: the default) and start it with the first samples.

        They fill the device's buffer, which would otherwise be a moment of silence.

        Raises:
            DeviceError: PortAudio is missing, or has no such device, or the device discards what it gets.
        """
        self.underflows = 0
        self._queue: deque[bytes] = deque()
        self._piece = memoryview(b"")
        self._written_frames = self._taken_frames = self._served_frames = self._silent_frames = 0
        self._expects_sound = self._closed = self._ended = False
        self._failure: Exception | None = None
        self._mark = (0, 0.0)
        self._last_heard_frames = self._heard_frames = self._waited_ms = self._seen_frames = 0
        self._served_at_s = time.monotonic()
        self._clock = threading.Lock()
        self._opened_at_s = time.monotonic()
        self._enqueue(first)
        self._stream = self._open(device)
        self._threads = PromptThreads()
        self._refuse_discarding()

    def write(self, block: Block) -> None:
        """Queue the samples once less than about 64 ms wait to be played."""
        while (room_s := self.room_s()) > 0:
            time.sleep(room_s)
        self._enqueue(block)

    def room_s(self) -> float:
        """Return how long the queue will stay too long, but no longer than until the device should be looked at."""
        self._check()
        if self._written_frames - self._taken_frames <= _QUEUE_FRAMES:
            self._waited_ms = 0
            return 0.0
        nap_ms = self._nap_ms()
        self._note_waiting(nap_ms)
        return nap_ms / 1000

    def recall(self, at_most_frames: int) -> int:
        """Take pieces back from the end of the queue."""
        frames = 0
        with suppress(IndexError):
            while len(self._queue[-1]) // FRAME_BYTES <= at_most_frames - frames:
                frames += len(self._queue.pop()) // FRAME_BYTES
        self._written_frames -= frames
        return frames

    def _enqueue(self, block: Block) -> None:
        samples = bytes(samples_of(block))
        self._expects_sound |= bool(samples)
        for start in range(0, len(samples), _PIECE_FRAMES * FRAME_BYTES):
            piece = samples[start : start + _PIECE_FRAMES * FRAME_BYTES]
            self._written_frames += len(piece) // FRAME_BYTES
            self._queue.append(piece)

    def _note_waiting(self, nap_ms: int) -> None:
        # Naps are counted, not a clock: after the process was stopped, a clock would accuse the device.
        self._waited_ms = self._waited_ms + nap_ms if self._seen_frames == self._served_frames else 0
        self._seen_frames = self._served_frames
        if self._waited_ms > STALL_MS:
            self._ended = True
            raise DeviceError(f"The sound device took nothing for {STALL_MS // 1000} seconds.")

    def finish(self) -> None:
        """Wait until everything has sounded, and some silence after it: PortAudio drops the last buffer."""
        self._expects_sound = False
        self._wait_until(lambda: self._taken_frames == self._written_frames)
        tail_frames = round((self._stream.latency + _TAIL_MS / 1000) * SAMPLERATE_HZ)
        self._wait_until(lambda: not self._written_frames or self._silent_frames >= tail_frames)

    def close(self) -> None:
        """Fall silent within milliseconds and let the device go."""
        with self._clock:
            if self._closed:
                return
            self._closed = True
        self._threads.end()
        try:
            within(CLOSE_LIMIT_MS, self._let_go)
        except Exception:  # noqa: BLE001 - whatever it is, the stream is still there
            _skip_cleanup_at_exit()
        restore_c_libraries()

    def heard_frames(self) -> int:
        """Return how many of the written frames have sounded, by the clock of the device."""
        with self._clock:
            if self._ended:
                return min(self._heard_frames, self._last_heard_frames)
            if not self._closed:
                self._heard_frames = max(self._heard_frames, self._sounding_frame())
            return self._heard_frames

    def _sounding_frame(self) -> int:
        frame, sounds_at_s = self._mark
        now_s = self._now_s()
        if now_s is None:
            return self._heard_frames
        elapsed_frames = round((now_s - sounds_at_s) * SAMPLERATE_HZ)
        return min(frame + elapsed_frames, self._taken_frames)

    def _now_s(self) -> float | None:
        import sounddevice

        try:
            return float(self._stream.time)
        except sounddevice.PortAudioError:
            return None

    def _open(self, device: str | int | None) -> Any:
        sounddevice = _load()
        silence_c_libraries()
        try:
            return self._start_or_explain(sounddevice, device)
        except BaseException:
            restore_c_libraries()
            raise

    def _start_or_explain(self, sounddevice: Any, device: str | int | None) -> Any:
        try:
            return self._start(sounddevice, device)
        except (ValueError, sounddevice.PortAudioError):
            _rescan(sounddevice)
        try:
            return self._start(sounddevice, device)
        except (ValueError, sounddevice.PortAudioError) as error:
            raise DeviceError(_why(sounddevice, device, error)) from error

    def _start(self, sounddevice: Any, device: str | int | None) -> Any:
        stream = sounddevice.RawOutputStream(
            samplerate=SAMPLERATE_HZ,
            blocksize=_PERIOD_FRAMES,
            device=_index(sounddevice, device),
            channels=CHANNELS,
            dtype="float32",
            latency=_BUFFER_MS / 1000,
            callback=self._serve,
            finished_callback=self._end,
            prime_output_buffers_using_stream_callback=True,
        )
        try:
            stream.start()
        except sounddevice.PortAudioError:
            stream.close()
            raise
        return stream

    def _serve(self, out: Any, _frames: int, clock: Any, status: Any) -> None:
        try:
            was_late = self._served_frames > 0 and time.monotonic() - self._served_at_s > _STOPPED_S
            was_stopped = status.output_underflow and was_late
            self._served_at_s = time.monotonic()
            self.underflows += int((status.output_underflow or was_late) and self._expects_sound)
            if was_stopped or self._ended:
                self._break_off(memoryview(out))
            else:
                self._fill(memoryview(out), clock)
        except Exception as error:  # noqa: BLE001 - PortAudio would print it; the writer raises it instead
            self._failure = error

    def _break_off(self, out: memoryview) -> None:
        """Give nothing more: what the device drops when it starts anew after the process was stopped isn't known."""
        out[:] = bytes(len(out))
        self._last_heard_frames = self._heard_frames = self._taken_frames
        self._ended = True

    def _fill(self, out: memoryview, clock: Any) -> None:
        filled = 0
        while filled < len(out) and (piece := self._next_piece(len(out) - filled)):
            out[filled : filled + len(piece)] = piece
            filled += len(piece)
        out[filled:] = bytes(len(out) - filled)
        delay_s = clock.outputBufferDacTime - clock.currentTime if clock.outputBufferDacTime else _BUFFER_MS / 1000
        waiting_frames = max(0, round(delay_s * SAMPLERATE_HZ) - self._silent_frames)
        self._last_heard_frames = max(0, self._taken_frames - waiting_frames)
        self._account(filled // FRAME_BYTES, (len(out) - filled) // FRAME_BYTES, clock.currentTime + delay_s)

    def _next_piece(self, limit_bytes: int) -> memoryview:
        if not self._piece:
            # The writer may take pieces back at any moment.
            with suppress(IndexError):
                self._piece = memoryview(self._queue.popleft())
        piece, self._piece = self._piece[:limit_bytes], self._piece[limit_bytes:]
        return piece

    def _account(self, taken_frames: int, silent_frames: int, sounds_at_s: float) -> None:
        if taken_frames:
            self._mark = (self._taken_frames, sounds_at_s)
            self._silent_frames = 0
        self._silent_frames += silent_frames
        self._served_frames += taken_frames + silent_frames
        self.underflows += int(silent_frames > 0 and self._expects_sound)
        # Last: `finish` reads the count of silent frames once everything is taken.
        self._taken_frames += taken_frames

    def _end(self) -> None:
        self._ended |= not self._closed

    def _nap_ms(self) -> int:
        """Return how long the queue will stay too long, as far as that is known."""
        excess_frames = self._written_frames - self._taken_frames - _QUEUE_FRAMES
        return min(max(excess_frames * 1000 // SAMPLERATE_HZ, _POLL_MS), _LONGEST_NAP_MS)

    def _wait_until(self, done: Callable[[], bool]) -> None:
        self._waited_ms = 0
        while not done():
            self._check()
            nap_ms = self._nap_ms()
            self._note_waiting(nap_ms)
            time.sleep(nap_ms / 1000)

    def _check(self) -> None:
        if self._closed:
            raise DeviceError("The sound output is closed.")
        if self._failure:
            raise DeviceError(f"Playing failed: {self._failure}.") from self._failure
        if self._ended:
            raise DeviceError("The sound device went away.")
        if self._discards():
            raise DeviceError("The sound device discards what it gets: there is no real one.")

    def _discards(self) -> bool:
        return self._ahead_frames() > _IMPOSSIBLY_FAST_FRAMES

    def _ahead_frames(self) -> float:
        return self._served_frames - (time.monotonic() - self._opened_at_s) * SAMPLERATE_HZ

    def _refuse_discarding(self) -> None:
        # A null device takes seconds of sound in a millisecond; a real one fills its buffer, then waits. Where the
        # machine is busy, the null device may need longer, but it has taken more than a buffer.
        time.sleep(_NULL_DEVICE_NAP_S)
        until_s = time.monotonic() + _NULL_DEVICE_LIMIT_S
        while self._ahead_frames() > _BUFFER_FRAMES_AT_MOST and not self._discards() and time.monotonic() < until_s:
            time.sleep(_NULL_DEVICE_NAP_S)
        if self._discards():
            self.close()
            raise DeviceError("the default device discards what it gets: there is no real one")

    def _let_go(self) -> None:
        self._stream.abort()
        self._stream.close()


def _load() -> Any:
    refuse_missing_default()
    try:
        import sounddevice
    except ImportError as error:
        raise DeviceError("the Python package sounddevice is not installed") from error
    except Exception as error:  # sounddevice's own, too: it can't be imported to be named
        remedy = "; on Debian or Ubuntu: sudo apt install libportaudio2" if sys.platform == "linux" else ""
        raise DeviceError(f"PortAudio is not installed, or broken ({error}){remedy}") from error
    return sounddevice


def _rescan(sounddevice: Any) -> None:
    # PortAudio lists the devices once; after a loss that list is out of date. There is no public way.
    with suppress(sounddevice.PortAudioError):
        sounddevice._terminate()  # noqa: SLF001
    # Even then: after an initialization that failed, there is nothing to terminate.
    with suppress(sounddevice.PortAudioError):
        sounddevice._initialize()  # noqa: SLF001


def _skip_cleanup_at_exit() -> None:
    # A stream that can't be closed now would keep the program from ever ending.
    import sounddevice

    atexit.unregister(sounddevice._exit_handler)  # noqa: SLF001


def _index(sounddevice: Any, device: str | int | None) -> int | None:
    if device is None:
        return None
    wanted = int(device) if isinstance(device, str) and device.isdecimal() else device
    return int(sounddevice.query_devices(wanted, "output")["index"])


def _why(sounddevice: Any, device: str | int | None, error: Exception) -> str:
    try:
        outputs = [entry for entry in sounddevice.query_devices() if entry["max_output_channels"] > 0]
    except sounddevice.PortAudioError as listing_error:
        return f"PortAudio can't list the devices ({listing_error})"
    if not outputs:
        return "there is no sound card"
    try:
        _index(sounddevice, device)
    except (ValueError, sounddevice.PortAudioError):
        listed = "".join(f"\n  {entry['index']}  {entry['name']}" for entry in outputs)
        return f'no output device is called "{device}", or several are; there are:{listed}'
    return f"the device can't be opened ({error})"
