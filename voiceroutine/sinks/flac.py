"""The head of a FLAC file, with our tags instead of the encoder's.

Source: RFC 9639, section 8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voiceroutine.sinks.comments import comment_block, picture_block

if TYPE_CHECKING:
    from typing import BinaryIO

    from voiceroutine.sinks.tags import Tags

_MARK = b"fLaC"
_BLOCK_HEADER_BYTES = 4
_STREAM_INFO_END = len(_MARK) + _BLOCK_HEADER_BYTES + 34
_COMMENT, _PICTURE = 4, 6
_IS_LAST = 0x80
_MOST_BLOCK_BYTES = (1 << 24) - 1


class FlacHead:
    """Keeps what the encoder says of the samples, and puts what we say of them behind it.

    Args:
        file: gets the result.
        tags: what we say.

    Raises:
        OSError: the cover is too large for the format.
    """

    def __init__(self, file: BinaryIO, tags: Tags) -> None:
        self._file = file
        self._theirs = bytearray()
        self._theirs_end: int | None = None
        self._ours = _blocks(tags)
        file.write(bytes(_STREAM_INFO_END) + self._ours)

    def write(self, at: int, content: bytes) -> None:
        """Keep what belongs to the encoder's head; the rest follows ours."""
        if self._theirs_end is None:
            self._theirs[at : at + len(content)] = content
            self._theirs_end = _head_end(self._theirs)
            if self._theirs_end is None:
                return
            at, content = self._theirs_end, bytes(self._theirs[self._theirs_end :])
        in_head = content[: max(0, self._theirs_end - at)]
        self._theirs[at : at + len(in_head)] = in_head
        if rest := content[len(in_head) :]:
            self._file.seek(_STREAM_INFO_END + len(self._ours) + at + len(in_head) - self._theirs_end)
            self._file.write(rest)

    def finish(self) -> None:
        """Write what the encoder says, now that it knows all of it."""
        head = self._theirs[:_STREAM_INFO_END]
        head[len(_MARK)] &= ~_IS_LAST
        self._file.seek(0)
        self._file.write(head)


def _head_end(content: bytearray) -> int | None:
    """Return where the frames begin, or None if the head isn't whole yet."""
    at = len(_MARK)
    while at + _BLOCK_HEADER_BYTES <= len(content):
        is_last = content[at] & _IS_LAST
        at += _BLOCK_HEADER_BYTES + int.from_bytes(content[at + 1 : at + _BLOCK_HEADER_BYTES])
        if is_last:
            return at if at <= len(content) else None
    return None


def _blocks(tags: Tags) -> bytes:
    picture = _block(_PICTURE, picture_block(tags.cover_png)) if tags.cover_png else b""
    comment = comment_block(tags, has_picture=False)
    return picture + _block(_COMMENT | _IS_LAST, comment)


def _block(kind: int, content: bytes) -> bytes:
    if len(content) > _MOST_BLOCK_BYTES:
        raise OSError("a FLAC file can't have a cover or lyrics of more than 16 MiB")
    return bytes((kind,)) + len(content).to_bytes(3) + content
