"""Locks between processes that a crash gives back."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOOK_S = 0.01


@contextmanager
def locked(lock: Path, patience_s: float) -> Iterator[None]:
    """Be the only one, of all threads and processes, inside a `with` of this lock.

    Trouble with the file is never an error: then, or when the patience is over, one goes on without it.

    Args:
        lock: an empty file, made with its folder when it isn't there.
        patience_s: how long to wait for another.
    """
    file = _opened(lock)
    if file is None:
        yield
        return
    with file:
        _wait_for(file, patience_s)
        yield


def _opened(lock: Path) -> IO[bytes] | None:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return lock.open("ab")
    except OSError:
        return None


def _wait_for(lock: IO[bytes], patience_s: float) -> None:
    """Wait until nobody else has a lock, or for so long; it is given back when its file is closed, by a crash too."""
    until_s = time.monotonic() + patience_s
    while not is_taken(lock) and time.monotonic() < until_s:
        time.sleep(_LOOK_S)


def is_taken(lock: IO[bytes]) -> bool:
    """Try to take a lock, and return whether it is ours now; closing the file gives it back.

    On Windows nobody else can read or write its first byte meanwhile.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
