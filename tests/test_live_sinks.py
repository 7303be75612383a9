"""Live sinks without a sound card: memory, and what happens when nothing can play."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from voiceroutine.errors import DeviceError
from voiceroutine.sinks import LiveSink
from voiceroutine.sinks.live import HeardClock, within
from voiceroutine.sinks.memory import MemorySink

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
RAMP: NDArray[np.float32] = np.arange(8, dtype=np.float32).reshape(4, 2)


def without_card(tmp_path: Path, code: str, alsa: str = "") -> subprocess.CompletedProcess[str]:
    """Run code where no sound server is found, and ALSA knows only what the configuration text says."""
    configuration = tmp_path / "asound.conf"
    configuration.write_text(alsa)
    nowhere = {"PULSE_SERVER": f"unix:{tmp_path}/none", "XDG_RUNTIME_DIR": str(tmp_path), "JACK_NO_START_SERVER": "1"}
    environment = {**os.environ, **nowhere, "ALSA_CONFIG_PATH": str(configuration), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_memory_keeps_what_it_is_given_in_order() -> None:
    sink: LiveSink = MemorySink()
    sink.write(RAMP)
    sink.write(RAMP.tobytes())
    assert isinstance(sink, MemorySink)
    assert sink.heard_frames() == 8
    assert (sink.samples() == np.concatenate([RAMP, RAMP])).all()
    assert sink.data() == RAMP.tobytes() * 2


def test_memory_is_unaffected_by_a_block_that_changes_later() -> None:
    sink, block = MemorySink(), RAMP.copy()
    sink.write(block)
    block[:] = 0
    assert (sink.samples() == RAMP).all()


def test_memory_fails_as_a_lost_device_does() -> None:
    sink = MemorySink(fail_after_frames=6)
    sink.write(RAMP)
    with pytest.raises(DeviceError):
        sink.write(RAMP)
    with pytest.raises(DeviceError):
        sink.write(RAMP)
    assert sink.heard_frames() == 6


def test_memory_takes_nothing_once_closed() -> None:
    sink = MemorySink()
    sink.write(RAMP)
    sink.finish()
    sink.close()
    sink.close()
    with pytest.raises(DeviceError):
        sink.write(RAMP)
    assert (sink.finished, sink.closed, sink.heard_frames()) == (True, True, 4)


@pytest.mark.parametrize("block", [RAMP.astype(np.float64), RAMP.astype(np.int16), RAMP.T, bytes(7)])
def test_what_would_sound_as_noise_is_refused(block: bytes) -> None:
    with pytest.raises(TypeError):
        MemorySink().write(block)


def test_an_empty_block_is_nothing() -> None:
    sink = MemorySink()
    sink.write(RAMP[:0])
    sink.write(b"")
    assert sink.heard_frames() == 0


def test_the_clock_never_passes_what_was_written_and_never_falls() -> None:
    clock = HeardClock()
    clock.set(1000, 0)
    assert clock.frames() == 1000
    clock.set(2000, 10)
    assert clock.frames() == 1000
    clock.stop()
    clock.set(3000, 0)
    assert clock.frames() == 1000


def test_a_call_that_hangs_is_given_up_and_its_late_result_disposed_of() -> None:
    import threading

    release, disposed = threading.Event(), threading.Event()
    with pytest.raises(TimeoutError):
        within(10, release.wait, late=lambda _: disposed.set())
    release.set()
    assert disposed.wait(5)


def test_a_call_in_time_returns_or_raises_as_usual() -> None:
    assert within(5000, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        within(5000, lambda: 1 / 0)


linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="hides the sound cards by Linux's means")

OPEN = """
from voiceroutine.errors import DeviceError
from voiceroutine.sinks.device import open_device
try:
    open_device({device})
except DeviceError as error:
    print(error)
"""


@linux_only
@pytest.mark.parametrize(
    "alsa", ["", "pcm.!default { type null }", "pcm.!default { type plug slave.pcm { type null } }"]
)
def test_without_a_card_every_way_is_named_with_its_reason(tmp_path: Path, alsa: str) -> None:
    ended = without_card(tmp_path, OPEN.format(device=""), alsa)
    assert (ended.returncode, ended.stderr) == (0, "")
    tried = [line.strip().partition(": ") for line in ended.stdout.splitlines()[1:]]
    assert [name for name, _, _ in tried] == ["sounddevice", "PulseAudio", "ALSA", "pacat", "aplay"]
    assert all(reason for _, _, reason in tried)


@linux_only
def test_a_wanted_device_is_never_replaced_by_another(tmp_path: Path) -> None:
    ended = without_card(tmp_path, OPEN.format(device="'kitchen'"), "pcm.!default { type null }")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert '"kitchen"' in ended.stdout
    assert "PulseAudio" not in ended.stdout


@linux_only
def test_probing_without_a_card_tells_each_reason(tmp_path: Path) -> None:
    code = "from voiceroutine.sinks.device import probe_devices\nfor p in probe_devices(): print(p.ok, bool(p.reason))"
    ended = without_card(tmp_path, code)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == ["False True"] * 5


@pytest.mark.parametrize("module", ["device", "portaudio", "pulse", "alsa", "pipe", "memory"])
def test_live_sinks_start_without_numpy(module: str, tmp_path: Path) -> None:
    code = f"import sys, voiceroutine.sinks.{module}; print(sorted({{'numpy', 'sounddevice'}} & set(sys.modules)))"
    assert without_card(tmp_path, code).stdout == "[]\n"
