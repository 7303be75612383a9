"""The cover that lies beside a routine, if there is one. Like a sound, it must be a plain file in the same folder."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO
from typing import TYPE_CHECKING

from voiceroutine.errors import ExportError

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

NAMES = ("cover.png", "cover.jpg", "cover.jpeg")
LARGEST_BYTES = 20 << 20
MOST_DOTS = 50_000_000
SIDE_DOTS = 1_000
PAPER = "#ffffff"
COMPRESSION = 6


def own_cover(folder: Path) -> Path | None:
    """Return the cover in a routine's folder: the first there is of `NAMES`.

    Raises:
        ExportError: it leads out of the folder, is no file, or is larger than 20 MiB.
    """
    found = next((folder / name for name in NAMES if (folder / name).exists() or (folder / name).is_symlink()), None)
    if found is not None:
        _check(found, folder)
    return found


def own_cover_png(file: Path) -> bytes:
    """Return a cover as PNG without whatever else is in its file, at most 1000 dots wide and high.

    Raises:
        ExportError: it can't be read, is no PNG or JPEG, or has more than 50 million dots.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=("PNG", "JPEG")) as image:
                if image.width * image.height > MOST_DOTS:
                    raise _unfit(file, f"has more than {MOST_DOTS // 1_000_000} million dots", "make it smaller")
                return _png(image)
    except Image.DecompressionBombError:
        raise _unfit(file, f"has more than {MOST_DOTS // 1_000_000} million dots", "make it smaller") from None
    except UnidentifiedImageError:
        raise _unfit(file, "is no PNG or JPEG picture", "save it as one of them") from None
    except OSError as error:
        why, hint = (error.strerror, "let yourself read it") if error.strerror else ("it is damaged", "save it anew")
        raise _unfit(file, f"can't be read: {why}", hint) from error
    except (ValueError, SyntaxError, EOFError, struct.error) as error:
        raise _unfit(file, "can't be read: it is damaged", "save it anew") from error


def _check(file: Path, folder: Path) -> None:
    try:
        real = file.resolve()
        if not real.is_relative_to(folder.resolve()):
            raise _unfit(file, "is a link that leads out of the routine's folder", "put the picture itself there")
        if not real.is_file():
            raise _unfit(file, "is not a file", "put the picture itself there")
        size_bytes = real.stat().st_size
    except (OSError, RuntimeError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "the link leads in a circle"
        raise _unfit(file, f"can't be read: {why}", "let yourself read it") from error
    if size_bytes > LARGEST_BYTES:
        raise _unfit(file, f"is larger than {LARGEST_BYTES >> 20} MiB", "make it smaller")


def _png(image: Image.Image) -> bytes:
    from PIL import Image, ImageOps

    image.draft("RGB", (SIDE_DOTS, SIDE_DOTS))
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        paper = Image.new("RGBA", upright.size, PAPER)
        upright = Image.alpha_composite(paper, upright)
    upright = upright.convert("RGB")
    upright.thumbnail((SIDE_DOTS, SIDE_DOTS), Image.Resampling.LANCZOS)
    upright.info.clear()
    file = BytesIO()
    upright.save(file, "PNG", compress_level=COMPRESSION)
    return file.getvalue()


def _unfit(file: Path, what: str, hint: str) -> ExportError:
    return ExportError(f"The cover {file} {what}; {hint}, or remove it for one that is drawn.")
