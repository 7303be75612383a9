"""Play numbered frames on one sink, in a process of its own; tell on standard output what happened, as JSON.

python -m audio.player SINK finish|close|cut SECONDS

finish: to the end. close: closed in the middle by another thread. cut: until the device goes away.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import TYPE_CHECKING

from voiceroutine.errors import DeviceError
from voiceroutine.sinks.alsa import AlsaSink
from voiceroutine.sinks.device import open_device
from voiceroutine.sinks.pipe import PipeSink
from voiceroutine.sinks.portaudio import PortAudioSink
from voiceroutine.sinks.pulse import PulseSink

from .recording import SAMPLERATE_HZ, numbered

if TYPE_CHECKING:
    from collections.abc import Callable

    from voiceroutine.sinks import LiveSink

BLOCK_FRAMES = 1000
LEAD_IN_FRAMES = SAMPLERATE_HZ // 2
SINKS: dict[str, Callable[[], LiveSink]] = {
    "first": open_device,
    "portaudio": PortAudioSink,
    "pulse": PulseSink,
    "alsa": AlsaSink,
    "pacat": PipeSink.pacat,
    "aplay": PipeSink.aplay,
}
Report = dict[str, object]


def play(sink: LiveSink, seconds: float) -> list[tuple[float, int]]:
    """Write silence, then numbered frames; return when which number was heard."""
    heard = []
    for _ in range(0, LEAD_IN_FRAMES, BLOCK_FRAMES):
        sink.write(bytes(8 * BLOCK_FRAMES))
    for first in range(1, int(seconds * SAMPLERATE_HZ), BLOCK_FRAMES):
        sink.write(numbered(first, BLOCK_FRAMES))
        heard.append((time.monotonic(), sink.heard_frames() - LEAD_IN_FRAMES))
    return heard


def play_to_end(sink: LiveSink, seconds: float) -> Report:
    heard = play(sink, seconds)
    sink.finish()
    report: Report = {"heard": heard, "heard_frames": sink.heard_frames() - LEAD_IN_FRAMES}
    sink.close()
    return report


def close_in_the_middle(sink: LiveSink, seconds: float) -> Report:
    report: Report = {}

    def close() -> None:
        report["closing_s"] = time.monotonic()
        sink.close()
        report["closed_s"] = time.monotonic()

    closer = threading.Timer(seconds / 2, close)
    closer.start()
    report |= play_until_lost(sink, seconds)
    closer.join()
    return report


def play_until_lost(sink: LiveSink, seconds: float) -> Report:
    try:
        play(sink, seconds)
    except DeviceError as error:
        return {"lost_s": time.monotonic(), "error": str(error)}
    finally:
        sink.close()
    return {}


def main() -> None:
    name, mode, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    opening_s = time.monotonic()
    sink = SINKS[name]()
    opened_s = time.monotonic()
    act = {"finish": play_to_end, "close": close_in_the_middle, "cut": play_until_lost}[mode]
    report = act(sink, seconds)
    report |= {"opening_s": opening_s, "opened_s": opened_s, "underflows": getattr(sink, "underflows", 0)}
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main()
