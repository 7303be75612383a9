"""The boxes of an MP4 file with one AAC track, chapters, tags and a cover.

How large every box is is known before the first packet, so the index can stand before the sound, where players that
stream want it, without writing the file twice.

Source: ISO/IEC 14496-12 (boxes), 14496-14 (AAC in MP4), the QuickTime File Format Specification (the chapter track and
the tags), and Nero's `chpl` as players read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.sinks.languages import iso_639_2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.sinks.tags import Tags

PACKET_FRAMES = 1024
PRIMING_FRAMES = 1024
PACKETS_PER_CHUNK = 64
MOST_NERO_CHAPTERS = 255

_CLOCK_HZ = 1000
_AUDIO_TRACK, _CHAPTER_TRACK = 1, 2
_UNITY_MATRIX = b"".join(number.to_bytes(4) for number in (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30))
_TEXT, _NUMBER, _PNG = 1, 21, 14
_AUDIOBOOK = 2
_UTF_8_MARK = b"\0\0\0\x0cencd\0\0\x01\0"


@dataclass(frozen=True, kw_only=True)
class Film:
    """Everything that the boxes say.

    Attributes:
        brand: "M4A " or "M4B ".
        tags: what players show.
        samplerate_hz: of the sound.
        channels: of the sound.
        frames: how many are heard.
        bitrate_kbps: what the encoder was asked for.
        decoder: what a decoder needs to begin, the AudioSpecificConfig.
    """

    brand: bytes
    tags: Tags
    samplerate_hz: int
    channels: int
    frames: int
    bitrate_kbps: int
    decoder: bytes

    @property
    def packets(self) -> int:
        """How many packets of AAC there are, with the one that primes the decoder."""
        return -(-(self.frames + PRIMING_FRAMES) // PACKET_FRAMES)

    def before_sound(self, sizes: Sequence[int]) -> bytes:
        """Return the file up to its first packet; its length doesn't depend on the sizes.

        Args:
            sizes: of all packets.
        """
        kind = _box(b"ftyp", self.brand, _four(0), self.brand, b"mp42", b"isom")
        titles = [_title(chapter.title) for chapter in self.tags.chapters]
        index_bytes = len(self._index(sizes, titles, 0))
        data_at = len(kind) + index_bytes + 16
        text = b"".join(titles)
        data_bytes = 16 + len(text) + sum(sizes)
        return kind + self._index(sizes, titles, data_at) + _four(1) + b"mdat" + _eight(data_bytes) + text

    def _index(self, sizes: Sequence[int], titles: Sequence[bytes], text_at: int) -> bytes:
        sound_at = text_at + sum(map(len, titles))
        tracks = [self._audio_track(sizes, sound_at)]
        if titles:
            tracks.append(self._chapter_track(titles, text_at))
        return _box(b"moov", self._movie_header(1 + len(tracks)), *tracks, self._user_data())

    def _movie_header(self, next_track: int) -> bytes:
        times = bytes(8) + _four(self.samplerate_hz) + _four(self.frames)
        rate_and_volume = _four(1 << 16) + _two(1 << 8) + bytes(10)
        return _full_box(b"mvhd", times, rate_and_volume, _UNITY_MATRIX, bytes(24), _four(next_track))

    def _audio_track(self, sizes: Sequence[int], sound_at: int) -> bytes:
        edit = _full_box(b"elst", _four(1), _four(self.frames), _four(PRIMING_FRAMES), _four(1 << 16))
        references = [_box(b"tref", _box(b"chap", _four(_CHAPTER_TRACK)))] if self.tags.chapters else []
        media = _box(
            b"mdia",
            _media_header(self.samplerate_hz, self.frames + PRIMING_FRAMES, self.tags.language),
            _handler(b"soun", b"SoundHandler"),
            _box(b"minf", _full_box(b"smhd", bytes(4)), _data_here(), self._audio_table(sizes, sound_at)),
        )
        header = _track_header(_AUDIO_TRACK, self.frames, is_heard=True)
        return _box(b"trak", header, _box(b"edts", edit), *references, media)

    def _audio_table(self, sizes: Sequence[int], sound_at: int) -> bytes:
        packets = self.packets
        starts = _chunk_starts(sizes, packets, sound_at)
        last = packets % PACKETS_PER_CHUNK
        runs = [(1, PACKETS_PER_CHUNK)] if packets >= PACKETS_PER_CHUNK else []
        runs += [(packets // PACKETS_PER_CHUNK + 1, last)] if last else []
        roll = _box(b"sgpd", _four(1 << 24), b"roll", _four(2), _four(1), (-1).to_bytes(2, signed=True))
        return _box(
            b"stbl",
            _full_box(b"stsd", _four(1), self._sample_entry()),
            self._packet_lengths(),
            _full_box(b"stsc", _four(len(runs)), *(_four(first) + _four(each) + _four(1) for first, each in runs)),
            _full_box(b"stsz", _four(0), _four(packets), _fours(sizes, packets)),
            _full_box(b"stco", _four(len(starts)), _fours(starts, len(starts))),
            roll,
            _full_box(b"sbgp", b"roll", _four(1), _four(packets), _four(1)),
        )

    def _packet_lengths(self) -> bytes:
        """Return how many frames are in each packet; in the last one only those that are heard."""
        whole = self.packets - 1
        last = self.frames + PRIMING_FRAMES - whole * PACKET_FRAMES
        runs = [(whole, PACKET_FRAMES), (1, last)] if whole else [(1, last)]
        return _full_box(b"stts", _four(len(runs)), *(_four(count) + _four(each) for count, each in runs))

    def _sample_entry(self) -> bytes:
        sound = bytes(8) + _two(self.channels) + _two(16) + bytes(4) + _four(self.samplerate_hz << 16)
        return _box(b"mp4a", bytes(6), _two(1), sound, self._decoder_box())

    def _decoder_box(self) -> bytes:
        aac, audio = 0x40, 0x15
        bits = _four(self.bitrate_kbps * 1000)
        settings = _descriptor(4, bytes((aac, audio)) + bytes(3) + bits + bits + _descriptor(5, self.decoder))
        return _full_box(b"esds", _descriptor(3, bytes(3) + settings + _descriptor(6, b"\x02")))

    def _chapter_track(self, titles: Sequence[bytes], text_at: int) -> bytes:
        chapters = self.tags.chapters
        lengths_ms = [later.start_ms - one.start_ms for one, later in pairwise(chapters)]
        lengths_ms.append(chapters[-1].end_ms - chapters[-1].start_ms)
        table = _box(
            b"stbl",
            _full_box(b"stsd", _four(1), _box(b"text", bytes(6), _two(1), bytes(51))),
            _full_box(b"stts", _four(len(lengths_ms)), *(_four(1) + _four(length_ms) for length_ms in lengths_ms)),
            _full_box(b"stsc", _four(1), _four(1), _four(len(titles)), _four(1)),
            _full_box(b"stsz", _four(0), _four(len(titles)), *(_four(len(title)) for title in titles)),
            _full_box(b"stco", _four(1), _four(text_at)),
        )
        media_info = _box(b"gmhd", _full_box(b"gmin", _two(0x40), bytes(10)), _box(b"text", _UNITY_MATRIX))
        media = _box(
            b"mdia",
            _media_header(_CLOCK_HZ, sum(lengths_ms), self.tags.language),
            _handler(b"text", b"Chapters"),
            _box(b"minf", media_info, _data_here(), table),
        )
        return _box(b"trak", _track_header(_CHAPTER_TRACK, self.frames, is_heard=False), media)

    def _user_data(self) -> bytes:
        handler = _full_box(b"hdlr", bytes(4), b"mdir", b"appl", bytes(9))
        items = _box(b"ilst", *self._items())
        nero = self._nero_chapters() if 0 < len(self.tags.chapters) <= MOST_NERO_CHAPTERS else b""
        return _box(b"udta", _full_box(b"meta", handler, items), nero)

    def _items(self) -> Iterator[bytes]:
        tags = self.tags
        for name, text in (
            (b"\xa9nam", tags.title),
            (b"\xa9ART", tags.artist),
            (b"\xa9alb", tags.album),
            (b"\xa9cmt", tags.comment),
            (b"\xa9lyr", tags.lyrics),
            (b"\xa9too", tags.encoder),
        ):
            if text:
                yield _item(name, _TEXT, text.encode())
        yield _item(b"trkn", 0, _two(0) + _two(tags.track) + _two(tags.tracks) + _two(0))
        if self.brand == b"M4B ":
            yield _item(b"stik", _NUMBER, bytes((_AUDIOBOOK,)))
        if tags.cover_png:
            yield _item(b"covr", _PNG, tags.cover_png)

    def _nero_chapters(self) -> bytes:
        chapters = [
            _eight(chapter.start_ms * 10_000) + bytes((len(title),)) + title
            for chapter in self.tags.chapters
            for title in (_cut(chapter.title, 255),)
        ]
        return _box(b"chpl", _four(1 << 24), _four(0), bytes((len(chapters),)), *chapters)


def _title(title: str) -> bytes:
    """Return a chapter's title as a sample of its track."""
    text = _cut(title, 0xFFFF)
    return _two(len(text)) + text + _UTF_8_MARK


