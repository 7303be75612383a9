"""Temporary."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voiceroutine.beside import written_beside
from voiceroutine.units import SAMPLERATE_HZ
from voiceroutine.wav import HEADER_BYTES, wav_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHECK = b"b2sm"
_CHECK_BYTES = 8 + 16
_BYTES_PER_MS = 2 * SAMPLERATE_HZ // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    pcm: bytes
    words: bytes = b""


@dataclass(frozen=True, slots=True)
class ClipCache:
    folder: Path

    def duration_ms(self, key: str) -> int | None:
        try:
            with self._file(key).open("rb") as file:
                head, size = file.read(HEADER_BYTES), os.fstat(file.fileno()).st_size
        except OSError:
            return None
        data_bytes = size - HEADER_BYTES - _CHECK_BYTES
        if data_bytes < 0 or head != _head(data_bytes) or data_bytes % _BYTES_PER_MS:
            return None
        return data_bytes // _BYTES_PER_MS

    def read(self, key: str) -> Kept | None:
        try:
            content = self._file(key).read_bytes()
        except OSError:
            return None
        pcm = content[HEADER_BYTES:-_CHECK_BYTES]
        return Kept(pcm=pcm) if content == _wav(pcm) else None

    def write(self, key: str, kept: Kept) -> bool:
        file = self._file(key)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with written_beside(file) as part:
                part.write_bytes(_wav(kept.pcm))
        except OSError:
            return False
        return True

    @contextmanager
    def making(self, key: str) -> Iterator[None]:
        yield

    def prune(self) -> None:
        pass

    def _file(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.wav"


def _head(data_bytes: int) -> bytes:
    return wav_header(data_bytes, samplerate_hz=SAMPLERATE_HZ, channels=1, extra_bytes=_CHECK_BYTES)


def _wav(pcm: bytes) -> bytes:
    digest = hashlib.blake2b(pcm, digest_size=16).digest()
    return _head(len(pcm)) + pcm + _CHECK + len(digest).to_bytes(4, "little") + digest
