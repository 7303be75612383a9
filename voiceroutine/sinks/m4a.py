"""M4A and M4B files: AAC by FFmpeg's encoder, through PyAV; only what sounds is encoded."""

from __future__ import annotations

from array import array
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from voiceroutine.sinks.mp4 import PACKET_FRAMES, Film
from voiceroutine.sinks.stretches import Codec, Stretches
from voiceroutine.sinks.wav import steps

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from voiceroutine.sinks import Block
    from voiceroutine.sinks.stretches import Steps
    from voiceroutine.sinks.tags import Shape, Tags

KBPS = {1: 64, 2: 96}
_SILENT_PACKETS = 8


class M4aSink:
    """Writes the index with sizes still unknown, then the sound, and in the end the index again.

    Raises:
        OSError: the file can't be written.
        ImportError: PyAV isn't here.
    """

    def __init__(self, path: Path, shape: Shape, tags: Tags, brand: bytes) -> None:
        kbps = shape.bitrate_kbps or KBPS[shape.channels]
        first = _Aac(shape, kbps)
        self._film = Film(
            brand=brand,
            tags=tags,
            samplerate_hz=shape.samplerate_hz,
            channels=shape.channels,
            frames=shape.frames,
            bitrate_kbps=kbps,
            decoder=first.settings,
        )
        self._stretches = Stretches(_codec(shape, kbps, first))
        self._sizes = array("I")
        self._file = path.open("wb")
        self._file.write(self._film.before_sound(self._sizes))

    def write(self, block: Block) -> None:
        """Encode samples."""
        self._put(self._stretches.take(steps(np.frombuffer(block, np.float32))))

    def finish(self) -> None:
        """Encode what is left, and write the index."""
        if self._file.closed:
            return
        self._put(self._stretches.finish(self._film.packets))
        self._file.seek(0)
        self._file.write(self._film.before_sound(self._sizes))
        self._file.close()

    def close(self) -> None:
        """Close the file as it is."""
        self._stretches.close()
        with suppress(OSError):
            self._file.close()

    def _put(self, parts: Iterable[list[bytes]]) -> None:
        for packets in parts:
            self._sizes.extend(map(len, packets))
            self._file.write(b"".join(packets))


def _codec(shape: Shape, kbps: int, first: _Aac) -> Codec:
    silent = first.encode(np.zeros((_SILENT_PACKETS * PACKET_FRAMES, shape.channels), np.int16))
    return Codec(
        coder=lambda: _Aac(shape, kbps),
        silence=silent[-1],
        packet_frames=PACKET_FRAMES,
        channels=shape.channels,
        tail=2,
        lag=2,
    )


class _Aac:
    def __init__(self, shape: Shape, kbps: int) -> None:
        import av

        self._layout = "mono" if shape.channels == 1 else "stereo"
        self._samplerate_hz = shape.samplerate_hz
        self._encoder: Any = av.CodecContext.create("aac", "w")
        self._encoder.sample_rate = shape.samplerate_hz
        self._encoder.layout = self._layout
        self._encoder.format = "fltp"
        self._encoder.bit_rate = kbps * 1000
        # Without the name of the encoder's version in the first packet.
        self._encoder.options = {"aac_coder": "fast", "flags": "+bitexact"}
        self._encoder.open()
        self._at = 0

    @property
    def settings(self) -> bytes:
        return bytes(self._encoder.extradata)

    def encode(self, samples: Steps) -> list[bytes]:
        import av

        planes = np.ascontiguousarray(samples.T, np.float32) / np.float32(32768)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=self._layout)
        frame.sample_rate = self._samplerate_hz
        frame.pts = self._at
        self._at += len(samples)
        return [bytes(packet) for packet in self._encoder.encode(frame)]

    def flush(self) -> list[bytes]:
        return [bytes(packet) for packet in self._encoder.encode(None)]
