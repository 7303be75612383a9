"""`voiceroutine play`."""

from __future__ import annotations

import sys
from contextlib import closing, contextmanager
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import click

from voiceroutine.cli.options import DEFAULT_ROUTINE, listening_options, produced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voiceroutine.cli.diary import Diary
    from voiceroutine.cli.display import Display
    from voiceroutine.history import Ended
    from voiceroutine.player import Session, Snapshot
    from voiceroutine.production import Production
    from voiceroutine.score import Score
    from voiceroutine.sinks import Block, LiveSink
    from voiceroutine.status import Status

LOOK_S = 0.2
HEAD_START_S = 0.2
FLAG_NAMES = {"start": "--from"}
A_KEY = "key"


class _Delay(click.ParamType[int | str]):
    """A time, or "key": until one is pressed."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        from voiceroutine.units import parse_duration

        if isinstance(value, int) or value == A_KEY:
            return value
        try:
            return parse_duration(float(value) if str(value).replace(".", "", 1).isdigit() else value)  # type: ignore[arg-type]
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("play")
@click.argument("routine", default=DEFAULT_ROUTINE)
@listening_options
@click.option("--device", metavar="NAME", help="The sound device, by name or number.")
@click.option(
    "--delay",
    type=_Delay(),
    default=0,
    metavar="TIME|key",
    help='Time to reach the mat, like "10s"; "key" waits for one.',
)
@click.option("--resume", is_flag=True, help="Go on where this routine was interrupted, without asking.")
@click.option("--fresh", is_flag=True, help="Begin at the beginning, without asking.")
@click.option("--no-ui", is_flag=True, help="Print a line for each event instead of the screen.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each event, a line each, for programs.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
def command(
    routine: str,
    *,
    device: str | None,
    delay: int | str,
    resume: bool,
    fresh: bool,
    no_ui: bool,
    as_json: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    """Play ROUTINE aloud (a name or a file; neck-cooldown if none is given)."""
    from voiceroutine.cli.keyboard import can_read_keys
    from voiceroutine.errors import DeviceError
    from voiceroutine.player import Session

    _check_flags(delay, resume=resume, fresh=fresh, as_json=as_json, quiet=quiet)
    loudspeaker = partial(_open_device, device)
    session = Session(loudspeaker, lead_in_ms=_lead_in_ms(delay), has_listener=can_read_keys())
    with _running(session):
        session.wait_until_awake(HEAD_START_S)
        notices: SimpleQueue[str] = SimpleQueue()
        production = produced(routine, tell=notices.put, **flags)
        for change in production.routine.changes:
            notices.put(change.text)
        diary = _diary(production, routine, flags)
        asks = not (fresh or as_json or quiet) and can_read_keys() and sys.stdout.isatty()
        start_index = _start_index(diary, notices, resumes=resume, asks=asks)
        score = _perform(session, production, start_index)
        show = partial(_display, production, begins_by_key=delay == A_KEY, no_ui=no_ui, quiet=quiet, as_json=as_json)
        try:
            with _kept(diary, session, notices), closing(show()) as display, _reachable(session, production):
                _watch(session, display, notices, diary, any_key_begins=bool(delay))
        except DeviceError as error:
            raise DeviceError(f"{error}\n{_ways_out(routine, flags, session.snapshot())}") from error
        if not quiet and not as_json:
            snapshot = session.snapshot()
            ending = _ending(snapshot, snapshot.score or score, is_kept=diary.keeps(snapshot))
            click.echo("\n".join([*_all(notices), ending]))


def _diary(production: Production, routine: str, flags: Mapping[str, Any]) -> Diary:
    from voiceroutine.cli.diary import Diary

    told = {name: ",".join(value) if isinstance(value, tuple) else value for name, value in flags.items() if value}
    return Diary(production, routine, told)


def _start_index(diary: Diary, notices: SimpleQueue[str], *, resumes: bool, asks: bool) -> int:
    """Return the interval to begin with: where the session was interrupted, if the listener wants to go on there."""
    found = diary.place() if resumes or asks else None
    if found is None:
        if resumes:
            notices.put("No interrupted session of this routine is remembered, so it begins at the beginning.")
        return 0
    index, where = found
    return index if resumes or _is_confirmed(f"Go on with {where}?") else 0


def _is_confirmed(question: str) -> bool:
    """Ask on the standard output: C's error output, where `input` asks, is dropped while a loudspeaker is open."""
    while True:
        click.echo(f"{question} [Y/n]: ", nl=False)
        answer = sys.stdin.readline()
        if not answer:
            raise click.Abort
        if answer.strip().lower() in {"", "y", "yes", "n", "no"}:
            return answer.strip().lower() not in {"n", "no"}
        click.echo("Please answer y or n.")


@contextmanager
def _kept(diary: Diary, session: Session, notices: SimpleQueue[str]) -> Iterator[None]:
    """Keep what is to be kept of a session, however it ends."""
    from voiceroutine.errors import DeviceError

    ended: Ended = "stopped"
    try:
        yield
        ended = "done" if session.snapshot().state == "done" else "stopped"
    except DeviceError:
        ended = "lost device"
        raise
    finally:
        if trouble := diary.close(session.snapshot(), ended):
            notices.put(trouble)


@contextmanager
def _reachable(session: Session, production: Production) -> Iterator[None]:
    """Let other programs of this user control the session, and keep the machine awake for it."""
    from voiceroutine.awake import awake
    from voiceroutine.mpris import MediaKeys
    from voiceroutine.remote import RemoteControl
    from voiceroutine.status import status_of

    def describe() -> Status:
        return status_of(production.routine.title, session.snapshot())

    with RemoteControl(session, describe), MediaKeys(session, describe), awake():
        yield


