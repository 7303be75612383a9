"""The example of a plug-in: installed like anybody's, it is found, keeps the promises of an engine, and speaks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "docs" / "example-voice"
ROUTINE = 'title = "One line"\n[cues]\nprofile = "quiet"\nsafety = false\n[[steps]]\nsay = "Sit tall."\n'


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Install the example beside this checkout, without a network: with the build tool of this environment."""
    pytest.importorskip("hatchling", reason="hatchling builds the example; the extra test has it")
    source, target = tmp_path_factory.mktemp("example") / "source", tmp_path_factory.mktemp("installed")
    shutil.copytree(EXAMPLE, source)
    offline = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    ran(sys.executable, "-m", "pip", "install", "-q", *offline, "--target", str(target), str(source))
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), str(ROOT)]), "NO_COLOR": "1"}


def ran(*command: str, environment: dict[str, str] | None = None) -> str:
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_it_is_listed(environment: dict[str, str]) -> None:
    listed = ran(sys.executable, "-m", "voiceroutine", "voices", "--all", environment=environment)
    assert "\nhum: an example that hums every letter\n" in listed
    assert [line.split() for line in listed.splitlines() if line.startswith("  hum:")] == [
        ["hum:low", "und"],
        ["hum:high", "und"],
    ]


def test_it_keeps_the_promises_of_every_engine(environment: dict[str, str]) -> None:
    tests = ("tests/test_voices.py", "-k", "hum", "-p", "no:cacheprovider")
    shown = ran(sys.executable, "-m", "pytest", "-q", *tests, environment=environment)
    assert " passed" in shown


@pytest.mark.parametrize(("name", "pitch_hz"), [("hum", 110), ("hum:high", 220)])
def test_a_routine_is_exported_with_it(name: str, pitch_hz: int, environment: dict[str, str], tmp_path: Path) -> None:
    routine, out = tmp_path / "one.toml", tmp_path / "one.wav"
    routine.write_text(ROUTINE, encoding="utf-8")
    command = ("export", str(routine), "--voice", name, "-o", str(out), "--quiet")
    assert ran(sys.executable, "-m", "voiceroutine", *command, environment=environment) == ""
    samples, samplerate_hz = soundfile.read(out)
    # The first letter is an "S", 83 in Unicode, 11 half tones above the voice.
    assert loudest_hz(samples, samplerate_hz, 60) == pytest.approx(pitch_hz * 2 ** (ord("S") % 12 / 12), rel=0.1)


def loudest_hz(samples: np.ndarray, samplerate_hz: int, length_ms: int) -> float:
    """Return the pitch of what is heard first."""
    mono = samples if samples.ndim == 1 else samples[:, 0]
    start = int(np.flatnonzero(np.abs(mono) > 0.02)[0])
    heard = mono[start : start + length_ms * samplerate_hz // 1000]
    return float(np.argmax(np.abs(np.fft.rfft(heard, 1 << 16))) * samplerate_hz / (1 << 16))
