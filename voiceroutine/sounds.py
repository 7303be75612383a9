"""The chimes by name: where their files are and how long they last. No audio library is needed for that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from voiceroutine.library import bundled_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Sounds:
    """The sounds of a folder, by file name without suffix."""

    folder: Path

    @cached_property
    def files(self) -> Mapping[str, Path]:
        """Every sound's file by its name."""
        return {file.stem: file for file in sorted(self.folder.glob("*.flac"))}

    @cached_property
    def _lengths_ms(self) -> Mapping[str, int]:
        return {name: _flac_length_ms(file.read_bytes()[:42]) for name, file in self.files.items()}

    def length_ms(self, name: str) -> int:
        """Return how long a sound lasts; a started millisecond counts whole."""
        return self._lengths_ms[name]


def bundled_sounds() -> Sounds:
    """Return the sounds that come with the package."""
    return Sounds(bundled_folder("audio"))


def _flac_length_ms(header: bytes) -> int:
    """Read the length out of STREAMINFO (RFC 9639, section 8.2): 20 bits of rate, 8 of format, 36 of frames."""
    if header[:4] != b"fLaC":
        raise ValueError("not a FLAC file")
    fields = int.from_bytes(header[18:26], "big")
    samplerate_hz, frames = fields >> 44, fields & ((1 << 36) - 1)
    return -(-frames * 1000 // samplerate_hz)
