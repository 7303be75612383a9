"""`voiceroutine play`."""

from __future__ import annotations

import signal
import sys
from contextlib import closing, contextmanager
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import click

from voiceroutine.cli.options import DEFAULT_ROUTINE, listening_options, produced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voiceroutine.cli.display import Display
    from voiceroutine.player import Command, Session, Snapshot
    from voiceroutine.production import Production
    from voiceroutine.score import Score
    from voiceroutine.sinks import Block, LiveSink

LOOK_S = 0.2
HEAD_START_S = 0.2
KEY_COMMANDS: dict[str, Command] = {
    " ": "toggle",
    "p": "toggle",
    "n": "next",
    "right": "next",
    "b": "previous",
    "left": "previous",
    "r": "repeat",
}


class _Delay(click.ParamType[int]):
    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from voiceroutine.units import parse_duration

        if isinstance(value, int):
            return value
        try:
            return parse_duration(float(value) if str(value).replace(".", "", 1).isdigit() else value)  # type: ignore[arg-type]
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("play")
@click.argument("routine", default=DEFAULT_ROUTINE)
@listening_options
@click.option("--device", metavar="NAME", help="The sound device, by name or number.")
@click.option("--delay", type=_Delay(), default=0, metavar="TIME", help='Time to reach the mat, like "10s".')
@click.option("--no-ui", is_flag=True, help="Print plain lines instead of the screen.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
def command(routine: str, device: str | None, delay: int, no_ui: bool, quiet: bool, **flags: Any) -> None:
    """Play ROUTINE aloud (a name or a file; neck-cooldown if none is given)."""
    from voiceroutine.cli.keyboard import can_read_keys
    from voiceroutine.errors import DeviceError
    from voiceroutine.player import LEAD_IN_MS, Session

    loudspeaker = partial(_open_device, device)
    session = Session(loudspeaker, lead_in_ms=max(LEAD_IN_MS, delay), has_listener=can_read_keys())
    with _interrupted_by_signals(), _running(session):
        session.wait_until_awake(HEAD_START_S)
        notices: SimpleQueue[str] = SimpleQueue()
        production = produced(routine, tell=notices.put, **flags)
        score = _perform(session, production)
        try:
            with closing(_display(production, no_ui=no_ui, quiet=quiet)) as display:
                _watch(session, score, display, notices)
        except DeviceError as error:
            raise DeviceError(f"{error}\n{_way_out(routine, flags)}") from error
        if not quiet:
            snapshot = session.snapshot()
            click.echo(_ending(snapshot, snapshot.score or score))


@contextmanager
def _running(session: Session) -> Iterator[None]:
    try:
        yield
    finally:
        session.stop()


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """End as by Ctrl-C, with the terminal restored, when the terminal is closed or the program is told to end."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _ending(snapshot: Snapshot, score: Score) -> str:
    from voiceroutine.units import clock_text

    if snapshot.state == "done":
        return f"Done: {clock_text(score.total_ms)}."
    return f"Stopped at {clock_text(max(0, snapshot.position_ms))} of {clock_text(score.total_ms)}."


def _open_device(device: str | None, first: Block) -> LiveSink:
    from voiceroutine.sinks.device import open_device

    return open_device(device, first)


def _perform(session: Session, production: Production) -> Score:
    from voiceroutine.score import score_of

    score = score_of(production)
    session.perform(score)
    return score


def _display(production: Production, *, no_ui: bool, quiet: bool) -> Display:
    from voiceroutine.cli.display import LineDisplay, ScreenDisplay

    if quiet:
        return _NoDisplay()
    choice, title = production.choice, production.routine.title
    is_silent = choice.engine.name == "silent" or production.routine.cues.profile == "bell"
    about_voice = f"{title}. Voice: {choice.engine.name} ({choice.why})."
    if no_ui or not _is_screen():
        lines = LineDisplay(shows_words=is_silent)
        lines.say(about_voice)
        return lines
    from rich.console import Console

    screen = ScreenDisplay(title, Console())
    if is_silent:
        screen.say(about_voice)
    return screen


def _is_screen() -> bool:
    import os

    return sys.stdout.isatty() and os.environ.get("TERM", "") != "dumb"


class _NoDisplay:
    def show(self, snapshot: object, score: object) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def close(self) -> None:
        """There is nothing to restore."""


def _watch(session: Session, score: Score, display: Display, notices: SimpleQueue[str]) -> None:
    from voiceroutine.cli.keyboard import keys

    with keys() as read_key:
        while not session.wait(0):
            while not notices.empty():
                display.say(notices.get())
            key = read_key(LOOK_S)
            if key == "q":
                return
            if key in KEY_COMMANDS:
                session.send(KEY_COMMANDS[key])
            snapshot = session.snapshot()
            display.show(snapshot, snapshot.score or score)


def _way_out(routine: str, flags: Mapping[str, Any]) -> str:
    import shlex
    from pathlib import Path

    parts = [*_program(), "export", routine]
    for name, value in flags.items():
        parts += [f"--{name.replace('_', '-')}"] * bool(value) + ([str(value)] if value and value is not True else [])
    parts += ["-o", Path(routine).name.removesuffix(".toml") + ".wav"]
    return f"To make a file instead and play it elsewhere: {shlex.join(parts)}"


def _program() -> list[str]:
    """Return how this program was called, so that a command in a message works as it is."""
    import shutil

    called = sys.argv[0]
    if called.endswith(".py"):
        return [sys.executable, "-m", "voiceroutine"]
    return ["voiceroutine"] if shutil.which("voiceroutine") == called else [called]
