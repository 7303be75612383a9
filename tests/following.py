"""Follow a recording of numbered frames by a session's commands: every frame of it must be accounted for.

The recording itself tells the exact frame at which a command took effect; from there the timeline alone says what must
sound: the place goes on for 10 ms and falls silent, and the place jumped to rises for 10 ms and goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from audio.recording import carrying
from listening import SAMPLERATE_HZ, Samples

from voiceroutine.player import COUNT_IN_STEP_MS, COUNT_IN_TICKS, FADE_FRAMES, Command
from voiceroutine.score import WAIT_BEFORE_WORK_MS
from voiceroutine.sinks.live import FRAME_BYTES, samples_of
from voiceroutine.sinks.memory import MemorySink
from voiceroutine.timeline import Placed
from voiceroutine.transport import SEEK_MS, announced_ms, index_at, next_ms, previous_ms, resumed_ms

FRAMES_PER_MS = SAMPLERATE_HZ // 1000
PIECE_FRAMES = 1024
EFFECT_FRAMES = 120 * FRAMES_PER_MS
COUNT_IN_FRAMES = COUNT_IN_TICKS * COUNT_IN_STEP_MS * FRAMES_PER_MS
QUEUED_PIECES = DEVICE_PIECES = 3
_MOMENT_S = 0.001
RISE = np.linspace(0, 1, FADE_FRAMES, dtype=np.float32)
JUMPS = {"next", "previous", "repeat", "forward", "back"}
Scores = Sequence[Sequence[Placed]]


class PacedSink(MemorySink):
    """A loudspeaker like PortAudio's: a queue that pieces are taken back from, and a device behind that keeps its own.

    Its time passes only while somebody waits for room; so it is as fast as the machine, and the same on every run.

    Attributes:
        on_piece: called with how much was heard, after each piece; tells whether somebody sent a command then.
    """

    block_frames = 4 * PIECE_FRAMES

    def __init__(self) -> None:
        super().__init__()
        self._queue: deque[bytes] = deque()
        self.on_piece: Callable[[int], bool] = lambda _: False

    def write(self, block: Any) -> None:
        while self.room_s():
            pass
        samples = bytes(samples_of(block))
        size = PIECE_FRAMES * FRAME_BYTES
        self._queue += [samples[start : start + size] for start in range(0, len(samples), size)]

    def room_s(self) -> float:
        while sum(map(len, self._queue)) > QUEUED_PIECES * PIECE_FRAMES * FRAME_BYTES:
            if self._take():
                return _MOMENT_S
        return 0.0

    def recall(self, at_most_frames: int) -> int:
        frames = 0
        while self._queue and len(self._queue[-1]) // FRAME_BYTES <= at_most_frames - frames:
            frames += len(self._queue.pop()) // FRAME_BYTES
        return frames

    def finish(self) -> None:
        while self._queue:
            self._take()
        super().finish()

    def heard_frames(self) -> int:
        taken_frames = super().heard_frames()
        return taken_frames if self.finished else max(0, taken_frames - DEVICE_PIECES * PIECE_FRAMES)

    def _take(self) -> bool:
        super().write(self._queue.popleft())
        return self.on_piece(self.heard_frames())


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """How far a recording is accounted for.

    Attributes:
        cursor: the next frame of the recording.
        place: the frame of the timeline that sounds there, or comes next when nothing does.
        state: "plays", "paused", "counts" in, or is silent until it "rises" at a place.
    """

    cursor: int
    place: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """Accounts for a recording.

    Args:
        heard: the recording, one channel.
        has_listener: whether a `wait` waits.
    """

    heard: Samples
    has_listener: bool

    def after(self, before: Where, command: Command, latest_frame: int, scores: Scores) -> list[Where]:
        """Return each way to account for the recording up to the effect of a command.

        Args:
            before: what the commands before it led to.
            command: it.
            latest_frame: by which frame of the recording it has taken effect.
            scores: the timelines there may have been.
        """
        return [
            where
            for placed in scores
            for here in self._until(before, latest_frame, placed)
            for where in self._obeyed(here, command, placed)
            if where.cursor <= latest_frame
        ]

    def is_over(self, before: Where, scores: Scores) -> bool:
        """Tell whether what is left of the recording is the timeline to its end."""
        for placed in scores:
            end = placed[-1].end_ms * FRAMES_PER_MS
            for here in self._until(before, len(self.heard), placed):
                if here.place >= end and here.cursor >= len(self.heard) - FADE_FRAMES:
                    return True
        return False

    def _until(self, where: Where, frame: int, placed: Sequence[Placed]) -> Iterator[Where]:
        """Yield where the recording may be left when a command takes effect, no later than at a frame of it."""
        if where.state == "paused":
            yield where
        elif where.state in {"counts", "rises"}:
            yield where
            begins = self._sounds_from(where.cursor)
            if where.state == "counts" and begins < where.cursor + COUNT_IN_FRAMES - 2 * PIECE_FRAMES:
                return
            if begins < frame and self._rises(begins, where.place):
                risen = Where(cursor=begins + FADE_FRAMES, place=where.place + FADE_FRAMES, state="plays")
                yield from self._until(risen, frame, placed)
        else:
            yield self._left(where, placed)

    def _left(self, where: Where, placed: Sequence[Placed]) -> Where:
        """Return where numbers no longer follow each other."""
        heard = self.heard[where.cursor :]
        expected = carrying(np.arange(where.place, where.place + len(heard)))
        wrong = np.flatnonzero(np.abs(heard - expected) > 1e-4 * expected)
        frames = max(0, int(wrong[0]) - 1) if len(wrong) else len(heard)
        left = replace(where, cursor=where.cursor + frames, place=where.place + frames)
        wait = self._wait_at(left.place, placed)
        if wait and left.place >= (wait.end_ms - WAIT_BEFORE_WORK_MS) * FRAMES_PER_MS and self._falls(left):
            return replace(left, cursor=left.cursor + FADE_FRAMES, state="stands")
        return left

    def _wait_at(self, place: int, placed: Sequence[Placed]) -> Placed | None:
        here = placed[index_at(placed, place // FRAMES_PER_MS)]
        return here if self.has_listener and here.interval.kind == "wait" else None

    def _obeyed(self, here: Where, command: Command, placed: Sequence[Placed]) -> Iterator[Where]:
        now_ms = here.place // FRAMES_PER_MS
        wait = self._wait_at(here.place, placed)
        is_paused = here.state == "paused"
        if command in {"toggle", "resume"} and wait and not is_paused:
            yield from self._jumped(here, wait.end_ms)
        elif is_paused and command in {"toggle", "resume"}:
            resumed = resumed_ms(placed, now_ms)
            place = here.place if resumed == now_ms else resumed * FRAMES_PER_MS
            yield replace(here, place=place, state="counts")
        elif command in {"toggle", "pause"}:
            yield from self._silenced(here)
        elif command in JUMPS:
            yield from self._jumped(here, target_ms(command, placed, now_ms))

    def _silenced(self, here: Where) -> Iterator[Where]:
        if here.state != "plays":
            yield replace(here, state="paused")
        elif self._falls(here):
            yield replace(here, cursor=here.cursor + FADE_FRAMES, state="paused")

    def _jumped(self, here: Where, to_ms: int) -> Iterator[Where]:
        if here.state == "plays" and not self._falls(here):
            return
        cursor = here.cursor + FADE_FRAMES if here.state == "plays" else here.cursor
        yield Where(cursor=cursor, place=to_ms * FRAMES_PER_MS, state="rises")

    def _falls(self, here: Where) -> bool:
        return self._is(here.cursor, carrying(np.arange(here.place, here.place + FADE_FRAMES)) * RISE[::-1])

    def _rises(self, cursor: int, place: int) -> bool:
        # The first sample of a rise is nothing, so it is one frame earlier than what can be seen.
        return self._is(cursor, carrying(np.arange(place, place + FADE_FRAMES)) * RISE)

    def _is(self, cursor: int, expected: Samples) -> bool:
        heard = self.heard[cursor : cursor + FADE_FRAMES]
        return len(heard) == FADE_FRAMES and bool(np.allclose(heard, expected, rtol=1e-5, atol=1e-10))

    def _sounds_from(self, cursor: int) -> int:
        sounding = np.flatnonzero(self.heard[cursor : cursor + COUNT_IN_FRAMES + SAMPLERATE_HZ])
        return cursor + int(sounding[0]) - 1 if len(sounding) else len(self.heard)


def target_ms(command: Command, placed: Sequence[Placed], now_ms: int) -> int:
    """Return where a jump leads in a timeline that is complete."""
    end_ms = placed[-1].end_ms
    match command:
        case "next":
            return next_ms(placed, now_ms) or end_ms
        case "previous":
            return previous_ms(placed, now_ms)
        case "forward":
            return min(end_ms, now_ms + SEEK_MS)
        case "back":
            return max(0, now_ms - SEEK_MS)
        case _:
            return announced_ms(placed, index_at(placed, now_ms))
