"""Keep C libraries from writing on the terminal of somebody who is stretching."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True, kw_only=True)
class _Streams:
    stderr: ctypes.c_void_p
    terminal: int | None
    nowhere: int | None


def silence_c_libraries() -> None:
    """Send what C code prints on stderr nowhere, in the whole process.

    Python's own stderr, file descriptor 2 and child processes stay as they are. Does nothing without glibc.
    """
    if streams := _streams():
        streams.stderr.value = streams.nowhere


def restore_c_libraries() -> None:
    """Let C code print on stderr again."""
    if streams := _streams():
        streams.stderr.value = streams.terminal


@cache
def _streams() -> _Streams | None:
    # Elsewhere (musl, macOS) the variable is read-only or has another name.
    if not _has_glibc():
        return None
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    stderr = ctypes.c_void_p.in_dll(libc, "stderr")
    nowhere = libc.fopen(os.devnull.encode(), b"w")
    return _Streams(stderr=stderr, terminal=stderr.value, nowhere=nowhere) if nowhere else None


def _has_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError, OSError):
        return False
