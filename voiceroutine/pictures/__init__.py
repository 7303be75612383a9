"""A session as a picture: laid out without a font or a painter, then painted as SVG or PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voiceroutine.beside import check_place, told, written_beside
from voiceroutine.errors import ExportError

if TYPE_CHECKING:
    from pathlib import Path

    from voiceroutine.pictures.shapes import Picture

SUFFIXES = (".svg", ".png")


def check_path(path: Path) -> None:
    """Refuse a picture that can't be made, before any work is done. Its suffix must be one of `SUFFIXES`.

    Raises:
        ExportError: the folder isn't there, the path is a folder or a device, or the painter is not installed.
    """
    check_place(path)
    if path.suffix.lower() == ".png":
        _find_pillow(path)


def write_picture(picture: Picture, path: Path) -> None:
    """Write a picture to a file whose suffix says the format; an older file stays until the new one is whole.

    Raises:
        ExportError: as `check_path`, or the file can't be written.
    """
    check_path(path)
    content = _painted(picture, path)
    with told(path, "--plot"), written_beside(path) as part:
        part.write_bytes(content)


def _painted(picture: Picture, path: Path) -> bytes:
    if path.suffix.lower() == ".svg":
        from voiceroutine.pictures.svg import svg_text

        return svg_text(picture).encode()
    from voiceroutine.pictures.png import png_bytes

    return png_bytes(picture)


def _find_pillow(path: Path) -> None:
    from importlib.util import find_spec

    if find_spec("PIL") is None:
        raise ExportError(
            f"{path} can't be drawn: PNG needs the package Pillow. Install it with: pip install pillow "
            f"(or name the file {path.with_suffix('.svg').name}, which needs nothing)."
        )
