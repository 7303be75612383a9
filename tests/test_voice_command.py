"""Any program may speak, and none can do harm: it fails in words, in time, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from threading import Event, Timer
from typing import TYPE_CHECKING

import pytest

from voiceroutine.errors import VoiceError
from voiceroutine.routine import VoiceSettings
from voiceroutine.voices import CanceledError, LineError, choose_engine
from voiceroutine.voices.command import CommandEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

PROGRAM = """
import array, io, os, subprocess, sys, time, wave
args = dict(argument.split("=", 1) for argument in sys.argv[1:])
text = args["text"] if "text" in args else sys.stdin.buffer.read().decode()
how = args.get("how", "")
if how == "exits 1":
    print("warming up\\nno such speaker", file=sys.stderr)
    sys.exit(1)
if how == "hangs":
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", os.environ.get("MARK", "")])
    time.sleep(60)
if "fails at" in args and args["fails at"] in text:
    sys.exit(3)
if how == "writes nothing":
    sys.exit(0)
sound = io.BytesIO()
with wave.open(sound, "wb") as file:
    file.setparams((1, 2, 16000, 0, "NONE", ""))
    file.writeframes(array.array("h", [8000, -8000] * (len(text.encode()) * 80)).tobytes())
content = sound.getvalue()
content = {"is no sound": b"hello, this is no sound", "is cut short": content[:500]}.get(how, content)
if "noise" in args:
    print("x" * 1_000_000, file=sys.stderr)
if "output" in args:
    open(args["output"], "wb").write(content)
else:
    sys.stdout.buffer.write(content)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "my tts.py"
    file.write_text(PROGRAM)
    return file


def settings(program: Path, *arguments: str) -> VoiceSettings:
    return VoiceSettings(engine="command", name=json.dumps([sys.executable, str(program), *arguments]))


@pytest.mark.parametrize("arguments", [("text={text}", "output={output}"), ("output={output}",), ("text={text}",), ()])
def test_text_and_sound_go_through_arguments_or_pipes(program: Path, arguments: tuple[str, ...]) -> None:
    text = "-Überdehne nichts; $(rm) \"x\" 'y' {z}"
    clip = CommandEngine().synthesize(text, settings(program, *arguments))
    length = len(text.encode()) + (0 if "text={text}" in arguments else 1)
    assert (clip.samplerate_hz, len(clip.samples)) == (16_000, length * 160)


def test_a_command_is_written_as_in_a_shell_but_never_run_in_one(program: Path) -> None:
    name = f"'{sys.executable}' '{program}' text={{text}} rate={{rate}} language={{language}} brace={{{{"
    voice = VoiceSettings(name=name, rate_wpm=120, language="de")
    assert len(CommandEngine().synthesize("$HOME > x", voice).samples) == 9 * 160


