"""Other programs that speak: run without a shell, for so long and no longer, with all that they start."""

from __future__ import annotations

import atexit
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voiceroutine.audio import Clip
from voiceroutine.errors import VoiceError, visible
from voiceroutine.recordings import UnreadableError, read_clip
from voiceroutine.units import SAMPLERATE_HZ
from voiceroutine.voices import CanceledError, LineError
from voiceroutine.wav import is_cut_short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from threading import Event

LOOK_S = 0.05
LARGEST_BYTES = 64 << 20

_SHOWN_CHARACTERS = 200
_TOO_LONG_ON_WINDOWS = 206
LEAST_ROOM_BYTES = 256 << 10


class LateError(VoiceError):
    """A program was not done in time."""


@contextmanager
def work_folder() -> Iterator[Path]:
    """Yield a folder for what goes to a program and comes from it; it is gone afterwards, or when this one ends.

    Raises:
        VoiceError: nothing can be written there, which is told instead of what comes of it.
    """
    with _new_folder() as folder:
        _check_room(folder)
        try:
            yield folder
        except VoiceError:
            _check_room(folder)
            raise
        except OSError as error:
            _check_room(folder)
            raise _unwritable(folder.parent, error) from None


@contextmanager
def _new_folder() -> Iterator[Path]:
    try:
        folder = Path(tempfile.mkdtemp(prefix="voiceroutine-"))
    except OSError as error:
        raise _unwritable(Path(tempfile.gettempdir()), error) from None
    removal = partial(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(removal)
    try:
        yield folder
    finally:
        removal()
        atexit.unregister(removal)


def _check_room(folder: Path) -> None:
    try:
        free_bytes = shutil.disk_usage(folder).free
    except OSError:
        return
    if free_bytes < LEAST_ROOM_BYTES:
        message = f"The disk of {folder.parent} is full, and sentences are written there"
        raise VoiceError(f"{message}; make room, or name another folder in TMPDIR.")


def _unwritable(folder: Path, error: OSError) -> VoiceError:
    message = f"Sentences can't be written into {folder}: {error.strerror or error}"
    return VoiceError(f"{message}; name another folder in TMPDIR.")


def printed_by(
    arguments: Sequence[str], stdin: bytes, folder: Path, limit_s: float, cancel: Event | None = None
) -> bytes:
    """Run a program, in a process group of its own, and return what it prints.

    Args:
        arguments: the program and what it gets.
        stdin: what it can read.
        folder: a folder for what goes in and out, which may be as long as it likes.
        limit_s: after so long it is ended.
        cancel: once it is set, it is ended.

    Raises:
        CanceledError: `cancel` was set.
        LineError: an argument is too long.
        LateError: it wasn't done in time.
        VoiceError: it can't be started, wrote too much, or failed.
    """
    given, said = folder / "stdin", folder / "stdout"
    given.write_bytes(stdin)
    with given.open("rb") as source, said.open("wb") as out, (folder / "stderr").open("wb") as err:
        try:
            process = subprocess.Popen(arguments, stdin=source, stdout=out, stderr=err, **apart())
        except OSError as error:
            raise _unstarted(arguments[0], error) from None
        with process, _ended(process):
            _wait(process, arguments[0], folder, limit_s, cancel)
    if process.returncode:
        last = (folder / "stderr").read_text("utf-8", "replace").strip().rpartition("\n")[2]
        why = f": {short(visible(last))}" if last else ""
        raise VoiceError(f'"{arguments[0]}" {_status_text(process.returncode)}{why}')
    return said.read_bytes()


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a program afterwards, or when this one ends."""
    ending = partial(end, process)
    atexit.register(ending)
    try:
        yield
    finally:
        ending()
        atexit.unregister(ending)


def _unstarted(program: str, error: OSError) -> VoiceError:
    if error.errno == errno.E2BIG or getattr(error, "winerror", 0) == _TOO_LONG_ON_WINDOWS:
        return LineError(f'A line is too long for "{program}", which gets it as an argument')
    return VoiceError(f'"{program}" can\'t be started: {error.strerror}.')


def _status_text(status: int) -> str:
    names = {-number.value: number.name for number in signal.Signals}
    return f"was ended by {names.get(status, status)}" if status < 0 else f"ended with status {status}"


def apart() -> dict[str, Any]:
    """Return how to start a process in a group of its own, without a window."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def end(process: subprocess.Popen[Any]) -> None:
    """End a process of a group of its own, and what it has started."""
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def whole_clip(file: Path, who: str) -> Clip:
    """Return the sound that a program has written, which must be there and whole.

    Raises:
        VoiceError: it isn't.
    """
    if not file.is_file() or not file.stat().st_size:
        raise VoiceError(f"{who} wrote no sound.")
    try:
        if is_cut_short(file):
            raise VoiceError(f"What {who} wrote is shorter than it says.")
        return read_clip(file)
    except UnreadableError as error:
        beginning = repr(file.read_bytes()[:16])[2:-1]
        raise VoiceError(f'What {who} wrote {error}; it begins with "{beginning}".') from None


def nothing_said() -> Clip:
    """Return what is heard of a text without a letter or a digit, with which programs have trouble."""
    return Clip(samples=np.zeros(0, np.float32), samplerate_hz=SAMPLERATE_HZ)


def short(text: str) -> str:
    """Return the beginning of a text, for a message."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _wait(process: subprocess.Popen[bytes], name: str, folder: Path, limit_s: float, cancel: Event | None) -> None:
    until_s = time.monotonic() + limit_s
    while time.monotonic() < until_s:
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_S)
            return
        if cancel is not None and cancel.is_set():
            raise CanceledError
        if _written_bytes(folder) > LARGEST_BYTES:
            raise VoiceError(f'"{name}" wrote more than {LARGEST_BYTES >> 20} MiB, and was ended.')
    raise LateError(f'"{name}" was not done after {limit_s:.0f} s, and was ended.')


def _written_bytes(folder: Path) -> int:
    with suppress(OSError):
        return sum(file.lstat().st_size for file in folder.iterdir())
    return 0
