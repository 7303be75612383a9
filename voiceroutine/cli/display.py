"""A screen that can be read from the mat: the name, the side, a large count, two bars."""

from __future__ import annotations

import textwrap
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from voiceroutine.cli.events import is_leading_in
from voiceroutine.cli.keyboard import KEY_NAMES
from voiceroutine.cli.views import DIGIT_ROWS, STANDSTILLS, bar, large, levels_text, view_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from voiceroutine.cli.views import View
    from voiceroutine.player import Snapshot

    Row = tuple[str, str]
    """A row of the screen and its style: bold, dim, or none. Colors are the terminal's own."""

KEYS = (
    "space pause · n next · b back · r again · + more time · m voice · ? keys · q quit",
    "space pause · n next · b back · r again · ? keys · q quit",
    "space pause · n next · ? keys · q quit",
    "? keys · q quit",
)
FIXED_ROWS = 7
SPACES = 4
WORD_ROWS = 3
WORD_ROWS_UNHEARD = 5
LARGEST_SCALE = 5
SHORTEST_TITLE = 8
MESSAGE_S = 12.0
_ASCII = str.maketrans({"━": "=", "█": "#", "·": "-", "…": "~", "→": ">"})


class Display(Protocol):
    """Shows a session."""

    def show(self, snapshot: Snapshot) -> None:
        """Show what is heard now, where that differs from before."""

    def say(self, text: str) -> None:
        """Show a message beside the session."""

    def show_keys(self) -> None:
        """Show what every key does; again, the session."""

    def leave(self) -> None:
        """Leave the terminal to others as it was, for a while."""

    def enter(self) -> None:
        """Come back to the terminal."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class ScreenDisplay:
    """Draws on the whole terminal, at any size, in its own colors.

    Args:
        title: of the routine.
        console: the terminal.
        voice: who speaks.
        shows_words: whether sentences are shown at any size, because nobody speaks them.
        begins_by_key: whether it begins when a key is pressed.
        clock_s: by which messages vanish.
    """

    def __init__(
        self,
        title: str,
        console: Console,
        *,
        voice: str = "",
        shows_words: bool = False,
        begins_by_key: bool = False,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title = title
        self._console = console
        self._voice = voice
        self._shows_words = shows_words
        self._begins_by_key = begins_by_key
        self._clock_s = clock_s
        self._message = ""
        self._message_until_s = 0.0
        self._shows_keys = False
        self._is_there = False
        self._shown: object = None
        self.enter()

    def show(self, snapshot: Snapshot) -> None:
        """Draw, if anything changed."""
        size = (self._console.size.width, self._console.size.height)
        rows = self._rows(snapshot, size)
        if self._is_there and (rows, size) != self._shown:
            self._shown = (rows, size)
            self._draw(rows, size)

    def say(self, text: str) -> None:
        """Show a message for some seconds."""
        self._message, self._message_until_s = text, self._clock_s() + MESSAGE_S

    def show_keys(self) -> None:
        """Show all keys instead of the session, or the session again."""
        self._shows_keys = not self._shows_keys

    def leave(self) -> None:
        """Show what was there before; the cursor too."""
        if self._is_there:
            self._is_there = False
            # The terminal may be gone.
            with suppress(OSError):
                self._console.show_cursor(show=True)
                self._console.set_alt_screen(enable=False)

    def enter(self) -> None:
        """Take the whole terminal, and draw anew."""
        if not self._is_there:
            self._console.set_alt_screen(enable=True)
            self._console.show_cursor(show=False)
            self._is_there, self._shown = True, None

    def close(self) -> None:
        """Give the terminal back."""
        self.leave()

    def _rows(self, snapshot: Snapshot, size: tuple[int, int]) -> list[Row]:
        if self._shows_keys:
            return key_rows(size)
        message = self._message if self._clock_s() < self._message_until_s else ""
        if snapshot.score is None or is_leading_in(snapshot):
            return starting_rows(self._title, self._how_it_starts(snapshot), snapshot.trouble or message, size)
        note = snapshot.trouble if snapshot.state == "recovering" and snapshot.trouble else message
        return session_rows(
            view_of(snapshot, snapshot.score),
            head=head_text(self._title, self._voice, levels_text(snapshot.levels), size[0]),
            standstill=STANDSTILLS.get(snapshot.state, ""),
            note=note,
            shows_words=self._shows_words,
            size=size,
        )

    def _how_it_starts(self, snapshot: Snapshot) -> str:
        left_s = -(-max(0, -snapshot.position_ms) // 1000)
        if snapshot.state == "paused":
            return "paused: press space to begin"
        if self._begins_by_key and snapshot.position_ms >= 0:
            return "Press any key to begin"
        return f"Starts in {left_s}" if left_s > 1 else "Starts now"

    def _draw(self, rows: Sequence[Row], size: tuple[int, int]) -> None:
        from rich.console import Group
        from rich.text import Text

        is_plain = not self._console.encoding.lower().startswith("utf")
        texts = [(text.translate(_ASCII) if is_plain else text, style) for text, style in rows[: size[1]]]
        self._console.update_screen(
            Group(*(Text(_centered(text, size[0]), style, no_wrap=True, overflow="ellipsis") for text, style in texts))
        )


def _centered(text: str, width: int) -> str:
    """Put a text into the middle; rich would drop the spaces at its end first, and so bend the large digits."""
    from rich.cells import cell_len

    return " " * ((width - cell_len(text)) // 2) + text


def session_rows(
    view: View, *, head: str, standstill: str, note: str, shows_words: bool, size: tuple[int, int]
) -> list[Row]:
    """Return every row of the screen, from the top; what there is no room for is left out.

    Args:
        view: what there is to see.
        head: the uppermost row.
        standstill: why nothing moves, or "".
        note: a message or trouble, shown instead of the words.
        shows_words: whether words matter more than large digits.
        size: columns and rows of the terminal.
    """
    width, height = size
    scale = _scale(view, size, shows_words=shows_words)
    count = large(view.count, scale) if scale else [view.count]
    left = height - FIXED_ROWS - len(count)
    word_rows = max(0, min(WORD_ROWS_UNHEARD if shows_words else WORD_ROWS, left))
    spaces = max(0, min(SPACES, left - word_rows))
    rest = left - word_rows - spaces
    space = [[("", "")] if number < spaces else [] for number in range(SPACES)]
    now = (standstill, "bold") if standstill else (bar(view.share, min(width - 4, 60)), "")
    session = f"{bar(view.session_share, min(width - 4 - len(view.session), 40))}  {view.session}"
    rows = [
        *[("", "")] * (rest // 2),
        (head, "dim"),
        *space[2],
        (view.name, "bold"),
        (view.detail, "bold"),
        *space[0],
        *((row, "bold") for row in count),
        *space[1],
        *_below(view, now, note, word_rows, width),
        *space[3],
        *[("", "")] * (rest - rest // 2),
        (session, ""),
        (_keys_text(width), "dim"),
    ]
    return rows if height >= FIXED_ROWS else rows[1 : height + 1]


def _below(view: View, now: Row, note: str, word_rows: int, width: int) -> list[Row]:
    """Return what is below the count: the bar, what is said, what follows. A note takes the place of what it needs."""
    if note and word_rows < len(lines := textwrap.wrap(note, max(1, width - 2))):
        most = word_rows + 2
        return _filled([*_cut(lines, most)], most, "bold")
    wrapped = textwrap.wrap(note or view.words, max(1, width - 4))
    following = f"Next: {view.next}" if view.next else ""
    return [now, *_filled(_cut(wrapped, word_rows), word_rows, "bold" if note else "italic"), (following, "")]


def _cut(lines: Sequence[str], most: int) -> list[str]:
    return [*lines] if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]} …"] if most else []


def _filled(lines: Sequence[str], rows: int, style: str) -> list[Row]:
    return [(line, style) for line in lines] + [("", "")] * (rows - len(lines))


def _scale(view: View, size: tuple[int, int], *, shows_words: bool) -> int:
    """Return how large digits are, the same through an interval; 0 where there is only room for one row."""
    width, height = size
    widest = len(large("".join("0" if digit.isdigit() else digit for digit in view.widest_count))[0])
    comfort = FIXED_ROWS + SPACES + (WORD_ROWS_UNHEARD if shows_words else WORD_ROWS)
    for scale in range(LARGEST_SCALE, 1, -1):
        if comfort + scale * DIGIT_ROWS <= height and widest * scale <= width - 4:
            return scale
    needed = FIXED_ROWS + DIGIT_ROWS + (WORD_ROWS_UNHEARD if shows_words else 0)
    return int(needed <= height and widest <= width - 4)


def starting_rows(title: str, how: str, note: str, size: tuple[int, int]) -> list[Row]:
    """Return the rows of the screen before anything of the routine sounds; seconds at the end of `how` are large."""
    width, height = size
    seconds = how.rsplit(" ", 1)[-1]
    scale = min(2, (height - 6) // DIGIT_ROWS) if seconds.isdigit() else 0
    count = ["", *large(seconds, scale)] if scale > 0 else []
    lines = ["", *textwrap.wrap(note, max(1, width - 4))[:3]] if note else []
    rows = [(title, "bold"), ("", ""), (how, "bold"), *((row, "bold") for row in count), *((row, "") for row in lines)]
    blank = max(0, height - 1 - len(rows))
    above, below = blank // 2, blank - blank // 2
    return [*[("", "")] * above, *rows, *[("", "")] * below, (_keys_text(width), "dim")][:height]


def key_rows(size: tuple[int, int]) -> list[Row]:
    """Return the rows of the screen that tells all keys."""
    width, height = size
    key_width = max(len(keys) for keys, _ in KEY_NAMES)
    wide = max(len(meaning) for _, meaning in KEY_NAMES)
    table = [f"{keys:>{key_width}}  {meaning:<{wide}}"[: max(1, width)] for keys, meaning in KEY_NAMES]
    above = max(0, (height - len(table) - 1) // 2)
    return [*[("", "")] * above, ("Keys", "bold"), *((row, "") for row in table)][:height]


def head_text(title: str, voice: str, levels: str, width: int) -> str:
    """Write what is played and who speaks, with how loud where that isn't as usual, in one row."""
    about = " · ".join(part for part in (f"voice: {voice}" if voice and not levels else voice, levels) if part)
    if len(title) + len(about) + 3 > width and levels:
        about = levels
    room = width - len(about) - 3 if about else width
    if room < SHORTEST_TITLE:
        return (levels or title)[:width]
    shown = title if len(title) <= room else f"{title[: room - 1]}…"
    return f"{shown} · {about}" if about else shown


def _keys_text(width: int) -> str:
    return next((keys for keys in KEYS if len(keys) <= width), "")
