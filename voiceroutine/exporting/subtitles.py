"""Captions as files: SubRip, WebVTT and LRC. All are UTF-8 with line feeds."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from voiceroutine.exporting.captions import Caption, Row

LYRIC_STAYS_MS = 3_000


def srt_text(captions: Sequence[Caption]) -> str:
    """Return captions as a SubRip file. It has no escapes: what a player might take for markup is written otherwise."""
    return "\n".join(
        f"{number}\n{_clock(caption.start_ms, ',')} --> {_clock(caption.end_ms, ',')}\n"
        + "".join(f"{_without_markup(_text(row))}\n" for row in _rows(caption))
        for number, caption in enumerate(captions, start=1)
    )


def vtt_text(captions: Sequence[Caption], language: str) -> str:
    """Return captions as a WebVTT file with the instants of words, where they are known.

    Source: W3C, WebVTT: The Web Video Text Tracks Format, section 4.
    """
    cues = (_vtt_cue(caption.start_ms, caption.end_ms, _vtt_lines(caption)) for caption in captions)
    return "\n".join([vtt_head("captions", language), *cues])


def vtt_head(kind: str, language: str) -> str:
    """Return how a WebVTT file of a kind of text begins; a blank line must follow."""
    return f"WEBVTT\nKind: {kind}\nLanguage: {language}\n"


def vtt_cue(start_ms: int, end_ms: int, lines: Iterable[str]) -> str:
    """Return a WebVTT cue of lines of plain text; a blank line must stand between two cues."""
    return _vtt_cue(start_ms, end_ms, (escape(line, quote=False) for line in lines))


def lrc_text(captions: Sequence[Caption], *, title: str, artist: str, language: str, duration_ms: int) -> str:
    """Return what is said, without chimes, as LRC lyrics with the instants of words, where they are known.

    It has no escapes: brackets of the text become others. A line is cleared where nothing follows it soon.
    """
    minutes, seconds = divmod(duration_ms // 1000, 60)
    about = {"ti": title, "ar": artist, "la": language, "length": f"{minutes:02}:{seconds:02}", "re": "voiceroutine"}
    lines = [f"[{key}:{_without_brackets(' '.join(text.split()))}]" for key, text in about.items()]
    spoken = [caption for caption in captions if caption.rows]
    for caption, following in zip(spoken, [*spoken[1:], None], strict=True):
        lines.append(_lyric(caption))
        if following is None or following.start_ms - caption.end_ms >= LYRIC_STAYS_MS:
            lines.append(f"[{_lrc_clock(caption.end_ms)}]")
    return "\n".join(lines) + "\n"


def _vtt_cue(start_ms: int, end_ms: int, lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in (f"{_clock(start_ms)} --> {_clock(end_ms)}", *lines))


def _rows(caption: Caption) -> tuple[Row, ...]:
    return (caption.sign, *caption.rows) if caption.sign else caption.rows


def _text(row: Row) -> str:
    return "".join(word.text for word in row)


def _clock(instant_ms: int, point: str = ".") -> str:
    seconds, milliseconds = divmod(instant_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{milliseconds:03}"


def _lrc_clock(instant_ms: int) -> str:
    hundredths = (instant_ms + 5) // 10
    minutes, hundredths = divmod(hundredths, 6_000)
    return f"{minutes:02}:{hundredths // 100:02}.{hundredths % 100:02}"


def _without_markup(line: str) -> str:
    return re.sub(r"<(?=[A-Za-z/])|\{(?=\\)", r"\g<0> ", line.replace("-->", "→"))


def _without_brackets(text: str) -> str:
    return text.translate(str.maketrans("[]<>", "()()"))


def _vtt_lines(caption: Caption) -> Iterator[str]:
    """Yield the lines of a cue; an instant inside it must lie after its start and after the one before."""
    latest_ms = caption.start_ms
    for row in _rows(caption):
        line = ""
        for word in row:
            if word.at_ms is not None and latest_ms < word.at_ms < caption.end_ms:
                latest_ms = word.at_ms
                line += f"<{_clock(latest_ms)}>"
            line += escape(word.text, quote=False)
        yield line


def _lyric(caption: Caption) -> str:
    words = [word for row in caption.rows for word in row]
    line = f"[{_lrc_clock(caption.start_ms)}]"
    if any(word.at_ms is None for word in words[:1]):
        return line + _without_brackets(" ".join(_text(row) for row in caption.rows))
    timed = []
    for row in caption.rows:
        pieces = (
            (f"<{_lrc_clock(word.at_ms)}>" if word.at_ms is not None else "") + _without_brackets(word.text)
            for word in row
        )
        timed.append("".join(pieces))
    return line + " ".join(timed)
