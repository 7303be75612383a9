"""FLAC and MP3 files, through libsndfile."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from voiceroutine.sinks import Block

FORMATS: Mapping[str, Mapping[str, Any]] = {
    ".flac": {"format": "FLAC", "subtype": "PCM_16"},
    ".mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT", "compression_level": 0.8},
}


class CompressedSink:
    """Encodes as it goes, in constant memory.

    Raises:
        OSError: the file can't be written.
    """

    def __init__(self, path: Path, form: str, *, samplerate_hz: int, channels: int) -> None:
        import soundfile

        with _as_oserror():
            self._file = soundfile.SoundFile(path, "w", samplerate=samplerate_hz, channels=channels, **FORMATS[form])
        self._channels = channels

    def write(self, block: Block) -> None:
        """Encode samples."""
        with _as_oserror():
            self._file.write(np.frombuffer(block, np.float32).reshape(-1, self._channels))

    def finish(self) -> None:
        """Write what the encoder still holds, and close the file."""
        with _as_oserror():
            self._file.close()

    def close(self) -> None:
        """Close the file as it is."""
        with suppress(OSError):
            self.finish()


@contextmanager
def _as_oserror() -> Iterator[None]:
    import soundfile

    try:
        yield
    except soundfile.SoundFileError as error:
        raise OSError(getattr(error, "error_string", str(error))) from error
