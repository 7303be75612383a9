"""The loudspeaker by way of a PulseAudio or PipeWire server, on Linux, without PortAudio."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

from voiceroutine.errors import DeviceError
from voiceroutine.sinks.live import BLOCK_FRAMES, BUFFER_MS, CHANNELS, FRAME_BYTES, BlockingSink
from voiceroutine.units import SAMPLERATE_HZ

_PLAYBACK = 1
_FLOAT32_NATIVE = 5 if sys.byteorder == "little" else 6
_DEFAULT_BYTES = 0xFFFFFFFF


class _SampleSpec(ctypes.Structure):
    _fields_ = (("format", ctypes.c_int), ("samplerate_hz", ctypes.c_uint32), ("channels", ctypes.c_uint8))


class _BufferSize(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("maximum", "target", "prebuffer", "request", "fragment"))


class PulseSink(BlockingSink):
    """Plays on the server's default device; the server is found as every PulseAudio program finds it."""

    name = "PulseAudio"

    def _open(self) -> None:
        self._library = _load()
        self._error = ctypes.c_int()
        self._stream = self._connect()
        if not self._stream:
            raise DeviceError(f"no sound server answers ({self._explanation()})")

    def _connect(self) -> int | None:
        spec = _SampleSpec(_FLOAT32_NATIVE, SAMPLERATE_HZ, CHANNELS)
        target_bytes = BUFFER_MS * SAMPLERATE_HZ // 1000 * FRAME_BYTES
        # One block starts the sound. Zero would lose frames: what comes too late would be skipped.
        size = _BufferSize(_DEFAULT_BYTES, target_bytes, BLOCK_FRAMES * FRAME_BYTES, _DEFAULT_BYTES, _DEFAULT_BYTES)
        server = device = channel_map = None
        names = (b"voiceroutine", _PLAYBACK, device, b"routine")
        stream: int | None = self._library.pa_simple_new(
            server, *names, ctypes.byref(spec), channel_map, ctypes.byref(size), ctypes.byref(self._error)
        )
        return stream

    def _play(self, piece: bytes) -> None:
        self._demand(self._library.pa_simple_write(self._stream, piece, len(piece), ctypes.byref(self._error)))

    def _delay_s(self) -> float:
        self._error.value = 0
        delay_us = self._library.pa_simple_get_latency(self._stream, ctypes.byref(self._error))
        return 0.0 if self._error.value else float(delay_us) / 1e6

    def _drain(self) -> None:
        self._demand(self._library.pa_simple_drain(self._stream, ctypes.byref(self._error)))

    def _release(self) -> None:
        self._library.pa_simple_free(self._stream)

    def _demand(self, status: int) -> None:
        if status < 0:
            raise DeviceError(f"The sound server no longer takes sound ({self._explanation()}).")

    def _explanation(self) -> str:
        text: bytes = self._library.pa_strerror(self._error.value)
        return text.decode(errors="replace")


@cache
def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libpulse-simple.so.0")
    except OSError as error:
        raise DeviceError("libpulse-simple is not installed") from error
    stream, status = ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)
    library.pa_simple_new.restype = stream
    library.pa_simple_write.argtypes = (stream, ctypes.c_char_p, ctypes.c_size_t, status)
    library.pa_simple_get_latency.argtypes = library.pa_simple_drain.argtypes = (stream, status)
    library.pa_simple_get_latency.restype = ctypes.c_uint64
    library.pa_simple_free.argtypes = (stream,)
    library.pa_simple_free.restype = None
    library.pa_strerror.restype = ctypes.c_char_p
    return library
