"""A session as one file an exercise, and the playlist that puts them together again.

The parts are cut at chapters and nothing is repeated: played one after the other, they are the whole, sample by sample.
So what still rings at a cut rings on at the start of the next part.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voiceroutine.units import SAMPLERATE_HZ, frame_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voiceroutine.timeline import Timeline

LONGEST_NAME_LETTERS = 80
LONGEST_NAME_BYTES = 180

# What a name may not have on some system, and what can't be seen, except what joins or parts letters of some scripts.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_BLANK = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A chapter as a file of its own.

    Attributes:
        number: which of the parts it is, from 1.
        count: how many there are.
        title: of the chapter.
        file_name: safe on every system, and no two alike.
        start_ms: where it begins in the whole.
        end_ms: where it ends.
    """

    number: int
    count: int
    title: str
    file_name: str
    start_ms: int
    end_ms: int

    @property
    def duration_ms(self) -> int:
        """How long it lasts."""
        return self.end_ms - self.start_ms

    def frames(self, samplerate_hz: int = SAMPLERATE_HZ) -> range:
        """Return its frames in the whole, at a sample rate; the next part begins where they stop."""
        return range(frame_at(self.start_ms, samplerate_hz), frame_at(self.end_ms, samplerate_hz))


def parts_to_export(timeline: Timeline, suffix: str) -> tuple[Part, ...]:
    """Return the files that a session is split into.

    Args:
        timeline: whose chapters become files.
        suffix: of their names, with its dot.
    """
    count = len(timeline.chapters)
    return tuple(
        Part(
            number=number,
            count=count,
            title=chapter.title,
            file_name=safe_file_name(f"{number:0{max(2, len(str(count)))}} {chapter.title}", suffix),
            start_ms=chapter.start_ms,
            end_ms=chapter.end_ms,
        )
        for number, chapter in enumerate(timeline.chapters, start=1)
    )


def safe_file_name(text: str, suffix: str) -> str:
    """Return a text as the name of a file that every system allows, its letters kept in any script.

    At most 80 letters and 180 bytes before the suffix. A text that begins with a number becomes none of the names that
    have a meaning of their own, such as CON.
    """
    seen = "".join(map(_visible, unicodedata.normalize("NFC", text)))
    words = " ".join(_FORBIDDEN.sub(" ", seen).split())
    return _shortened(words).rstrip(" .") + suffix


def m3u8_text(parts: Sequence[Part], *, title: str, artist: str) -> str:
    """Return a playlist of files in its own folder, with their true durations; it is UTF-8."""
    lines = ["#EXTM3U", "#EXTENC:UTF-8", f"#PLAYLIST:{_line(title)}", f"#EXTART:{_line(artist)}"]
    for part in parts:
        lines += [f"#EXTINF:{part.duration_ms // 1000}.{part.duration_ms % 1000:03},{_line(part.title)}"]
        lines += [part.file_name]
    return "\n".join(lines) + "\n"


def _visible(letter: str) -> str:
    kind = unicodedata.category(letter)
    return " " if kind in _BLANK else "" if kind == "Cf" and letter not in _JOINERS else letter


def _shortened(name: str) -> str:
    """Cut a name, but not between a letter and the marks on it."""
    end = min(len(name), LONGEST_NAME_LETTERS)
    while len(name[:end].encode()) > LONGEST_NAME_BYTES or _is_mark(name[end : end + 1]):
        end -= 1
    return name[:end]


def _is_mark(letter: str) -> bool:
    return bool(letter) and unicodedata.category(letter).startswith("M")


def _line(text: str) -> str:
    return " ".join(text.split())
