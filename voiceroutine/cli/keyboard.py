"""Single keys from a terminal, without Enter; nothing where there is no terminal."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    ReadKey = Callable[[float], str | None]

ARROWS = {"\x1b[C": "right", "\x1bOC": "right", "\x1b[D": "left", "\x1bOD": "left"}
WINDOWS_POLL_S = 0.03
WINDOWS_ARROWS = {"M": "right", "K": "left"}


@contextmanager
def keys() -> Iterator[ReadKey]:
    """Yield a function that waits up to some seconds for a key; the terminal is restored afterwards."""
    if not can_read_keys():
        yield _no_key
    elif sys.platform == "win32":
        yield _windows_key
    else:
        with _single_keys() as fd:
            yield _UnixKeys(fd)


def _no_key(timeout_s: float) -> None:
    time.sleep(timeout_s)


def can_read_keys() -> bool:
    """Tell whether somebody sits at a terminal and can press keys."""
    try:
        fd = sys.stdin.fileno()
    except (AttributeError, ValueError, OSError):
        return False
    return os.isatty(fd) and not _is_in_background(fd)


def _is_in_background(fd: int) -> bool:
    """Say whether a shell runs this in the background, where reading keys would stop the program."""
    if sys.platform == "win32":
        return False
    try:
        return os.tcgetpgrp(fd) != os.getpgrp()
    except OSError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _windows_key(timeout_s: float) -> str | None:
        until_s = time.monotonic() + timeout_s
        while not msvcrt.kbhit():
            if time.monotonic() > until_s:
                return None
            time.sleep(WINDOWS_POLL_S)
        key = msvcrt.getwch()
        if key in "\x00\xe0":
            return WINDOWS_ARROWS.get(msvcrt.getwch())
        if key == "\x03":
            raise KeyboardInterrupt
        return key.lower()

else:
    import select
    import signal
    import termios
    import tty

    @contextmanager
    def _single_keys() -> Iterator[int]:
        """Let keys through one by one, also after the shell has taken the terminal for a while."""
        fd = sys.stdin.fileno()
        before = termios.tcgetattr(fd)
        continued = signal.signal(signal.SIGCONT, lambda *_: tty.setcbreak(fd))
        try:
            tty.setcbreak(fd)
            yield fd
        finally:
            signal.signal(signal.SIGCONT, continued)
            with suppress(termios.error):
                termios.tcsetattr(fd, termios.TCSADRAIN, before)

    class _UnixKeys:
        """Gives what was typed key by key."""

        def __init__(self, fd: int) -> None:
            self._fd = fd
            self._typed = ""
            self._is_gone = False

        def __call__(self, timeout_s: float) -> str | None:
            if not self._typed:
                self._read(timeout_s)
            arrow = next((code for code in ARROWS if self._typed.startswith(code)), "")
            key, self._typed = self._typed[: len(arrow) or 1], self._typed[len(arrow) or 1 :]
            return ARROWS.get(key, key.lower()) or None

        def _read(self, timeout_s: float) -> None:
            if self._is_gone:
                time.sleep(timeout_s)
            elif select.select([self._fd], [], [], timeout_s)[0]:
                try:
                    typed = os.read(self._fd, 64)
                except OSError:
                    typed = b""
                self._typed = typed.decode(errors="ignore")
                self._is_gone = not typed