def test_the_variable_names_a_command_too(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEROUTINE_COMMAND", settings(program).name or "")
    assert len(CommandEngine().synthesize("Hello", VoiceSettings(engine="command")).samples) > 0


def told(how: str, program: Path, engine: CommandEngine | None = None) -> str:
    with pytest.raises(VoiceError) as caught:
        (engine or CommandEngine()).synthesize("One.", settings(program, f"how={how}"))
    assert not isinstance(caught.value, LineError)
    return str(caught.value).replace(sys.executable, "PYTHON")


def test_what_goes_wrong_is_told(program: Path) -> None:
    assert told("exits 1", program) == '"PYTHON" ended with status 1: no such speaker'
    assert told("writes nothing", program) == '"PYTHON" wrote no sound.'
    assert told("is no sound", program) == (
        "What \"PYTHON\" wrote can't be read as sound; it begins with b'hello, this is n'."
    )
    assert told("is cut short", program) == 'What "PYTHON" wrote is shorter than it says.'


@pytest.mark.skipif(os.name == "nt", reason="looks into /proc")
def test_one_that_never_ends_is_ended_with_all_that_it_started(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARK", mark := f"mark {program}")
    began_s = time.monotonic()
    message = told("hangs", program, CommandEngine(patience_s=1.0))
    assert time.monotonic() - began_s < 8
    assert message == '"PYTHON" was not done after 2 s, and was ended.'
    time.sleep(0.1)
    commands = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline") if file.exists()]
    assert not [line for line in commands if mark.encode() in line]


def test_one_that_nobody_waits_for_is_ended(program: Path) -> None:
    cancel = Event()
    Timer(0.3, cancel.set).start()
    began_s = time.monotonic()
    with pytest.raises(CanceledError):
        CommandEngine().synthesize("One.", settings(program, "how=hangs"), cancel)
    assert time.monotonic() - began_s < 3


def test_a_line_that_fails_alone_is_spoken_by_another_until_too_many_do(program: Path) -> None:
    engine, voice = CommandEngine(), settings(program, "fails at=x")
    engine.synthesize("One.", voice)
    kinds = []
    for text in ("x", "y", "x", "x", "x"):
        try:
            engine.synthesize(text, voice)
            kinds.append("spoken")
        except VoiceError as error:
            kinds.append(type(error).__name__)
    assert kinds == ["LineError", "spoken", "LineError", "LineError", "VoiceError"]


def test_much_that_is_printed_holds_nothing_up(program: Path) -> None:
    assert len(CommandEngine().synthesize("One.", settings(program, "noise=yes")).samples) > 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (None, "Which program is to speak? Write it like --voice 'command:my-tts --speed {rate} -o {output}', or into "
         "VOICEROUTINE_COMMAND."),
        ("no-such-tts -o {output}", 'There is no program "no-such-tts"; is it installed, and is its name right?'),
        ("'open quote", "The command of the voice can't be understood: No closing quotation: 'open quote"),
        ("[1, 2]", "The command of the voice must be a list of texts: [1, 2]"),
        ("[]", "The command of the voice must be a list of texts: []"),
        ("echo {file}", "The command of the voice has {file}; there are {text}, {output}, {rate}, {language}, and {{ "
         "is a brace."),
    ],
)  # fmt: skip
def test_a_command_that_can_not_be_used_is_refused_at_once(name: str | None, message: str) -> None:
    with pytest.raises(VoiceError) as caught:
        choose_engine(VoiceSettings(engine="command", name=name))
    assert str(caught.value) == message


def test_another_version_of_the_program_is_another_voice(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    voice = VoiceSettings(engine="command", name=str(tool))
    before = CommandEngine().fingerprint("", voice)
    tool.write_text("#!/bin/sh\n# newer\n")
    assert CommandEngine().fingerprint("", voice) != before
    assert CommandEngine().fingerprint("", replace(voice, name=f"{tool} -x")) != before


def test_nothing_is_left_behind(program: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    engine = CommandEngine(patience_s=0.1)
    engine.synthesize("One.", settings(program, "output={output}"))
    for how in ("exits 1", "writes nothing", "is no sound"):
        told(how, program, engine=CommandEngine())
    assert not [*tmp_path.glob("voiceroutine-*")]


def test_a_routine_completes_with_a_program_that_breaks(
    program: Path, tmp_path: Path, command: Callable[..., Ended]
) -> None:
    routine = tmp_path / "short.toml"
    routine.write_text('title = "Short"\n[[steps]]\nname = "Neck"\nhold = "5s"\nreps = 2\n')
    voice = f"command:{settings(program, 'how=exits 1').name}"
    ended = command("export", str(routine), "--voice", voice, "-o", str(tmp_path / "out.wav"), "--profile", "coach")
    assert ended.status == 0, ended.err
    assert ended.err == f'"{sys.executable}" ended with status 1: no such speaker. From here on espeak speaks.\n'
    assert (tmp_path / "out.wav").stat().st_size > 500_000


def test_a_routine_can_not_run_a_program(program: Path, tmp_path: Path, command: Callable[..., Ended]) -> None:
    mark = tmp_path / "was run"
    routine = tmp_path / "evil.toml"
    name = json.dumps(json.dumps([sys.executable, "-c", f"open({str(mark)!r}, 'w')"]))
    routine.write_text(
        f'title = "Evil"\n[voice]\nengine = "command"\nname = {name}\n[[steps]]\nname = "Neck"\nhold = "5s"\n'
    )
    ended = command("export", str(routine), "-o", str(tmp_path / "out.wav"))
    assert ended.status == 0
    assert ended.err == (
        "Which program is to speak? Write it like --voice 'command:my-tts --speed {rate} -o {output}', or into "
        "VOICEROUTINE_COMMAND. Instead, espeak speaks.\n"
    )
    assert not mark.exists()
    assert "a routine can't name a program to run, so this is left out" in command("check", str(routine)).out
