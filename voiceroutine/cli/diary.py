"""What is kept of a session: where it was interrupted and, if the user wishes, that it took place."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from voiceroutine.history import Heard, entry_of, keep
from voiceroutine.interrupted import forget, index_in, key_of, offer_text, place_of, recall, remember
from voiceroutine.settings import keeps_history

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voiceroutine.history import Ended
    from voiceroutine.interrupted import Flag, Place
    from voiceroutine.player import Snapshot
    from voiceroutine.production import Production


def wall_clock() -> datetime:
    """Return the time on the wall, with its offset."""
    return datetime.now().astimezone()


class Diary:
    """Watches a session and keeps what is worth keeping.

    Args:
        production: what is played.
        routine: its name or file, as it was asked for.
        flags: how it is listened to.
        now: the time on the wall.
    """

    def __init__(
        self,
        production: Production,
        routine: str,
        flags: Mapping[str, Flag],
        now: Callable[[], datetime] = wall_clock,
    ) -> None:
        self._production = production
        self._routine = routine
        self._flags = flags
        self._now = now
        self._begun = now()
        self._key = key_of(production.routine)
        self._heard = Heard()
        self._index = -1

    def place(self) -> tuple[int, str] | None:
        """Return with which interval an interrupted session would go on, and in words where that is."""
        now = self._now()
        place = recall(self._key, now)
        index = index_in(self._production.intervals, place) if place is not None else None
        return None if place is None or index is None else (index, offer_text(place, now))

    def look(self, snapshot: Snapshot) -> None:
        """Take note of what is heard now; remember it on the disk with each new interval, lest the power fails."""
        self._heard.look(snapshot.position_ms)
        if snapshot.index != self._index and snapshot.position_ms > 0:
            self._index = snapshot.index
            self._remember(snapshot)

    def close(self, snapshot: Snapshot, ended: Ended) -> str:
        """Keep what is to be kept; return what went wrong with that, or nothing."""
        self._heard.look(snapshot.position_ms)
        if ended == "done":
            forget(self._key, self._now())
        elif snapshot.position_ms > 0:
            self._remember(snapshot)
        score = snapshot.score
        if score is None or not keeps_history():
            return ""
        entry = entry_of(
            self._heard,
            score.placed,
            self._production.intervals,
            begun=self._begun,
            title=self._production.routine.title,
            routine=self._routine,
            total_ms=score.total_ms,
            ended=ended,
        )
        return keep(entry)

    def keeps(self, snapshot: Snapshot) -> bool:
        """Tell whether a session that stops here can go on."""
        return snapshot.position_ms > 0 and self._place(snapshot) is not None

    def _place(self, snapshot: Snapshot) -> Place | None:
        return place_of(
            self._production.intervals, snapshot.index, snapshot.position_ms, when=self._now(), flags=self._flags
        )

    def _remember(self, snapshot: Snapshot) -> None:
        place = self._place(snapshot)
        if place is not None:
            remember(self._key, place)
        elif snapshot.index > 0:
            forget(self._key, self._now())
