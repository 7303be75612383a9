"""Single keys from a terminal, without Enter; nothing where there is no terminal."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    ReadKey = Callable[[], str | None]

ARROWS = {"\x1b[C": "right", "\x1bOC": "right", "\x1b[D": "left", "\x1bOD": "left"}
WINDOWS_ARROWS = {"M": "right", "K": "left"}


@contextmanager
def keys() -> Iterator[ReadKey]:
    """Yield a function that returns a key that was pressed, or None at once; the terminal is restored afterwards."""
    if not _can_read_keys():
        yield lambda: None
    elif sys.platform == "win32":
        yield _windows_key
    else:
        with _single_keys() as fd:
            yield lambda: _unix_key(fd)


def _can_read_keys() -> bool:
    try:
        fd = sys.stdin.fileno()
    except (AttributeError, ValueError, OSError):
        return False
    if not os.isatty(fd):
        return False
    return sys.platform == "win32" or os.tcgetpgrp(fd) == os.getpgrp()


if sys.platform == "win32":
    import msvcrt

    def _windows_key() -> str | None:
        if not msvcrt.kbhit():
            return None
        key = msvcrt.getwch()
        if key in "\x00\xe0":
            return WINDOWS_ARROWS.get(msvcrt.getwch())
        if key == "\x03":
            raise KeyboardInterrupt
        return key.lower()

else:
    import select
    import termios
    import tty

    @contextmanager
    def _single_keys() -> Iterator[int]:
        fd = sys.stdin.fileno()
        before = termios.tcgetattr(fd)
        try:
            tty.setcbreak(fd)
            yield fd
        finally:
            termios.tcsetattr(fd, termios.TCSADRAIN, before)

    def _unix_key(fd: int) -> str | None:
        if not select.select([fd], [], [], 0)[0]:
            return None
        typed = os.read(fd, 16).decode(errors="ignore")
        return ARROWS.get(typed, typed[:1].lower()) or None
