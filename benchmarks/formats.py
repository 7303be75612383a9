"""Print how long every format takes and how much memory, for sessions of several lengths; clips are in the cache.

    python benchmarks/formats.py [MINUTES ...]

Without arguments: 10 minutes and 4 hours. Memory is the peak of the whole process, as Linux counts it; elsewhere it is
left out. The last column is how much more than the first length the longest one takes: at most 60 MiB is the goal.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from speed import routine_text

from voiceroutine.exporting import SUFFIXES

MINUTES = [int(argument) for argument in sys.argv[1:]] or [10, 240]
EXPORT = """
import re, sys
from pathlib import Path
from voiceroutine.cli import run
status = run(["export", *sys.argv[1:], "-q"])
told = Path("/proc/self/status")
peak = re.search(r"VmHWM:\\s+(\\d+)", told.read_text())[1] if told.exists() else 0
print(int(peak) // 1024)
sys.exit(status)
"""


def exported(routine: Path, file: Path) -> tuple[float, int]:
    """Return how many seconds an export took, and how many MiB."""
    start_s = time.perf_counter()
    command = [sys.executable, "-c", EXPORT, str(routine), "-o", str(file)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - start_s, int(ended.stdout)


def main() -> None:
    """Print a row for every format."""
    print("format" + "".join(f"{minutes:>6} min    real time     MiB" for minutes in MINUTES) + "   more MiB")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        routines = [Path(folder, f"{minutes}.toml") for minutes in MINUTES]
        for minutes, routine in zip(MINUTES, routines, strict=True):
            routine.write_text(routine_text(f"{minutes} minutes", minutes * 54))
            exported(routine, routine.with_suffix(".wav"))
        lengths_s = [routine.with_suffix(".wav").stat().st_size / 96_000 for routine in routines]
        for suffix in SUFFIXES:
            rows = [exported(routine, Path(folder, f"out{suffix}")) for routine in routines]
            cells = [
                f"{s:9.2f} s {length_s / s:10.0f} x {mib:7}" for (s, mib), length_s in zip(rows, lengths_s, strict=True)
            ]
            print(f"{suffix:<6}" + "".join(cells) + f"{rows[-1][1] - rows[0][1]:11}", flush=True)


if __name__ == "__main__":
    main()
