"""Where the routines and sounds are that come with the program."""

from __future__ import annotations

from pathlib import Path


def bundled_folder(name: str) -> Path:
    """Return the folder `routines` or `audio`: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent
    installed = package / "bundle" / name
    return installed if installed.is_dir() else package.parent / name
