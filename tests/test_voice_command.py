"""Any program may speak, and none can do harm: it fails in words, in time, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event, Timer
from typing import TYPE_CHECKING

import pytest

from voiceroutine.errors import VoiceError
from voiceroutine.routine import VoiceSettings
from voiceroutine.voices import CanceledError, LineError, choose_engine, programs
from voiceroutine.voices.command import CommandEngine, _split_on_windows

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
        'What "PYTHON" wrote can\'t be read as sound; it begins with "hello, this is n".'
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


@pytest.mark.slow
def test_a_routine_waits_once_for_a_program_that_never_ends(
    program: Path, tmp_path: Path, command: Callable[..., Ended]
) -> None:
    voice = f"command:{settings(program, 'how=hangs', 'text={text}').name}"
    began_s = time.monotonic()
    ended = command("export", "neck-cooldown", "--voice", voice, "-o", str(tmp_path / "out.wav"))
    assert time.monotonic() - began_s < 15
    assert ended.status == 0, ended.err
    assert ended.err.endswith(" s, and was ended. From here on espeak speaks.\n")
    assert ended.err.count("\n") == 1


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


@pytest.fixture
def noted(tmp_path: Path) -> Path:
    return tmp_path / "noted.json"


def noting(noted: Path, *arguments: str) -> VoiceSettings:
    """Return a program that notes its arguments, and says something."""
    code = (
        f"import json, sys, wave\njson.dump(sys.argv[1:], open({str(noted)!r}, 'w'))\n"
        "file = wave.open(sys.argv[1].partition('=')[2], 'wb')\nfile.setparams((1, 2, 8000, 0, 'NONE', ''))\n"
        "file.writeframes(bytes([0, 32, 0, 224]) * 400)\nfile.close()\n"
    )
    escaped = code.replace("{", "{{").replace("}", "}}")
    return VoiceSettings(name=json.dumps([sys.executable, "-c", escaped, "--out={output}", *arguments]))


def test_places_are_filled_once_inside_an_argument(noted: Path) -> None:
    voice = replace(noting(noted, "-r{rate}", "{language}:{text}", "{{x}}", "", "{text}"), rate_wpm=172, language="de")
    text = "-{rate} {output}; $(x) `y` 'z'"
    assert len(CommandEngine().synthesize(text, voice).samples) == 800
    assert json.loads(noted.read_text())[1:] == ["-r172", f"de:{text}", "{x}", "", text]


def test_a_text_has_nothing_that_no_argument_can_carry(noted: Path) -> None:
    CommandEngine().synthesize("a\0b\ud800c", noting(noted, "{text}"))
    assert json.loads(noted.read_text())[1:] == ["a b?c"]


def test_a_place_in_double_braces_is_none(program: Path) -> None:
    # The text is read from the standard input, as there is no {text}.
    assert len(CommandEngine().synthesize("One.", settings(program, "x={{text}}")).samples) == 5 * 160


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (
            r'"C:\Program Files\voice.exe" --out="{output}" C:\x\y.onnx',
            [r"C:\Program Files\voice.exe", "--out={output}", r"C:\x\y.onnx"],
        ),
        (r'say "" it\'s', ["say", "", r"it\'s"]),
        (r'say a"b c"d', ["say", "ab cd"]),
    ],
)
def test_on_windows_backslashes_divide_folders(written: str, words: list[str]) -> None:
    assert _split_on_windows(written) == words


def test_on_windows_an_open_quotation_mark_is_a_mistake_too() -> None:
    with pytest.raises(ValueError, match="No closing quotation"):
        _split_on_windows('say "x')


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("{text} x", "The command of the voice must begin with a program: {text} x"),
        ("'' x", "The command of the voice must be a list of texts: '' x"),
        ("say {text", "The command of the voice has {; there are {text}, {output}, {rate}, {language}, and {{ is a "
         "brace."),
        ("say {}", "The command of the voice has {}; there are {text}, {output}, {rate}, {language}, and {{ is a "
         "brace."),
        ("speak.BAT {text}", "speak.BAT is a batch file, and Windows takes what it is given for commands; leave {text} "
         "out, then the text comes through its standard input."),
    ],
)  # fmt: skip
def test_a_command_that_can_not_be_started_safely_is_refused(name: str, message: str) -> None:
    with pytest.raises(VoiceError) as caught:
        choose_engine(VoiceSettings(engine="command", name=name))
    assert str(caught.value) == message


def test_a_program_that_can_not_be_started_is_told_with_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    voice, file = VoiceSettings(name="./speak {text}"), tmp_path / "speak"
    told = f'There is no program "{file}"; is it installed, and is its name right?'
    assert refusal(CommandEngine(), "One.", voice) == told
    file.write_bytes(b"\x7fELF\0\0")
    told = f"{file} can't be started; is it a program, and may you execute it?"
    assert refusal(CommandEngine(), "One.", voice) == told
    file.chmod(0o755)
    assert refusal(CommandEngine(), "One.", voice) == '"./speak" can\'t be started: Exec format error.'


def refusal(engine: CommandEngine, text: str, voice: VoiceSettings) -> str:
    with pytest.raises(VoiceError) as caught:
        engine.synthesize(text, voice)
    assert not isinstance(caught.value, LineError)
    return str(caught.value).replace(sys.executable, "PYTHON")


def python(code: str, *arguments: str) -> VoiceSettings:
    return VoiceSettings(name=json.dumps([sys.executable, "-c", code, *arguments]))


def test_silence_and_a_crash_are_told(program: Path) -> None:
    crash = python("import os; os.kill(os.getpid(), 11)")
    assert refusal(CommandEngine(), "One.", crash) == '"PYTHON" was ended by SIGSEGV'
    program.write_text(PROGRAM.replace("[8000, -8000]", "[8, -8]"))
    assert refusal(CommandEngine(), "One.", settings(program)) == '"PYTHON" wrote only silence.'


def test_one_that_writes_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "LARGEST_BYTES", 1 << 20)
    endless = python("import sys\nwhile True:\n    sys.stdout.write('x' * 65536)")
    assert refusal(CommandEngine(), "One.", endless) == '"PYTHON" wrote more than 1 MiB, and was ended.'


@pytest.mark.skipif(sys.platform != "linux", reason="the longest argument is another elsewhere")
def test_a_text_that_is_too_long_for_an_argument_is_spoken_by_another(noted: Path) -> None:
    with pytest.raises(LineError) as caught:
        CommandEngine().synthesize("a" * 200_000, noting(noted, "{text}"))
    assert str(caught.value) == f'A line is too long for "{sys.executable}", which gets it as an argument'


@pytest.mark.parametrize("text", ["", " ", "…", "😀"])
def test_of_nothing_to_say_there_is_nothing(text: str, program: Path) -> None:
    assert len(CommandEngine().synthesize(text, settings(program, "how=exits 1")).samples) == 0


def test_no_more_than_five_programs_run_at_once(program: Path, tmp_path: Path) -> None:
    program.write_text(
        f"{PROGRAM}\nbegun = time.monotonic()\ntime.sleep(0.2)\n"
        f"open(os.path.join({str(tmp_path)!r}, text), 'w').write(f'{{begun}} {{time.monotonic()}}')\n"
    )
    engine, voice = CommandEngine(), settings(program, "text={text}")
    with ThreadPoolExecutor(9) as pool:
        clips = [*pool.map(lambda text: engine.synthesize(text, voice), "abcdefghi")]
    assert [len(clip.samples) for clip in clips] == [160] * 9
    times = [[float(at) for at in (tmp_path / text).read_text().split()] for text in "abcdefghi"]
    assert max(sum(begun <= at < ended for begun, ended in times) for at, _ in times) in {2, 3, 4, 5}


def test_another_file_in_an_argument_is_another_voice(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"1")
    voice = python("pass", f"--model={model}")
    before = CommandEngine().fingerprint("", voice)
    assert CommandEngine().fingerprint("One.", voice) == before
    model.write_bytes(b"22")
    assert CommandEngine().fingerprint("", voice) != before


def test_one_that_is_running_when_the_player_ends_is_ended(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    child = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    code = (
        "import sys, threading, time\nfrom pathlib import Path\n"
        "from voiceroutine.routine import VoiceSettings\nfrom voiceroutine.voices.command import CommandEngine\n"
        f"voice = VoiceSettings(name=sys.argv[1])\n"
        "threading.Thread(target=CommandEngine().synthesize, args=('One.', voice), daemon=True).start()\n"
        f"while not Path({str(mark)!r}).is_file() or not Path({str(mark)!r}).read_text():\n    time.sleep(0.01)\n"
    )
    subprocess.run([sys.executable, "-c", code, python(child).name or ""], check=True, timeout=30)
    assert is_gone(int(mark.read_text()))


def is_gone(process_id: int) -> bool:
    """Tell whether a process ends within a second; one that is dead but not waited for is gone."""
    for _ in range(100):
        try:
            os.kill(process_id, 0)
            if Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.01)
    return False


def test_a_program_that_is_not_there_ends_with_status_4(tmp_path: Path, command: Callable[..., Ended]) -> None:
    out = tmp_path / "out.wav"
    ended = command("export", "neck-cooldown", "--voice", "command:no-such-tts {text}", "-o", str(out))
    assert ended.status == 4
    assert 'There is no program "no-such-tts"; is it installed, and is its name right?' in ended.err
    assert list(tmp_path.iterdir()) == []
