"""A session: the timeline out of a loudspeaker, under the listener's control, through whatever happens to the device.

One thread writes blocks; whoever watches takes snapshots and sends commands. The clock is the audio's own: what is
shown is what is heard, not what was computed.
"""

from __future__ import annotations

from array import array
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from random import Random
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Literal, get_args

from voiceroutine.errors import DeviceError
from voiceroutine.levels import AS_MIXED
from voiceroutine.score import INTERRUPTIBLE_S, STOPPING_S, WAIT_BEFORE_WORK_MS, ReadAhead
from voiceroutine.sinks.live import FRAME_BYTES
from voiceroutine.transport import SEEK_MS, announced_ms, index_at, longer_ms, next_ms, previous_ms, resumed_ms
from voiceroutine.units import SAMPLERATE_HZ, frame_at, gain_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voiceroutine.audio import Samples
    from voiceroutine.levels import Levels
    from voiceroutine.score import Score
    from voiceroutine.sinks import Block, LiveSink
    from voiceroutine.timeline import Placed

Command = Literal[
    "toggle", "pause", "resume", "next", "previous", "repeat", "forward", "back", "more",
    "mute", "voice-up", "voice-down", "chimes-up", "chimes-down", "quit",
]  # fmt: skip
COMMANDS: tuple[Command, ...] = get_args(Command)
State = Literal[
    "lead-in", "playing", "paused", "counting in", "waiting", "your turn", "recovering", "done", "stopped", "failed"
]

LEAD_IN_MS = 500
LEAD_IN_DBFS = -70.0
FADE_FRAMES = SAMPLERATE_HZ // 100
COUNT_IN_TICKS = 3
COUNT_IN_STEP_MS = 700
MORE_MS = 10_000
LEVEL_STEP_DB = 3.0
QUIETEST_DB, LOUDEST_DB = -30.0, 12.0
PATIENCE_S = 60.0

