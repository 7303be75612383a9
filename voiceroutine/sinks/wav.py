"""WAV files, 16-bit."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.wav import HEADER_BYTES, LARGEST_DATA_BYTES, wav_header

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from voiceroutine.audio import Samples
    from voiceroutine.sinks import Block


class WavSink:
    """Writes 16-bit PCM and, at the end, the header.

    Samples are rounded to the nearest step, without dither, so that silence stays silent.

    Raises:
        OSError: the file can't be written, or would be larger than a WAV file can be.
    """

    def __init__(self, path: Path, *, samplerate_hz: int, channels: int) -> None:
        self._samplerate_hz = samplerate_hz
        self._channels = channels
        self._data_bytes = 0
        self._file = path.open("wb")
        self._file.write(bytes(HEADER_BYTES))

    def write(self, block: Block) -> None:
        """Append samples."""
        samples = np.frombuffer(block, np.float32)
        self._data_bytes += 2 * len(samples)
        if self._data_bytes > LARGEST_DATA_BYTES:
            raise OSError("a WAV file can't be larger than 4 GiB; export to .flac or .mp3")
        self._file.write(_steps(samples).data)

    def finish(self) -> None:
        """Write the header and close the file."""
        if not self._file.closed:
            self._file.seek(0)
            self._file.write(wav_header(self._data_bytes, samplerate_hz=self._samplerate_hz, channels=self._channels))
            self._file.close()

    def close(self) -> None:
        """Close the file as it is."""
        with suppress(OSError):
            self._file.close()


def _steps(samples: Samples) -> npt.NDArray[np.int16]:
    scaled = samples * np.float32(32768)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -32768, 32767, out=scaled)
    return scaled.astype("<i2")