def _cut(text: str, most_bytes: int) -> bytes:
    return text.encode()[:most_bytes].decode(errors="ignore").encode()


def _chunk_starts(sizes: Sequence[int], packets: int, sound_at: int) -> list[int]:
    starts = []
    for first in range(0, packets, PACKETS_PER_CHUNK):
        starts.append(sound_at)
        sound_at += sum(sizes[first : first + PACKETS_PER_CHUNK])
    return starts


def _fours(numbers: Sequence[int], count: int) -> bytes:
    """Return so many numbers of four bytes; those that aren't known yet are 0."""
    table = np.zeros(count, ">u4")
    table[: len(numbers)] = numbers
    return table.tobytes()


def _media_header(clock_hz: int, duration: int, language: str) -> bytes:
    packed = 0
    for letter in iso_639_2(language):
        packed = packed << 5 | ord(letter) - 0x60
    return _full_box(b"mdhd", bytes(8), _four(clock_hz), _four(duration), _two(packed), _two(0))


def _track_header(track: int, frames: int, *, is_heard: bool) -> bytes:
    is_in_movie = 0b11 if is_heard else 0
    volume = _two(1 << 8) if is_heard else _two(0)
    place = bytes(8) + bytes(4) + volume + _two(0)
    content = (bytes(8), _four(track), _four(0), _four(frames), place, _UNITY_MATRIX, bytes(8))
    return _box(b"tkhd", _four(is_in_movie), *content)


def _handler(kind: bytes, name: bytes) -> bytes:
    return _full_box(b"hdlr", bytes(4), kind, bytes(12), name + b"\0")


def _data_here() -> bytes:
    is_in_this_file = 1
    return _box(b"dinf", _full_box(b"dref", _four(1), _box(b"url ", _four(is_in_this_file))))


def _item(name: bytes, kind: int, content: bytes) -> bytes:
    return _box(name, _box(b"data", _four(kind), _four(0), content))


def _descriptor(kind: int, content: bytes) -> bytes:
    return bytes((kind, 0x80, 0x80, 0x80, len(content))) + content


def _full_box(name: bytes, *content: bytes) -> bytes:
    return _box(name, _four(0), *content)


def _box(name: bytes, *content: bytes) -> bytes:
    inside = b"".join(content)
    return _four(8 + len(inside)) + name + inside


def _two(number: int) -> bytes:
    return number.to_bytes(2)


def _four(number: int) -> bytes:
    return number.to_bytes(4)


def _eight(number: int) -> bytes:
    return number.to_bytes(8)
