"""What is shown while a session plays: a calm screen on a terminal, a line an event elsewhere."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import click

from voiceroutine.cues import Speech
from voiceroutine.units import clock_text, duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console, RenderableType

    from voiceroutine.player import Snapshot
    from voiceroutine.score import Score
    from voiceroutine.timeline import Placed

KEYS = "space pause · n next · b back · r repeat · q quit"
SHORT_KEYS = "keys: space n b r q"
ROOMY_ROWS = 18
JUMP_MS = 500


class Display(Protocol):
    """Shows a session."""

    def show(self, snapshot: Snapshot, score: Score) -> None:
        """Show what is heard now, where that differs from before."""

    def say(self, text: str) -> None:
        """Show a message beside the session."""

    def close(self) -> None:
        """Leave the terminal as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a listener may want to see, as text.

    Attributes:
        name: of the exercise, or what goes on.
        detail: side, set and rep.
        count: what is left of this interval, or "".
        share: how much of this interval is over, 0 to 1.
        next: what follows.
        words: what is being said.
        session: how far the whole is.
        session_share: the same, 0 to 1.
    """

    name: str
    detail: str
    count: str
    share: float
    next: str
    words: str
    session: str
    session_share: float


def is_leading_in(snapshot: Snapshot, score: Score) -> bool:
    """Whether nothing of the routine has sounded yet."""
    return snapshot.state == "lead-in" or snapshot.position_ms < 0 or not score.placed


KIND_NAMES = {
    "intro": "Welcome",
    "prepare": "Get ready",
    "relax": "Let go",
    "switch": "Change sides",
    "rest": "Rest",
    "say": "Listen",
    "wait": "Your turn",
    "closing": "Done",
}


STANDSTILLS: Mapping[str, str] = {
    "paused": "paused",
    "waiting": "waiting",
    "your turn": "press space to go on",
}


def view_of(snapshot: Snapshot, score: Score) -> View:
    """Return what there is to see at a moment of a session."""
    placed = score.placed[snapshot.index]
    now_ms = max(0, snapshot.position_ms)
    start_ms, end_ms = _bounds(score.placed, snapshot.index)
    left_ms = max(0, end_ms - now_ms)
    about = "" if score.is_complete else "about "
    return View(
        name=placed.interval.step.name if placed.interval.step else KIND_NAMES.get(placed.interval.kind, ""),
        detail=detail_text(placed),
        count=f"{-(-left_ms // 1000)}",
        share=min(1.0, (now_ms - start_ms) / max(1, end_ms - start_ms)),
        next=_next_text(score.placed, snapshot.index),
        words=_words_at(placed, now_ms),
        session=f"{clock_text(now_ms)} of {about}{clock_text(score.total_ms)}",
        session_share=min(1.0, now_ms / max(1, score.total_ms)),
    )


def detail_text(placed: Placed) -> str:
    """Write what goes on: "hold · right side · rep 2 of 5"."""
    interval, step = placed.interval, placed.interval.step
    if step is None:
        return ""
    doing = step.action if placed.interval.exact else KIND_NAMES[interval.kind].lower()
    parts = [interval.phase.say.rstrip(".").lower() if interval.phase and interval.phase.say else doing]
    parts += [interval.side] if interval.side else []
    parts += [f"rep {interval.rep} of {step.reps}"] if step.reps > 1 else []
    parts += [f"set {interval.set} of {step.sets}"] if step.sets > 1 else []
    return " · ".join(parts)


def _bounds(placed: Sequence[Placed], index: int) -> tuple[int, int]:
    """Return start and end of what is counted: all phases of a rep, or one interval."""
    first = last = index
    while first > 0 and placed[first - 1].interval.same_rep(placed[first].interval):
        first -= 1
    while last + 1 < len(placed) and placed[last].interval.same_rep(placed[last + 1].interval):
        last += 1
    return placed[first].start_ms, placed[last].end_ms


def _next_text(placed: Sequence[Placed], index: int) -> str:
    here = placed[index].interval
    if here.kind == "intro" or not here.exact:
        following = next((one for one in placed[index + 1 :] if one.interval.exact), None)
        if following is not None and following.interval.step is not None and here.step is None:
            return following.interval.step.name
    after = next((one.interval for one in placed[index + 1 :] if one.interval.kind != "work"), None)
    if here.exact and after is not None and after.step is here.step and after.kind != "prepare":
        return {"switch": f"{after.side}", "relax": f"rep {after.rep}", "rest": f"set {after.set}"}[after.kind]
    return here.next_step.name if here.next_step else ""


def _words_at(placed: Placed, now_ms: int) -> str:
    said = [cue for cue in placed.cues if isinstance(cue, Speech) and cue.at_ms <= now_ms]
    return said[-1].utterance.text if said else ""


class LineDisplay:
    """One line an interval, for pipes, logs and screen readers.

    Args:
        shows_words: whether sentences are printed too, because nobody speaks them.
    """

    def __init__(self, *, shows_words: bool) -> None:
        self._shows_words = shows_words
        self._state = ""
        self._index = -1
        self._position_ms = 0
        self._words: Speech | None = None

    def show(self, snapshot: Snapshot, score: Score) -> None:
        """Print what began since the last time."""
        self._print_state(snapshot)
        if is_leading_in(snapshot, score):
            return
        jumped_back = snapshot.position_ms < self._position_ms - JUMP_MS
        self._position_ms = snapshot.position_ms
        if snapshot.index != self._index or jumped_back:
            self._index = snapshot.index
            self._words = None
            self._print_interval(score.placed[snapshot.index])
        if self._shows_words:
            self._print_words(score.placed[snapshot.index], snapshot.position_ms)

    def _print_state(self, snapshot: Snapshot) -> None:
        if snapshot.state == self._state:
            return
        before, self._state = self._state, snapshot.state
        left_s = -snapshot.position_ms // 1000
        if snapshot.state == "lead-in" and left_s > 1:
            click.echo(f"{'':>8}  starts in {left_s} seconds")
        elif snapshot.state in STANDSTILLS:
            click.echo(f"{clock_text(max(0, snapshot.position_ms)):>8}  {STANDSTILLS[snapshot.state]}")
        elif snapshot.state == "playing" and before in STANDSTILLS:
            click.echo(f"{clock_text(max(0, snapshot.position_ms)):>8}  goes on")

    def _print_interval(self, placed: Placed) -> None:
        interval = placed.interval
        name = f"{interval.step.name}: " if interval.step else KIND_NAMES[interval.kind]
        lasts = f", {duration_text(interval.minimum_ms)}" if interval.exact else ""
        click.echo(f"{clock_text(placed.start_ms):>8}  {name}{detail_text(placed)}{lasts}")

    def _print_words(self, placed: Placed, now_ms: int) -> None:
        said = [cue for cue in placed.cues if isinstance(cue, Speech) and cue.at_ms <= now_ms]
        if said and said[-1] is not self._words:
            self._words = said[-1]
            click.echo(f'{"":>8}  "{said[-1].utterance.text}"')

    def say(self, text: str) -> None:
        """Print a message."""
        click.echo(text)

    def close(self) -> None:
        """There is nothing to restore."""


class ScreenDisplay:
    """A screen that can be read from the mat: the name, what to do, a large count, two bars."""

    def __init__(self, title: str, console: Console) -> None:
        from rich.live import Live

        self._title = title
        self._console = console
        self._shown: tuple[object, ...] = ()
        self._message = ""
        self._live = Live(console=console, auto_refresh=False, screen=True)
        self._live.start()

    def show(self, snapshot: Snapshot, score: Score) -> None:
        """Draw, if anything changed."""
        size = self._console.size
        if is_leading_in(snapshot, score):
            what: tuple[object, ...] = (snapshot.state, -(-max(0, -snapshot.position_ms) // 1000), size)
            if what != self._shown:
                self._shown = what
                self._draw(self._starting(snapshot))
            return
        view = view_of(snapshot, score)
        seen = (snapshot.state, snapshot.index, view.count, view.words, size)
        if seen != self._shown:
            self._shown = seen
            self._draw(self._screen(view, standstill=STANDSTILLS.get(snapshot.state, "")))

    def say(self, text: str) -> None:
        """Show a message below the title."""
        self._message = text

    def close(self) -> None:
        """Give the terminal back."""
        self._live.stop()

    def _draw(self, what: RenderableType) -> None:
        self._live.update(what, refresh=True)

    def _starting(self, snapshot: Snapshot) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        left_s = -(-max(0, -snapshot.position_ms) // 1000)
        starts = "Starts now" if left_s <= 1 else f"Starts in {left_s}"
        rows = (
            self._title,
            "",
            "paused" if snapshot.state == "paused" else starts,
            "",
            _keys_text(self._console.width),
        )
        return Group(*(Text(row, justify="center", no_wrap=True, overflow="ellipsis") for row in rows))

    def _screen(self, view: View, *, standstill: str) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        rows = _rows(view, self._title, self._message, self._console.size, standstill)
        return Group(
            *(Text(row, style=style, justify="center", no_wrap=True, overflow="ellipsis") for row, style in rows)
        )


def _rows(view: View, title: str, message: str, size: tuple[int, int], standstill: str) -> Iterator[tuple[str, str]]:
    """Yield every row of the screen with its style; small terminals get neither space nor large digits."""
    width, height = size
    is_roomy = height >= ROOMY_ROWS
    space = [("", "")] if is_roomy else []
    words = textwrap.wrap(view.words, max(1, width - 4))
    yield title, "dim"
    yield from [(message, "dim")] if message else []
    yield from space
    yield view.name, "bold"
    yield view.detail, ""
    yield from space
    yield from ((row, "bold") for row in (large(view.count) if is_roomy else [view.count]))
    yield from space
    yield standstill or bar(view.share, min(width - 4, 60)), ""
    yield from ((row, "italic") for row in (words if not is_roomy else [*words, "", ""][: max(2, len(words))]))
    yield f"Next: {view.next}" if view.next else "", ""
    yield from space
    yield f"{bar(view.session_share, min(width - 24, 40))}  {view.session}", ""
    yield _keys_text(width), "dim"


def _keys_text(width: int) -> str:
    return KEYS if width > len(KEYS) else SHORT_KEYS


def bar(share: float, cells: int) -> str:
    """Draw a bar that doesn't need color."""
    full = round(max(0.0, min(1.0, share)) * max(1, cells))
    return "━" * full + "·" * (max(1, cells) - full)


_DIGITS = {
    "0": ("███", "█ █", "█ █", "█ █", "███"),
    "1": ("  █", "  █", "  █", "  █", "  █"),
    "2": ("███", "  █", "███", "█  ", "███"),
    "3": ("███", "  █", "███", "  █", "███"),
    "4": ("█ █", "█ █", "███", "  █", "  █"),
    "5": ("███", "█  ", "███", "  █", "███"),
    "6": ("███", "█  ", "███", "█ █", "███"),
    "7": ("███", "  █", "  █", "  █", "  █"),
    "8": ("███", "█ █", "███", "█ █", "███"),
    "9": ("███", "█ █", "███", "  █", "███"),
}


def large(count: str) -> list[str]:
    """Draw digits five rows tall and twice as wide, to be read from the floor."""
    rows = ["  ".join(_DIGITS[digit][row] for digit in count) for row in range(5)]
    return ["".join(cell * 2 for cell in row) for row in rows]
