"""A session: the timeline out of a loudspeaker, with pause, next, previous and repeat.

One thread writes blocks; whoever watches takes snapshots and sends commands. The clock is the audio's own: what is
shown is what is heard, not what was computed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from random import Random
from threading import Event, Thread
from typing import TYPE_CHECKING, Literal

from voiceroutine.units import SAMPLERATE_HZ, frame_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from voiceroutine.audio import Samples
    from voiceroutine.mix import Mix
    from voiceroutine.sinks import Block, LiveSink
    from voiceroutine.timeline import Placed

Command = Literal["pause", "next", "previous", "repeat"]
State = Literal["lead-in", "playing", "paused", "waiting", "your turn", "done", "stopped", "failed"]

LEAD_IN_MS = 500
LEAD_IN_DBFS = -70.0
BLOCK_FRAMES = 4096
FADE_FRAMES = SAMPLERATE_HZ // 100
RESTART_WITHIN_MS = 3_000
INTERRUPTIBLE_S = 1.0
STOPPING_S = 2.0
# Going on after a wait is a fade of 10 ms; it belongs into the gap, not onto the chime that begins the work.
WAIT_BEFORE_WORK_MS = 20


class Score:
    """A timeline that grows from left to right while it is being compiled in a thread of its own.

    Args:
        placed: the compiler's intervals.
        mix: gets their cues.
        about_ms: how long all of it will last, as far as one can say before.
        cancel: ends what the compilation waits for, when it is to stop.
    """

    def __init__(
        self, placed: Iterable[Placed], mix: Mix, *, about_ms: int = 0, cancel: Callable[[], None] | None = None
    ) -> None:
        self.mix = mix
        self.about_ms = about_ms
        self.placed: list[Placed] = []
        self.is_complete = False
        self.error: BaseException | None = None
        self._playable_ms = 0
        self._cancel = cancel
        self._is_stopping = Event()
        self._thread = Thread(target=self._grow, args=(placed,), name="compile", daemon=True)
        self._thread.start()

    @property
    def playable_ms(self) -> int:
        """Up to where everything is known: just before the end of a gap, never inside work."""
        return self._playable_ms

    @property
    def known_ms(self) -> int:
        """How long what is compiled so far lasts."""
        return self.placed[-1].end_ms if self.placed else 0

    @property
    def total_ms(self) -> int:
        """How long all of it lasts: exactly once `is_complete`, about before."""
        return self.known_ms if self.is_complete else max(self.known_ms, self.about_ms)

    def wait(self) -> None:
        """Wait until all is compiled.

        Raises:
            BaseException: whatever stopped the compilation.
        """
        while self._thread.is_alive():
            self._thread.join(INTERRUPTIBLE_S)
        if self.error is not None:
            raise self.error

    def stop(self) -> None:
        """Compile no further.

        A thread that is still inside a library when the interpreter ends would take the program down with it.
        """
        self._is_stopping.set()
        if self._cancel is not None:
            self._cancel()
        self._thread.join(STOPPING_S)

    def index_at(self, instant_ms: int) -> int:
        """Return the index of the interval that sounds at an instant, the last one after the end."""
        return max(0, bisect_right(self.placed, instant_ms, key=lambda one: one.start_ms) - 1)

    def _grow(self, placed: Iterable[Placed]) -> None:
        try:
            gap_ends_ms: deque[int] = deque()
            for one in placed:
                if self._is_stopping.is_set():
                    return
                self.mix.add(one.cues)
                self.placed.append(one)
                if not one.interval.exact:
                    gap_ends_ms.append(one.end_ms)
                while gap_ends_ms and gap_ends_ms[0] + self.mix.lookahead_ms <= one.end_ms:
                    self._playable_ms = max(self._playable_ms, gap_ends_ms.popleft() - WAIT_BEFORE_WORK_MS)
            self.mix.end_at(self.known_ms)
            self._playable_ms = self.known_ms
            self.is_complete = True
        except BaseException as error:  # noqa: BLE001  handed to the thread that waits
            self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is heard right now.

    Attributes:
        state: what the session is doing.
        position_ms: the instant of the timeline that is heard; negative during the lead-in.
        index: which interval that is in.
    """

    state: State
    position_ms: int
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """From `sink_frame` on, the loudspeaker got the timeline from `position` on, or silence while that stood still."""

    sink_frame: int
    position: int
    moves: bool


