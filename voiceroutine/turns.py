"""Work that is begun in the order in which it will be needed, by so many threads and no more."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from threading import Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Rank = tuple[int, ...]


@dataclass(order=True, slots=True)
class Turn:
    """A piece of work, and when it is its turn: the lowest rank first."""

    rank: Rank
    count: int
    work: Callable[[], None] = field(compare=False)
    is_given_up: bool = field(default=False, compare=False)


class Turns:
    """Threads that take up work by its rank. They end with the work, and with the program.

    Args:
        places: how many there are at most.
        name: what the threads are called.
    """

    def __init__(self, places: int, name: str) -> None:
        self._free = places
        self._name = name
        self._waiting: list[Turn] = []
        self._count = 0
        self._lock = Lock()

    def begin(self, rank: Rank, work: Callable[[], None]) -> Turn:
        """Let work be done, which raises nothing, as soon as it is its turn."""
        with self._lock:
            self._count += 1
            turn = Turn(rank, self._count, work)
            heappush(self._waiting, turn)
            self._fill()
        return turn

    def give_up(self, turn: Turn) -> None:
        """Give the place of work that hangs to another; its thread is left behind."""
        with self._lock:
            if not turn.is_given_up:
                turn.is_given_up = True
                self._free += 1
                self._fill()

    def _fill(self) -> None:
        if self._waiting and self._free:
            self._free -= 1
            Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        while turn := self._next():
            turn.work()
            if self._was_given_up(turn):
                return

    def _next(self) -> Turn | None:
        with self._lock:
            if not self._waiting:
                self._free += 1
                return None
            return heappop(self._waiting)

    def _was_given_up(self, turn: Turn) -> bool:
        with self._lock:
            was_given_up, turn.is_given_up = turn.is_given_up, True
            return was_given_up
