"""Play a session whose every frame carries its own number, in a process of its own; tell on standard output, as JSON.

python -m audio.session '{"routine": TOML, "commands": [[AT_S, COMMAND], ...], "seconds": S, ...}'

    sink: which one (default: the first that works); patience_s, look_s: as in `player`, and between two looks;
    samples: "numbers", or "real" for what a listener would hear; slow_s: for how long a slow disk keeps each clip.

The session begins with the first line on standard input, so that a test knows when, or at once where there is none.
"""

from __future__ import annotations

import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voiceroutine.clipcache import ClipCache, Kept
from voiceroutine.document import parse_document
from voiceroutine.errors import DeviceError
from voiceroutine.levels import AS_MIXED
from voiceroutine.loading import load_routine
from voiceroutine.mix import Mix
from voiceroutine.player import Session
from voiceroutine.production import Production
from voiceroutine.score import Score, score_of
from voiceroutine.sinks.device import open_device

from .player import SINKS
from .recording import carrying

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voiceroutine.audio import Samples
    from voiceroutine.cues import Cue
    from voiceroutine.levels import Levels
    from voiceroutine.sinks import Block, LiveSink

Log = list[list[object]]


class NumberedMix(Mix):
    """Each frame is its own number; whatever would be heard is read all the same."""

    def read(self, first_frame: int, out: Samples, levels: Levels = AS_MIXED) -> Samples:
        super().read(first_frame, out, levels)
        out[:] = carrying(np.arange(first_frame, first_frame + len(out)))
        return out


class NumberedProduction(Production):
    """A production whose mix is of numbers."""

    def mix(self, cues: Iterable[Cue] = ()) -> Mix:
        mix = super().mix(cues)
        mix.__class__ = NumberedMix
        return mix


class SlowCache(ClipCache):
    """Clips on a disk that sleeps."""

    delay_s = 0.0

    def read(self, key: str) -> Kept | None:
        time.sleep(self.delay_s)
        return super().read(key)


def open_sink(name: str, first: Block) -> LiveSink:
    if name == "first":
        return open_device(None, first)
    sink = SINKS[name]()
    sink.write(first)
    return sink


def watch(session: Session, commands: list[tuple[float, Any]], seconds: float, look_s: float) -> Log:
    """Send commands when they are due; return what was sent and seen, with instants of `time.monotonic()`."""
    log: Log = []
    began_s = time.monotonic()
    while (now_s := time.monotonic()) - began_s < seconds and not is_over(session, log):
        while commands and commands[0][0] <= now_s - began_s:
            log.append([time.monotonic(), "command", commands[0][1]])
            session.send(commands.pop(0)[1])
        seen = session.snapshot()
        log.append([time.monotonic(), seen.state, seen.position_ms, seen.breaks, seen.trouble])
        due_s = commands[0][0] - (time.monotonic() - began_s) if commands else look_s
        time.sleep(max(0.0, min(look_s, due_s)))
    return log


def is_over(session: Session, log: Log) -> bool:
    try:
        return session.wait(0)
    except DeviceError as error:
        log.append([time.monotonic(), "failed", str(error)])
        return True


def main() -> None:
    wish = json.loads(sys.argv[1])
    kind = NumberedProduction if wish.get("samples", "numbers") == "numbers" else Production
    SlowCache.delay_s = wish.get("slow_s", 0.0)
    cache = SlowCache(Path(os.environ["XDG_CACHE_HOME"]))
    production = kind(load_routine(parse_document(wish["routine"]), {}), cache)
    if not sys.stdin.closed:
        sys.stdin.readline()
    session = Session(partial(open_sink, wish.get("sink", "first")), patience_s=wish.get("patience_s", 20))
    session.wait_until_awake(1)
    score: Score = score_of(production)
    session.perform(score)
    log = watch(session, [*map(tuple, wish.get("commands", []))], wish["seconds"], wish.get("look_s", 0.01))
    session.stop()
    last = session.snapshot().score or score
    sys.stdout.write(json.dumps({"log": log, "total_ms": last.total_ms}))


if __name__ == "__main__":
    main()
