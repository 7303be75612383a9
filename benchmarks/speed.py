"""Print how fast voiceroutine is, each figure beside a rival that was run in the same minute.

    python benchmarks/speed.py [RUNS]

The live figures need a sound card; with PulseAudio's `parec` on the PATH the card's monitor is recorded, so that the
first frame is timed where it reaches the card.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
PROGRAM = [sys.executable, "-m", "voiceroutine"]
BARE = "a bare sounddevice script"
TEN_MINUTES_S, FOUR_HOURS_S = 600, 4 * 3600
BEDS = ("brown-noise", "drone", "rain")
ZEROS = """
import sys, wave
with wave.open(sys.argv[1], "wb") as out:
    out.setnchannels(1); out.setsampwidth(2); out.setframerate(48000)
    for _ in range(int(sys.argv[2])):
        out.writeframesraw(bytes(96000))
"""
BARE_PLAYER = """
import sounddevice
stream = sounddevice.RawOutputStream(48000, 1024, channels=2, dtype="float32", latency=0.1)
stream.start()
while True:
    stream.write(b"\\0\\0\\x80\\x3a" * 2048)
"""


def routine_text(title: str, target_s: int) -> str:
    """Return a routine whose written length is close to a target: speech, holds, sides, reps, rests."""
    step = (
        '[[steps]]\nexercise = "neck-stretch"\n[[steps]]\nexercise = "chin-tuck"\nreps = 4\n[[steps]]\nrest = "26s"\n'
    )
    rounds = round(target_s / 150)
    return f'title = "{title}"\n' + step * rounds


def seconds_of(command: list[str]) -> float:
    """Return the median time of a command."""
    times = []
    for _ in range(RUNS):
        start_s = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start_s)
    return statistics.median(times)


def peak_mib_of(command: list[str]) -> float:
    """Return the peak memory of a command, as the kernel counted it."""
    read, write = os.pipe()
    report = (
        "import subprocess, resource, sys, os\n"
        "subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL)\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "os.write(int(sys.argv[1]), str(peak).encode())\n"
    )
    subprocess.run([sys.executable, "-c", report, str(write), *command], check=True, pass_fds=[write])
    os.close(write)
    with os.fdopen(read) as answer:
        return int(answer.read()) / 1024


def row(what: str, figures: tuple[float, float], rival: str, goal: str) -> None:
    """Print one figure, its rival's and their ratio; the goal says the unit."""
    ours, theirs = figures
    ratio = f"{ours / theirs:6.2f} x" if theirs else " " * 8
    print(f"{what:<36} {ours:7.1f} {ratio}  {rival} {theirs:.1f}  (goal: {goal})")


def offline(folder: Path) -> None:
    """Time what needs no sound card."""
    bare = seconds_of([sys.executable, "-c", "import click"]) * 1000
    row("--help", (seconds_of([*PROGRAM, "--help"]) * 1000, bare), "python with click", "under 150 ms")
    short, long = folder / "ten-minutes.toml", folder / "four-hours.toml"
    short.write_text(routine_text("Ten minutes", TEN_MINUTES_S))
    long.write_text(routine_text("Four hours", FOUR_HOURS_S - 300))
    flags = ["--no-limits", "--force", "-q"]
    exports = {file: [*PROGRAM, "export", str(file), "-o", f"{file}.wav", *flags] for file in (short, long)}
    for command in exports.values():
        subprocess.run(command, check=True)
    zeros = [sys.executable, "-c", ZEROS, str(folder / "zeros.wav"), str(TEN_MINUTES_S)]
    size_s = (folder / "ten-minutes.toml.wav").stat().st_size / 96_000
    print(f"(the routine of ten minutes lasts {size_s / 60:.1f} minutes)")
    figures = (seconds_of(exports[short]) * 1000, seconds_of(zeros) * 1000)
    row("10 minutes to WAV, warm", figures, "the same bytes of zeros", "under 600 ms")
    for bed in BEDS:
        bedded_ms = seconds_of([*exports[short], "--background", bed]) * 1000
        row(f"the same under {bed}", (bedded_ms, figures[0]), "without", "at most 1.5 x")
    ten_minutes, four_hours = (peak_mib_of(command) for command in exports.values())
    row("4 hours to WAV, peak memory", (four_hours, ten_minutes), "10 minutes", "at most 40 MiB more")


def first_frame_ms(command: list[str]) -> float:
    """Return the time from starting a program until its first frame reaches the card."""
    shape = ["--format=float32le", "--rate=48000", "--channels=2", "--raw", "--latency-msec=5"]
    recorder = subprocess.Popen(["parec", "-d", "@DEFAULT_MONITOR@", *shape], stdout=subprocess.PIPE)
    assert recorder.stdout is not None
    os.read(recorder.stdout.fileno(), 4096)
    start_s = time.monotonic()
    player = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not any(os.read(recorder.stdout.fileno(), 4096)):
        pass
    passed_ms = (time.monotonic() - start_s) * 1000
    for process in (player, recorder):
        process.send_signal(signal.SIGKILL)
        process.wait()
    recorder.stdout.close()
    return passed_ms


def busy_percent(command: list[str], seconds: float = 20) -> float:
    """Return how much of a core a program needs while it plays."""
    player = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(5)
    before_s = cpu_s(player.pid)
    time.sleep(seconds)
    used_s = cpu_s(player.pid) - before_s
    player.kill()
    player.wait()
    return used_s / seconds * 100


def cpu_s(pid: int) -> float:
    """Return the processor time of a process and its children so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    own_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own_s + sum(cpu_s(int(child)) for child in children)


def on_a_terminal(command: list[str]) -> list[str]:
    """Return the command with a terminal of its own, from util-linux."""
    import shlex

    return ["script", "-qfec", f"stty rows 24 cols 80; exec {shlex.join(command)}", "/dev/null"]


def live() -> None:
    """Time what plays."""
    play = [*PROGRAM, "play", "neck-cooldown", "--no-ui"]
    bare = [sys.executable, "-c", BARE_PLAYER]
    rival = statistics.median(first_frame_ms(bare) for _ in range(RUNS))
    warm = statistics.median(first_frame_ms(play) for _ in range(RUNS))
    row("play to the first frame, warm cache", (warm, rival), BARE, "under 300 ms")
    with tempfile.TemporaryDirectory() as empty:
        os.environ["XDG_CACHE_HOME"] = empty
        row("play to the first frame, cold cache", (first_frame_ms(play), rival), BARE, "under 500 ms")
        del os.environ["XDG_CACHE_HOME"]
    idle = busy_percent(bare)
    row("playing with --no-ui", (busy_percent(play), idle), BARE, "under 2 % of a core")
    screen = on_a_terminal([*PROGRAM, "play", "neck-cooldown"])
    row("playing with the screen", (busy_percent(screen), idle), BARE, "under 4 % of a core")


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory() as folder:
        offline(Path(folder))
    if shutil.which("parec") and subprocess.run(["pactl", "info"], capture_output=True, check=False).returncode == 0:
        live()
    else:
        print("no sound server with a monitor answers: the live figures are left out")


if __name__ == "__main__":
    main()