_BLOCK_FRAMES = 4096
_LONGEST_BLOCK_FRAMES = 16_384
_SHORT_BLOCK_FRAMES = 1024
_LOADED_FRAMES = 5 * SAMPLERATE_HZ
_LOADING_S = 0.05
# Time for compiling anew, while the timeline goes on as it is.
_HANDOVER_MS = 300
_ONE_BREAK_S = 1.0
# So long after its sound has broken off, a device may be found to be lost.
_ONE_LOSS_S = 4.0
_QUITTING_S = 0.4
_LOOK_S = 0.005
_FIRST_NAP_S = 0.1
# A queue in C waits for ever if its time is over before it has begun to wait.
_SHORTEST_WAIT_S = 0.001
# A loudspeaker that has played for so long isn't one that is lost at once.
_LASTING_FRAMES = 2 * SAMPLERATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is heard right now.

    Attributes:
        state: what the session is doing.
        position_ms: the instant of the timeline that is heard; negative during the lead-in.
        index: which interval that is in.
        score: the timeline as it is now; None until there is one.
        levels: how loud the listener wants it.
        trouble: what is wrong with the loudspeaker, while it is being opened anew.
        breaks: how often sound broke off so far.
    """

    state: State
    position_ms: int
    index: int
    score: Score | None = None
    levels: Levels = AS_MIXED
    trouble: str = ""
    breaks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """From `sink_frame` on, the loudspeaker got the timeline from `position` on, or it stood still there."""

    sink_frame: int
    position: int
    moves: bool

    def position_at(self, sink_frame: int) -> int:
        return self.position + (sink_frame - self.sink_frame if self.moves else 0)


class Session:
    """Plays a score through a loudspeaker.

    The loudspeaker is opened at once and gets a faint noise, so that it is awake before the first word, until the
    score is there and the lead-in is over. When it is lost, it is opened anew, and the score goes on where it was heard
    last.

    Args:
        open_sink: opens the loudspeaker with the first samples; may take its time.
        lead_in_ms: how long the lead-in lasts at least; None until a command comes.
        has_listener: whether somebody can go on from a `wait`, by "toggle" or a jump; else it lasts as long as written.
        patience_s: for how long a loudspeaker that was lost is looked for.
    """

    def __init__(
        self,
        open_sink: Callable[[Block], LiveSink],
        *,
        lead_in_ms: int | None = LEAD_IN_MS,
        has_listener: bool = False,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.error: BaseException | None = None
        self._score: Score | None = None
        self._lead_in_frames = frame_at(lead_in_ms) if lead_in_ms is not None else None
        self._has_listener = has_listener
        self._start_index = 0
        self._commands: SimpleQueue[Command] = SimpleQueue()
        self._score_is_there = Event()
        self._is_awake = Event()
        self._is_stopping = Event()
        self._state: State = "lead-in"
        self._output = _Output(open_sink, patience_s)
        self._performance: _Performance | None = None
        self._thread = Thread(target=self._run, name="player", daemon=True)
        self._thread.start()

    def wait_until_awake(self, timeout_s: float) -> None:
        """Wait until the loudspeaker has got its first noise, or has failed, or the time is over.

        A loudspeaker opens sooner while nothing else keeps the interpreter busy.
        """
        self._is_awake.wait(timeout_s)

    def perform(self, score: Score, start_index: int = 0) -> None:
        """Play this, from an interval on, as soon as the lead-in is over."""
        self._start_index = start_index
        self._score = score
        self._score_is_there.set()

    def send(self, command: Command) -> None:
        """Do what the listener wants, as soon as the device can; a jump during the lead-in ends it."""
        self._commands.put(command)

    def stop(self) -> None:
        """Fall silent within a moment, let go of the loudspeaker, and compile no further."""
        self._is_stopping.set()
        self._commands.put("quit")
        self._thread.join(STOPPING_S)
        if self._score is not None:
            self._score.stop()

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
        performance, output = self._performance, self._output
        told = Snapshot(state=self._state, position_ms=0, index=0, breaks=output.breaks, trouble=output.trouble)
        if performance is None or not performance.is_begun:
            state = "lead-in" if self._state in {"playing", "waiting"} else self._state
            lead_ms = min(0, output.heard_frames() - (self._lead_in_frames or 0)) * 1000 // SAMPLERATE_HZ
            return replace(told, state=state, position_ms=lead_ms, score=self._score)
        score = performance.score
        position_ms = output.heard_position() * 1000 // SAMPLERATE_HZ
        return replace(
            told, position_ms=position_ms, index=score.index_at(position_ms), score=score, levels=performance.levels
        )

    def _run(self) -> None:
        try:
            noise = memoryview(_faint_noise())
            self._output.open(noise)
            self._is_awake.set()
            try:
                self._play(noise)
            finally:
                self._output.close()
            self._state = "stopped" if self._is_stopping.is_set() else "done"
        except BaseException as error:  # noqa: BLE001  handed to the thread that waits
            self.error = error
            self._state = "failed"
        finally:
            self._is_awake.set()

    def _play(self, noise: memoryview) -> None:
        self._lead_in(noise)
        if self._score is None or self._is_stopping.is_set():
            return
        performance = _Performance(self._score, self._output, self._start_index, has_listener=self._has_listener)
        self._performance = performance
        try:
            performance.play(self._commands, self._is_stopping, self._set_state)
        finally:
            performance.end()
            self._score = performance.score

    def _lead_in(self, noise: memoryview) -> None:
        while not self._is_stopping.is_set() and not self._is_led_in():
            if self._score is not None and self._score.error is not None:
                raise self._score.error
            self._obey_early(self._output.wait_for_command(self._commands))
            left_frames = (self._lead_in_frames or 0) - self._output.written_frames
            frames = min(_SHORT_BLOCK_FRAMES, left_frames) if left_frames > 0 else _SHORT_BLOCK_FRAMES
            try:
                self._output.write(noise[: 2 * frames])
            except DeviceError as error:
                self._output.reopen(error, self._commands, self._is_stopping)
                continue
            if self._state == "paused" and self._lead_in_frames is not None:
                self._lead_in_frames += frames

    def _is_led_in(self) -> bool:
        if self._lead_in_frames is None or self._state == "paused":
            return False
        return self._output.written_frames >= self._lead_in_frames and self._score_is_there.is_set()

    def _obey_early(self, command: Command | None) -> None:
        """Obey a command before anything sounds: pause waits, anything else begins."""
        if command == "quit":
            self._is_stopping.set()
        elif self._state == "paused" and command in {"toggle", "resume"}:
            self._state = "lead-in"
        elif command == "pause" or (command == "toggle" and self._lead_in_frames is not None):
            self._state = "paused"
        elif command == "more" and (self._lead_in_frames or 0) > frame_at(LEAD_IN_MS):
            self._lead_in_frames = (self._lead_in_frames or 0) + frame_at(MORE_MS)
        elif command is not None:
            self._state = "lead-in"
            self._lead_in_frames = max(frame_at(LEAD_IN_MS), self._output.written_frames)

    def _set_state(self, state: State) -> None:
        self._state = state


class _Output:
    """The loudspeaker that there is at the moment, and which part of the timeline it got when.

    Attributes:
        written_frames: to this loudspeaker.
        breaks: how often sound broke off while it should have gone on, all loudspeakers together.
        trouble: what is wrong, while another is looked for.
    """

    def __init__(self, open_sink: Callable[[Block], LiveSink], patience_s: float) -> None:
        self.written_frames = 0
        self.breaks = 0
        self.trouble = ""
        self._open_sink = open_sink
        self._patience_s = patience_s
        self._sink: LiveSink | None = None
        self._stretches: deque[_Stretch] = deque(maxlen=64)
        self._underflows = 0
        self._broke_at_s = -_ONE_LOSS_S
        self._waited_s, self._nap_s = 0.0, _FIRST_NAP_S

    @property
    def is_open(self) -> bool:
        return self._sink is not None

    @property
    def block_frames(self) -> int:
        return min(self._sink.block_frames, _LONGEST_BLOCK_FRAMES) if self._sink is not None else _BLOCK_FRAMES

    def open(self, noise: memoryview) -> None:
        self._sink = self._open_sink(noise)
        self.written_frames = len(noise) // 2

    def reopen(self, error: DeviceError, commands: SimpleQueue[Command], stopping: Event) -> int:
        """Look for a loudspeaker until there is one, and return up to which place the timeline was heard before.

        Raises:
            DeviceError: there is none for too long.
        """
        position = self.heard_position()
        self.trouble = str(error)
        self._let_go()
        # Until there is another one, this is where the session stands.
        self._stretches = deque([_Stretch(sink_frame=0, position=position, moves=False)], maxlen=64)
        meanwhile: list[Command] = []
        while not stopping.is_set() and not self._is_open_again(error):
            with suppress(Empty):
                meanwhile.append(commands.get(timeout=self._nap_s))
                if meanwhile[-1] == "quit":
                    stopping.set()
            self._waited_s, self._nap_s = self._waited_s + self._nap_s, min(1.0, 2 * self._nap_s)
        for command in meanwhile:
            commands.put(command)
        self.note(position, moves=False)
        self.trouble = ""
        return position

    def _let_go(self) -> None:
        assert self._sink is not None
        self._sink.close()
        # What was counted just before was the beginning of this break.
        self.breaks += self._is_whole_for(_ONE_LOSS_S)
        self._sink, self._underflows = None, 0
        if self.written_frames > _LASTING_FRAMES:
            self._waited_s, self._nap_s = 0.0, _FIRST_NAP_S

    def _is_open_again(self, error: DeviceError) -> bool:
        """Try to open a loudspeaker; one that is lost at once, again and again, isn't waited for much longer."""
        is_last = self._waited_s > self._patience_s
        try:
            self.open(memoryview(_faint_noise()))
        except DeviceError as failure:
            if is_last:
                message = f"{error} Nothing could be opened for {self._patience_s:.0f} seconds since. {failure}"
                raise DeviceError(message) from failure
            return False
        if is_last:
            raise error
        self._broke_at_s = monotonic()
        self._waited_s += _FIRST_NAP_S
        return True

    def wait_for_command(self, commands: SimpleQueue[Command]) -> Command | None:
        """Return the next command, or nothing as soon as there is room for a block."""
        while True:
            with suppress(Empty):
                return commands.get_nowait()
            try:
                room_s = self._sink.room_s() if self._sink is not None else 0.0
            except DeviceError:
                return None
            if room_s <= 0:
                return None
            with suppress(Empty):
                return commands.get(timeout=max(room_s, _SHORTEST_WAIT_S))

    def write(self, block: Block) -> None:
        assert self._sink is not None
        self._sink.write(block)
        self.written_frames += memoryview(block).nbytes // FRAME_BYTES  # type: ignore[arg-type]

    def recall(self, floor_frame: int) -> int:
        """Take back what nobody needs any more, but nothing before a frame; return the place that comes next now."""
        assert self._sink is not None
        self.written_frames -= self._sink.recall(max(0, self.written_frames - floor_frame))
        while len(self._stretches) > 1 and self._stretches[-1].sink_frame > self.written_frames:
            self._stretches.pop()
        return self._stretches[-1].position_at(self.written_frames)

    def count_breaks(self, *, goes_on: bool) -> None:
        """Count the underflows since the last time, if nothing but the next block was to be heard meanwhile."""
        assert self._sink is not None
        before, self._underflows = self._underflows, self._sink.underflows
        if goes_on and self._underflows > before:
            self.breaks += self._underflows - before if self._is_whole_for(_ONE_BREAK_S) else 0
            self._broke_at_s = monotonic()

    def _is_whole_for(self, seconds: float) -> bool:
        return monotonic() - self._broke_at_s > seconds

    def note(self, position: int, *, moves: bool) -> None:
        """Say which place of the timeline is written next, and whether it will move on."""
        last = self._stretches[-1] if self._stretches else None
        if last is None or last.moves != moves or last.position_at(self.written_frames) != position:
            self._stretches.append(_Stretch(sink_frame=self.written_frames, position=position, moves=moves))

    def heard_frames(self) -> int:
        return self._sink.heard_frames() if self._sink is not None else 0

    def heard_position(self) -> int:
        """Return which frame of the timeline sounds now."""
        heard = self.heard_frames()
        stretches = [*self._stretches]
        found = next((one for one in reversed(stretches) if one.sink_frame <= heard), None)
        if found is None:
            return stretches[0].position if stretches else 0
        return found.position_at(heard)

    def finish(self) -> None:
        assert self._sink is not None
        self._sink.finish()

    def close(self) -> None:
        if self._sink is not None:
            self._sink.close()


