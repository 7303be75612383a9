"""Play a session whose every frame carries its own number, in a process of its own; tell on standard output, as JSON.

python -m audio.session '{"routine": TOML, ...}'

    sink: which one (default: the first that works); patience_s, look_s: as in `player`, and between two looks;
    samples: "numbers", or "signed" if levels change their sign, or "real" as a listener hears them;
    slow_s: how long a slow disk takes for each clip.

Each line on standard input is a command; its end ends the session, unless it was empty. The first line on standard
output comes when the timeline is heard, the second is what happened.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

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


class SignedMix(NumberedMix):
    """Numbers that change their sign when the listener wants it louder or softer."""

    def read(self, first_frame: int, out: Samples, levels: Levels = AS_MIXED) -> Samples:
        super().read(first_frame, out, levels)
        out *= 1 if levels == AS_MIXED else -1
        return out


class NumberedProduction(Production):
    """A production whose mix is of numbers."""

    def mix(self, cues: Iterable[Cue] = ()) -> Mix:
        mix = super().mix(cues)
        mix.__class__ = NumberedMix
        return mix


class SignedProduction(Production):
    """A production whose mix is of numbers that show the levels."""

    def mix(self, cues: Iterable[Cue] = ()) -> Mix:
        mix = super().mix(cues)
        mix.__class__ = SignedMix
        return mix


KINDS: dict[str, type[Production]] = {"numbers": NumberedProduction, "signed": SignedProduction, "real": Production}


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


def obey(session: Session, log: Log, ends: threading.Event) -> None:
    """Send what is read, noting when; instants are of `time.monotonic()`."""
    lines = 0
    for line in sys.stdin:
        lines += 1
        log.append([time.monotonic(), "command", line.strip()])
        session.send(line.strip())  # type: ignore[arg-type]
    if lines:
        ends.set()


def watch(session: Session, look_s: float) -> Log:
    """Obey until the session is over; return what was sent and seen."""
    log: Log = []
    ends = threading.Event()
    has_begun = False
    threading.Thread(target=obey, args=(session, log, ends), daemon=True).start()
    while not is_over(session, log):
        seen = session.snapshot()
        log.append([time.monotonic(), seen.state, seen.position_ms, seen.breaks, seen.trouble])
        if seen.state == "playing" and seen.position_ms > 0 and not has_begun:
            has_begun = True
            sys.stdout.write("begun\n")
            sys.stdout.flush()
        if ends.wait(look_s):
            break
    return log


def is_over(session: Session, log: Log) -> bool:
    try:
        return session.wait(0)
    except DeviceError as error:
        log.append([time.monotonic(), "failed", str(error)])
        return True


def main() -> None:
    wish = json.loads(sys.argv[1])
    kind = KINDS[wish.get("samples", "numbers")]
    SlowCache.delay_s = wish.get("slow_s", 0.0)
    cache = SlowCache(Path(os.environ["XDG_CACHE_HOME"]))
    production = kind(load_routine(parse_document(wish["routine"]), {}), cache)
    session = Session(partial(open_sink, wish.get("sink", "first")), patience_s=wish.get("patience_s", 20))
    session.wait_until_awake(1)
    score: Score = score_of(production)
    if kind is not Production:
        score.tick = np.zeros(1, np.float32)
    session.perform(score)
    log = watch(session, wish.get("look_s", 0.01))
    session.stop()
    last = session.snapshot().score or score
    sys.stdout.write(json.dumps({"log": log, "total_ms": last.total_ms}))


if __name__ == "__main__":
    main()
