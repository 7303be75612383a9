"""What ends the program from outside: as Ctrl-C does, with everything put back in order."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

ENDING_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")


@contextmanager
def ending_as_by_ctrl_c() -> Iterator[None]:
    """End as by Ctrl-C when the terminal is closed or the program is told to end.

    Only once: a second signal would interrupt what restores the terminal and ends child processes.
    """
    if current_thread() is not main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ENDING_SIGNALS if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]

    def end(number: int, frame: FrameType | None) -> None:
        for one in numbers:
            signal.signal(one, _nothing)
        signal.default_int_handler(number, frame)

    before = [signal.signal(number, end) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _nothing(number: int, frame: FrameType | None) -> None:
    """Let a signal pass. Python raises an error for one that comes just as it begins to be ignored."""
