"""The system's voices: whatever pyttsx3 or `say` do, a sentence comes out whole, or it is told why not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from threading import Event, Thread, Timer

import numpy as np
import pytest

from voiceroutine.cues import Utterance
from voiceroutine.errors import VoiceError
from voiceroutine.narration import Narrator
from voiceroutine.routine import VoiceSettings
from voiceroutine.voices import (
    CanceledError,
    Engine,
    VoiceInfo,
    choose_engine,
    load_engine,
    probe_engine,
    programs,
    successors,
)
from voiceroutine.voices.system import CHILD, Children, Say, SystemEngine

pytestmark = pytest.mark.slow
SETTINGS = VoiceSettings(engine="system")
FAULTY = Path(__file__).with_name("faulty_voice.py")
Make = Callable[..., SystemEngine]


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started, and that aren't over."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[Make]:
    """Make engines whose child fails in one way, from some sentence on (over all of its children)."""
    made: list[SystemEngine] = []

    def make(how: str, after: int = 0, patience_s: float = 0.6) -> SystemEngine:
        command = [sys.executable, "-u", str(FAULTY), how, str(after), *([str(tmp_path / "jobs")] if after else [])]
        made.append(SystemEngine(Children(command), patience_s))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def refused(engine: Engine, text: str = "One.", settings: VoiceSettings = SETTINGS) -> str:
    with pytest.raises(VoiceError) as caught:
        engine.synthesize(text, settings)
    return str(caught.value)


@pytest.mark.parametrize("how", ["nothing", "rubbish", "AIFF in .wav"])
def test_what_can_be_used_is_used(faulty: Make, how: str) -> None:
    clip = faulty(how).synthesize("Hello.", SETTINGS)
    assert (clip.samplerate_hz, len(clip.samples)) == (16_000, 6_000)
    assert float(np.abs(clip.samples).max()) == pytest.approx(8_000 / 32_768, abs=0.01)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("dies", "The process of the system's voice ended before it was done."),
        ("hangs", "The system's voice has not answered for 1.4 s."),
        ("only rubbish", "The system's voice has not answered for 1.4 s."),
        ("error", "The system's voice failed: RuntimeError: run loop already started."),
        ("empty file", "the system's voice wrote no sound."),
        ("no file", "the system's voice wrote no sound."),
        ("half a file", "What the system's voice wrote is shorter than it says."),
        ("text", "What the system's voice wrote can't be read as sound; it begins with \"this is not soun\"."),
    ],
)
def test_what_can_not_be_used_is_told(faulty: Make, how: str, message: str) -> None:
    assert refused(faulty(how)) == message


@pytest.mark.parametrize("how", ["header only", "silence"])
def test_silence_is_no_speech(faulty: Make, how: str) -> None:
    assert not faulty(how).synthesize("Hello.", SETTINGS).samples.any()


def test_a_child_that_can_not_be_started_is_told(tmp_path: Path) -> None:
    for command, why in (
        ([str(tmp_path / "nothing")], "The process of the system's voice can't be started: No such file or directory."),
        ([sys.executable, str(tmp_path / "nothing.py")], "The process of the system's voice ended before it was"),
        ([sys.executable, str(FAULTY), "exits at once", "0"], "The process of the system's voice ended before it was"),
    ):
        engine = SystemEngine(Children(command))
        probe = engine.probe()
        assert not probe.ok
        assert why.rstrip(".") in probe.reason
        assert refused(engine).startswith(why)


def test_one_that_never_spoke_is_not_waited_for_twice(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs"
    engine = SystemEngine(Children([sys.executable, "-u", str(FAULTY), "hangs", "0", str(jobs)]), patience_s=0.6)
    assert refused(engine) == "The system's voice has not answered for 1.4 s."
    engine.close()
    assert jobs.read_text() == "."


def test_a_child_that_died_is_replaced(faulty: Make) -> None:
    engine = faulty("nothing")
    for text in ("One.", "Two."):
        engine.synthesize(text, SETTINGS)
        for pid in children_of(os.getpid()):
            os.kill(pid, signal.SIGKILL)
    assert len(engine.synthesize("Three.", SETTINGS).samples) == 6_000


def test_children_killed_at_random_lose_no_sentence(faulty: Make) -> None:
    engine, is_over, kills = faulty("nothing", patience_s=5.0), Event(), []
    chance = random.Random(7)

    def kill() -> None:
        while not is_over.wait(chance.uniform(0.2, 0.5)):
            for pid in children_of(os.getpid()):
                os.kill(pid, signal.SIGKILL)
                kills.append(pid)

    narrator = Narrator(engine, None, successors(engine, SETTINGS))
    killer = Thread(target=kill)
    killer.start()
    texts = [f"Sentence number {number}." for number in range(120)]
    with ThreadPoolExecutor(4) as pool:
        lengths = list(pool.map(lambda text: len(narrator.samples(Utterance(text=text, voice=SETTINGS))), texts))
    is_over.set()
    killer.join()
    narrator.close()
    assert min(lengths) > 20_000
    assert kills


@pytest.mark.parametrize("how", ["dies", "hangs", "only rubbish", "half a file", "silence", "error"])
def test_a_routine_completes_when_the_child_fails_in_the_middle(faulty: Make, how: str) -> None:
    engine, told = faulty(how, after=2, patience_s=0.2), list[str]()
    narrator = Narrator(engine, None, successors(engine, SETTINGS), told.append)
    texts = ["One.", "Two.", "Three.", "Four.", "Five."]
    assert all(len(narrator.samples(Utterance(text=text, voice=SETTINGS))) > 10_000 for text in texts)
    if how == "silence":
        assert told[0] == 'system could not say "Three.": it gave only silence. Instead, espeak speaks.'
    else:
        assert len(told) == 1
        assert told[0].endswith(" From here on espeak speaks.")
    narrator.close()


def test_nobody_waits_for_a_sentence_that_is_not_needed(faulty: Make) -> None:
    cancel = Event()
    Timer(0.3, cancel.set).start()
    began_s = time.monotonic()
    with pytest.raises(CanceledError):
        faulty("hangs", patience_s=30.0).synthesize("One.", SETTINGS, cancel)
    assert time.monotonic() - began_s < 3


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_no_process_is_left(faulty: Make) -> None:
    before = children_of(os.getpid())
    engine = faulty("nothing")
    engine.synthesize("One.", SETTINGS)
    assert len(children_of(os.getpid())) == len(before) + 1
    engine.close()
    assert children_of(os.getpid()) == before
    refused(faulty("hangs", patience_s=0.1))
    assert children_of(os.getpid()) == before


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_child_ends_when_its_parent_is_killed() -> None:
    code = (
        "import sys, time\nfrom voiceroutine.voices.system import Children, SystemEngine\n"
        "from voiceroutine.routine import VoiceSettings\n"
        f"engine = SystemEngine(Children([sys.executable, '-u', {str(FAULTY)!r}, 'nothing', '0']))\n"
        "engine.synthesize('One.', VoiceSettings())\nprint('ready', flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == "ready\n"
        (child,) = children_of(parent.pid)
        parent.kill()
    began_s = time.monotonic()
    while Path(f"/proc/{child}").exists() and time.monotonic() < began_s + 5:
        time.sleep(0.02)
    assert not Path(f"/proc/{child}").exists()


LATE = [sys.executable, "-u", str(FAULTY), "lists late", "0"]


def late() -> SystemEngine:
    """Return an engine as that of a busy machine."""
    return SystemEngine(Children(LATE))


def test_on_a_busy_machine_who_asks_for_it_waits_longer_than_who_takes_any(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint(name="late", value="test_voice_system:late", group="voiceroutine.voices")]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)
    probe = probe_engine("late")
    assert (probe.ok, probe.reason) == (False, "The system's voice has not answered for 0.9 s")
    choice = choose_engine(VoiceSettings(engine="late"))
    assert len(choice.engine.synthesize("One.", SETTINGS).samples) == 4_000
    choice.engine.close()


def test_a_child_that_dies_while_it_lists_voices_is_replaced(tmp_path: Path) -> None:
    command = [sys.executable, "-u", str(FAULTY), "dies while listing", "0", str(tmp_path / "mark")]
    engine = SystemEngine(Children(command))
    assert engine.probe().ok
    assert (tmp_path / "mark").exists()
    engine.close()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_closing_ends_a_child_that_hangs(faulty: Make) -> None:
    before, ended = children_of(os.getpid()), list[str]()
    engine = faulty("hangs", patience_s=30.0)

    def speak() -> None:
        with pytest.raises(CanceledError):
            engine.synthesize("One.", SETTINGS)
        ended.append("canceled")

    speaking = Thread(target=speak)
    speaking.start()
    until_s = time.monotonic() + 5
    while children_of(os.getpid()) == before and time.monotonic() < until_s:
        time.sleep(0.02)
    assert children_of(os.getpid()) != before
    engine.close()
    speaking.join(5)
    assert ended == ["canceled"]
    assert children_of(os.getpid()) == before


HUNG = """
import sys, threading, time
from voiceroutine.voices.system import Children, SystemEngine
from voiceroutine.routine import VoiceSettings
engine = SystemEngine(Children([sys.executable, '-u', {faulty!r}, 'hangs', '0']), patience_s=60)
speak = lambda: engine.synthesize('One.', VoiceSettings())
threading.Thread(target=speak, daemon=True).start()
until_s = time.monotonic() + 20
while not engine._speaker._all and time.monotonic() < until_s:
    time.sleep(0.02)
