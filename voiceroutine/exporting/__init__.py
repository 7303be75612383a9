"""A timeline as an audio file: rendered in blocks, written beside, renamed when it is whole."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from voiceroutine.beside import check_place, told, written_beside
from voiceroutine.errors import ExportError
from voiceroutine.exporting.formats import FORMATS, check_shape, open_encoder
from voiceroutine.exporting.tags import Shape, Tags
from voiceroutine.units import SAMPLERATE_HZ, frame_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from voiceroutine.audio import Samples
    from voiceroutine.mix import Mix

    Progress = Callable[[float], None]

BLOCK_FRAMES = 1 << 16
SUFFIXES = tuple(FORMATS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a file is to be, where that isn't the default.

    Attributes:
        tags: what players show; None is the file's name.
        samplerate_hz: frames a second.
        is_stereo: whether there are two channels, which are the same.
        bitrate_kbps: None is what the format needs for speech and bells.
        span_ms: from which instant to which; None is all.
    """

    tags: Tags | None = None
    samplerate_hz: int = SAMPLERATE_HZ
    is_stereo: bool = False
    bitrate_kbps: int | None = None
    span_ms: tuple[int, int] | None = None


def export_mix(
    mix: Mix, duration_ms: int, path: Path, progress: Progress = lambda _: None, wanted: Wanted = Wanted()
) -> None:
    """Write a mix to a file whose suffix says the format.

    An existing file is replaced when the new one is whole; whatever goes wrong, nothing half-made is left.

    Args:
        mix: what sounds.
        duration_ms: how long all of it lasts.
        path: the file.
        progress: told how much is done, from 0 to 1.
        wanted: how the file is to be.

    Raises:
        ExportError: the format is unknown or can't be as wanted, or the file can't be written.
    """
    check_path(path)
    mix.end_at(duration_ms)
    start_ms, end_ms = wanted.span_ms or (0, duration_ms)
    stream = Stream(mix, start_ms, end_ms, samplerate_hz=wanted.samplerate_hz, channels=1 + wanted.is_stereo)
    shape = Shape(
        samplerate_hz=stream.samplerate_hz,
        channels=stream.channels,
        bitrate_kbps=wanted.bitrate_kbps,
        frames=stream.frames,
    )
    tags = wanted.tags or Tags(title=path.stem)
    # Twice, since how much room there is must be seen before the unfinished file is removed.
    with (
        told(path, "-o"),
        written_beside(path) as part,
        told(path, "-o"),
        closing(open_encoder(part, path.suffix.lower(), shape, tags)) as sink,
    ):
        written = 0
        for block in stream.blocks():
            sink.write(block)
            written += len(block) // stream.channels
            progress(written / stream.frames)
        sink.finish()


def check_path(path: Path) -> None:
    """Refuse a file that can't be made, before any work is done.

    Raises:
        ExportError: the suffix is unknown or needs a package that isn't here, the folder isn't there, or the path is a
            folder.
    """
    check_place(path)
    if not path.suffix:
        raise ExportError(f"{path}: the name says no audio format; add one of {', '.join(SUFFIXES)}.")
    if path.suffix.lower() not in SUFFIXES:
        raise ExportError(f'{path}: unknown audio format "{path.suffix}"; use one of {", ".join(SUFFIXES)}.')
    check_shape(path.suffix.lower(), SAMPLERATE_HZ, None)


class Stream:
    """A stretch of a mix as a file wants it: at its sample rate, with as many channels, as many frames as it lasts.

    Args:
        mix: what sounds; it has been told where it ends.
        start_ms: the instant of the first frame.
        end_ms: the instant after the last one.
        samplerate_hz: frames a second.
        channels: how often each sample comes.
    """

    def __init__(self, mix: Mix, start_ms: int, end_ms: int, *, samplerate_hz: int, channels: int) -> None:
        self._mix = mix
        self._from_frame, self._to_frame = frame_at(start_ms), frame_at(end_ms)
        self.samplerate_hz = samplerate_hz
        self.channels = channels
        self.frames = frame_at(end_ms, samplerate_hz) - frame_at(start_ms, samplerate_hz)

    def blocks(self) -> Iterator[Samples]:
        """Yield all samples, interleaved by channel; a block may be overwritten when the next one is asked for."""
        import numpy as np

        blocks = self._mixed() if self.samplerate_hz == SAMPLERATE_HZ else self._resampled()
        return blocks if self.channels == 1 else (np.repeat(block, self.channels) for block in blocks)

    def _mixed(self) -> Iterator[Samples]:
        import numpy as np

        block = np.empty(BLOCK_FRAMES, np.float32)
        for first_frame in range(self._from_frame, self._to_frame, BLOCK_FRAMES):
            yield self._mix.read(first_frame, block[: min(BLOCK_FRAMES, self._to_frame - first_frame)])

    def _resampled(self) -> Iterator[Samples]:
        """Yield the mix at another sample rate; the resampler adds or lacks a frame at the end, at most."""
        import numpy as np
        import soxr

        resampler = soxr.ResampleStream(SAMPLERATE_HZ, self.samplerate_hz, 1, dtype="float32", quality="HQ")
        missing = self.frames
        for block in chain(self._mixed(), [None]):
            last = block is None
            out = resampler.resample_chunk(np.zeros(0, np.float32) if block is None else block, last=last)
            yield out[:missing]
            missing -= len(out[:missing])
        if missing:
            yield np.zeros(missing, np.float32)
