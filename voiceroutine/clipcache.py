"""Finished clips, kept between runs: content-addressed, verified, shared by processes, bounded."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voiceroutine.beside import written_beside
from voiceroutine.errors import SettingError
from voiceroutine.locks import locked
from voiceroutine.units import SAMPLERATE_HZ
from voiceroutine.wav import HEADER_BYTES, wav_header

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
USUAL_LIMIT_BYTES = 512 * MIB
LIMIT_VARIABLE = "VOICEROUTINE_CACHE_MIB"
PATIENCE_S = 20.0
USED_AGAIN_AFTER_S = 3600
LEFT_BEHIND_AFTER_S = 3600

_WORDS, _CHECK = b"word", b"b2sm"
_DIGEST_BYTES = 16
_BYTES_PER_MS = 2 * SAMPLERATE_HZ // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A clip as it is kept: 16-bit PCM, mono, 48 kHz, and when its words sound, in a form of the caller's."""

    pcm: bytes
    words: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How much a cache holds."""

    clips: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ClipCache:
    """A folder of clips: WAV files, named by a hash of everything that shapes them.

    A chunk after the samples holds the words, a last one a checksum of both. A file that isn't whole counts as not
    there. Trouble with the folder is never an error: then nothing is kept.

    Args:
        folder: where the clips are; made when there is something to keep.
        limit_bytes: how much is kept; with 0 nothing is.
    """

    folder: Path
    limit_bytes: int = USUAL_LIMIT_BYTES

    def duration_ms(self, key: str) -> int | None:
        """Return how long a clip lasts, from the file's head and size alone."""
        try:
            with self._file(key).open("rb", buffering=0) as file:
                head, size = file.read(HEADER_BYTES), os.fstat(file.fileno()).st_size
        except OSError:
            return None
        data_bytes = int.from_bytes(head[-4:], "little")
        extra_bytes = size - HEADER_BYTES - data_bytes
        if extra_bytes < 0 or head != _head(data_bytes, extra_bytes) or data_bytes % _BYTES_PER_MS:
            return None
        return data_bytes // _BYTES_PER_MS

    def read(self, key: str) -> Kept | None:
        """Return a clip, or nothing if it isn't there as it was written; it counts as used."""
        file = self._file(key)
        try:
            content = file.read_bytes()
        except OSError:
            return None
        kept = _unpacked(content)
        if kept is not None:
            _mark_used(file)
        return kept

    def write(self, key: str, kept: Kept) -> bool:
        """Keep a clip, if the folder allows it; return whether it does."""
        if not self.limit_bytes:
            return False
        file = self._file(key)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with written_beside(file) as part:
                part.write_bytes(_packed(kept))
        except OSError:
            return False
        return True

    @contextmanager
    def making(self, key: str, patience_s: float = PATIENCE_S) -> Iterator[None]:
        """Be the only one, of all threads and processes, to make a clip; who comes second looks again what is there.

        Args:
            key: of the clip.
            patience_s: how long to wait for another; then both make it.
        """
        with locked(self.folder / "locks" / key[:2], patience_s) if self.limit_bytes else nullcontext():
            yield

    def usage(self) -> Usage:
        """Return how much there is."""
        found = self._clips()
        return Usage(clips=len(found), bytes=sum(size for _, size, _ in found))

    def clear(self) -> Usage:
        """Remove all clips, and return how much that was; other files in the folder stay."""
        removed = [size for _, size, file in self._clips() if _removed(file)]
        return Usage(clips=len(removed), bytes=sum(removed))

    def prune(self) -> None:
        """Remove what was used the longest ago, until there is room again, and what broken runs have left behind."""
        for part in self._files("*.part"):
            with suppress(OSError):
                if part.stat().st_mtime < time.time() - LEFT_BEHIND_AFTER_S:
                    part.unlink()
        clips = self._clips()
        excess_bytes = sum(size for _, size, _ in clips) - self.limit_bytes
        if excess_bytes > 0:
            excess_bytes += self.limit_bytes // 10
            for _, size, file in sorted(clips):
                if excess_bytes <= 0:
                    break
                excess_bytes -= size if _removed(file) else 0

    def _clips(self) -> list[tuple[float, int, Path]]:
        """Return when each clip was last used, its size, and its file."""
        found = []
        for file in self._files("*.wav"):
            with suppress(OSError):
                status = file.stat()
                found.append((status.st_mtime, status.st_size, file))
        return found

    def _files(self, pattern: str) -> Iterator[Path]:
        with suppress(OSError):
            for folder in self.folder.glob("[0-9a-f][0-9a-f]"):
                yield from folder.glob(pattern)

    def _file(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.wav"


def default_cache() -> ClipCache:
    """Return the user's cache; `VOICEROUTINE_CACHE_MIB` sets its limit.

    Raises:
        SettingError: the limit isn't a whole number.
    """
    import platformdirs

    folder = platformdirs.user_cache_path("voiceroutine", appauthor=False) / "clips"
    return ClipCache(folder, cache_limit_bytes())


def cache_limit_bytes() -> int:
    """Return how much the user lets be kept; 0 is nothing.

    Raises:
        SettingError: the limit isn't a whole number.
    """
    written = os.environ.get(LIMIT_VARIABLE) or str(USUAL_LIMIT_BYTES // MIB)
    if not (written.isascii() and written.isdigit() and len(written) < 10):
        message = f'{LIMIT_VARIABLE} is "{written[:40]}", and must be a whole number of MiB; 0 keeps nothing.'
        raise SettingError(message)
    return int(written) * MIB


def _head(data_bytes: int, extra_bytes: int) -> bytes:
    return wav_header(data_bytes, samplerate_hz=SAMPLERATE_HZ, channels=1, extra_bytes=extra_bytes)


def _packed(kept: Kept) -> bytes:
    words = kept.words + b" " * (len(kept.words) % 2)
    hashed = hashlib.blake2b(kept.pcm, digest_size=_DIGEST_BYTES)
    hashed.update(words)
    chunks = _chunk(_WORDS, words) + _chunk(_CHECK, hashed.digest())
    return b"".join([_head(len(kept.pcm), len(chunks)), kept.pcm, chunks])


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4, "little") + content


def _unpacked(content: bytes) -> Kept | None:
    """Return what a file holds, if packing it again gives the same file."""
    pcm_end = HEADER_BYTES + int.from_bytes(content[HEADER_BYTES - 4 : HEADER_BYTES], "little")
    words_end = len(content) - 8 - _DIGEST_BYTES
    kept = Kept(pcm=content[HEADER_BYTES:pcm_end], words=content[pcm_end + 8 : words_end])
    return kept if _packed(kept) == content else None


def _mark_used(file: Path) -> None:
    with suppress(OSError):
        if file.stat().st_mtime < time.time() - USED_AGAIN_AFTER_S:
            os.utime(file)


def _removed(file: Path) -> bool:
    try:
        file.unlink()
    except OSError:
        return False
    return True
