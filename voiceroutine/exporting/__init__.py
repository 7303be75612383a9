"""A timeline as an audio file: rendered in blocks, written beside, renamed when it is whole."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from voiceroutine.beside import check_place, told, written_beside
from voiceroutine.errors import ExportError
from voiceroutine.units import SAMPLERATE_HZ, frame_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voiceroutine.mix import Mix
    from voiceroutine.sinks import Sink

    Progress = Callable[[float], None]

BLOCK_FRAMES = 1 << 16
SUFFIXES = (".wav", ".flac", ".mp3")


def export_mix(mix: Mix, duration_ms: int, path: Path, progress: Progress = lambda _: None) -> None:
    """Write a mix to a file whose suffix says the format.

    An existing file is replaced when the new one is whole; whatever goes wrong, nothing half-made is left.

    Args:
        mix: what sounds.
        duration_ms: how long.
        path: the file.
        progress: told how much is done, from 0 to 1.

    Raises:
        ExportError: the format is unknown, or the file can't be written.
    """
    check_path(path)
    mix.end_at(duration_ms)
    # Twice, since how much room there is must be seen before the unfinished file is removed.
    with (
        told(path, "-o"),
        written_beside(path) as part,
        told(path, "-o"),
        closing(_open_sink(part, path.suffix.lower())) as sink,
    ):
        _render(mix, frame_at(duration_ms), sink, progress)
        sink.finish()


def check_path(path: Path) -> None:
    """Refuse a file that can't be made, before any work is done.

    Raises:
        ExportError: the suffix is unknown, the folder isn't there, or the path is a folder.
    """
    check_place(path)
    if not path.suffix:
        raise ExportError(f"{path}: the name says no audio format; add one of {', '.join(SUFFIXES)}.")
    if path.suffix.lower() not in SUFFIXES:
        raise ExportError(f'{path}: unknown audio format "{path.suffix}"; use one of {", ".join(SUFFIXES)}.')


def _open_sink(part: Path, suffix: str) -> Sink:
    if suffix == ".wav":
        from voiceroutine.sinks.wav import WavSink

        return WavSink(part, samplerate_hz=SAMPLERATE_HZ, channels=1)
    from voiceroutine.sinks.compressed import CompressedSink

    return CompressedSink(part, suffix, samplerate_hz=SAMPLERATE_HZ, channels=1)


def _render(mix: Mix, frames: int, sink: Sink, progress: Progress) -> None:
    import numpy as np

    block = np.empty(BLOCK_FRAMES, np.float32)
    for first_frame in range(0, frames, BLOCK_FRAMES):
        sink.write(mix.read(first_frame, block[: min(BLOCK_FRAMES, frames - first_frame)]))
        progress(min(1.0, (first_frame + BLOCK_FRAMES) / frames))
