"""Durations, clocks, instants in frames, decibels."""

from __future__ import annotations

import math
import re
from decimal import Decimal

LONGEST_MS = 4 * 3600 * 1000
SAMPLERATE_HZ = 48_000

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?", re.ASCII)
_EXAMPLES = 'write it like "30s", "1m30s" or 30 (seconds)'


def parse_duration(value: object) -> int:
    """Return the milliseconds of `"30s"`, `"1m30s"`, `"1.5s"`, `"2m"`, `"1h"`, or of a number of seconds.

    Raises:
        ValueError: not a duration, negative, finer than a millisecond, or over 4 hours; the text says which.
    """
    milliseconds = _seconds(value) * 1000
    if milliseconds < 0:
        raise ValueError("a duration can't be negative")
    if milliseconds != int(milliseconds):
        raise ValueError(f"{value} is finer than a millisecond")
    if milliseconds > LONGEST_MS:
        raise ValueError(f"{value} is longer than 4 hours")
    return int(milliseconds)


def _seconds(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"must be a duration; {_EXAMPLES}")  # noqa: TRY004  pydantic collects ValueErrors
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not a duration; {_EXAMPLES}")
    if isinstance(value, str):
        return _seconds_of_text(value)
    return Decimal(repr(value)) if abs(value) <= LONGEST_MS else Decimal(LONGEST_MS) * (1 if value > 0 else -1)


def _seconds_of_text(text: str) -> Decimal:
    if text.startswith("-") and _DURATION.fullmatch(text[1:]) and len(text) > 1:
        raise ValueError("a duration can't be negative")
    match = _DURATION.fullmatch(text)
    if not text or not match or len(text) > 32:
        raise ValueError(f'"{text[:40]}" is not a duration; {_EXAMPLES}')
    hours, minutes, seconds = (Decimal(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def duration_text(duration_ms: int) -> str:
    """Write a duration as an author would: `90000` is "1m30s", `1500` is "1.5s"."""
    minutes, milliseconds = divmod(duration_ms, 60_000)
    seconds = f"{milliseconds / 1000:g}s" if milliseconds or not minutes else ""
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "") + seconds


def clock_text(instant_ms: int) -> str:
    """Write an instant as `m:ss` or `h:mm:ss`, rounded down."""
    minutes, seconds = divmod(instant_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def frame_at(instant_ms: int, samplerate_hz: int = SAMPLERATE_HZ) -> int:
    """Return the frame nearest to an instant. Convert instants only, never differences: those would add up errors."""
    return (instant_ms * samplerate_hz + 500) // 1000


def gain_of(level_db: float) -> float:
    """Return the factor of a level in decibels (amplitude: 20 dB is ten times)."""
    return float(10.0 ** (level_db / 20.0))
