"""The loudspeaker by way of a program that plays its standard input, on Linux."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from typing import Self

from voiceroutine.errors import DeviceError
from voiceroutine.sinks.live import (
    BUFFER_MS,
    CHANNELS,
    CLOSE_LIMIT_MS,
    FINISH_LIMIT_MS,
    FRAME_BYTES,
    BlockingSink,
)
from voiceroutine.units import SAMPLERATE_HZ

_PIPE_BYTES = 32 * 1024
_FULL_S = _PIPE_BYTES / FRAME_BYTES / SAMPLERATE_HZ + BUFFER_MS / 1000
_START_LIMIT_MS = 2000
_POLL_MS = 5
_LAST_WORDS_MS = 50
_SILENT_START_MS = 500
_ENDIAN = "le" if sys.byteorder == "little" else "be"


class PipeSink(BlockingSink):
    """Plays by feeding another program.

    Nothing tells what has sounded: `heard_frames` is an estimate, up to a fifth of a second early or late.
    """

    def __init__(self, command: tuple[str, ...], ready: str = "") -> None:
        """Start the program and wait for its refusal.

        Args:
            command: the program's name, then its arguments.
            ready: what the program says on stderr once it plays; it is waited for during two seconds at most. Of one
                that says nothing, only the refusal is waited for, during half a second.
        """
        self.name = command[0]
        self._command = command
        self._ready = ready
        self._all_heard_at_s = 0.0
        self._timed_frames = 0
        super().__init__()

    @classmethod
    def pacat(cls) -> Self:
        """Play by PulseAudio's `pacat`."""
        shape = (f"--rate={SAMPLERATE_HZ}", f"--channels={CHANNELS}", f"--format=float32{_ENDIAN}")
        return cls(("pacat", "--playback", "--raw", f"--latency-msec={BUFFER_MS}", *shape))

    @classmethod
    def aplay(cls) -> Self:
        """Play by ALSA's `aplay`."""
        shape = ("-t", "raw", "-r", str(SAMPLERATE_HZ), "-c", str(CHANNELS), "-f", f"FLOAT_{_ENDIAN.upper()}")
        return cls(("aplay", "-v", f"--buffer-time={BUFFER_MS * 1000}", *shape, "-"), ready="Its setup is:")

    def _open(self) -> None:
        if not shutil.which(self.name):
            raise DeviceError(f"{self.name} is not installed")
        with ExitStack() as undo:
            self._complaints = undo.enter_context(tempfile.TemporaryFile())
            self._process = self._start()
            undo.callback(self._end_program)
            self._narrow_pipe()
            self._refuse_silent_start()
            undo.pop_all()

    def _start(self) -> subprocess.Popen[bytes]:
        # A process group of its own: Ctrl-C is for the player, which then ends this program.
        return subprocess.Popen(
            self._command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._complaints,
            env={**os.environ, "LC_ALL": "C"},
            process_group=0,
        )

    def _narrow_pipe(self) -> None:
        import fcntl

        assert self._process.stdin
        with suppress(OSError):
            fcntl.fcntl(self._process.stdin.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def _refuse_silent_start(self) -> None:
        until_s = time.monotonic() + _START_LIMIT_MS / 1000
        while self._process.poll() is None and self._ready not in self._said() and time.monotonic() < until_s:
            time.sleep(_POLL_MS / 1000)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait((_LAST_WORDS_MS if self._ready else _SILENT_START_MS) / 1000)
        reason = self._refusal()
        if reason:
            raise DeviceError(reason)

    def _refusal(self) -> str:
        if "Null PCM" in self._said():
            return "it discards what it gets: there is no sound card"
        return "" if self._process.returncode is None else self._last_words() or "it ended at once"

    def _play(self, piece: bytes) -> None:
        assert self._process.stdin
        try:
            while piece:
                piece = piece[self._process.stdin.write(piece) or 0 :]
        except OSError as error:
            raise DeviceError(f"{self.name} ended. {self._last_words()}".strip()) from error

    def _delay_s(self) -> float:
        now_s = time.monotonic()
        arrived_frames = self._written_frames - self._timed_frames
        self._timed_frames = self._written_frames
        start_s = max(self._all_heard_at_s, now_s + BUFFER_MS / 1000)
        self._all_heard_at_s = min(start_s + arrived_frames / SAMPLERATE_HZ, now_s + _FULL_S)
        return self._all_heard_at_s - now_s

    def _drain(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(FINISH_LIMIT_MS / 1000)
        if self._process.returncode != 0:
            raise DeviceError(f"{self.name} ended too early. {self._last_words()}".strip())

    def _let_go(self) -> None:
        # First, so that a write that waits in another thread returns.
        self._process.kill()
        super()._let_go()

    def _release(self) -> None:
        with self._complaints:
            self._end_program()

    def _end_program(self) -> None:
        assert self._process.stdin
        self._process.kill()
        self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(CLOSE_LIMIT_MS / 1000)

    def _last_words(self) -> str:
        return self._said().strip().rpartition("\n")[2]

    def _said(self) -> str:
        return os.pread(self._complaints.fileno(), 65536, 0).decode(errors="replace")
