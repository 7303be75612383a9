"""Single keys from a terminal that is given back as it was."""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from voiceroutine.cli.keyboard import keys

if sys.platform == "win32":
    pytest.skip("terminals are made otherwise there", allow_module_level=True)

import pty
import termios

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """Yield both ends of a terminal, the inner one being the standard input."""
    try:
        outside, inside = pty.openpty()
    except OSError as error:
        pytest.skip(f"this system gives no terminals: {error}")
    with os.fdopen(inside, closefd=False) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield outside, inside
    for fd in (outside, inside):
        try:
            os.close(fd)
        except OSError:
            continue


def test_every_key_counts_also_when_several_come_at_once(terminal: tuple[int, int]) -> None:
    with keys() as read_key:
        os.write(terminal[0], b"nN \x1b[C\x1b[C\x1bODq")
        read = [read_key(0.2) for _ in range(7)]
        assert read == ["n", "n", " ", "right", "right", "left", "q"]
        assert read_key(0.01) is None


def test_the_terminal_is_given_back_as_it_was(terminal: tuple[int, int]) -> None:
    before = termios.tcgetattr(terminal[1])
    with pytest.raises(KeyboardInterrupt), keys():
        assert termios.tcgetattr(terminal[1]) != before
        raise KeyboardInterrupt
    assert termios.tcgetattr(terminal[1]) == before


def test_keys_work_again_after_the_shell_had_the_terminal(terminal: tuple[int, int]) -> None:
    cooked = termios.tcgetattr(terminal[1])
    with keys() as read_key:
        termios.tcsetattr(terminal[1], termios.TCSANOW, cooked)
        os.kill(os.getpid(), signal.SIGCONT)
        os.write(terminal[0], b"n")
        assert read_key(0.5) == "n"


def test_a_terminal_that_goes_away_gives_no_keys_and_keeps_nobody_busy(terminal: tuple[int, int]) -> None:
    with keys() as read_key:
        os.close(terminal[0])
        began_s, busy_s = time.monotonic(), time.process_time()
        assert [read_key(0.05) for _ in range(5)] == [None] * 5
        assert time.monotonic() - began_s >= 0.2
        assert time.process_time() - busy_s < 0.1


def test_without_a_terminal_there_are_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("n"))
    with keys() as read_key:
        assert read_key(0.01) is None
