"""Find a loudspeaker: the first way to one that opens."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voiceroutine.errors import DeviceError
from voiceroutine.sinks.live import within

if TYPE_CHECKING:
    from collections.abc import Callable

    from voiceroutine.sinks import Block, LiveSink

_OPEN_LIMIT_MS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Whether one way to the loudspeaker works; the reason is empty when it does."""

    name: str
    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    name: str
    open: Callable[[], LiveSink]


def open_device(device: str | None = None, first: Block = b"") -> LiveSink:
    """Open the first loudspeaker that works; with a device, that one or none.

    Close a sink whose device was lost before opening again.

    Args:
        device: a name, part of a name, or index, as PortAudio lists them.
        first: samples to begin with; they sound sooner than those that are written later.

    Raises:
        DeviceError: nothing opens; the text says what was tried and why each failed.
    """
    reasons = []
    for way in _ways(device, first):
        try:
            return _open_in_time(way)
        except DeviceError as error:
            reasons.append(f"  {way.name}: {error}")
    what = "There is no sound output that works" if device is None else f'The sound device "{device}" does not work'
    raise DeviceError("\n".join([f"{what}. Tried:", *reasons]))


def probe_devices() -> tuple[Trial, ...]:
    """Try every way to the loudspeaker, without a sound; takes at most some seconds for each."""
    return tuple(_probe(way) for way in _ways(None, b""))


def _probe(way: _Way) -> Trial:
    try:
        _open_in_time(way).close()
    except DeviceError as error:
        return Trial(name=way.name, ok=False, reason=str(error))
    return Trial(name=way.name, ok=True)


def _open_in_time(way: _Way) -> LiveSink:
    try:
        return within(_OPEN_LIMIT_MS, way.open, late=lambda sink: sink.close())
    except TimeoutError:
        raise DeviceError(f"no answer within {_OPEN_LIMIT_MS // 1000} seconds") from None
    except (OSError, AttributeError) as error:
        raise DeviceError(f"it can't be used ({error})") from error


def _ways(device: str | None, first: Block) -> tuple[_Way, ...]:
    sounddevice = _Way(name="sounddevice", open=lambda: _sounddevice(device, first))
    if device is not None or sys.platform in ("darwin", "win32"):
        return (sounddevice,)
    return (
        sounddevice,
        _Way(name="PulseAudio", open=lambda: _begun(_pulse(), first)),
        _Way(name="ALSA", open=lambda: _begun(_alsa(), first)),
        _Way(name="pacat", open=lambda: _begun(_pacat(), first)),
        _Way(name="aplay", open=lambda: _begun(_aplay(), first)),
    )


def _begun(sink: LiveSink, first: Block) -> LiveSink:
    try:
        sink.write(first)
    except BaseException:
        sink.close()
        raise
    return sink


def _sounddevice(device: str | None, first: Block) -> LiveSink:
    from voiceroutine.sinks.portaudio import PortAudioSink

    return PortAudioSink(device, first)


def _pulse() -> LiveSink:
    from voiceroutine.sinks.pulse import PulseSink

    return PulseSink()


def _alsa() -> LiveSink:
    from voiceroutine.sinks.alsa import AlsaSink

    return AlsaSink()


def _pacat() -> LiveSink:
    from voiceroutine.sinks.pipe import PipeSink

    return PipeSink.pacat()


def _aplay() -> LiveSink:
    from voiceroutine.sinks.pipe import PipeSink

    return PipeSink.aplay()
