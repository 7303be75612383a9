"""Print how a session does on the virtual sound card: latency of commands, start, load, memory.

    python benchmarks/live.py [SECONDS]

SECONDS (60): for how long the load and the memory of playing are measured. Needs what tests/audio/soundcard.sh needs.
Look at the machine's load, which is printed, before believing a figure.
"""

from __future__ import annotations

import os
import pty
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402
from audio.conftest import SoundCard  # noqa: E402
from audio.live import LiveSession  # noqa: E402
from audio.recording import SAMPLERATE_HZ, Recorder, carried  # noqa: E402

from voiceroutine.player import COMMANDS, COUNT_IN_STEP_MS, COUNT_IN_TICKS  # noqa: E402

SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 60
CARD = ROOT / "tests" / "audio" / "soundcard.sh"
PROGRAM = [sys.executable, "-m", "voiceroutine"]
PAUSED_FIRST = {"resume"}
# More time is heard only at the end of a hold.
UNHEARD = {"more"}
TICK = int(os.sysconf("SC_CLK_TCK"))
ROUTINE = """
title = "Long"
cues = { safety = false }
[defaults]
prepare = "2s"
[[steps]]
name = "First"
hold = "60s"
sides = "each"
[[steps]]
name = "Second"
hold = "60s"
"""


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "card"
        subprocess.run([CARD, "up", folder], check=True)
        try:
            print_all(card_in(folder), Path(scratch))
        finally:
            subprocess.run([CARD, "down", folder], check=False)


def card_in(folder: Path) -> SoundCard:
    """Return the card, with folders of its own for the program."""
    pairs = dict(line.split("=", 1) for line in (folder / "env").read_text().splitlines())
    homes = {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("CACHE", "CONFIG", "STATE", "DATA")}
    paths = os.pathsep.join([str(ROOT / "tests"), str(ROOT)])
    return SoundCard(folder=folder, environment={**os.environ, "PYTHONPATH": paths, **pairs, **homes})


def print_all(card: SoundCard, scratch: Path) -> None:
    """Measure one thing after the other."""
    export = [*PROGRAM, "export", "neck-cooldown", "-o", str(scratch / "warm.wav")]
    subprocess.run(export, check=True, capture_output=True, env=card.environment)
    row("start to the first frame, warm", [start_ms(card) for _ in range(5)], "ms", "300")
    for command in COMMANDS:
        if command not in UNHEARD:
            row(f'"{command}" to its effect', [effect_ms(card, command) for _ in range(3)], "ms", "120")
    for what, arguments, goal in (("--no-ui", ["--no-ui"], "2"), ("with the display", [], "4")):
        percent, mib, peak_mib = load(card, arguments)
        row(f"playing {what}", [percent], "% of a core", goal)
        print(f"    memory: {mib:.0f} MiB at the end, {peak_mib:.0f} MiB at most")


def row(what: str, figures: list[float], unit: str, goal: str) -> None:
    """Print a median, the range, and the machine's load."""
    span = f"{min(figures):.1f} to {max(figures):.1f}" if len(figures) > 1 else ""
    load_now = os.getloadavg()[0]
    print(f"{what:<34} {statistics.median(figures):7.1f} {unit}  {span:<16} (goal: < {goal}; load {load_now:.1f})")


def start_ms(card: SoundCard) -> float:
    """Return how long after its start the program's first sound, the lead-in's noise, reaches the card."""
    recorder = Recorder(card.environment)
    began_s = time.monotonic()
    player = subprocess.Popen(
        [*PROGRAM, "play", "neck-cooldown", "--no-ui"], stdout=subprocess.DEVNULL, env=card.environment
    )
    time.sleep(2)
    player.terminate()
    player.wait(5)
    samples, start_s = recorder.recorded()
    return (start_s + float(np.flatnonzero(samples[:, 0])[0]) / SAMPLERATE_HZ - began_s) * 1000


def effect_ms(card: SoundCard, command: str) -> float:
    """Return how long after a command numbers no longer follow each other or, less the count-in, begin again."""
    recorder = Recorder(card.environment)
    session = LiveSession(card, ROUTINE, samples="signed")
    session.wait_until_begun()
    time.sleep(1.5)
    if command in PAUSED_FIRST:
        session.send("pause")
        time.sleep(1)
    sent_s = session.send(command)
    time.sleep(3 if command in PAUSED_FIRST else 1)
    session.process.communicate("", timeout=10)
    samples, start_s = recorder.recorded()
    heard = samples[int((sent_s - start_s) * SAMPLERATE_HZ) :, 0]
    changed = np.flatnonzero(heard) if command in PAUSED_FIRST else np.flatnonzero(np.diff(carried(heard)) != 1)
    counted_ms = COUNT_IN_TICKS * COUNT_IN_STEP_MS if command in PAUSED_FIRST else 0
    return float(changed[0]) / SAMPLERATE_HZ * 1000 - counted_ms


def load(card: SoundCard, arguments: list[str]) -> tuple[float, float, float]:
    """Return the share of a core that playing takes, the memory it ends with, and its peak, after some seconds."""
    terminal, inside = pty.openpty()
    environment = {**card.environment, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    command = [*PROGRAM, "play", "neck-cooldown", *arguments]
    player = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside, env=environment)
    threading.Thread(target=drain, args=(terminal,), daemon=True).start()
    time.sleep(5)
    before_s, began_s = cpu_s(player.pid), time.monotonic()
    time.sleep(SECONDS)
    percent = 100 * (cpu_s(player.pid) - before_s) / (time.monotonic() - began_s)
    memory = status_mib(player.pid)
    player.terminate()
    player.wait(5)
    os.close(inside)
    return percent, memory["VmRSS"], memory["VmHWM"]


def drain(terminal: int) -> None:
    """Read what is shown, so that the program never waits."""
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def status_mib(pid: int) -> dict[str, Any]:
    """Return the sizes that the kernel tells of a process."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) / 1024 for words in lines if words[-1] == "kB"}


if __name__ == "__main__":
    main()