class Session:
    """Plays a score through a loudspeaker.

    The loudspeaker is opened at once and gets a faint noise, so that it is awake before the first word, until the
    score is there and the lead-in is over.

    Args:
        open_sink: opens the loudspeaker with the first samples; may take its time.
        lead_in_ms: how long the lead-in lasts at least.
        has_listener: whether somebody can go on from a `wait`, by "pause" or a jump; else it lasts as long as written.
    """

    def __init__(
        self, open_sink: Callable[[Block], LiveSink], *, lead_in_ms: int = LEAD_IN_MS, has_listener: bool = False
    ) -> None:
        self.error: BaseException | None = None
        self.score: Score | None = None
        self._open_sink = open_sink
        self._lead_in_frames = frame_at(lead_in_ms)
        self._has_listener = has_listener
        self._commands: SimpleQueue[Command] = SimpleQueue()
        self._score_is_there = Event()
        self._is_awake = Event()
        self._is_stopping = Event()
        self._state: State = "lead-in"
        self._sink: LiveSink | None = None
        self._written_frames = 0
        self._stretches: deque[_Stretch] = deque(maxlen=64)
        self._thread = Thread(target=self._run, name="player", daemon=True)
        self._thread.start()

    def wait_until_awake(self, timeout_s: float) -> None:
        """Wait until the loudspeaker has got its first noise, or has failed, or the time is over.

        A loudspeaker opens sooner while nothing else keeps the interpreter busy.
        """
        self._is_awake.wait(timeout_s)

    def perform(self, score: Score) -> None:
        """Play this, as soon as the lead-in is over."""
        self.score = score
        self._score_is_there.set()

    def send(self, command: Command) -> None:
        """Do what the listener wants, within a block or two; a jump during the lead-in ends it."""
        self._commands.put(command)

    def stop(self) -> None:
        """Fall silent at once, let go of the loudspeaker, and compile no further."""
        self._is_stopping.set()
        self._thread.join(STOPPING_S)
        if self.score is not None:
            self.score.stop()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; return whether it has come.

        Raises:
            BaseException: what made the session fail.
        """
        self._thread.join(INTERRUPTIBLE_S if timeout_s is None else timeout_s)
        while timeout_s is None and self._thread.is_alive():
            self._thread.join(INTERRUPTIBLE_S)
        if self._thread.is_alive():
            return False
        if self.error is not None:
            raise self.error
        return True

    def snapshot(self) -> Snapshot:
        """Return what is heard right now."""
        heard = self._sink.heard_frames() if self._sink is not None else 0
        stretch = self._stretch_at(heard)
        if stretch is None or self.score is None:
            lead_ms = min(0, heard - self._lead_in_frames) * 1000 // SAMPLERATE_HZ
            return Snapshot(state=self._state, position_ms=lead_ms, index=0)
        position = stretch.position + (heard - stretch.sink_frame if stretch.moves else 0)
        position_ms = position * 1000 // SAMPLERATE_HZ
        return Snapshot(state=self._state, position_ms=position_ms, index=self.score.index_at(position_ms))

    def _stretch_at(self, sink_frame: int) -> _Stretch | None:
        return next((one for one in reversed([*self._stretches]) if one.sink_frame <= sink_frame), None)

    def _run(self) -> None:
        try:
            noise = memoryview(_faint_noise())
            self._sink = self._open_sink(noise)
            self._written_frames = BLOCK_FRAMES
            self._is_awake.set()
            try:
                self._play(self._sink, noise)
            finally:
                self._sink.close()
            self._state = "stopped" if self._is_stopping.is_set() else "done"
        except BaseException as error:  # noqa: BLE001  handed to the thread that waits
            self.error = error
            self._state = "failed"
        finally:
            self._is_awake.set()

    def _play(self, sink: LiveSink, noise: memoryview) -> None:
        self._lead_in(sink, noise)
        if self.score is None or self._is_stopping.is_set():
            return
        performance = _Performance(
            self.score, sink, self._stretches, self._written_frames, has_listener=self._has_listener
        )
        performance.play(self._commands, self._is_stopping, self._set_state)

    def _lead_in(self, sink: LiveSink, noise: memoryview) -> None:
        while not self._is_stopping.is_set() and not self._is_led_in():
            if self.score is not None and self.score.error is not None:
                raise self.score.error
            self._obey_early()
            left_frames = self._lead_in_frames - self._written_frames
            frames = min(BLOCK_FRAMES, left_frames) if left_frames > 0 else BLOCK_FRAMES
            sink.write(noise[: 2 * frames])
            self._written_frames += frames
            if self._state == "paused":
                self._lead_in_frames += frames

    def _is_led_in(self) -> bool:
        is_over = self._written_frames >= self._lead_in_frames and self._state != "paused"
        return is_over and self._score_is_there.is_set()

    def _obey_early(self) -> None:
        """Obey a command before anything sounds: pause waits, anything else begins."""
        with suppress(Empty):
            if self._commands.get_nowait() == "pause":
                self._state = "lead-in" if self._state == "paused" else "paused"
            else:
                self._state = "lead-in"
                self._lead_in_frames = max(frame_at(LEAD_IN_MS), self._written_frames)

    def _set_state(self, state: State) -> None:
        self._state = state


class _Performance:
    """The loop that writes blocks of a score and jumps about in it."""

    def __init__(
        self, score: Score, sink: LiveSink, stretches: deque[_Stretch], sink_frame: int, *, has_listener: bool
    ) -> None:
        import numpy as np

        self._score = score
        self._sink = sink
        self._stretches = stretches
        self._sink_frame = sink_frame
        self._has_listener = has_listener
        self._position = 0
        self._is_paused = False
        self._is_sounding = False
        self._fades_in = False
        self._wanted: Command | None = None
        self._block: Samples = np.empty(BLOCK_FRAMES, np.float32)
        self._rise: Samples = np.linspace(0, 1, FADE_FRAMES, dtype=np.float32)

    def play(self, commands: SimpleQueue[Command], stopping: Event, tell: Callable[[State], None]) -> None:
        while not stopping.is_set():
            self._obey(commands)
            # In this order: the score may become complete in between, and then there is more to play.
            is_complete = self._score.is_complete
            frames = self._playable_frames()
            if self._is_paused or self._wanted is not None:
                tell("paused" if self._is_paused else "waiting")
                self._be_silent()
            elif self._is_waiting_for_listener():
                tell("your turn")
                self._be_silent()
            elif frames > 0:
                tell("playing")
                self._write_timeline(min(frames, BLOCK_FRAMES))
            elif is_complete:
                self._sink.finish()
                return
            else:
                tell("waiting")
                self._be_silent()
            self._raise_if_broken(frames)

    def _playable_frames(self) -> int:
        playable_ms = self._score.playable_ms
        wait = self._wait()
        if wait is not None:
            playable_ms = min(playable_ms, wait.end_ms - WAIT_BEFORE_WORK_MS)
        return frame_at(playable_ms) - self._position

    def _wait(self) -> Placed | None:
        """Return the `wait` that sounds, if there is a listener who can go on from it."""
        placed = self._score.placed
        if not self._has_listener or not placed:
            return None
        here = placed[self._score.index_at(self._position * 1000 // SAMPLERATE_HZ)]
        return here if here.interval.kind == "wait" else None

    def _is_waiting_for_listener(self) -> bool:
        wait = self._wait()
        return wait is not None and self._position >= frame_at(wait.end_ms - WAIT_BEFORE_WORK_MS)

    def _raise_if_broken(self, frames: int) -> None:
        if self._score.error is not None and (frames <= 0 or self._wanted is not None):
            raise self._score.error

    def _obey(self, commands: SimpleQueue[Command]) -> None:
        """Do what is wanted; a jump to what isn't compiled yet stays wanted, until something else is."""
        with suppress(Empty):
            self._wanted = commands.get_nowait()
        wait = self._wait()
        if self._wanted == "pause" and wait is not None and not self._is_paused:
            self._go_to(wait.end_ms)
        elif self._wanted == "pause":
            self._is_paused = not self._is_paused
            self._wanted = None
        elif self._wanted is not None:
            self._jump(self._wanted)

    def _jump(self, command: Command) -> None:
        target_ms = self._target_ms(command)
        self._fade_out()
        if target_ms is not None:
            self._go_to(target_ms)

    def _go_to(self, target_ms: int) -> None:
        self._fade_out()
        self._position = frame_at(target_ms)
        self._is_paused, self._fades_in, self._wanted = False, True, None

    def _target_ms(self, command: Command) -> int | None:
        """Return where a jump leads, or nothing while that isn't compiled yet."""
        is_complete = self._score.is_complete
        placed = self._score.placed
        now_ms = self._position * 1000 // SAMPLERATE_HZ
        if not placed:
            return None
        if command == "next":
            following = [start_ms for start_ms in _stops(placed) if start_ms > now_ms]
            last_ms = placed[-1].end_ms if is_complete else None
            return following[0] if following else last_ms
        if command == "previous":
            before = [start_ms for start_ms in _stops(placed) if start_ms <= now_ms]
            is_fresh = now_ms - before[-1] < RESTART_WITHIN_MS
            return before[-2] if is_fresh and len(before) > 1 else before[-1]
        return _announcement_ms(placed, self._score.index_at(now_ms))

    def _write_timeline(self, frames: int) -> None:
        self._note(moves=True)
        block = self._score.mix.read(self._position, self._block[:frames])
        if self._fades_in:
            self._fades_in = False
            length = min(frames, FADE_FRAMES)
            block[:length] *= self._rise[:length]
        self._write(block)
        self._position += frames
        self._is_sounding = True

    def _fade_out(self) -> None:
        """Write the next 10 ms with a falling gain, without moving on: what comes after a pause repeats them."""
        if not self._is_sounding:
            return
        self._is_sounding, self._fades_in = False, True
        frames = min(FADE_FRAMES, self._playable_frames())
        if frames > 0:
            block = self._score.mix.read(self._position, self._block[:frames])
            block *= self._rise[:frames][::-1]
            self._note(moves=False)
            self._write(block)

    def _be_silent(self) -> None:
        self._fade_out()
        self._note(moves=False)
        self._block.fill(0.0)
        self._write(self._block)

    def _write(self, mono: Samples) -> None:
        self._sink.write(mono.repeat(2))
        self._sink_frame += len(mono)

    def _note(self, *, moves: bool) -> None:
        last = self._stretches[-1] if self._stretches else None
        if last is not None and last.moves == moves:
            reached = last.position + (self._sink_frame - last.sink_frame if moves else 0)
            if reached == self._position:
                return
        self._stretches.append(_Stretch(sink_frame=self._sink_frame, position=self._position, moves=moves))


