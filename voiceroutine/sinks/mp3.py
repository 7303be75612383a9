"""MP3 files by LAME: constant bit rate, exact length, and only what sounds is encoded."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.sinks.id3 import id3_bytes
from voiceroutine.sinks.mpeg import Mpeg
from voiceroutine.sinks.stretches import Codec, Stretches
from voiceroutine.sinks.wav import steps

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from voiceroutine.sinks import Block
    from voiceroutine.sinks.stretches import Steps
    from voiceroutine.sinks.tags import Shape, Tags

ENCODER_DELAY_FRAMES = 576
DECODER_DELAY_FRAMES = 529
# LAME's scale: without noise shaping, which takes as long as all the rest and is not needed at these bit rates.
QUALITY = 7
# How much softer LAME makes what it gets at a constant bit rate, from so many kbit/s on (source: its table of presets;
# measured at every rate).
LAME_SCALE = ((256, 1.0), (224, 0.98), (192, 0.97), (0, 0.95))

_OVERLAP_FRAMES = 576
_LAG = 3


def default_kbps(shape: Shape) -> int:
    """Return the bit rate at which speech and bells sound as they are, as far as heard."""
    if shape.samplerate_hz >= 44_100:
        return (64, 96)[shape.channels - 1]
    return ((40, 64) if shape.samplerate_hz >= 16_000 else (32, 48))[shape.channels - 1]


class Mp3Sink:
    """Writes ID3v2.3, a frame that tells players how much of the beginning and the end to leave out, and the sound.

    Raises:
        OSError: the file can't be written.
    """

    def __init__(self, path: Path, shape: Shape, tags: Tags) -> None:
        kbps = shape.bitrate_kbps or default_kbps(shape)
        self._mpeg = Mpeg(samplerate_hz=shape.samplerate_hz, channels=shape.channels, bitrate_kbps=kbps)
        self._gain = np.float32(1 / next(scale for from_kbps, scale in LAME_SCALE if kbps >= from_kbps))
        self._stretches = Stretches(_codec(self._mpeg))
        self._frames = self._music_bytes = 0
        self._file = path.open("wb")
        self._file.write(id3_bytes(tags, has_chapters=True))
        self._info_at = self._file.tell()
        self._file.write(self._mpeg.info(frames=0, music_bytes=0, delay=0, padding=0))

    def write(self, block: Block) -> None:
        """Encode samples."""
        samples = steps(np.frombuffer(block, np.float32) * self._gain)
        self._frames += len(samples) // self._mpeg.channels
        self._put(self._stretches.take(samples))

    def finish(self) -> None:
        """Encode what is left, and write the first frame."""
        if self._file.closed:
            return
        delays = ENCODER_DELAY_FRAMES + DECODER_DELAY_FRAMES
        packets = -(-(self._frames + delays) // self._mpeg.samples_per_frame)
        self._put(self._stretches.finish(packets))
        padding = packets * self._mpeg.samples_per_frame - self._frames - ENCODER_DELAY_FRAMES
        info = self._mpeg.info(
            frames=packets, music_bytes=self._music_bytes, delay=ENCODER_DELAY_FRAMES, padding=padding
        )
        self._file.seek(self._info_at)
        self._file.write(info)
        self._file.close()

    def close(self) -> None:
        """Close the file as it is."""
        self._stretches.close()
        with suppress(OSError):
            self._file.close()

    def _put(self, parts: Iterable[list[bytes]]) -> None:
        for packets in parts:
            content = b"".join(packets)
            self._music_bytes += len(content)
            self._file.write(content)


def _codec(mpeg: Mpeg) -> Codec:
    smeared = ENCODER_DELAY_FRAMES + DECODER_DELAY_FRAMES + _OVERLAP_FRAMES
    return Codec(
        coder=lambda: _Lame(mpeg),
        silence=mpeg.silence,
        packet_frames=mpeg.samples_per_frame,
        channels=mpeg.channels,
        tail=1 + smeared // mpeg.samples_per_frame,
        lag=_LAG,
    )


class _Lame:
    def __init__(self, mpeg: Mpeg) -> None:
        import lameenc

        self._mpeg = mpeg
        self._encoder = lameenc.Encoder()
        self._encoder.silence()
        self._encoder.set_channels(mpeg.channels)
        self._encoder.set_in_sample_rate(mpeg.samplerate_hz)
        self._encoder.set_out_sample_rate(mpeg.samplerate_hz)
        self._encoder.set_bit_rate(mpeg.bitrate_kbps)
        self._encoder.set_quality(QUALITY)
        self._encoded = bytearray()

    def encode(self, samples: Steps) -> list[bytes]:
        self._encoded += self._encoder.encode(samples.tobytes())
        return self._whole()

    def flush(self) -> list[bytes]:
        self._encoded += self._encoder.flush()
        return self._whole()

    def _whole(self) -> list[bytes]:
        packets = self._mpeg.split(self._encoded)
        del self._encoded[: sum(map(len, packets))]
        return packets
