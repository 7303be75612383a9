"""The head of a WAV file of 16-bit PCM, and its marks; whether a WAV or AIFF file is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HEADER_BYTES = 44
LARGE_HEADER_BYTES = 80
LARGEST_DATA_BYTES = (1 << 32) - 1024


def wav_header(data_bytes: int, *, samplerate_hz: int, channels: int, extra_bytes: int = 0) -> bytes:
    """Return the 44 bytes before the samples.

    Args:
        data_bytes: size of the samples.
        samplerate_hz: frames a second.
        channels: samples a frame.
        extra_bytes: size of the chunks that follow the samples.
    """
    riff_bytes = data_bytes + extra_bytes + HEADER_BYTES - 8
    head = b"RIFF" + riff_bytes.to_bytes(4, "little") + b"WAVE" + _format(samplerate_hz, channels)
    return head + b"data" + data_bytes.to_bytes(4, "little")


def large_wav_header(data_bytes: int, *, samplerate_hz: int, channels: int, extra_bytes: int = 0) -> bytes:
    """Return the 80 bytes before samples that are more than 4 GiB.

    Source: RF64, EBU Tech 3306.
    """
    riff_bytes = data_bytes + extra_bytes + LARGE_HEADER_BYTES - 8
    frames = data_bytes // (2 * channels)
    sizes = b"".join(number.to_bytes(8, "little") for number in (riff_bytes, data_bytes, frames)) + bytes(4)
    said_there = b"\xff" * 4
    head = b"RF64" + said_there + b"WAVE" + chunk(b"ds64", sizes) + _format(samplerate_hz, channels)
    return head + b"data" + said_there


def _format(samplerate_hz: int, channels: int) -> bytes:
    frame_bytes = 2 * channels
    fields = ((1, 2), (channels, 2), (samplerate_hz, 4), (samplerate_hz * frame_bytes, 4), (frame_bytes, 2), (16, 2))
    return chunk(b"fmt ", b"".join(number.to_bytes(size, "little") for number, size in fields))


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk, padded to an even length."""
    return name + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)


def marks(marked: Sequence[tuple[int, str]]) -> bytes:
    """Return the chunks that give frames a name: cue points and their labels.

    Args:
        marked: frames and their names.
    """
    points = [
        _number(mark) + _number(frame) + b"data" + _number(0) + _number(0) + _number(frame)
        for mark, (frame, _) in enumerate(marked, start=1)
    ]
    labels = [chunk(b"labl", _number(mark) + name.encode() + b"\0") for mark, (_, name) in enumerate(marked, start=1)]
    return chunk(b"cue ", _number(len(points)) + b"".join(points)) + chunk(b"LIST", b"adtl" + b"".join(labels))


def _number(number: int) -> bytes:
    return number.to_bytes(4, "little")


_STREAMED_BYTES = 0x7FFF0000


def is_cut_short(file: Path) -> bool:
    """Tell whether a WAV or AIFF file is shorter than it says; one that was written into a pipe may not say.

    Raises:
        OSError: it can't be read.
    """
    content = file.read_bytes()
    if content[:4] == b"FORM":
        return len(content) < 8 + int.from_bytes(content[4:8], "big")
    if content[:4] != b"RIFF":
        return False
    at = 12
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        if content[at : at + 4] == b"data":
            return 0 < size < _STREAMED_BYTES and at + 8 + size > len(content)
        at += 8 + size + size % 2
    return True
