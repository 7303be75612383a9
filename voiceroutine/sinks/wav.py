"""WAV files, 16-bit."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.sinks.id3 import id3_bytes
from voiceroutine.units import frame_at
from voiceroutine.wav import LARGEST_DATA_BYTES, chunk, large_wav_header, marks, wav_header

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from voiceroutine.audio import Samples
    from voiceroutine.sinks import Block
    from voiceroutine.sinks.tags import Shape, Tags


class WavSink:
    """Writes 16-bit PCM, then chapters as cue points and the tags as ID3; in the end, the header.

    Samples are rounded to the nearest step, without dither, so that silence stays silent. What is longer than 4 GiB
    is written as RF64.

    Raises:
        OSError: the file can't be written.
    """

    def __init__(self, path: Path, shape: Shape, tags: Tags) -> None:
        self._shape = shape
        self._extra = _chunks(shape, tags)
        self._data_bytes = 0
        self._header = wav_header
        if shape.frames * 2 * shape.channels + len(self._extra) > LARGEST_DATA_BYTES:
            self._header = large_wav_header
        self._file = path.open("wb")
        self._file.write(self._head())

    def _head(self) -> bytes:
        shape, extra_bytes = self._shape, len(self._extra)
        return self._header(
            self._data_bytes, samplerate_hz=shape.samplerate_hz, channels=shape.channels, extra_bytes=extra_bytes
        )

    def write(self, block: Block) -> None:
        """Append samples."""
        samples = np.frombuffer(block, np.float32)
        self._data_bytes += 2 * len(samples)
        self._file.write(steps(samples).data)

    def finish(self) -> None:
        """Write the header and close the file."""
        if not self._file.closed:
            self._file.write(self._extra)
            self._file.seek(0)
            self._file.write(self._head())
            self._file.close()

    def close(self) -> None:
        """Close the file as it is."""
        with suppress(OSError):
            self._file.close()


def _chunks(shape: Shape, tags: Tags) -> bytes:
    """Return what follows the samples. Chapters are cue points only: told twice, players would show them twice."""
    marked = [(frame_at(chapter.start_ms, shape.samplerate_hz), chapter.title) for chapter in tags.chapters]
    return (marks(marked) if marked else b"") + chunk(b"id3 ", id3_bytes(tags, has_chapters=False))


def steps(samples: Samples) -> npt.NDArray[np.int16]:
    """Return samples as 16-bit integers."""
    scaled = samples * np.float32(32768)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -32768, 32767, out=scaled)
    return scaled.astype("<i2")
