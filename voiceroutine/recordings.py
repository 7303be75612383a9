"""Reading people's own sound files, whatever their format, in parts that fit into memory.

soundfile reads most of them. What it can't, pydub decodes where ffmpeg is installed; it is told the format that the
file's first bytes say, so that ffmpeg never takes a text for a list of other files to open.
"""

from __future__ import annotations

import re
import shutil
import warnings
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.audio import Clip, joined

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

FORMATS = "WAV, FLAC, OGG, MP3 and AIFF files can be read"
MORE_FORMATS = f"{FORMATS}, and M4A, WebM, WMA, AAC and AMR where ffmpeg is installed"
SAMPLERATES_HZ = (4_000, 384_000)
# Parts are small because music is read while little memory may be used.
PART_VALUES = 1 << 18
PART_S = 20

_HEAD_BYTES = 16
_BY_SOUNDFILE = re.compile(
    rb"RIFF|RIFX|RF64|riff|fLaC|OggS|FORM|ID3|caff|\.snd|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]", re.DOTALL
)
_BY_FFMPEG = (
    (rb"....ftyp", "mp4"),
    (rb"\x1aE\xdf\xa3", "matroska"),
    (rb"0&\xb2u", "asf"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "aac"),
    (rb"#!AMR", "amr"),
    (rb"OggS", "ogg"),
    (rb"RIFF", "wav"),
)


class UnreadableError(Exception):
    """A file can't be read as sound; the text says what it does, `hint` what helps."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def read_clip(path: Path) -> Clip:
    """Read a sound file as a whole; several channels are averaged into one.

    Raises:
        OSError: the file can't be opened.
        UnreadableError: it can't be read as sound.
    """
    return joined(clip_parts(path))


def read_pcm(path: Path) -> npt.NDArray[np.int16]:
    """Read a bundled sound of 16 bits as it is."""
    import soundfile

    samples: npt.NDArray[np.int16] = soundfile.read(path, dtype="int16")[0]
    return samples


def clip_parts(path: Path, part_s: int = PART_S) -> Iterator[Clip]:
    """Yield a sound file in parts of at most some seconds, several channels averaged into one.

    Args:
        path: the file.
        part_s: how much ffmpeg is to decode at a time.

    Raises:
        OSError: the file can't be opened.
        UnreadableError: it can't be read as sound.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    formats = [name for beginning, name in _BY_FFMPEG if re.match(beginning, head, re.DOTALL)]
    if _BY_SOUNDFILE.match(head) and _is_known_to_soundfile(path):
        parts = _parts_by_soundfile(path)
    elif formats:
        parts = _parts_by_pydub(path, formats[0], part_s)
    else:
        raise UnreadableError("can't be read as sound", MORE_FORMATS)
    for part in parts:
        yield _sane(part)


def lasts_longer(path: Path, limit_s: int) -> bool:
    """Tell whether a file that can be read lasts longer than so many seconds.

    Raises:
        OSError: the file can't be opened.
        UnreadableError: it can't be read as sound.
    """
    import soundfile

    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if _BY_SOUNDFILE.match(head) and _is_known_to_soundfile(path):
        info = soundfile.info(path)
        return bool(info.frames > limit_s * info.samplerate)
    formats = [name for beginning, name in _BY_FFMPEG if re.match(beginning, head, re.DOTALL)]
    return bool(formats) and len(_decoded(path, formats[0], limit_s, 1).samples) > 0


def _sane(part: Clip) -> Clip:
    if not np.isfinite(part.samples).all():
        raise UnreadableError("has samples that are not numbers", "save it anew, with 16 bits")
    low_hz, high_hz = SAMPLERATES_HZ
    if not low_hz <= part.samplerate_hz <= high_hz:
        message = f"has {part.samplerate_hz:,} samples a second"
        raise UnreadableError(message, "save it with 44,100 or 48,000 samples a second")
    return part


def _is_known_to_soundfile(path: Path) -> bool:
    import soundfile

    try:
        soundfile.SoundFile(path).close()
    except (soundfile.SoundFileError, TypeError):
        return False
    return True


def _parts_by_soundfile(path: Path) -> Iterator[Clip]:
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            frames = max(1, PART_VALUES // file.channels)
            while len(block := file.read(frames, dtype="float32", always_2d=True)):
                yield Clip(samples=block.mean(axis=1, dtype=np.float32), samplerate_hz=file.samplerate)
    except soundfile.SoundFileError:
        raise UnreadableError("is damaged", "does it play elsewhere? save it anew") from None


def _parts_by_pydub(path: Path, format_: str, part_s: int) -> Iterator[Clip]:
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        raise UnreadableError(
            "can't be read without ffmpeg", f"install ffmpeg, or save it in another format: {FORMATS}"
        )
    start_s = 0
    while True:
        part = _decoded(path, format_, start_s, part_s)
        if len(part.samples):
            yield part
        if part.duration_ms < part_s * 1000:
            return
        start_s += part_s


def _decoded(path: Path, format_: str, start_s: int, part_s: int) -> Clip:
    with warnings.catch_warnings():
        # Python's audioop is deprecated, and some of pydub's own text draws warnings too: nothing a listener can mend.
        warnings.simplefilter("ignore")
        from pydub import AudioSegment
        from pydub.exceptions import PydubException

        try:
            segment = AudioSegment.from_file(str(path), format=format_, start_second=start_s, duration=part_s)
        except (PydubException, LookupError, OSError, ValueError, EOFError) as error:
            raise UnreadableError("is damaged", "does it play elsewhere? save it anew") from error
        values: npt.NDArray[np.int32] = np.asarray(segment.get_array_of_samples())
    frames = values.reshape(-1, segment.channels)
    full_scale = np.float32(1 << (8 * segment.sample_width - 1))
    return Clip(samples=frames.mean(axis=1, dtype=np.float32) / full_scale, samplerate_hz=segment.frame_rate)
