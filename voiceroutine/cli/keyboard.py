"""Single keys from a terminal, without Enter; nothing where there is no terminal."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from voiceroutine.player import Command

    ReadKey = Callable[[float], str | None]

KEY_COMMANDS: Mapping[str, Command] = {
    " ": "toggle",
    "p": "toggle",
    "n": "next",
    "b": "previous",
    "r": "repeat",
    "right": "forward",
    "left": "back",
    "+": "more",
    "=": "more",
    "m": "mute",
    "up": "voice-up",
    "down": "voice-down",
    "]": "chimes-up",
    "[": "chimes-down",
    "q": "quit",
}
KEY_NAMES = (
    ("space, p", "pause, or go on"),
    ("n", "next exercise"),
    ("b", "back to the one before"),
    ("r", "this side again"),
    ("right, left", "5 s on, or back"),
    ("+", "10 s more of this"),
    ("m", "voice off, or on"),
    ("up, down", "voice louder, softer"),
    ("], [", "chimes louder, softer"),
    ("q", "quit"),
    ("?", "these keys"),
)
ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}
WINDOWS_POLL_S = 0.03
WINDOWS_ARROWS = {"H": "up", "P": "down", "M": "right", "K": "left"}
REST_OF_A_KEY_S = 0.05
_KEY = re.compile(r"\x1b(?:\[[0-?]*[ -/]*(?P<csi>[@-~])|O(?P<ss3>.)|[^\[O])|(?P<one>[^\x1b])", re.DOTALL)
_ARROW = re.compile(r"\x1b[\[O][ABCD]")


class Screen(Protocol):
    """What is on the terminal, and is taken away while the shell has it."""

    def leave(self) -> None:
        """Leave the terminal as it was."""

    def enter(self) -> None:
        """Come back to it."""


class NoScreen:
    """Nothing on the terminal."""

    def leave(self) -> None:
        """There is nothing to take away."""

    def enter(self) -> None:
        """There is nothing to put back."""


@contextmanager
def keys(screen: Screen | None = None) -> Iterator[ReadKey]:
    """Yield a function that waits up to some seconds for a key; the terminal is restored afterwards.

    Args:
        screen: leaves the terminal while the shell has it, as after Ctrl-Z.
    """
    if not can_read_keys():
        yield _no_key
    elif sys.platform == "win32":
        yield _windows_key
    else:
        with _UnixKeys(sys.stdin.fileno(), screen or NoScreen()) as read_key:
            yield read_key


def _no_key(timeout_s: float) -> None:
    time.sleep(timeout_s)


def can_read_keys() -> bool:
    """Tell whether somebody sits at a terminal and can press keys."""
    try:
        fd = sys.stdin.fileno()
    except (AttributeError, ValueError, OSError):
        return False
    return os.isatty(fd) and not is_in_background(fd)


def is_in_background(fd: int) -> bool:
    """Say whether a shell runs this in the background of a terminal, where reading keys would stop the program."""
    if sys.platform == "win32":
        return False
    try:
        return os.tcgetpgrp(fd) != os.getpgrp()
    except OSError:
        return False


def split_keys(typed: str) -> tuple[list[str], str]:
    """Return the keys that were typed, and what may be the beginning of another one.

    Keys that mean nothing here, as Home or F5, are left out as a whole: their codes have letters in them.
    """
    found, end = [], 0
    for match in _KEY.finditer(typed):
        if match.start() != end:
            break
        end = match.end()
        if match["one"]:
            found.append(match["one"].lower())
        elif _ARROW.fullmatch(match[0]):
            found.append(ARROWS[match[0][-1]])
    return found, typed[end:]


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

    class _UnixKeys:
        """Gives what is typed key by key, and the terminal to the shell when that wants it.

        Signals only leave a note: what was interrupted may itself have been writing to the terminal.
        """

        def __init__(self, fd: int, screen: Screen) -> None:
            self._fd = fd
            self._screen = screen
            self._keys: list[str] = []
            self._begun = ""
            self._is_gone = False
            self._is_away = False
            self._is_told_to_stop = False
            self._was_continued = False

        def __enter__(self) -> _UnixKeys:
            self._before = termios.tcgetattr(self._fd)
            self._handlers = (
                signal.signal(signal.SIGTSTP, self._note_stop),
                signal.signal(signal.SIGCONT, self._note_continued),
            )
            tty.setcbreak(self._fd)
            return self

        def __exit__(self, *_: object) -> None:
            for number, handler in zip((signal.SIGTSTP, signal.SIGCONT), self._handlers, strict=True):
                signal.signal(number, handler)
            if not self._is_away:
                self._restore()

        def __call__(self, timeout_s: float) -> str | None:
            if self._is_told_to_stop:
                self._stop()
            if self._was_continued or self._is_away:
                self._come_back()
            if self._is_gone or self._is_away:
                time.sleep(timeout_s)
            elif not self._keys and select.select([self._fd], [], [], timeout_s)[0]:
                self._read()
            return self._keys.pop(0) if self._keys else None

        def _note_stop(self, *_: object) -> None:
            self._is_told_to_stop = True

        def _note_continued(self, *_: object) -> None:
            self._was_continued = True

        def _stop(self) -> None:
            """Stop as any program does at Ctrl-Z, with the terminal as it was; return when told to go on."""
            self._is_told_to_stop = False
            self._screen.leave()
            self._restore()
            self._is_away = True
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, self._note_stop)

        def _come_back(self) -> None:
            """Take the terminal again, unless the program goes on in the background."""
            self._was_continued = False
            if is_in_background(self._fd):
                self._screen.leave()
                self._is_away = True
                return
            with suppress(termios.error):
                tty.setcbreak(self._fd, termios.TCSANOW)
            self._screen.leave()
            self._screen.enter()
            self._is_away = False

        def _restore(self) -> None:
            with suppress(termios.error):
                termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

        def _read(self) -> None:
            typed = self._begun + self._received()
            self._keys, self._begun = split_keys(typed)
            if self._begun and not self._is_gone and select.select([self._fd], [], [], REST_OF_A_KEY_S)[0]:
                more, self._begun = split_keys(self._begun + self._received())
                self._keys += more
            elif self._begun:
                self._begun = ""

        def _received(self) -> str:
            try:
                typed = os.read(self._fd, 64)
            except OSError:
                typed = b""
            self._is_gone = not typed
            return typed.decode(errors="ignore")
