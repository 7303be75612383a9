"""Every key of a session in a real terminal, and what becomes of the terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from voiceroutine.cli.keyboard import KEY_COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .conftest import SoundCard

pytestmark = pytest.mark.audio

PATIENCE_S = 30.0
SOON_S = 5.0
CODES = {"right": "\x1b[C", "left": "\x1b[D", "up": "\x1b[A", "down": "\x1b[B"}
ROUTINE = """
title = "Keys"
cues = { safety = false }
[[steps]]
name = "First"
hold = "30s"
prepare = 0
sides = "each"
[[steps]]
name = "Second"
hold = "30s"
prepare = 0
[[steps]]
wait = "5s"
[[steps]]
name = "Third"
hold = "30s"
"""


@pytest.fixture
def routine(tmp_path: Path) -> Path:
    file = tmp_path / "keys.toml"
    file.write_text(ROUTINE)
    return file


def play(routine: Path, *flags: str) -> list[str]:
    return [sys.executable, "-m", "voiceroutine", "play", str(routine), *flags]


@dataclass
class Listener:
    """A session that is controlled from a terminal, and tells its events to a program."""

    player: subprocess.Popen[str]
    terminal: int
    events: list[dict[str, Any]] = field(default_factory=list)
    seen: int = 0

    def read(self) -> None:
        assert self.player.stdout is not None
        for line in self.player.stdout:
            self.events.append(json.loads(line))

    def press(self, key: str) -> None:
        """Press a key; what is expected next comes after it."""
        self.seen = len(self.events)
        os.write(self.terminal, CODES.get(key, key).encode())

    def expect(self, name: str, within_s: float = SOON_S, **about: Any) -> dict[str, Any]:
        """Wait for an event and return it."""
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            for index, event in enumerate(self.events[self.seen :], start=self.seen):
                if event["event"] == name and about.items() <= event.items():
                    self.seen = index + 1
                    return event
            time.sleep(0.01)
        raise AssertionError(f"no {name} {about} in {self.events[self.seen :]}")


@pytest.fixture
def listener(soundcard: SoundCard, routine: Path) -> Iterator[Listener]:
    terminal, inside = pty.openpty()
    player = subprocess.Popen(
        play(routine, "--json", "--delay", "key"),
        stdin=inside,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=soundcard.environment,
    )
    listener = Listener(player, terminal)
    reader = threading.Thread(target=listener.read)
    reader.start()
    with player:
        yield listener
        player.kill()
        reader.join()
    for fd in (terminal, inside):
        os.close(fd)


def test_every_key_does_what_it_says(listener: Listener) -> None:
    pressed = set[str]()

    def press(key: str) -> None:
        pressed.add(key)
        listener.press(key)

    listener.expect("state", PATIENCE_S, state="lead-in")
    time.sleep(1)
    assert {event["event"] for event in listener.events} == {"session", "state", "duration"}
    listener.press("x")
    listener.expect("interval", PATIENCE_S, kind="intro")
    press("n")
    listener.expect("interval", step="First", kind="prepare")
    listener.expect("interval", PATIENCE_S, step="First", kind="work")
    hold_ms = listener.events[listener.seen - 1]["start_ms"]
    for key in (" ", "p"):
        press(key)
        still = listener.expect("state", state="paused")["position_ms"]
        press(key)
        listener.expect("state", state="counting in")
        goes_on = listener.expect("state", 4, state="playing")["position_ms"]
        assert 0 <= goes_on - still < 400
    press("right")
    jump = listener.expect("jump")
    assert 4_000 < jump["position_ms"] - jump["from_ms"] < 6_500
    press("left")
    jump = listener.expect("jump")
    assert -5_500 < jump["position_ms"] - jump["from_ms"] < -4_000
    for key in ("+", "="):
        press(key)
        assert listener.expect("more", by_ms=10_000)["start_ms"] == hold_ms
    for key, levels in (
        ("m", {"is_muted": True}),
        ("m", {"is_muted": False}),
        ("up", {"voice_db": 3.0}),
        ("down", {"voice_db": 0.0}),
        ("]", {"chimes_db": 3.0}),
        ("[", {"chimes_db": 0.0}),
    ):
        press(key)
        listener.expect("levels", **levels)
    press("r")
    listener.expect("interval", step="First", kind="prepare")
    listener.press("n")
    listener.expect("interval", step="Second", kind="prepare")
    press("b")
    listener.expect("interval", step="First", kind="prepare")
    press("q")
    end = listener.expect("end", PATIENCE_S)
    assert (end["state"], 0 < end["share"] < 1) == ("stopped", True)
    assert listener.player.wait(5) == 0
    assert pressed == set(KEY_COMMANDS)


def test_space_goes_on_from_a_wait(listener: Listener) -> None:
    listener.expect("state", PATIENCE_S, state="lead-in")
    listener.press("x")
    listener.expect("interval", PATIENCE_S, kind="intro")
    for step in ("First", "Second"):
        listener.press("n")
        listener.expect("interval", step=step, kind="prepare")
    for _ in range(5):
        listener.press("right")
        listener.expect("jump")
    listener.expect("interval", PATIENCE_S, kind="wait")
    listener.expect("state", PATIENCE_S, state="your turn")
    listener.press(" ")
    listener.expect("interval", step="Third", kind="prepare")


@dataclass(frozen=True)
class Pane:
    """A terminal of tmux, with a shell in it."""

    socket: str

    def tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self.socket, "-f", os.devnull, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout

    def rows(self) -> list[str]:
        return self.tmux("capture-pane", "-p").splitlines()

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def wait_for(self, pattern: str, within_s: float = PATIENCE_S) -> list[str]:
        until_s = time.monotonic() + within_s
        while not re.search(pattern, text := "\n".join(self.rows()), re.MULTILINE):
            assert time.monotonic() < until_s, f"no {pattern!r} in\n{text}"
            time.sleep(0.05)
        return self.rows()


@pytest.fixture
def pane(soundcard: SoundCard, tmp_path: Path) -> Iterator[Callable[[int, int], Pane]]:
    if not shutil.which("tmux"):
        pytest.skip("tmux isn't there")
    pane = Pane(f"voiceroutine-{os.getpid()}")

    def open_pane(width: int, height: int) -> Pane:
        # Who runs tests side by side may set a size, which would go before the terminal's own.
        inherited = {name: value for name, value in soundcard.environment.items() if name not in {"COLUMNS", "LINES"}}
        environment = {**inherited, "PS1": "$ ", "HISTFILE": str(tmp_path / "history")}
        command = [
            "tmux",
            "-L",
            pane.socket,
            "-f",
            os.devnull,
            "new-session",
            "-d",
            "-x",
            f"{width}",
            "-y",
            f"{height}",
        ]
        subprocess.run([*command, "bash --norc --noprofile"], check=True, env=environment, timeout=30)
        pane.tmux("set", "status", "off")
        return pane

    yield open_pane
    subprocess.run(["tmux", "-L", pane.socket, "kill-server"], check=False, capture_output=True, timeout=30)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 12), (120, 40)])
def test_a_session_on_the_screen(pane: Callable[[int, int], Pane], routine: Path, width: int, height: int) -> None:
    terminal = pane(width, height)
    terminal.press(f"cd {shlex.quote(str(routine.parent))}; clear", "Enter")
    terminal.press(shlex.join([sys.executable, *play(Path(routine.name), "--delay", "key")[1:]]), "Enter")
    terminal.wait_for("Press any key to begin")
    terminal.press("x")
    terminal.wait_for(r"^ *Welcome$")
    terminal.press("n")
    rows = terminal.wait_for(r"^ *hold · right$")
    assert len(rows) == height
    assert rows[-1].strip().endswith("q quit")
    assert [row for row in rows if "First" in row]
    assert sum("█" in row for row in rows) >= 5
    terminal.press("Space")
    terminal.wait_for(r"^ *paused$")
    terminal.press("?")
    assert "pause, or go on" in "\n".join(terminal.wait_for(r"^ *\?  these keys$"))
    terminal.press("?", "Space")
    terminal.wait_for("goes on in a moment")
    terminal.wait_for("━")
    terminal.press("m")
    terminal.wait_for("voice off")
    terminal.press("C-z")
    terminal.wait_for(r"Stopped")
    terminal.press("fg", "Enter")
    terminal.wait_for(r"^ *hold · right$")
    terminal.press("q")
    rows = terminal.wait_for(r"^Stopped at 0:\d\d of")
    assert not any("█" in row for row in rows)
    terminal.press("stty -a", "Enter")
    assert re.search(r"(?<!-)\bicanon\b", "\n".join(terminal.wait_for("icanon")))


def test_what_was_interrupted_is_offered(pane: Callable[[int, int], Pane], routine: Path) -> None:
    terminal = pane(80, 24)
    terminal.press(f"export XDG_STATE_HOME={shlex.quote(str(routine.parent))}; clear", "Enter")
    again = shlex.join([sys.executable, "-m", "voiceroutine", "play", str(routine)])
    terminal.press(again, "Enter")
    terminal.wait_for(r"^ *Welcome$")
    terminal.press("n")
    terminal.wait_for(r"^ *hold · right$")
    terminal.press("n")
    terminal.wait_for(r"^ *Second$")
    terminal.press("q")
    terminal.wait_for("With --resume it goes on there.")
    terminal.press(f"clear; {again}", "Enter")
    terminal.wait_for(r"^Go on with Second; stopped at \d:\d\d, just now\? \[Y/n\]: *$")
    terminal.press("what", "Enter")
    terminal.wait_for(r"^Please answer y or n\.$")
    terminal.press("y", "Enter")
    terminal.wait_for(r"^ *Second$")
    terminal.press("q")


def test_another_size_is_taken_at_once(pane: Callable[[int, int], Pane], routine: Path) -> None:
    terminal = pane(80, 24)
    terminal.press(shlex.join(play(routine)), "Enter")
    terminal.wait_for("b back")
    terminal.tmux("resize-window", "-x", "40", "-y", "12")
    rows = terminal.wait_for(r"^ space pause · n next · \? keys · q quit$")
    assert max(map(len, rows)) <= 40


def test_two_signals_at_once_leave_the_terminal_as_it_was(soundcard: SoundCard, routine: Path) -> None:
    terminal, inside = pty.openpty()
    before = termios.tcgetattr(inside)
    environment = {**soundcard.environment, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    player = subprocess.Popen(play(routine), stdin=inside, stdout=inside, stderr=inside, env=environment)
    shown = bytearray()
    reader = threading.Thread(target=lambda: read_all(terminal, shown))
    reader.start()
    time.sleep(3)
    player.send_signal(signal.SIGQUIT)
    player.send_signal(signal.SIGTERM)
    assert player.wait(10) == 130
    assert termios.tcgetattr(inside) == before
    os.close(inside)
    reader.join()
    os.close(terminal)
    assert shown.count(b"\x1b[?1049h") == shown.count(b"\x1b[?1049l") == 1
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h") == 1
    assert b"Traceback" not in shown


def read_all(terminal: int, shown: bytearray) -> None:
    while True:
        try:
            shown += os.read(terminal, 65536)
        except OSError:
            return
