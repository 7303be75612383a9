"""`voiceroutine play`."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from voiceroutine.cli.options import DEFAULT_ROUTINE, listening_options, produced

if TYPE_CHECKING:
    from voiceroutine.cli.display import Display
    from voiceroutine.cli.keyboard import ReadKey
    from voiceroutine.player import Command, Score, Session
    from voiceroutine.production import Production
    from voiceroutine.sinks import Block, LiveSink

LOOK_S = 0.1
HEAD_START_S = 0.2
KEY_COMMANDS: dict[str, Command] = {
    " ": "pause",
    "p": "pause",
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
    from voiceroutine.errors import DeviceError
    from voiceroutine.player import LEAD_IN_MS, Session

    session = Session(partial(_open_device, device), lead_in_ms=max(LEAD_IN_MS, delay))
    session.wait_until_awake(HEAD_START_S)
    try:
        production = produced(routine, **flags)
        score = _perform(session, production)
        with closing(_display(production, no_ui=no_ui, quiet=quiet)) as display:
            _watch(session, score, display)
    except DeviceError as error:
        raise DeviceError(f"{error}\n{_way_out(routine)}") from error
    finally:
        session.stop()


def _open_device(device: str | None, first: Block) -> LiveSink:
    from voiceroutine.sinks.device import open_device

    return open_device(device, first)


def _perform(session: Session, production: Production) -> Score:
    from voiceroutine.player import Score

    score = Score(production.placed(), production.mix())
    session.perform(score)
    return score


def _display(production: Production, *, no_ui: bool, quiet: bool) -> Display:
    from voiceroutine.cli.display import LineDisplay, ScreenDisplay

    if quiet:
        return _NoDisplay()
    choice, title = production.choice, production.routine.title
    is_silent = choice.engine.name == "silent" or production.routine.cues.profile == "bell"
    about_voice = f"{title}. Voice: {choice.engine.name} ({choice.why})"
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


def _watch(session: Session, score: Score, display: Display) -> None:
    from voiceroutine.cli.keyboard import keys

    with keys() as read_key:
        while not session.wait(0):
            if _pressed(read_key, session):
                return
            display.show(session.snapshot(), score)
            time.sleep(LOOK_S)


def _pressed(read_key: ReadKey, session: Session) -> bool:
    """Pass keys on; return whether the listener wants to quit."""
    while (key := read_key()) is not None:
        if key == "q":
            return True
        if key in KEY_COMMANDS:
            session.send(KEY_COMMANDS[key])
    return False


def _way_out(routine: str) -> str:
    import shlex
    from pathlib import Path

    target = f"{Path(routine).stem}.wav"
    parts = ["voiceroutine", "export", routine, "-o", target]
    install = (
        "On Debian or Ubuntu, live sound needs: sudo apt install libportaudio2\n" if sys.platform == "linux" else ""
    )
    return f"{install}To make a file instead and play it elsewhere: {shlex.join(parts)}"