print(*(child._process.pid for child in engine._speaker._all), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_child_that_hangs_and_its_folder_are_gone_when_the_program_ends(tmp_path: Path) -> None:
    code = HUNG.format(faulty=str(FAULTY))
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert ended.stdout.strip()
    assert not Path(f"/proc/{ended.stdout.strip()}").exists()
    assert not [*tmp_path.iterdir()]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_child_of_pyttsx3_ends_with_its_input_even_where_it_hangs(tmp_path: Path) -> None:
    (tmp_path / "pyttsx3.py").write_text("import time\ntime.sleep(60)\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-P", str(CHILD)], stdin=subprocess.PIPE, text=True, env=environment
    ) as child:
        assert child.stdin
        child.stdin.write('{"id": 1, "do": "voices"}\n')
        child.stdin.close()
        try:
            assert child.wait(10) == 0
        finally:
            child.kill()


def test_a_full_disk_is_told(faulty: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(programs, "LEAST_ROOM_BYTES", 1 << 62)
    assert refused(faulty("nothing")) == (
        f"The disk of {tmp_path} is full, and sentences are written there; make room, or name another folder in TMPDIR."
    )
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_can_not_be_written_is_told(
    faulty: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    assert refused(faulty("nothing")) == (
        f"Sentences can't be written into {tmp_path / 'none'}: No such file or directory; "
        "name another folder in TMPDIR."
    )


def test_voices_are_found_by_name_and_language(faulty: Make) -> None:
    engine = faulty("nothing")
    assert engine.voices() == [VoiceInfo(name="Anna", language="en-US"), VoiceInfo(name="Bert", language="de-DE")]
    wishes = (
        SETTINGS,
        replace(SETTINGS, name="anna"),
        replace(SETTINGS, name="V1"),
        replace(SETTINGS, language="de"),
        replace(SETTINGS, name="Bert"),
    )
    marks = [engine.fingerprint("", wish) for wish in wishes]
    assert marks[0] == marks[1] == marks[2] != marks[3] == marks[4]
    with pytest.raises(VoiceError) as caught:
        engine.fingerprint("", replace(SETTINGS, name="Hanna"))
    assert str(caught.value) == (
        'system has no voice "Hanna"; did you mean "Anna"? "voiceroutine voices --all" lists those that it has.'
    )
    with pytest.raises(VoiceError) as caught:
        engine.fingerprint("", replace(SETTINGS, language="fr"))
    assert str(caught.value) == 'The system has no voice for "fr".'


SAY = """#!{python}
import sys, wave
if sys.argv[1:] == ["-v", "?"]:
    print("Alex                en_US    # Most people recognize me by my voice.")
    print("Bad News            en_US    # The light you see at the end of the tunnel")
    print("Anna (Premium)      de_DE    # Hallo!")
    sys.exit()
sys.argv.remove("--data-format=LEI16@22050")
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert sys.argv[-2:] == ["-f", "-"], sys.argv
with wave.open(arguments["-o"], "wb") as file:
    file.setparams((1, 2, 22050, 0, "NONE", ""))
    file.writeframes(b"\\0\\x20\\0\\xe0" * (len(sys.stdin.read()) * 100 * 150 // int(arguments["-r"])))
"""


@pytest.mark.skipif(os.name == "nt", reason="a script isn't a program there")
def test_say_speaks_on_a_mac(tmp_path: Path) -> None:
    program = tmp_path / "say"
    program.write_text(SAY.format(python=sys.executable))
    program.chmod(0o755)
    engine = SystemEngine(Say(str(program)))
    assert engine.probe().reason == "3 voices of the system, by say"
    assert [voice.name for voice in engine.voices()] == ["Alex", "Anna (Premium)", "Bad News"]
    assert len(engine.synthesize("-v Hello; $(x)", SETTINGS).samples) == 14 * 200
    assert len(engine.synthesize("Hello", replace(SETTINGS, rate_wpm=75, name="bad news")).samples) == 5 * 400
    program.write_text("#!/bin/sh\necho 'Opening output file failed: fmt?' >&2\nexit 1\n")
    assert refused(engine) == f'"{program}" ended with status 1: Opening output file failed: fmt?'


@pytest.fixture(scope="module")
def real() -> Iterator[Engine]:
    pytest.importorskip("pyttsx3")
    engine = load_engine("system")
    yield engine
    engine.close()


def test_pyttsx3_speaks(real: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    began_s = time.monotonic()
    assert real.probe().ok
    assert time.monotonic() - began_s < 2
    for text in ("Three.", "<b>bold</b> & 'more'", "Zwölf Übungen.", "-f x"):
        clip = real.synthesize(text, SETTINGS)
        assert 200 < clip.duration_ms < 5_000
        assert 0.05 < float(np.abs(clip.samples).max()) < 1.0
    assert capfd.readouterr() == ("", "")


def test_pyttsx3_speaks_the_right_text_from_several_threads(real: Engine) -> None:
    long = "A sentence that is longer than all of the others together."
    texts = ["One.", "A somewhat longer sentence.", long, f"{long} {long} {long}"] * 10
    with ThreadPoolExecutor(4) as pool:
        lengths = list(pool.map(lambda text: real.synthesize(text, SETTINGS).duration_ms, texts))
    for index in range(4):
        same = lengths[index::4]
        assert max(same) - min(same) < 120
    assert sorted(lengths[:4]) == lengths[:4]


def test_pyttsx3_speaks_a_long_text_whole(real: Engine) -> None:
    once = real.synthesize("A sentence that is longer than all of the others together.", SETTINGS).duration_ms
    often = real.synthesize("A sentence that is longer than all of the others together, " * 60, SETTINGS).duration_ms
    assert 55 * once < often < 75 * once
