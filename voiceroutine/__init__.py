"""A calm voice guides you through a stretch routine, aloud or in an audio file.

`load` gives a routine, `compile` its exact timeline, `export` a file, and `play` plays it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "DeviceError",
    "ExportError",
    "Problem",
    "Routine",
    "RoutineError",
    "Timeline",
    "VoiceError",
    "VoiceroutineError",
    "compile",
    "export",
    "load",
    "play",
]

if TYPE_CHECKING:
    from voiceroutine.api import compile, export, play  # noqa: A004
    from voiceroutine.errors import DeviceError, ExportError, Problem, RoutineError, VoiceError, VoiceroutineError
    from voiceroutine.production import load
    from voiceroutine.routine import Routine
    from voiceroutine.timeline import Timeline

_MODULES = {
    "compile": "api",
    "export": "api",
    "play": "api",
    "load": "production",
    "Routine": "routine",
    "Timeline": "timeline",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is used, so that importing the package costs next to nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
