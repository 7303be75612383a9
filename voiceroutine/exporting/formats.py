"""The formats of audio files, by suffix: which sample rates they take, and what writes them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from voiceroutine.errors import ExportError
from voiceroutine.sinks.mpeg import bitrates_kbps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from voiceroutine.sinks import Sink
    from voiceroutine.sinks.tags import Shape, Tags

RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """What there is to know of a format before a file of it is made.

    Attributes:
        suffix: with its dot.
        name: for people.
        open: what writes a file of it.
        rates_hz: the sample rates it takes.
        bitrates_kbps: what may be asked for at a sample rate; None where every sample is kept.
        package: what it needs beyond what is always there; empty if nothing.
        extra: of voiceroutine, which installs that.
    """

    suffix: str
    name: str
    open: Callable[[Path, Shape, Tags], Sink]
    rates_hz: tuple[int, ...] = RATES_HZ
    bitrates_kbps: Callable[[int], Sequence[int]] | None = None
    package: str = ""
    extra: str = ""


def _wav(path: Path, shape: Shape, tags: Tags) -> Sink:
    from voiceroutine.sinks.wav import WavSink

    return WavSink(path, shape, tags)


def _flac(path: Path, shape: Shape, tags: Tags) -> Sink:
    from voiceroutine.sinks.compressed import flac

    return flac(path, shape, tags)


def _mp3(path: Path, shape: Shape, tags: Tags) -> Sink:
    from voiceroutine.sinks.mp3 import Mp3Sink

    return Mp3Sink(path, shape, tags)


def _ogg(path: Path, shape: Shape, tags: Tags) -> Sink:
    from voiceroutine.sinks.compressed import vorbis

    return vorbis(path, shape, tags)


def _opus(path: Path, shape: Shape, tags: Tags) -> Sink:
    from voiceroutine.sinks.compressed import opus

    return opus(path, shape, tags)


def _m4a(path: Path, shape: Shape, tags: Tags) -> Sink:
    return _mp4(path, shape, tags, b"M4A ")


def _m4b(path: Path, shape: Shape, tags: Tags) -> Sink:
    return _mp4(path, shape, tags, b"M4B ")


def _mp4(path: Path, shape: Shape, tags: Tags, brand: bytes) -> Sink:
    from voiceroutine.sinks.m4a import M4aSink

    return M4aSink(path, shape, tags, brand)


FORMATS: Mapping[str, Format] = {
    one.suffix: one
    for one in (
        Format(suffix=".wav", name="WAV", open=_wav),
        Format(suffix=".flac", name="FLAC", open=_flac),
        Format(suffix=".mp3", name="MP3", open=_mp3, bitrates_kbps=bitrates_kbps),
        Format(suffix=".ogg", name="Ogg Vorbis", open=_ogg, bitrates_kbps=lambda _: range(24, 501)),
        Format(suffix=".opus", name="Opus", open=_opus, rates_hz=OPUS_RATES_HZ, bitrates_kbps=lambda _: range(6, 513)),
        Format(suffix=".m4a", name="M4A", open=_m4a, bitrates_kbps=lambda _: range(16, 321), package="av", extra="m4a"),
        Format(suffix=".m4b", name="M4B", open=_m4b, bitrates_kbps=lambda _: range(16, 321), package="av", extra="m4a"),
    )
}


def open_encoder(path: Path, suffix: str, shape: Shape, tags: Tags) -> Sink:
    """Begin an audio file.

    Args:
        path: where it is written; it is finished by the sink's `finish`.
        suffix: the format, one of `FORMATS`.
        shape: of the samples that will be written, interleaved by channel.
        tags: what players show.

    Raises:
        ExportError: the format can't have this sample rate or bit rate, or needs a package that isn't here.
        OSError: the file can't be written.
    """
    check_shape(suffix, shape.samplerate_hz, shape.bitrate_kbps)
    return FORMATS[suffix].open(path, shape, tags)


def check_shape(suffix: str, samplerate_hz: int, bitrate_kbps: int | None) -> None:
    """Refuse what a format can't have, before any work is done.

    Raises:
        ExportError: the sample rate or the bit rate isn't one of the format's, or it needs a package that isn't here.
    """
    form = FORMATS[suffix]
    if form.package and find_spec(form.package) is None:
        raise ExportError(
            f'{form.name} files need the package "{form.package}": pip install "voiceroutine[{form.extra}]". '
            "Or choose another format; .mp3 plays everywhere too."
        )
    if samplerate_hz not in form.rates_hz:
        rates = ", ".join(f"{rate}" for rate in form.rates_hz)
        raise ExportError(f"{form.name} has no sample rate of {samplerate_hz} Hz; use one of {rates}.")
    if bitrate_kbps is None:
        return
    if form.bitrates_kbps is None:
        raise ExportError(f"{form.name} keeps every sample, so it has no bit rate to choose; leave --bitrate out.")
    choices = form.bitrates_kbps(samplerate_hz)
    if bitrate_kbps not in choices:
        raise ExportError(
            f"{form.name} can't have {bitrate_kbps} kbit/s at {samplerate_hz} Hz; use {_written(choices)}."
        )


def _written(choices: Sequence[int]) -> str:
    if isinstance(choices, range):
        return f"{choices[0]} to {choices[-1]}"
    return "one of " + ", ".join(map(str, choices))
