"""Live sinks without a sound card: memory, and what happens when nothing can play."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from voiceroutine.errors import DeviceError
from voiceroutine.sinks import LiveSink, device, live, portaudio
from voiceroutine.sinks.compressed import flac
from voiceroutine.sinks.live import BlockingSink, HeardClock, PromptThreads, within
from voiceroutine.sinks.memory import MemorySink
from voiceroutine.sinks.pipe import PipeSink
from voiceroutine.sinks.tags import Shape, Tags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="hides the sound cards by Linux's means")
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
    release, disposed = threading.Event(), threading.Event()
    with pytest.raises(TimeoutError):
        within(10, release.wait, late=lambda _: disposed.set())
    release.set()
    assert disposed.wait(5)


def test_a_call_in_time_returns_or_raises_as_usual() -> None:
    assert within(5000, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        within(5000, lambda: 1 / 0)


class StuckSink(BlockingSink):
    """A device that takes nothing until it is released."""

    name = "stuck"

    def _open(self) -> None:
        self.releasing = threading.Event()
        self.freed = threading.Event()

    def _play(self, piece: bytes) -> None:
        self.releasing.wait()

    def _delay_s(self) -> float:
        return 0.0

    def _drain(self) -> None:
        self.releasing.wait()

    def _release(self) -> None:
        self.freed.set()


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[StuckSink]:
    for limit in ("STALL_MS", "CLOSE_LIMIT_MS", "FINISH_LIMIT_MS"):
        monkeypatch.setattr(live, limit, 100)
    sink = StuckSink()
    yield sink
    sink.releasing.set()
    sink.close()


def test_a_device_that_takes_nothing_is_given_up_and_freed_once_it_does(stuck: StuckSink) -> None:
    with pytest.raises(DeviceError, match="took nothing"):
        stuck.write(RAMP)
    with pytest.raises(DeviceError, match="no longer takes"):
        stuck.finish()
    stuck.close()
    assert not stuck.freed.is_set()
    stuck.releasing.set()
    assert stuck.freed.wait(5)


def test_a_device_is_freed_once_and_takes_nothing_afterwards(stuck: StuckSink) -> None:
    stuck.releasing.set()
    stuck.write(RAMP)
    stuck.close()
    assert stuck.freed.is_set()
    stuck.freed.clear()
    stuck.close()
    assert not stuck.freed.is_set()
    for late in (stuck.finish, lambda: stuck.write(RAMP)):
        with pytest.raises(DeviceError):
            late()


def test_a_stuck_device_does_not_keep_the_process(tmp_path: Path) -> None:
    code = (
        "import time\nfrom voiceroutine.sinks.live import DeviceThread\n"
        "try: DeviceThread().within(50, lambda: time.sleep(600))\n"
        "except TimeoutError: print('given up')"
    )
    assert without_card(tmp_path, code).stdout == "given up\n"


def test_a_sink_is_closed_when_its_first_write_fails() -> None:
    sink = MemorySink(fail_after_frames=1)
    with pytest.raises(DeviceError):
        device._begun(sink, RAMP)
    assert sink.closed


def test_threads_switch_as_before_once_the_last_sink_ends() -> None:
    usual_s = sys.getswitchinterval()
    first, second = PromptThreads(), PromptThreads()
    first.end()
    first.end()
    assert sys.getswitchinterval() == pytest.approx(0.0005)
    second.end()
    assert sys.getswitchinterval() == usual_s


def test_closing_a_compressed_file_never_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = flac(tmp_path / "a.flac", Shape(channels=2, frames=len(RAMP)), Tags(title="a"))
    sink.write(RAMP)

    def fail() -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(sink._encoder, "close", fail)
    with pytest.raises(OSError, match="full"):
        sink.finish()
    sink.close()
    monkeypatch.undo()
    sink.close()


class BrokenPortAudio:
    """PortAudio after an initialization that failed."""

    class PortAudioError(Exception):
        pass

    def __init__(self) -> None:
        self.initialized = 0

    def query_devices(self, *_: object) -> list[dict[str, object]]:
        raise self.PortAudioError("not initialized")

    def RawOutputStream(self, **_: object) -> None:  # noqa: N802 - its name there
        raise self.PortAudioError("not initialized")

    @property
    def time(self) -> float:
        raise self.PortAudioError("the stream is gone")

    def _terminate(self) -> None:
        raise self.PortAudioError("not initialized")

    def _initialize(self) -> None:
        self.initialized += 1


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []
    monkeypatch.setattr(portaudio, "silence_c_libraries", lambda: calls.append("silence"))
    monkeypatch.setattr(portaudio, "restore_c_libraries", lambda: calls.append("restore"))
    return calls


@pytest.mark.parametrize("wanted", [None, "kitchen"])
def test_portaudio_that_lists_nothing_is_an_error_in_words(
    wanted: str | None, quiet: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = BrokenPortAudio()
    monkeypatch.setattr(portaudio, "_load", lambda: broken)
    with pytest.raises(DeviceError, match=r"can't list the devices \(not initialized\)"):
        portaudio.PortAudioSink(wanted)
    assert broken.initialized == 1
    assert quiet == ["silence", "restore"]


def test_c_libraries_are_heard_again_after_any_failure(quiet: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(portaudio, "_load", BrokenPortAudio)
    monkeypatch.setattr(portaudio.PortAudioSink, "_start", fail)
    with pytest.raises(ZeroDivisionError):
        portaudio.PortAudioSink()
    assert quiet == ["silence", "restore"]


def test_what_was_heard_stays_known_when_the_clock_of_the_device_is_lost(
    quiet: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = BrokenPortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", broken)
    monkeypatch.setattr(portaudio.PortAudioSink, "_open", lambda *_: broken)
    monkeypatch.setattr(portaudio, "_skip_cleanup_at_exit", lambda: None)
    sink = portaudio.PortAudioSink()
    assert sink.heard_frames() == 0
    sink.close()


@linux_only
def test_a_program_is_ended_when_a_later_step_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "player"
    program.write_text('#!/bin/sh\necho $$ >"$0.pid"\nexec sleep 600\n')
    program.chmod(0o755)

    def fail(_: object) -> None:
        while not (tmp_path / "player.pid").exists():
            time.sleep(0.01)
        raise OSError("no pipe")

    monkeypatch.setattr(PipeSink, "_narrow_pipe", fail)
    with pytest.raises(OSError, match="no pipe"):
        PipeSink((str(program),))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "player.pid").read_text()), 0)


OPEN = """
from voiceroutine.errors import DeviceError
from voiceroutine.sinks.device import open_device
try:
    print("opened:", open_device({device}).name)
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