def play_samples(samples: Samples, open_sink: Callable[[Block], LiveSink]) -> None:
    """Play mono samples at 48 kHz through a loudspeaker, and return when they have sounded.

    Raises:
        DeviceError: nothing can play, or the device went away.
    """
    sink = open_sink(memoryview(_faint_noise()))
    try:
        for start in range(0, len(samples), BLOCK_FRAMES):
            sink.write(samples[start : start + BLOCK_FRAMES].repeat(2))
        sink.finish()
    finally:
        sink.close()


def _stops(placed: Sequence[Placed]) -> list[int]:
    """Return where `next` and `previous` stop: the start, every exercise, the closing."""
    kinds = {"intro", "prepare", "closing"}
    return [one.start_ms for one in placed if one.interval.kind in kinds]


def _announcement_ms(placed: Sequence[Placed], index: int) -> int:
    """Return where the side that sounds was announced, or where this rest or sentence begins."""
    while index > 0 and placed[index].interval.kind in {"work", "relax"}:
        index -= 1
    return placed[index].start_ms


def _faint_noise() -> array[float]:
    """Return a block of stereo noise, the same on both sides; the same on every run."""
    peak = 10 ** (LEAD_IN_DBFS / 20) * 3**0.5
    random = Random(1)
    block = array("f")
    for _ in range(BLOCK_FRAMES):
        sample = random.uniform(-peak, peak)
        block.append(sample)
        block.append(sample)
    return block
