"""FLAC, Vorbis and Opus files by libsndfile: it encodes, and what it would write is given our tags on the way."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from io import SEEK_CUR, SEEK_END, SEEK_SET
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from voiceroutine.sinks.flac import FlacHead
from voiceroutine.sinks.ogg import OPUS, VORBIS, OggPages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from voiceroutine.sinks import Block
    from voiceroutine.sinks.tags import Shape, Tags

# What libvorbis says of its qualities, from 0 to 10, at 48 kHz and at 24 kHz: for a channel, and for two.
_VORBIS_KBPS: Mapping[tuple[bool, int], tuple[float, ...]] = {
    (True, 1): (48, 60, 70, 80, 86, 96, 110, 120, 140, 160, 240),
    (True, 2): (64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 500),
    (False, 1): (24, 30, 35, 40, 45, 50, 58, 66, 74, 82, 90),
    (False, 2): (37, 45, 56, 67, 77, 88, 105, 122, 138, 155, 172),
}
_HIGH_FROM_HZ = 26_000
VORBIS_QUALITY = 3
# Below 64 kbit/s Opus models speech as well, which takes three times as long and suits bells less.
OPUS_KBPS = {1: 64, 2: 80}


class Rewriter(Protocol):
    """What stands between an encoder and a file, and passes on something else."""

    def write(self, at: int, content: bytes) -> None:
        """Take what the encoder puts at a place of its file."""

    def finish(self) -> None:
        """Write what is still missing."""


def flac(path: Path, shape: Shape, tags: Tags) -> CompressedSink:
    """Begin a FLAC file of 16 bits."""
    return CompressedSink(path, shape, lambda file: FlacHead(file, tags), {"format": "FLAC", "subtype": "PCM_16"})


def vorbis(path: Path, shape: Shape, tags: Tags) -> CompressedSink:
    """Begin an Ogg Vorbis file; its bit rate varies with what sounds."""
    quality = VORBIS_QUALITY if shape.bitrate_kbps is None else _vorbis_quality(shape, shape.bitrate_kbps)
    form = {"format": "OGG", "subtype": "VORBIS", "compression_level": 1 - quality / 10}
    return CompressedSink(path, shape, lambda file: OggPages(file, tags, VORBIS), form)


def opus(path: Path, shape: Shape, tags: Tags) -> CompressedSink:
    """Begin an Ogg Opus file; its bit rate varies with what sounds."""
    each_kbps = (shape.bitrate_kbps or OPUS_KBPS[shape.channels]) / shape.channels
    # libsndfile's own scale: from 256 kbit/s a channel at 0 to 6 at 1.
    form = {"format": "OGG", "subtype": "OPUS", "compression_level": min(1.0, max(0.0, 1 - (each_kbps - 6) / 250))}
    return CompressedSink(path, shape, lambda file: OggPages(file, tags, OPUS), form)


def _vorbis_quality(shape: Shape, bitrate_kbps: int) -> float:
    scale = _VORBIS_KBPS[shape.samplerate_hz > _HIGH_FROM_HZ, shape.channels]
    return float(np.interp(bitrate_kbps, scale, np.arange(len(scale))))


class CompressedSink:
    """Encodes as it goes, in constant memory.

    Raises:
        OSError: the file can't be written.
    """

    def __init__(
        self, path: Path, shape: Shape, rewriter: Callable[[BinaryIO], Rewriter], form: Mapping[str, Any]
    ) -> None:
        import soundfile

        self._channels = shape.channels
        self._file = path.open("wb")
        self._rewriter = rewriter(self._file)
        self._seen = _EncodersFile(self._rewriter)
        try:
            with self._as_oserror():
                self._encoder = soundfile.SoundFile(
                    self._seen, "w", samplerate=shape.samplerate_hz, channels=shape.channels, **form
                )
        except BaseException:
            self._file.close()
            raise

    def write(self, block: Block) -> None:
        """Encode samples."""
        with self._as_oserror():
            self._encoder.write(np.frombuffer(block, np.float32).reshape(-1, self._channels))

    def finish(self) -> None:
        """Write what the encoder still holds, and close the file."""
        if self._file.closed:
            return
        with self._as_oserror():
            self._encoder.close()
        self._rewriter.finish()
        self._file.close()

    def close(self) -> None:
        """Close the file as it is."""
        self._seen.refuse()
        with suppress(OSError), self._as_oserror():
            self._encoder.close()
        with suppress(OSError):
            self._file.close()

    @contextmanager
    def _as_oserror(self) -> Iterator[None]:
        """Raise what went wrong with the file; the encoder only knows that something did."""
        import soundfile

        try:
            yield
        except (soundfile.SoundFileError, AssertionError) as error:
            # It asserts that everything was written.
            raise self._seen.failure or OSError(getattr(error, "error_string", str(error))) from error
        if self._seen.failure:
            raise self._seen.failure


class _EncodersFile:
    """What the encoder takes for its file. C calls it, so nothing is raised: the first failure is kept."""

    def __init__(self, rewriter: Rewriter) -> None:
        self._rewriter = rewriter
        self._at = self._size = 0
        self.failure: OSError | None = None

    def write(self, content: bytes) -> int:
        if self.failure:
            return 0
        try:
            self._rewriter.write(self._at, content)
        except OSError as failure:
            self.failure = failure
            return 0
        self._at += len(content)
        self._size = max(self._size, self._at)
        return len(content)

    def refuse(self) -> None:
        """Take no more: an encoder that is let go of would still write what it holds."""
        self.failure = self.failure or OSError("the file is closed")

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        self._at = offset + {SEEK_SET: 0, SEEK_CUR: self._at, SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at
