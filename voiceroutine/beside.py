"""Files that are never half there: written beside, then renamed.

Whoever writes one holds a lock on it, which a crash gives back. So what a crash leaves behind can be told from what
another process is still writing.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from voiceroutine.errors import ExportError
from voiceroutine.locks import is_taken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_ROOM_BYTES = 1 << 20
LONGEST_NAME_LETTERS = 50
ATTEMPTS = 5

_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{8}\.voiceroutine\.part")


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Yield a new, empty file in the same folder, and give it the wanted name when all went well.

    Whatever goes wrong, an older file of that name stays and the new one is removed. A link keeps pointing where it
    points.

    Raises:
        OSError: the file can't be made or renamed, or a device or a pipe has the name: that would be replaced.
    """
    target = path.resolve()
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise FileExistsError(errno.EEXIST, "a device or a pipe has this name", str(target))
    part, lock = _begun(target)
    try:
        yield part
        if sys.platform == "win32":
            # A file that somebody has open can't be renamed there.
            lock.close()
        part.replace(target)
    finally:
        lock.close()
        with suppress(OSError):
            part.unlink(missing_ok=True)


def remove_left_behind(folder: Path) -> None:
    """Remove the unfinished files in a folder whose processes are no more; those of living ones stay."""
    with suppress(OSError):
        for file in [*folder.iterdir()]:
            if _UNFINISHED.fullmatch(file.name):
                with suppress(OSError):
                    _remove_unless_written(file)


def _begun(target: Path) -> tuple[Path, IO[bytes]]:
    """Return a new file and the lock on it.

    Who removes what was left behind may take a new file for that until it is locked; then another one is begun.
    """
    for attempt in range(1, ATTEMPTS + 1):
        name = f".{target.name[:LONGEST_NAME_LETTERS]}.{os.urandom(4).hex()}.voiceroutine.part"
        part = target.with_name(name)
        lock = part.open("xb")
        # Where locks don't work nothing is removed, and no file is better than another.
        if sys.platform == "win32" or (is_taken(lock) and part.exists()) or attempt == ATTEMPTS:
            break
        lock.close()
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return part, lock


def _remove_unless_written(part: Path) -> None:
    if sys.platform == "win32":
        # What somebody has open can't be removed there.
        part.unlink()
        return
    with part.open("ab") as lock:
        if is_taken(lock):
            part.unlink()


def check_place(path: Path) -> None:
    """Make sure that there can be a file of this name.

    Raises:
        ExportError: it is a folder's, a device's or that of a file which may not be written, or its own folder isn't
            there.
    """
    if path.is_dir():
        raise ExportError(f"{path} is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise ExportError(f"The folder {path.parent} is not there; make it first.")
    if path.exists() and not path.is_file():
        raise ExportError(f"{path} is a device, not a file; name another.")
    if path.exists() and not (path.stat().st_mode & 0o222 and os.access(path, os.W_OK)):
        raise ExportError(f"{path} may only be read, so it is not replaced; name another file, or let it be written.")


@contextmanager
def told(path: Path, flag: str) -> Iterator[None]:
    """Turn a failure to write a file into one that says what to do.

    Args:
        path: the file.
        flag: the flag that names another one.

    Raises:
        ExportError: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).removesuffix(".")
        raise ExportError(f"{path} could not be written: {why}. {_advice(error, path, flag)}") from error


def _advice(error: OSError, path: Path, flag: str) -> str:
    import shutil

    # An encoder in C tells that it failed, but not why.
    is_full = error.errno == errno.ENOSPC or (not error.errno and shutil.disk_usage(path.parent).free < NO_ROOM_BYTES)
    if is_full:
        return "Make room, or name a file on another disk."
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "Name a file in a folder that you may write to."
    return f"Name another file with {flag}."
