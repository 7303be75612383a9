"""The head of a WAV file of 16-bit PCM; whether a WAV or AIFF file is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HEADER_BYTES = 44
LARGEST_DATA_BYTES = (1 << 32) - 1024


def wav_header(data_bytes: int, *, samplerate_hz: int, channels: int, extra_bytes: int = 0) -> bytes:
    """Return the 44 bytes before the samples.

    Args:
        data_bytes: size of the samples.
        samplerate_hz: frames a second.
        channels: samples a frame.
        extra_bytes: size of the chunks that follow the samples.
    """
    frame_bytes = 2 * channels
    fields = (
        (16, 4), (1, 2), (channels, 2), (samplerate_hz, 4), (samplerate_hz * frame_bytes, 4), (frame_bytes, 2), (16, 2),
    )  # fmt: skip
    riff_bytes = data_bytes + extra_bytes + HEADER_BYTES - 8
    format_ = b"fmt " + b"".join(number.to_bytes(size, "little") for number, size in fields)
    return b"RIFF" + riff_bytes.to_bytes(4, "little") + b"WAVE" + format_ + b"data" + data_bytes.to_bytes(4, "little")


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
