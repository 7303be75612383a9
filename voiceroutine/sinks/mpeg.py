"""The frames of an MP3 file: their headers, a silent one, and the first one, which says how long the file is.

Source: ISO/IEC 11172-3 and 13818-3, layer III; the "Info" frame as LAME writes it
(http://gabriel.mp3-tech.org/mp3infotag.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

_KBPS_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_VERSION_BITS = {1: 0b11, 2: 0b10, 25: 0b00}
_RATES_HZ = {1: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 25: (11_025, 12_000, 8_000)}
_HAS_COUNT_SIZE_PLACES_QUALITY = 0x0F
_PLACES = 100
_LAME_BYTES = 36
_CONSTANT_BITRATE = 1
_UNKNOWN_CRC = bytes(2)


def bitrates_kbps(samplerate_hz: int) -> tuple[int, ...]:
    """Return what bit rates there are at a sample rate; LAME has none above 64 below 16 kHz."""
    version = _version(samplerate_hz)
    if version == 1:
        return _KBPS_1
    return _KBPS_2 if version == 2 else tuple(rate for rate in _KBPS_2 if rate <= 64)


def _version(samplerate_hz: int) -> int:
    return next(version for version, rates in _RATES_HZ.items() if samplerate_hz in rates)


@dataclass(frozen=True, kw_only=True)
class Mpeg:
    """How all frames of one file are.

    Attributes:
        samplerate_hz: one of MPEG's.
        channels: 1, or 2 as joint stereo.
        bitrate_kbps: one of those at this sample rate.
    """

    samplerate_hz: int
    channels: int
    bitrate_kbps: int

    @property
    def _is_first(self) -> bool:
        return _version(self.samplerate_hz) == 1

    @property
    def samples_per_frame(self) -> int:
        """How many samples of each channel are in an MPEG frame."""
        return 1152 if self._is_first else 576

    @cached_property
    def silence(self) -> bytes:
        """A whole frame in which nothing sounds, and which needs no other one."""
        return self._empty(self.bitrate_kbps)

    def _empty(self, bitrate_kbps: int) -> bytes:
        head = self._header(bitrate_kbps)
        return head + bytes(self._bytes_without_padding(bitrate_kbps) - len(head))

    def _header(self, bitrate_kbps: int) -> bytes:
        version = _version(self.samplerate_hz)
        rate = _RATES_HZ[version].index(self.samplerate_hz)
        bits = 1 + (_KBPS_1 if self._is_first else _KBPS_2).index(bitrate_kbps)
        mode = 0b01 if self.channels == 2 else 0b11
        is_unprotected, layer_3, original = 1, 0b01, 1
        second = 0b1110_0000 | _VERSION_BITS[version] << 3 | layer_3 << 1 | is_unprotected
        return bytes((0xFF, second, bits << 4 | rate << 2, mode << 6 | original << 2))

    def _bytes_without_padding(self, bitrate_kbps: int) -> int:
        return self.samples_per_frame // 8 * bitrate_kbps * 1000 // self.samplerate_hz

    def split(self, content: bytes | bytearray) -> list[bytes]:
        """Return the whole frames that LAME's output begins with; one may be longer by a byte of padding."""
        size = self._bytes_without_padding(self.bitrate_kbps)
        frames, at = [], 0
        while at + 4 <= len(content):
            end = at + size + (content[at + 2] >> 1 & 1)
            if end > len(content):
                break
            frames.append(bytes(content[at:end]))
            at = end
        return frames

    def info(self, *, frames: int, music_bytes: int, delay: int, padding: int) -> bytes:
        """Return the frame that comes first; its size doesn't depend on what it says.

        Args:
            frames: how many frames follow.
            music_bytes: how many bytes they are.
            delay: how many samples the encoder put before the first.
            padding: and after the last.
        """
        content = bytearray(self._empty(self._roomy_kbps))
        at = self._side_end
        total_bytes = len(content) + music_bytes
        places = bytes(place * 256 // _PLACES for place in range(_PLACES))
        quality = 55
        xing = (
            b"Info" + _big(_HAS_COUNT_SIZE_PLACES_QUALITY) + _big(frames) + _big(total_bytes) + places + _big(quality)
        )
        lame = (
            b"LAME3.100"
            + bytes((_CONSTANT_BITRATE, 0))
            + bytes(9)
            + bytes((min(255, self.bitrate_kbps),))
            + (delay << 12 | padding).to_bytes(3, "big")
            + bytes((self._source_bits, 0, 0, 0))
            + _big(total_bytes)
            + _UNKNOWN_CRC
        )
        content[at : at + len(xing) + len(lame)] = xing + lame
        at += len(xing) + len(lame)
        content[at : at + 2] = crc(content[:at]).to_bytes(2, "big")
        return bytes(content)

    @property
    def _side_end(self) -> int:
        sizes = (17, 32) if self._is_first else (9, 17)
        return 4 + sizes[self.channels - 1]

    @property
    def _roomy_kbps(self) -> int:
        """Return the bit rate, or the next one whose frames have room for the first frame's content."""
        needed = self._side_end + 4 + 4 + 4 + 4 + _PLACES + 4 + _LAME_BYTES
        rates = _KBPS_1 if self._is_first else _KBPS_2
        return next(kbps for kbps in rates if kbps >= self.bitrate_kbps and self._bytes_without_padding(kbps) >= needed)

    @property
    def _source_bits(self) -> int:
        """What LAME tells of the source: the sample rate, and whether there are two channels."""
        rate = 0 if self.samplerate_hz <= 32_000 else 1 if self.samplerate_hz == 44_100 else 2
        return rate << 6 | (3 << 2 if self.channels == 2 else 0)


def _big(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _crc_of_byte(byte: int) -> int:
    *_, last = accumulate(range(8), lambda crc, _: crc >> 1 ^ (0xA001 if crc & 1 else 0), initial=byte)
    return last


_CRCS = tuple(_crc_of_byte(byte) for byte in range(256))


def crc(content: bytes | bytearray, start: int = 0) -> int:
    """Return the checksum that LAME writes: CRC-16 with the polynomial 0x8005, bits reflected."""
    value = start
    for byte in content:
        value = value >> 8 ^ _CRCS[(value ^ byte) & 0xFF]
    return value
