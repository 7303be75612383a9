"""Ogg pages, with our tags instead of the encoder's, and a serial number that isn't random.

Source: RFC 3533 (pages), RFC 7845 (Opus in Ogg), the Vorbis I specification (its three header packets).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voiceroutine.sinks.comments import comment_block

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from voiceroutine.sinks.tags import Tags

_HEADER_BYTES = 27
_MOST_SEGMENTS = 255
_SEGMENT_BYTES = 255
_CONTINUED, _FIRST = 1, 2
_NO_PACKET_ENDS = (1 << 64) - 1
_BACKWARDS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """How a codec is put into Ogg: how many packets come before the sound, and what is around the comments."""

    headers: int
    before: bytes
    after: bytes = b""


VORBIS = Codec(headers=3, before=b"\x03vorbis", after=b"\x01")
OPUS = Codec(headers=2, before=b"OpusTags")


class OggPages:
    """Writes the encoder's pages with the comments exchanged, and numbers them anew.

    Args:
        file: gets the result.
        tags: what the comments say.
        codec: what is in the pages.
    """

    def __init__(self, file: BinaryIO, tags: Tags, codec: Codec) -> None:
        self._file = file
        self._codec = codec
        comments = comment_block(tags, has_picture=True)
        self._comment = codec.before + comments + codec.after
        self._serial = zlib.crc32(comments)
        self._number = 0
        self._unread = bytearray()
        self._headers: list[bytes] = []
        self._packet = b""

    def write(self, at: int, content: bytes) -> None:
        """Take what follows; encoders write Ogg from beginning to end."""
        del at
        self._unread += content
        while (size := _page_bytes(self._unread)) <= len(self._unread):
            page = bytes(self._unread[:size])
            del self._unread[:size]
            if len(self._headers) < self._codec.headers:
                self._read_headers(page)
            else:
                self._put(page[5], page[6:14], page[26:])

    def finish(self) -> None:
        """Everything is written by now."""

    def _read_headers(self, page: bytes) -> None:
        at = _HEADER_BYTES + page[26]
        for size in page[_HEADER_BYTES:at]:
            self._packet += page[at : at + size]
            at += size
            if size < _SEGMENT_BYTES:
                self._headers.append(self._packet)
                self._packet = b""
        if len(self._headers) == self._codec.headers:
            first, _, *others = self._headers
            self._put_packets([first], _FIRST)
            self._put_packets([self._comment, *others], 0)

    def _put_packets(self, packets: Sequence[bytes], flags: int) -> None:
        segments = [segment for packet in packets for segment in _segments(packet)]
        for at in range(0, len(segments), _MOST_SEGMENTS):
            part = segments[at : at + _MOST_SEGMENTS]
            is_continued = at > 0 and len(segments[at - 1]) == _SEGMENT_BYTES
            ends_a_packet = any(len(segment) < _SEGMENT_BYTES for segment in part)
            granule = (0 if ends_a_packet else _NO_PACKET_ENDS).to_bytes(8, "little")
            body = bytes((len(part), *map(len, part))) + b"".join(part)
            self._put(flags | (_CONTINUED if is_continued else 0), granule, body)

    def _put(self, flags: int, granule: bytes, body: bytes) -> None:
        """Write a page.

        Args:
            flags: whether it is the first or the last one, or continues a packet.
            granule: the position of its end, as the codec counts.
            body: everything from the number of its segments on.
        """
        head = b"OggS\0" + bytes((flags,)) + granule + _little(self._serial) + _little(self._number)
        self._number += 1
        self._file.write(head + _checksum(head + bytes(4) + body) + body)


def _page_bytes(content: bytearray) -> int:
    """Return how long the page is that begins here; more than there is where that can't be told yet."""
    table = content[_HEADER_BYTES : _HEADER_BYTES + content[26]] if len(content) >= _HEADER_BYTES else b""
    if len(content) < _HEADER_BYTES or len(table) < content[26]:
        return len(content) + 1
    return _HEADER_BYTES + len(table) + sum(table)


def _segments(packet: bytes) -> Iterator[bytes]:
    """Yield a packet in pieces of 255 bytes; the last one is shorter, or empty."""
    for at in range(0, len(packet) + 1, _SEGMENT_BYTES):
        yield packet[at : at + _SEGMENT_BYTES]


def _checksum(page: bytes) -> bytes:
    """Return the CRC of a page: zlib's polynomial with all bits the other way round, without its two inversions."""
    inverted = zlib.crc32(page.translate(_BACKWARDS), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return inverted.to_bytes(4, "big").translate(_BACKWARDS)


def _little(number: int) -> bytes:
    return number.to_bytes(4, "little")