class _Performance:
    """The loop that writes blocks of a score and jumps about in it.

    What sounds goes over into something else by fades of 10 ms: into silence and out of it, or from one way to play a
    place to another way to play the same.
    """

    def __init__(self, score: Score, output: _Output, start_index: int, *, has_listener: bool) -> None:
        import numpy as np

        self.score = score
        self.levels = AS_MIXED
        self._output = output
        self._has_listener = has_listener
        self._ahead = ReadAhead()
        self._position = 0
        self._wanted: Callable[[], int | None] | None = (lambda: self._start_ms(start_index)) if start_index else None
        self._is_paused = False
        self._first_frame = None if start_index else 0
        self._count_in: Samples | None = None
        self._count_in_frame = 0
        self._goes_on: Callable[[Samples], Samples] | None = None
        self._before: Callable[[int, Samples], Samples] | None = None
        self._fades_in = False
        self._awaited = -1
        self._floor_frame = output.written_frames
        self._more = 0
        self._longer: _Longer | None = None
        self._block: Samples = np.empty(_LONGEST_BLOCK_FRAMES, np.float32)
        self._fading: Samples = np.empty(FADE_FRAMES, np.float32)
        self._rise: Samples = np.linspace(0, 1, FADE_FRAMES, dtype=np.float32)
        output.note(0, moves=False)

    def play(self, commands: SimpleQueue[Command], stopping: Event, tell: Callable[[State], None]) -> None:
        goes_on = True
        while goes_on and not stopping.is_set():
            try:
                command = self._output.wait_for_command(commands)
                if command is not None:
                    self._obey(command, stopping)
                goes_on = not stopping.is_set() and self._step(tell)
            except DeviceError as error:
                tell("recovering")
                self._recover(self._output.reopen(error, commands, stopping))
        if stopping.is_set():
            self._fall_silent()

    def end(self) -> None:
        self._ahead.stop()

    @property
    def is_begun(self) -> bool:
        """Whether the place to begin at is heard, or another one that was wanted since."""
        return self._first_frame is not None and self._output.heard_frames() >= self._first_frame

    def _step(self, tell: Callable[[State], None]) -> bool:
        """Write a block; return whether there is more to write."""
        self._hand_over()
        # In this order: the score may become complete in between, and then there is more to play.
        is_complete = self.score.is_complete
        known_frame = self._known_frame()
        if self._wanted is not None and (target_ms := self._wanted()) is not None:
            self._go_to(target_ms)
            known_frame = self._known_frame()
        if self._is_paused:
            tell("paused")
            self._be_silent(self._output.block_frames)
        elif self._wanted is None and self._count_in is not None:
            tell("counting in")
            self._write_count_in(self._count_in)
        elif self._wanted is None and self._is_your_turn():
            tell("your turn")
            self._be_silent(_SHORT_BLOCK_FRAMES)
        elif self._wanted is None and (frames := self._ready_frames(known_frame)) > 0:
            tell("playing")
            # While more time is being made, little is written, so that it comes in time.
            most_frames = _SHORT_BLOCK_FRAMES if self._longer else self._output.block_frames
            self._write_timeline(min(frames, most_frames))
        elif self._wanted is None and is_complete and self._position >= known_frame:
            self._output.finish()
            return False
        else:
            self._raise_if_broken()
            tell("waiting")
            self._be_silent(_SHORT_BLOCK_FRAMES)
        return True

    def _known_frame(self) -> int:
        """Return up to where the timeline may be played now."""
        playable_ms = self.score.playable_ms
        wait = self._wait()
        return frame_at(playable_ms if wait is None else min(playable_ms, wait.end_ms - WAIT_BEFORE_WORK_MS))

    def _ready_frames(self, known_frame: int) -> int:
        """Return how many frames can be played without waiting for a clip; a lack of them is waited for in gaps."""
        if known_frame <= self._position:
            return 0
        # Once for each place: the loudspeaker gets silence in time, however long the clips take.
        patience_s = 0.0 if self._awaited == self._position else _LOADING_S
        loaded_frame = self._ahead.end_frame(self.score.mix, self._position, known_frame, patience_s)
        self._awaited = self._position
        if loaded_frame >= min(known_frame, self._position + _LOADED_FRAMES):
            return known_frame - self._position
        loaded = self.score.placed[self.score.index_at(loaded_frame * 1000 // SAMPLERATE_HZ)]
        if not loaded.interval.exact:
            # What follows is faded out, and that must be in memory, too.
            return loaded_frame - FADE_FRAMES - self._position
        before_frame = frame_at(loaded.start_ms - WAIT_BEFORE_WORK_MS)
        return (before_frame if before_frame > self._position else known_frame) - self._position

    def _wait(self) -> Placed | None:
        """Return the `wait` that sounds, if there is a listener who can go on from it."""
        placed = self.score.placed
        if not self._has_listener or not placed:
            return None
        here = placed[self.score.index_at(self._now_ms)]
        return here if here.interval.kind == "wait" else None

    def _is_your_turn(self) -> bool:
        wait = self._wait()
        return wait is not None and self._position >= frame_at(wait.end_ms - WAIT_BEFORE_WORK_MS)

    @property
    def _now_ms(self) -> int:
        return self._position * 1000 // SAMPLERATE_HZ

    def _raise_if_broken(self) -> None:
        if self.score.error is not None:
            raise self.score.error

    def _obey(self, command: Command, stopping: Event) -> None:
        """Do what is wanted; a jump to what isn't compiled yet stays wanted, until something else is."""
        if command == "quit":
            stopping.set()
            return
        self._take_back()
        wait = self._wait()
        if command == "more":
            self._more += 1
        elif command in {"toggle", "resume"} and wait is not None and not self._is_paused:
            self._go_to(wait.end_ms)
        elif command == "resume" or (command == "toggle" and self._is_paused):
            self._resume()
        elif command in {"toggle", "pause"}:
            self._is_paused, self._count_in = True, None
        elif command in _LEVELS:
            self._change_levels(command)
        else:
            now_ms = self._now_ms
            self._wanted = lambda: self._target_ms(command, now_ms)

    def _take_back(self) -> None:
        """Go on from what the device has got, so that a command takes effect at once."""
        position = self._output.recall(self._floor_frame)
        if self._goes_on is not None and self._count_in is None:
            self._position = position

    def _resume(self) -> None:
        """Count in and go on from here, in a gap with the sentence that was interrupted."""
        if not self._is_paused:
            return
        self._is_paused = False
        now_ms = self._now_ms
        resumed = resumed_ms(self.score.placed, now_ms) if self.score.placed else now_ms
        if resumed != now_ms:
            self._position = frame_at(resumed)
        self._count_in = self._counted() if self.score.tick is not None else None
        self._count_in_frame = self._output.written_frames

    def _counted(self) -> Samples:
        import numpy as np

        assert self.score.tick is not None
        counted = np.zeros(frame_at(COUNT_IN_TICKS * COUNT_IN_STEP_MS), np.float32)
        for number in range(COUNT_IN_TICKS):
            room = counted[frame_at(number * COUNT_IN_STEP_MS) :]
            tick = self.score.tick[: len(room)]
            room[: len(tick)] += tick
        return counted * np.float32(gain_of(self.levels.chimes_db))

    def _change_levels(self, command: Command) -> None:
        self._remember_before()
        self.levels = _LEVELS[command](self.levels)

    def _remember_before(self) -> None:
        """Keep how this place is played now, to fade from it to how it is played next."""
        mix, levels = self.score.mix, self.levels
        if self._before is None:
            self._before = lambda position, out: mix.read(position, out, levels)

    def _hand_over(self) -> None:
        """Play on with the timeline in which there is more time, once it is there; begin to make one if wanted."""
        if self._longer is None and self._more and self.score.placed:
            self._longer = self._begin_longer()
        if self._longer is None:
            return
        score, index, from_ms = self._longer.score, self._longer.index, self._longer.from_ms
        is_there = len(score.placed) > index + 1 and score.playable_ms > self._now_ms
        if score.error is not None or self._now_ms > from_ms:
            score.leave()
            self._longer = None
        elif score.is_complete or is_there:
            self._remember_before()
            self.score.leave()
            self.score, self._longer = score, None
            self._more -= 1
            self._awaited = -1

    def _begin_longer(self) -> _Longer | None:
        index = self.score.index_at(self._now_ms)
        here = self.score.placed[index]
        minimum_ms = longer_ms(here, MORE_MS)
        from_ms = min(self._now_ms + _HANDOVER_MS, here.end_ms - 1)
        score = self.score.longer(index, minimum_ms, from_ms) if minimum_ms is not None else None
        if score is None:
            self._more = 0
            return None
        return _Longer(score=score, index=index, from_ms=from_ms)

    def _go_to(self, target_ms: int) -> None:
        self._fade_out()
        self._position = frame_at(target_ms)
        self._is_paused, self._fades_in, self._wanted, self._count_in = False, True, None, None
        if self._first_frame is None:
            self._first_frame = self._output.written_frames

    def _start_ms(self, index: int) -> int | None:
        """Return where an interval begins, once the timeline is known up to there."""
        placed = self.score.placed
        return placed[index].start_ms if index < len(placed) else None

    def _reached(self, instant_ms: int) -> int | None:
        """Return an instant, once the timeline is known up to there, or else its end."""
        is_complete = self.score.is_complete
        if is_complete:
            return min(instant_ms, self.score.known_ms)
        return instant_ms if instant_ms <= self.score.playable_ms else None

    def _target_ms(self, command: Command, now_ms: int) -> int | None:
        """Return where a jump leads, or nothing while that isn't compiled yet."""
        is_complete = self.score.is_complete
        placed = self.score.placed
        if not placed:
            return None
        match command:
            case "next":
                return next_ms(placed, now_ms) or (placed[-1].end_ms if is_complete else None)
            case "previous":
                return previous_ms(placed, now_ms)
            case "forward":
                return self._reached(now_ms + SEEK_MS)
            case "back":
                return max(0, now_ms - SEEK_MS)
            case _:
                return announced_ms(placed, index_at(placed, now_ms))

    def _write_timeline(self, frames: int) -> None:
        position, mix, levels = self._position, self.score.mix, self.levels
        self._output.count_breaks(goes_on=self._goes_on is not None and self._before is None)
        if self._fades_in or self._before is not None:
            # A block of its own: what comes after it can be taken back by the next command.
            frames = min(frames, FADE_FRAMES)
        self._output.note(position, moves=True)
        block = mix.read(position, self._block[:frames], levels)
        self._fade_in(block)
        self._write(block)
        self._position += frames
        # From where the loudspeaker will be then: part of what it got may have been taken back.
        self._goes_on = lambda out: mix.read(self._position, out, levels)

    def _fade_in(self, block: Samples) -> None:
        length = min(len(block), FADE_FRAMES)
        rise = self._rise[:length]
        if self._fades_in:
            block[:length] *= rise
        elif self._before is not None:
            block[:length] *= rise
            block[:length] += self._before(self._position, self._fading[:length]) * rise[::-1]
        if self._fades_in or self._before is not None:
            self._floor_frame = self._output.written_frames + length
        self._fades_in, self._before = False, None

    def _write_count_in(self, counted: Samples) -> None:
        self._fade_out()
        done = self._output.written_frames - self._count_in_frame
        block = counted[done : done + _SHORT_BLOCK_FRAMES].copy()
        self._output.note(self._position, moves=False)
        self._write(block)
        if done + len(block) >= len(counted):
            self._count_in, self._goes_on, self._fades_in = None, None, True
            self._floor_frame = self._output.written_frames
        else:
            self._goes_on = lambda out: _part(counted, self._output.written_frames - self._count_in_frame, out)

    def _fade_out(self) -> None:
        """Write the next 10 ms with a falling gain, without moving on: what comes after a pause repeats them."""
        if self._goes_on is None:
            return
        block = self._goes_on(self._fading)
        block *= self._rise[::-1]
        self._output.note(self._position, moves=False)
        self._write(block)
        self._goes_on, self._fades_in, self._before = None, True, None
        self._floor_frame = self._output.written_frames

    def _be_silent(self, frames: int) -> None:
        self._fade_out()
        self._output.note(self._position, moves=False)
        silence = self._block[:frames]
        silence.fill(0.0)
        self._write(silence)

    def _fall_silent(self) -> None:
        """Fade out and wait until that was heard, so that the end is no click; without a loudspeaker there is none."""
        if not self._output.is_open:
            return
        with suppress(DeviceError):
            self._take_back()
            self._fade_out()
            until_s = monotonic() + _QUITTING_S
            while self._output.heard_frames() < self._output.written_frames and monotonic() < until_s:
                sleep(_LOOK_S)

    def _recover(self, position: int) -> None:
        self._position = position
        self._count_in, self._goes_on, self._before, self._fades_in = None, None, None, True
        self._floor_frame = self._output.written_frames
        if self._first_frame is not None:
            self._first_frame = 0

    def _write(self, mono: Samples) -> None:
        self._output.write(mono.repeat(2))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Longer:
    """A timeline that is being made, with more time in one interval, and until when it is the same as now."""

    score: Score
    index: int
    from_ms: int


def _louder(level_db: float, by_db: float) -> float:
    return min(LOUDEST_DB, max(QUIETEST_DB, level_db + by_db))


_LEVELS: Mapping[Command, Callable[[Levels], Levels]] = {
    "mute": lambda levels: replace(levels, is_muted=not levels.is_muted),
    "voice-up": lambda levels: replace(levels, voice_db=_louder(levels.voice_db, LEVEL_STEP_DB)),
    "voice-down": lambda levels: replace(levels, voice_db=_louder(levels.voice_db, -LEVEL_STEP_DB)),
    "chimes-up": lambda levels: replace(levels, chimes_db=_louder(levels.chimes_db, LEVEL_STEP_DB)),
    "chimes-down": lambda levels: replace(levels, chimes_db=_louder(levels.chimes_db, -LEVEL_STEP_DB)),
}


def _part(counted: Samples, first_frame: int, out: Samples) -> Samples:
    """Fill `out` with samples from a frame on, and silence after their end."""
    part = counted[first_frame : first_frame + len(out)]
    out[: len(part)] = part
    out[len(part) :] = 0.0
    return out


def play_samples(samples: Samples, open_sink: Callable[[Block], LiveSink]) -> None:
    """Play mono samples at 48 kHz through a loudspeaker, and return when they have sounded.

    Raises:
        DeviceError: nothing can play, or the device went away.
    """
    sink = open_sink(memoryview(_faint_noise()))
    try:
        for start in range(0, len(samples), _BLOCK_FRAMES):
            sink.write(samples[start : start + _BLOCK_FRAMES].repeat(2))
        sink.finish()
    finally:
        sink.close()


def _faint_noise() -> array[float]:
    """Return a block of stereo noise, the same on both sides; the same on every run."""
    peak = 10 ** (LEAD_IN_DBFS / 20) * 3**0.5
    random = Random(1)
    block = array("f")
    for _ in range(_BLOCK_FRAMES):
        sample = random.uniform(-peak, peak)
        block.append(sample)
        block.append(sample)
    return block
