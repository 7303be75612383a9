"""Single keys from a terminal that is given back as it was."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from voiceroutine.cli.display import KEYS
from voiceroutine.cli.keyboard import KEY_COMMANDS, KEY_NAMES, keys, split_keys
from voiceroutine.player import COMMANDS

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


@pytest.mark.parametrize(
    ("typed", "read", "begun"),
    [
        ("nN +", ["n", "n", " ", "+"], ""),
        ("\x1b[A\x1b[B\x1b[C\x1b[D\x1bOA", ["up", "down", "right", "left", "up"], ""),
        ("\x1b[H\x1b[15~\x1b[3~\x1b[1;5C\x1b[Zq", ["q"], ""),
        ("\x1bnr", ["r"], ""),
        ("m\x1b[", ["m"], "\x1b["),
        ("\x1b", [], "\x1b"),
        ("é[]", ["é", "[", "]"], ""),
    ],
)
def test_codes_of_other_keys_are_no_letters(typed: str, read: list[str], begun: str) -> None:
    assert split_keys(typed) == (read, begun)


def test_a_key_whose_code_comes_in_two_parts_is_one(terminal: tuple[int, int]) -> None:
    with keys() as read_key:
        os.write(terminal[0], b"\x1b")
        later = threading.Timer(0.01, os.write, (terminal[0], b"[Cn"))
        later.start()
        assert [read_key(1), read_key(1)] == ["right", "n"]
        later.join()


def test_escape_alone_is_forgotten(terminal: tuple[int, int]) -> None:
    with keys() as read_key:
        os.write(terminal[0], b"\x1b")
        assert read_key(0.2) is None
        os.write(terminal[0], b"[")
        assert read_key(0.2) == "["


def test_every_command_has_a_key_and_every_key_is_told() -> None:
    assert set(KEY_COMMANDS.values()) == set(COMMANDS) - {"pause", "resume"}
    told = {key for keys, _ in KEY_NAMES for key in keys.replace("space", " ").split(", ")}
    assert told == {*KEY_COMMANDS, "?"} - {"="}
    shown = {part.split()[0].replace("space", " ") for row in KEYS for part in row.split(" · ")}
    assert shown <= told


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


SHELL = """
import os, signal, sys
from voiceroutine.cli.keyboard import keys

class Screen:
    def leave(self): print("leave", flush=True)
    def enter(self): print("enter", flush=True)

with keys(Screen()) as read_key:
    print("ready", flush=True)
    key = None
    while key != "q":
        key = read_key(0.05)
        if key:
            print("key", key, flush=True)
"""


class Child:
    """A program in a terminal of its own, and a shell that started it."""

    def __init__(self) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            be_a_shell()
        self.text = ""

    def expect(self, text: str) -> None:
        until_s = time.monotonic() + 10
        while text not in self.text:
            assert time.monotonic() < until_s, self.text
            self.text += os.read(self.fd, 1024).decode()
        self.text = self.text.partition(text)[2]


def be_a_shell() -> None:
    """Start the program in the foreground of the terminal, and say when it stops."""
    program = os.fork()
    if program == 0:
        os.setpgid(0, 0)
        while os.tcgetpgrp(0) != os.getpid():
            time.sleep(0.01)
        os.execv(sys.executable, [sys.executable, "-c", SHELL])
    while os.getpgid(program) != program:
        time.sleep(0.01)
    os.tcsetpgrp(0, program)
    while os.WIFSTOPPED(os.waitpid(program, os.WUNTRACED)[1]):
        os.write(1, f"stopped {is_cooked(0)}\n".encode())
    os._exit(0)


def is_cooked(fd: int) -> list[bool]:
    flags = termios.tcgetattr(fd)[3]
    return [bool(flags & termios.ICANON), bool(flags & termios.ECHO)]


@pytest.mark.skipif(sys.platform == "darwin", reason="forking a process with threads isn't safe there")
def test_control_z_gives_the_terminal_to_the_shell_and_fg_takes_it_back() -> None:
    child = Child()
    child.expect("ready")
    assert is_cooked(child.fd) == [False, False]
    os.write(child.fd, b"n")
    child.expect("key n")
    os.write(child.fd, b"\x1a")
    child.expect("leave")
    child.expect("stopped [True, True]")
    os.killpg(os.tcgetpgrp(child.fd), signal.SIGCONT)
    child.expect("enter")
    assert is_cooked(child.fd) == [False, False]
    os.write(child.fd, b"mq")
    child.expect("key m")
    child.expect("key q")
    os.waitpid(child.pid, 0)
    os.close(child.fd)
