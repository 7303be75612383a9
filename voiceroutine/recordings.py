"""Reading people's own sound files, whatever their format, in parts that fit into memory.

soundfile reads most of them. What it can't, pydub decodes as a whole where ffmpeg is installed. In parts ffmpeg itself
decodes, since pydub begins anew for each. It is told the format that the file's first bytes say, so that it never takes
a text for a list of other files to open.
"""

from __future__ import annotations

import re
import shutil
import warnings
from contextlib import closing
from struct import Struct
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.audio import Clip, joined

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path
    from typing import IO

    import numpy.typing as npt

    from voiceroutine.audio import Samples

FORMATS = "WAV, FLAC, OGG, MP3 and AIFF files can be read"
MORE_FORMATS = f"{FORMATS}, and M4A, WebM, WMA, AAC and AMR where ffmpeg is installed"
SAMPLERATES_HZ = (4_000, 384_000)
# Parts are small because music is read while little memory may be used.
PART_VALUES = 1 << 18
PART_S = 5

_HEAD_BYTES = 16
_AU_HEAD = Struct(">4s5I")
_DAMAGED = ("is damaged", "does it play elsewhere? save it anew")
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
    """Read a short sound file as a whole; several channels are averaged into one.

    Raises:
        OSError: the file can't be opened.
        UnreadableError: it can't be read as sound.
    """
    format_ = _format_for_ffmpeg(path)
    return _sane(_by_pydub(path, format_)) if format_ else joined(map(_sane, _parts_by_soundfile(path)))


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
    format_ = _format_for_ffmpeg(path)
    for part in _parts_by_ffmpeg(path, format_, part_s) if format_ else _parts_by_soundfile(path):
        yield _sane(part)


def lasts_longer(path: Path, limit_s: int) -> bool:
    """Tell whether a file that can be read lasts longer than so many seconds.

    Raises:
        OSError: the file can't be opened.
        UnreadableError: it can't be read as sound.
    """
    import soundfile

    format_ = _format_for_ffmpeg(path)
    if not format_:
        info = soundfile.info(path)
        return bool(info.frames > limit_s * info.samplerate)
    with closing(_parts_by_ffmpeg(path, format_, part_s=1, start_s=limit_s)) as parts:
        return next(parts, None) is not None


def _format_for_ffmpeg(path: Path) -> str | None:
    """Return as what ffmpeg is to read a file, or None for one that soundfile can read."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if _BY_SOUNDFILE.match(head) and _is_known_to_soundfile(path):
        return None
    formats = [name for beginning, name in _BY_FFMPEG if re.match(beginning, head, re.DOTALL)]
    if not formats:
        raise UnreadableError("can't be read as sound", MORE_FORMATS)
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        hint = f"install ffmpeg, or save it in another format: {FORMATS}"
        raise UnreadableError("can't be read without ffmpeg", hint)
    return formats[0]


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
                yield Clip(samples=_mono(block), samplerate_hz=file.samplerate)
    except soundfile.SoundFileError:
        raise UnreadableError(*_DAMAGED) from None


def _parts_by_ffmpeg(path: Path, format_: str, part_s: int, start_s: int = 0) -> Generator[Clip]:
    import subprocess

    seek = ["-ss", str(start_s)] if start_s else []
    command = ["ffmpeg", "-v", "error", "-nostdin", *seek, "-f", format_, "-i", f"file:{path}", "-vn"]
    command += ["-c:a", "pcm_s16be", "-f", "au", "-"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
        assert run.stdout is not None
        try:
            yield from _au_parts(run.stdout, part_s)
            if run.wait():
                raise UnreadableError(*_DAMAGED)
        finally:
            run.kill()


def _au_parts(stream: IO[bytes], part_s: int) -> Iterator[Clip]:
    """Yield the parts of an AU stream of 16 bits: 24 bytes that say where samples begin, and of which kind they are."""
    head = stream.read(_AU_HEAD.size)
    if len(head) < _AU_HEAD.size:
        raise UnreadableError(*_DAMAGED)
    _, begin, _, _, samplerate_hz, channels = _AU_HEAD.unpack(head)
    stream.read(begin - _AU_HEAD.size)
    frame_bytes = 2 * channels
    while block := stream.read(part_s * samplerate_hz * frame_bytes):
        values = np.frombuffer(block[: len(block) // frame_bytes * frame_bytes], ">i2").reshape(-1, channels)
        yield Clip(samples=_mono(values.astype(np.float32)) / np.float32(32768), samplerate_hz=samplerate_hz)


def _by_pydub(path: Path, format_: str) -> Clip:
    with warnings.catch_warnings():
        # Python's audioop is deprecated, and some of pydub's own text draws warnings too: nothing a listener can mend.
        warnings.simplefilter("ignore")
        from pydub import AudioSegment
        from pydub.exceptions import PydubException

        try:
            segment = AudioSegment.from_file(str(path), format=format_)
        except (PydubException, LookupError, OSError, ValueError, EOFError) as error:
            raise UnreadableError(*_DAMAGED) from error
        values: npt.NDArray[np.int32] = np.asarray(segment.get_array_of_samples())
    frames = values.reshape(-1, segment.channels)
    full_scale = np.float32(1 << (8 * segment.sample_width - 1))
    return Clip(samples=_mono(frames.astype(np.float32)) / full_scale, samplerate_hz=segment.frame_rate)


def _mono(frames: Samples) -> Samples:
    """Return the average of all channels; a product is ten times as fast as the mean of short rows."""
    channels = frames.shape[1]
    return frames[:, 0] if channels == 1 else frames @ np.full(channels, 1 / channels, np.float32)
