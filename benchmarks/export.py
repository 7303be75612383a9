"""Print how fast an export is, beside a shell script that does the same kind of work, run in the same minute.

    python benchmarks/export.py [RUNS]

The rival is what other tools do: a process of espeak-ng for each sentence, sox for the pauses and for putting the
pieces together, ffmpeg for the MP3, two sentences at a time. It needs espeak-ng, sox and ffmpeg on the PATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
PROGRAM = [sys.executable, "-m", "voiceroutine"]
EXERCISES = ("Neck tilt", "Chin tuck", "Shoulder roll", "Chest opener", "Side bend", "Forward fold")

STEP = """
[[steps]]
name = "{name}"
instruction = "Sit tall. Move slowly until you feel a gentle stretch in your {name}. Breathe calmly."
hold = "45s"
"""

RIVAL = """
set -e
cd "$1"
say() { espeak-ng -s 150 -w "$1.wav" "$2"; }
export -f say
silence() { sox -n -r 22050 -c 1 -b 16 "$1.wav" trim 0 "$2"; }
silence hold 45; silence pause 8
number=0
while read -r line; do number=$((number + 1)); printf '%s\\0%s\\0' "s$number" "$line"; done < sentences.txt |
  xargs -0 -n 2 -P "$(nproc)" bash -c 'say "$0" "$1"'
pieces=()
for number in $(seq "$(wc -l < sentences.txt)"); do
  pieces+=("s$number.wav")
  [ $((number % 5)) -ne 0 ] || pieces+=(hold.wav pause.wav)
done
sox "${pieces[@]}" whole.wav
ffmpeg -y -loglevel error -i whole.wav -b:a 64k whole.mp3
"""


def routine_text(word: str = "calmly") -> str:
    """Return six exercises in six minutes."""
    steps = "".join(STEP.format(name=name) for name in EXERCISES)
    return 'title = "Six minutes"\n' + steps.replace("Breathe calmly", f"Breathe {word}", 1)


def sentences() -> str:
    """Return what the rival says: as much as the routine does."""
    lines = [
        f"{name}.\nSit tall.\nMove slowly until you feel a gentle stretch in your {name}.\nBreathe calmly.\nRest now."
        for name in EXERCISES
    ]
    return "\n".join(lines) + "\n"


class Bench:
    """Exports in folders of its own.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        self.routine = folder / "six.toml"
        self.routine.write_text(routine_text())
        homes = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "STATE", "DATA")}
        self.environment = {**os.environ, **homes, "XDG_CACHE_HOME": str(self.cache)}
        self.words = iter(f"calmly {number}" for number in range(1, 1_000))

    def export_s(self, suffix: str, prepare: Callable[[], object]) -> float:
        """Return the median time of an export, before each of which something is done."""
        times = []
        for _ in range(RUNS):
            prepare()
            times.append(seconds_of([*PROGRAM, "export", str(self.routine), "-o", self.target(suffix)], self))
        return median(times)

    def target(self, suffix: str) -> str:
        """Return the name of the file."""
        return str(self.folder / f"six.{suffix}")

    def forget(self) -> None:
        """Remove every clip and every record."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def edit(self) -> None:
        """Change one sentence."""
        self.routine.write_text(routine_text(next(self.words)))

    def rival_s(self) -> float:
        """Return the median time of the rival, from nothing."""
        place = self.folder / "rival"
        place.mkdir()
        (place / "sentences.txt").write_text(sentences())
        return median(seconds_of(["bash", "-c", RIVAL, "rival", str(place)], self) for _ in range(RUNS))


def seconds_of(command: list[str], bench: Bench) -> float:
    """Return how long a command takes."""
    start_s = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=bench.environment)
    return time.perf_counter() - start_s


def main() -> None:
    """Print a line for each thing that is promised."""
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        has_rival = all(map(shutil.which, ("bash", "espeak-ng", "sox", "ffmpeg", "xargs")))
        rival_s = bench.rival_s() if has_rival else 0.0
        bare_s = median(seconds_of([sys.executable, "-c", "import click, tomllib"], bench) for _ in range(RUNS))
        rows = [
            ("MP3 from nothing", bench.export_s("mp3", bench.forget), 1.3),
            ("MP3 unchanged", bench.export_s("mp3", lambda: None), 0.25),
            ("MP3, one sentence changed", bench.export_s("mp3", bench.edit), 0.9),
            ("WAV from nothing", bench.export_s("wav", bench.forget), 0.8),
        ]
        print(f"espeak-ng, sox and ffmpeg: {rival_s:.2f} s" if has_rival else "(no rival: espeak-ng, sox, ffmpeg)")
        print(f"python with click and tomllib: {bare_s:.2f} s")
        for what, seconds, goal_s in rows:
            ratio = f"{seconds / rival_s:5.2f} x the rival" if rival_s else ""
            print(f"{what:<28} {seconds:5.2f} s  {ratio}  (goal: under {goal_s} s)")


if __name__ == "__main__":
    main()
