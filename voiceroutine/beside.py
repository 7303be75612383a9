"""Files that are never half there: written beside, then renamed."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from voiceroutine.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_ROOM_BYTES = 1 << 20


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
    part = target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield part
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def check_place(path: Path) -> None:
    """Make sure that there can be a file of this name.

    Raises:
        ExportError: it is a folder's, or its own folder isn't there.
    """
    if path.is_dir():
        raise ExportError(f"{path} is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise ExportError(f"The folder {path.parent} is not there; make it first.")


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
