"""A timeline as it is being compiled, to be played from the left while its right is still unknown."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING

from voiceroutine.timeline import spliced
from voiceroutine.transport import index_at
from voiceroutine.units import SAMPLERATE_HZ
from voiceroutine.unroll import lengthened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from voiceroutine.audio import Samples
    from voiceroutine.mix import Mix
    from voiceroutine.production import Production
    from voiceroutine.timeline import Placed
    from voiceroutine.unroll import Interval

    # The interval as it is heard, its index, its least length from now on, and the instant from which that counts.
    Longer = Callable[[Placed, int, int, int], "Score"]

INTERRUPTIBLE_S = 1.0
STOPPING_S = 2.0
# Going on after a wait is a fade of 10 ms; it belongs into the gap, not onto the chime that begins the work.
WAIT_BEFORE_WORK_MS = 20
AHEAD_FRAMES = 20 * SAMPLERATE_HZ


class Score:
    """A timeline that grows from left to right while it is being compiled in a thread of its own.

    Args:
        placed: the compiler's intervals.
        mix: gets their cues.
        about_ms: how long all of it will last, as far as one can say before.
        cancel: ends what the compilation waits for, when it is to stop.
        longer: compiles anew with an interval that is longer.
        tick: the samples of one tick of a count-in.
    """

    def __init__(
        self,
        placed: Iterable[Placed],
        mix: Mix,
        *,
        about_ms: int = 0,
        cancel: Callable[[], None] | None = None,
        longer: Longer | None = None,
        tick: Samples | None = None,
    ) -> None:
        self.mix = mix
        self.about_ms = about_ms
        self.tick = tick
        self.placed: list[Placed] = []
        self.is_complete = False
        self.error: BaseException | None = None
        self._longer = longer
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

    def leave(self) -> None:
        """Compile no further, since another score is played instead."""
        self._is_stopping.set()

    def index_at(self, instant_ms: int) -> int:
        """Return the index of the interval that sounds at an instant, the last one after the end."""
        return index_at(self.placed, instant_ms)

    def longer(self, index: int, minimum_ms: int, from_ms: int) -> Score | None:
        """Begin to compile the same with one interval longer, as it is heard until an instant.

        Args:
            index: of an interval that is compiled.
            minimum_ms: its least length.
            from_ms: up to where everything stays as it is.
        """
        return self._longer(self.placed[index], index, minimum_ms, from_ms) if self._longer else None

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


def score_of(production: Production) -> Score:
    """Begin to compile a production."""
    about_ms = production.estimated_timeline().duration_ms
    return _score(production, production.intervals, production.placed(), about_ms)


def _score(production: Production, intervals: Sequence[Interval], placed: Iterable[Placed], about_ms: int) -> Score:
    def longer(heard: Placed, index: int, minimum_ms: int, from_ms: int) -> Score:
        changed = lengthened(intervals, index, minimum_ms)
        anew = enumerate(production.placed(changed))
        mended = (spliced(heard, one, from_ms) if number == index else one for number, one in anew)
        return _score(production, changed, mended, about_ms + minimum_ms - intervals[index].minimum_ms)

    tick = production.sounds.clip(production.routine.sounds.tick).samples
    return Score(placed, production.mix(), about_ms=about_ms, cancel=production.close, longer=longer, tick=tick)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stock:
    """What of a mix is in memory: everything that sounds between two frames."""

    mix: Mix
    first_frame: int
    end_frame: int

    def covers(self, mix: Mix, frame: int) -> bool:
        return self.mix is mix and self.first_frame <= frame <= self.end_frame


class ReadAhead:
    """Brings clips into memory before they are due, in a thread of its own, so that a slow disk isn't heard."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._aim: _Stock | None = None
        self._stock: _Stock | None = None
        self._is_stopping = False
        Thread(target=self._run, name="read ahead", daemon=True).start()

    def end_frame(self, mix: Mix, frame: int, known_frame: int, patience_s: float) -> int:
        """Return up to where everything that sounds from a frame on is in memory; wait a moment if that is nothing.

        Args:
            mix: what is played.
            frame: where it is.
            known_frame: up to where the mix has all of its cues.
            patience_s: how long to wait.
        """
        aim = _Stock(mix=mix, first_frame=frame, end_frame=min(frame + AHEAD_FRAMES, known_frame))
        with self._changed:
            is_running_low = not self._has(mix, frame) or self._left(frame) < min(
                AHEAD_FRAMES // 2, aim.end_frame - frame
            )
            self._aim = aim
            if is_running_low:
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._has(mix, frame) and self._left(frame) > 0, patience_s)
            return frame + self._left(frame) if self._has(mix, frame) else frame

    def stop(self) -> None:
        """Load no more."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def _has(self, mix: Mix, frame: int) -> bool:
        return self._stock is not None and self._stock.covers(mix, frame)

    def _left(self, frame: int) -> int:
        return self._stock.end_frame - frame if self._stock is not None else 0

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_stopping or self._is_wanting())
                if self._is_stopping or self._aim is None:
                    return
                aim = self._aim
            self._load(aim)

    def _is_wanting(self) -> bool:
        aim, stock = self._aim, self._stock
        if aim is None:
            return False
        return stock is None or not stock.covers(aim.mix, aim.first_frame) or stock.end_frame < aim.end_frame

    def _load(self, aim: _Stock) -> None:
        try:
            for end_frame in aim.mix.load(aim.first_frame, aim.end_frame):
                if not self._store(aim, end_frame):
                    return
        except Exception:  # noqa: BLE001  whoever plays it meets the same error, and tells it
            self._store(aim, aim.end_frame)

    def _store(self, aim: _Stock, end_frame: int) -> bool:
        """Note what is in memory; return whether more of it is wanted."""
        with self._changed:
            if self._stock is not None and self._stock.covers(aim.mix, aim.first_frame):
                end_frame = max(end_frame, self._stock.end_frame)
            self._stock = _Stock(mix=aim.mix, first_frame=aim.first_frame, end_frame=end_frame)
            self._changed.notify_all()
            wanted = self._aim
            is_wanted = wanted is not None and wanted.mix is aim.mix and aim.first_frame <= wanted.first_frame
            return is_wanted and not self._is_stopping