def _all(notices: SimpleQueue[str]) -> Iterator[str]:
    while not notices.empty():
        yield notices.get()


def _check_flags(delay: int | str, *, resume: bool, fresh: bool, as_json: bool, quiet: bool) -> None:
    from voiceroutine.cli.keyboard import can_read_keys

    if resume and fresh:
        raise click.UsageError("--resume goes on and --fresh begins anew; give one of them.")
    if as_json and quiet:
        raise click.UsageError("--json prints and --quiet doesn't; give one of them.")
    if delay == A_KEY and not can_read_keys():
        raise click.UsageError('There is no terminal to press a key on; give --delay a time, like "10s".')


def _lead_in_ms(delay: int | str) -> int | None:
    from voiceroutine.player import LEAD_IN_MS

    return max(LEAD_IN_MS, delay) if isinstance(delay, int) else None


@contextmanager
def _running(session: Session) -> Iterator[None]:
    try:
        yield
    finally:
        session.stop()


def _ending(snapshot: Snapshot, score: Score, *, is_kept: bool) -> str:
    from voiceroutine.units import clock_text

    broke_off = f"Sound broke off {_times(snapshot.breaks)}." if snapshot.breaks else ""
    if snapshot.state == "done":
        return f"Done: {clock_text(score.total_ms)}. {broke_off}".rstrip()
    stopped = f"Stopped at {clock_text(max(0, snapshot.position_ms))} of {clock_text(score.total_ms)}."
    goes_on = "With --resume it goes on there." if is_kept else ""
    return " ".join(filter(None, (stopped, goes_on, broke_off)))


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _open_device(device: str | None, first: Block) -> LiveSink:
    from voiceroutine.sinks.device import open_device

    return open_device(device, first)


def _perform(session: Session, production: Production, start_index: int) -> Score:
    from voiceroutine.score import score_of

    score = score_of(production)
    session.perform(score, start_index)
    return score


def _display(production: Production, *, begins_by_key: bool, no_ui: bool, quiet: bool, as_json: bool) -> Display:
    from voiceroutine.cli.lines import LineDisplay, QuietDisplay
    from voiceroutine.cli.show import voice_text

    choice, title = production.choice, production.routine.title
    voice = voice_text(production)
    is_silent = choice.engine.name == "silent" or production.routine.cues.profile == "bell"
    if as_json:
        from voiceroutine.cli.lines import JsonDisplay

        return JsonDisplay(title, voice, production.estimated_timeline().duration_ms)
    if quiet:
        return QuietDisplay()
    if no_ui or not _is_screen():
        lines = LineDisplay(shows_words=is_silent, begins_by_key=begins_by_key)
        lines.say(f"{title}. Voice: {choice.engine.name} ({choice.why}).")
        return lines
    from rich.console import Console

    from voiceroutine.cli.display import ScreenDisplay

    return ScreenDisplay(title, Console(), voice=voice, shows_words=is_silent, begins_by_key=begins_by_key)


def _is_screen() -> bool:
    import os

    from voiceroutine.cli.keyboard import is_in_background

    if not sys.stdout.isatty() or os.environ.get("TERM", "") == "dumb":
        return False
    return not is_in_background(sys.stdout.fileno())


def _watch(
    session: Session, display: Display, notices: SimpleQueue[str], diary: Diary, *, any_key_begins: bool
) -> None:
    from voiceroutine.cli.keyboard import keys

    with keys(display) as read_key:
        while not session.wait(0):
            for notice in _all(notices):
                display.say(notice)
            key = read_key(LOOK_S)
            if key is not None:
                any_key_begins = _obey(key, session, display, any_key_begins=any_key_begins)
            snapshot = session.snapshot()
            diary.look(snapshot)
            display.show(snapshot)
        display.show(session.snapshot())


def _obey(key: str, session: Session, display: Display, *, any_key_begins: bool) -> bool:
    """Do what a key means; return whether any key still begins the session."""
    from voiceroutine.cli.events import is_leading_in
    from voiceroutine.cli.keyboard import KEY_COMMANDS

    if key == "?":
        display.show_keys()
    elif any_key_begins and key != "q" and is_leading_in(session.snapshot()):
        session.send("resume")
        return False
    elif key in KEY_COMMANDS:
        session.send(KEY_COMMANDS[key])
    return any_key_begins


def _ways_out(routine: str, flags: Mapping[str, Any], snapshot: Snapshot) -> str:
    """Return the commands that help: to go on later, if anything was heard, and to make a file."""
    import shlex
    from pathlib import Path

    asked = [routine]
    for name, value in flags.items():
        asked += _as_given(FLAG_NAMES.get(name) or f"--{name.replace('_', '-')}", value)
    export = [*_program(), "export", *asked, "-o", Path(routine).name.removesuffix(".toml") + ".wav"]
    file = f"To make a file instead and play it elsewhere: {shlex.join(export)}"
    if snapshot.position_ms <= 0:
        return file
    later = shlex.join([*_program(), "play", *asked, "--resume"])
    return f"Your place is kept. To go on later: {later}\n{file}"


def _as_given(flag: str, value: object) -> list[str]:
    if value is True:
        return [flag]
    values = value if isinstance(value, tuple) else (value,)
    return [part for one in values if one for part in (flag, str(one))]


def _program() -> list[str]:
    """Return how this program was called, so that a command in a message works as it is."""
    import shutil

    called = sys.argv[0]
    if called.endswith(".py"):
        return [sys.executable, "-m", "voiceroutine"]
    return ["voiceroutine"] if shutil.which("voiceroutine") == called else [called]
