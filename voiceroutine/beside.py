"""Files that are never half there: written beside, then renamed."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
