"""Tags as FLAC, Vorbis and Opus have them: lines of text with a name, and a picture.

Source: the Vorbis comment header, its chapter extension (CHAPTER001, CHAPTER001NAME), and FLAC's picture block.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voiceroutine.sinks.tags import Tags

_FRONT_COVER = 3
_BITS_PER_PIXEL = 24
_WIDTH_AT, _HEIGHT_AT, _HEIGHT_END = 16, 20, 24


def comment_block(tags: Tags, *, has_picture: bool) -> bytes:
    """Return all comments.

    Args:
        tags: what they say.
        has_picture: whether the cover is one of them.
    """
    lines = [f"{name}={text}".encode() for name, text in _comments(tags)]
    if has_picture and tags.cover_png:
        lines.append(b"METADATA_BLOCK_PICTURE=" + base64.b64encode(picture_block(tags.cover_png)))
    return _sized(tags.encoder.encode()) + _little(len(lines)) + b"".join(_sized(line) for line in lines)


def picture_block(png: bytes) -> bytes:
    """Return a picture with its kind and its size in pixels."""
    mime = b"image/png"
    numbers = (int.from_bytes(png[_WIDTH_AT:_HEIGHT_AT]), int.from_bytes(png[_HEIGHT_AT:_HEIGHT_END]))
    return (
        _big(_FRONT_COVER) + _big(len(mime)) + mime + _big(0)
        + _big(numbers[0]) + _big(numbers[1]) + _big(_BITS_PER_PIXEL) + _big(0) + _big(len(png)) + png
    )  # fmt: skip


def _comments(tags: Tags) -> Iterator[tuple[str, str]]:
    for name, text in (
        ("TITLE", tags.title),
        ("ARTIST", tags.artist),
        ("ALBUM", tags.album),
        ("TRACKNUMBER", str(tags.track)),
        ("TRACKTOTAL", str(tags.tracks)),
        ("LANGUAGE", tags.language),
        ("COMMENT", tags.comment),
        ("LYRICS", tags.lyrics),
        ("ENCODER", tags.encoder),
    ):
        if text:
            yield name, text
    for number, chapter in enumerate(tags.chapters, start=1):
        yield f"CHAPTER{number:03}", _clock(chapter.start_ms)
        yield f"CHAPTER{number:03}NAME", chapter.title


def _clock(instant_ms: int) -> str:
    seconds, milliseconds = divmod(instant_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"


def _sized(content: bytes) -> bytes:
    return _little(len(content)) + content


def _little(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _big(number: int) -> bytes:
    return number.to_bytes(4, "big")
