"""A session line by line: for pipes, logs and screen readers, and as JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from voiceroutine.cli.events import (
    Began,
    BrokeOff,
    CueHeard,
    Follower,
    Lengthened,
    LengthKnown,
    LevelsChanged,
    Moved,
    StateChanged,
)
from voiceroutine.cli.keyboard import KEY_NAMES
from voiceroutine.cli.views import KIND_NAMES, STANDSTILLS, detail_text, levels_text
from voiceroutine.cues import Speech
from voiceroutine.units import clock_text, duration_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceroutine.cli.events import Event
    from voiceroutine.player import Snapshot
    from voiceroutine.timeline import Placed


EVENT_NAMES: Mapping[type[Event], str] = {
    Began: "interval",
    CueHeard: "cue",
    StateChanged: "state",
    Moved: "jump",
    Lengthened: "more",
    LevelsChanged: "levels",
    BrokeOff: "break",
    LengthKnown: "duration",
}


class LineDisplay:
    """One line an event.

    Args:
        shows_words: whether sentences are printed too, because nobody speaks them.
        begins_by_key: whether it begins when a key is pressed.
        follower: tells what happened.
    """

    def __init__(self, *, shows_words: bool, begins_by_key: bool = False, follower: Follower | None = None) -> None:
        self._shows_words = shows_words
        self._begins_by_key = begins_by_key
        self._follower = follower or Follower()

    def show(self, snapshot: Snapshot) -> None:
        """Print what happened since the last time."""
        for event in self._follower.events(snapshot):
            text = self._text(event)
            is_early = isinstance(event, StateChanged) and event.state == "lead-in"
            has_clock = event.position_ms >= 0 and not is_early and not isinstance(event, CueHeard)
            if text:
                click.echo(f"{clock_text(event.position_ms) if has_clock else '':>8}  {text}")

    def _text(self, event: Event) -> str:
        text = ""
        match event:
            case Began(placed=placed):
                text = _interval_text(placed)
            case StateChanged():
                text = self._state_text(event)
            case CueHeard(cue=Speech() as speech) if self._shows_words:
                text = f'"{speech.utterance.text}"'
            case Moved(is_inside=True):
                text = _moved_text(event.position_ms - event.from_ms)
            case Lengthened(placed=placed):
                text = f"{duration_text(event.by_ms)} more, {duration_text(placed.end_ms - placed.start_ms)} in all"
            case LevelsChanged():
                text = levels_text(event.levels) or "voice and chimes as usual"
            case BrokeOff(breaks=breaks):
                text = f"sound broke off{f', {breaks} times so far' if breaks > 1 else ''}"
        return text

    def _state_text(self, event: StateChanged) -> str:
        if event.state != "lead-in":
            return _state_text(event)
        left_s = -event.position_ms // 1000
        if self._begins_by_key and event.before is None:
            return "press any key to begin"
        return f"starts in {left_s} seconds" if left_s > 1 else ""

    def say(self, text: str) -> None:
        """Print a message."""
        click.echo(text)

    def show_keys(self) -> None:
        """Print what every key does."""
        for keys, meaning in KEY_NAMES:
            click.echo(f"{keys:>11}  {meaning}")

    def leave(self) -> None:
        """There is nothing to take away."""

    def enter(self) -> None:
        """There is nothing to put back."""

    def close(self) -> None:
        """There is nothing to restore."""


def _interval_text(placed: Placed) -> str:
    interval = placed.interval
    name = f"{interval.step.name}: " if interval.step else KIND_NAMES[interval.kind]
    lasts = f", {duration_text(placed.end_ms - placed.start_ms)}" if interval.exact else ""
    return f"{name}{detail_text(placed)}{lasts}"


def _state_text(event: StateChanged) -> str:
    if event.state == "recovering" and event.trouble:
        return event.trouble
    if event.state in STANDSTILLS:
        return STANDSTILLS[event.state]
    was_still = event.before in STANDSTILLS and event.position_ms >= 0
    return "goes on" if event.state == "playing" and was_still else ""


def _moved_text(by_ms: int) -> str:
    return f"{'on' if by_ms > 0 else 'back'} by {max(1, round(abs(by_ms) / 1000))} s"


class QuietDisplay:
    """Nothing at all."""

    def show(self, snapshot: Snapshot) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def show_keys(self) -> None:
        """Show nothing."""

    def leave(self) -> None:
        """There is nothing to take away."""

    def enter(self) -> None:
        """There is nothing to put back."""

    def close(self) -> None:
        """There is nothing to restore."""


class JsonDisplay:
    """One JSON object a line, for programs; docs/session-events.md describes them.

    Args:
        title: of the routine.
        voice: who speaks.
        duration_ms: about how long all of it will last.
        follower: tells what happened.
    """

    def __init__(self, title: str, voice: str, duration_ms: int, follower: Follower | None = None) -> None:
        self._follower = follower or Follower()
        self._last: Snapshot | None = None
        _print("session", format=1, title=title, voice=voice, duration_ms=duration_ms)

    def show(self, snapshot: Snapshot) -> None:
        """Print what happened since the last time."""
        self._last = snapshot
        for event in self._follower.events(snapshot):
            name, about = event_data(event)
            _print(name, **about)

    def say(self, text: str) -> None:
        """Print a message."""
        _print("message", text=text)

    def show_keys(self) -> None:
        """Print nothing: programs have no keys."""

    def leave(self) -> None:
        """There is nothing to take away."""

    def enter(self) -> None:
        """There is nothing to put back."""

    def close(self) -> None:
        """Print how it ended, and how much of it was done."""
        last = self._last
        if last is None:
            return
        duration_ms = last.score.total_ms if last.score else 0
        done_ms = duration_ms if last.state == "done" else min(max(0, last.position_ms), duration_ms)
        _print(
            "end",
            position_ms=done_ms,
            state=last.state if last.state in {"done", "failed"} else "stopped",
            duration_ms=duration_ms,
            share=round(done_ms / duration_ms, 4) if duration_ms else 0.0,
            breaks=last.breaks,
        )


def event_data(event: Event) -> tuple[str, dict[str, Any]]:
    """Return the name of an event and what is told of it."""
    from voiceroutine.cli.show import cue_data, interval_data

    about: dict[str, Any] = {}
    match event:
        case Began(index=index, placed=placed):
            about = {"index": index, **interval_data(placed)}
        case CueHeard(cue=cue):
            about = cue_data(cue)
        case StateChanged():
            about = {"state": event.state, "trouble": event.trouble or None}
        case Moved():
            about = {"from_ms": event.from_ms}
        case Lengthened(index=index, placed=placed, by_ms=by_ms):
            about = {"by_ms": by_ms, "index": index, **interval_data(placed)}
        case LevelsChanged(levels=levels):
            about = {"voice_db": levels.voice_db, "chimes_db": levels.chimes_db, "is_muted": levels.is_muted}
        case BrokeOff():
            about = {"breaks": event.breaks}
        case LengthKnown():
            about = {"duration_ms": event.duration_ms}
    return EVENT_NAMES[type(event)], {"position_ms": event.position_ms, **about}


def _print(name: str, **about: object) -> None:
    click.echo(json.dumps({"event": name, **about}, ensure_ascii=False))
