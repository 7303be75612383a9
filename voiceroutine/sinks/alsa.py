"""The loudspeaker by way of ALSA's own library, on Linux."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

from voiceroutine.errors import DeviceError
from voiceroutine.sinks.live import BUFFER_MS, CHANNELS, FRAME_BYTES, BlockingSink
from voiceroutine.units import SAMPLERATE_HZ

_PLAYBACK = 0
_FLOAT_NATIVE = 14 if sys.byteorder == "little" else 15
_RW_INTERLEAVED = 3
_ERROR_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
# Kept for as long as the process lives: the library calls it whenever something fails.
_IGNORE_ERROR = _ERROR_HANDLER(lambda *_: None)


class AlsaSink(BlockingSink):
    """Plays on ALSA's default device, unless that discards what it gets."""

    name = "ALSA"

    def _open(self) -> None:
        self._library = _load()
        self._pcm = ctypes.c_void_p()
        blocking = 0
        self._demand(self._library.snd_pcm_open(ctypes.byref(self._pcm), b"default", _PLAYBACK, blocking))
        try:
            self._set_up()
        except BaseException:
            self._release()
            raise

    def _set_up(self) -> None:
        if "Null PCM" in self._description():
            raise DeviceError("the default device discards what it gets: there is no sound card")
        resample = 1
        buffer_us = BUFFER_MS * 1000
        status = self._library.snd_pcm_set_params(
            self._pcm, _FLOAT_NATIVE, _RW_INTERLEAVED, CHANNELS, SAMPLERATE_HZ, resample, buffer_us
        )
        self._demand(status)

    def _description(self) -> str:
        output, text = ctypes.c_void_p(), ctypes.c_char_p()
        self._demand(self._library.snd_output_buffer_open(ctypes.byref(output)))
        self._library.snd_pcm_dump(self._pcm, output)
        length = self._library.snd_output_buffer_string(output, ctypes.byref(text))
        description = ctypes.string_at(text, length).decode(errors="replace") if length else ""
        self._library.snd_output_close(output)
        return description

    def _play(self, piece: bytes) -> None:
        while piece and not self._closed:
            piece = piece[self._write_frames(piece) * FRAME_BYTES :]

    def _write_frames(self, samples: bytes) -> int:
        frames = self._library.snd_pcm_writei(self._pcm, samples, len(samples) // FRAME_BYTES)
        if frames >= 0:
            return int(frames)
        silent = 1
        self._demand(self._library.snd_pcm_recover(self._pcm, frames, silent))
        return 0

    def _delay_s(self) -> float:
        delay_frames = ctypes.c_long()
        if self._library.snd_pcm_delay(self._pcm, ctypes.byref(delay_frames)) < 0:
            return 0.0
        return max(0, delay_frames.value) / SAMPLERATE_HZ

    def _drain(self) -> None:
        self._demand(self._library.snd_pcm_drain(self._pcm))

    def _release(self) -> None:
        self._library.snd_pcm_drop(self._pcm)
        self._library.snd_pcm_close(self._pcm)

    def _demand(self, status: int) -> None:
        if status < 0:
            explanation = self._library.snd_strerror(status).decode(errors="replace")
            raise DeviceError(f"ALSA's default device can't be used ({explanation})")


def refuse_missing_default() -> None:
    """Raise DeviceError when ALSA is there but knows no default device; PortAudio ends the process then."""
    if not sys.platform.startswith("linux"):
        return
    try:
        library = _load()
    except DeviceError:
        return
    library.snd_config_update()
    found = ctypes.c_void_p()
    tree = ctypes.c_void_p.in_dll(library, "snd_config")
    if library.snd_config_search(tree, b"pcm.default", ctypes.byref(found)) < 0:
        raise DeviceError("ALSA's configuration names no default device")


@cache
def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libasound.so.2")
    except OSError as error:
        raise DeviceError("libasound is not installed") from error
    library.snd_pcm_writei.restype = ctypes.c_long
    library.snd_pcm_writei.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ulong)
    library.snd_output_buffer_string.restype = ctypes.c_size_t
    library.snd_strerror.restype = ctypes.c_char_p
    library.snd_lib_error_set_handler(_IGNORE_ERROR)
    return library
