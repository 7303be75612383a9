"""Control from another program: by the same user only, and nothing else than a command changes anything."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from bus import eventually
from desk import Desk

from voiceroutine import player, remote
from voiceroutine.errors import VoiceroutineError
from voiceroutine.levels import Levels
from voiceroutine.player import Session, Snapshot
from voiceroutine.remote import COMMANDS, LoopbackDoor, RemoteControl, UnixDoor, ask
from voiceroutine.sinks.memory import MemorySink
from voiceroutine.status import in_words, status_of

if TYPE_CHECKING:
    from conftest import Ended

    from voiceroutine.remote import Door
    from voiceroutine.sinks import Block

    Command = Callable[..., Ended]

NOBODY = 65534
ALL = ", ".join([*COMMANDS, "status"])
needs_unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such sockets")
needs_root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can be another user")
DOORS: list[Any] = [pytest.param(UnixDoor, marks=needs_unix), LoopbackDoor]


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.at("work", "right", after_ms=18_000)
    return desk


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Door:
    found: Door = request.param()
    monkeypatch.setattr(remote, "usual_door", lambda: found)
    return found


@pytest.fixture
def control(desk: Desk, door: Door) -> Iterator[RemoteControl]:
    with RemoteControl(desk, desk.describe, door=door) as control:
        assert control.trouble == ""
        yield control


@contextmanager
def called(door: Door) -> Iterator[tuple[socket.socket, str]]:
    """Connect as any program may, with the secret where there is one."""
    [(_, file)] = remote._sessions(door)
    connection, secret = door.reach(file)
    with connection:
        connection.settimeout(5)
        yield connection, secret


def answered(door: Door, line: bytes, *, hangs_up: bool = False) -> dict[str, Any]:
    with called(door) as (connection, secret):
        connection.sendall(secret.encode() + line)
        if hangs_up:
            connection.shutdown(socket.SHUT_WR)
        answer: dict[str, Any] = json.loads(remote._all_of(connection))
        return answer


def test_every_command_reaches_the_session(desk: Desk, control: RemoteControl) -> None:
    for command in COMMANDS:
        answer = ask(command)
        assert (answer["ok"], answer["command"], answer["session"]) == (True, command, os.getpid())
    assert desk.obeyed == list(COMMANDS)


def test_the_status_says_what_goes_on(desk: Desk, control: RemoteControl) -> None:
    assert ask("status")["status"] == {
        "state": "playing",
        "title": "Evening",
        "kind": "work",
        "step": "Neck tilt",
        "side": "right",
        "set": 1,
        "sets": 2,
        "rep": 1,
        "reps": 1,
        "position_ms": desk.moment.position_ms,
        "total_ms": desk.score.total_ms,
        "total_is_exact": True,
        "left_ms": 12_000,
        "voice_db": 0.0,
        "chimes_db": 0.0,
        "is_muted": False,
    }
    assert desk.obeyed == []


def test_the_commands_are_those_of_the_player() -> None:
    assert tuple(COMMANDS) == player.COMMANDS


def test_the_status_in_words(desk: Desk) -> None:
    assert in_words(desk.describe()) == "Evening: playing, 1:03 of 2:52\nNeck tilt, right, set 1 of 2: 12 s left"
    desk.moment = replace(desk.moment, levels=Levels(voice_db=-6.0, chimes_db=3.0))
    assert in_words(desk.describe()).endswith("12 s left\nvoice -6 dB, chimes +3 dB")
    desk.moment = replace(desk.moment, levels=Levels(is_muted=True))
    assert in_words(desk.describe()).endswith("12 s left\nthe voice is muted")
    desk.at("rest")
    assert "\nNeck tilt, left, set 2 of 2, rest: 6 s left\n" in in_words(desk.describe())
    desk.at("closing")
    assert "\nClosing: " in in_words(desk.describe())
    desk.moment = Snapshot(state="lead-in", position_ms=-7_300, index=0)
    assert in_words(desk.describe()) == "Evening: lead-in, 0:00\nstarts in 8 s"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"puase\n", 'There is no command "puase"; did you mean "pause"?'),
        (b"PAUSE\n", 'There is no command "PAUSE"; did you mean "pause"?'),
        (b"\n", f'There is no command ""; there are: {ALL}'),
        (b"pause now\n", 'There is no command "pause now"; did you mean "pause"?'),
        (b"pause\nquit\n", 'There is no command "pause\\nquit"; did you mean "pause"?'),
        (b"pause\0\n", 'There is no command "pause\\x00"; did you mean "pause"?'),
        (b"\x1b[2Jqqqq\n", f'There is no command "\\x1b[2Jqqqq"; there are: {ALL}'),
        (b'{"command": "pause"}\n', 'There is no command "{"command": "pause"}"; there are: ' + ALL),
        (b"GET /pause HTTP/1.1\r\n", 'There is no command "GET /pause HTTP/1.1"; there are: ' + ALL),
        (b"pause\nqu", "The line does not end, with a line feed, within 1 s."),
        (b"\xff\xfe\x80\n", "The line is not text in UTF-8."),
        (b"pause" * 1_000 + b"\n", "The line is longer than 4,096 bytes."),
        (b"pause" * 1_000, "The line is longer than 4,096 bytes."),
        (b"x" * 3_000_000, "The line is longer than 4,096 bytes."),
    ],
    ids=range(14),
)
def test_what_is_no_command_is_told_and_changes_nothing(
    desk: Desk, door: Door, control: RemoteControl, line: bytes, error: str
) -> None:
    before = desk.moment
    assert answered(door, line) == {"ok": False, "session": os.getpid(), "error": error}
    assert (desk.obeyed, desk.moment) == ([], before)


@pytest.mark.parametrize("line", [b"", b"pause", b"\xff"])
def test_half_a_line_changes_nothing(desk: Desk, door: Door, control: RemoteControl, line: bytes) -> None:
    error = "The line does not end, with a line feed, within 1 s."
    assert answered(door, line, hangs_up=True)["error"] == error
    assert desk.obeyed == []


def test_who_hangs_up_at_once_harms_nobody(desk: Desk, door: Door, control: RemoteControl) -> None:
    for _ in range(20):
        with called(door):
            pass
        with called(door) as (connection, secret):
            connection.sendall(f"{secret}pau".encode())
    assert ask("next")["ok"]
    assert desk.obeyed == ["next"]


def test_without_the_secret_nothing_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    door = LoopbackDoor()
    with RemoteControl(desk, desk.describe, door=door), called(door) as (connection, secret):
        assert len(secret) == 33
        connection.sendall(b"0" * 32 + b" status\n")
        answer = json.loads(remote._all_of(connection))
    assert answer == {"ok": False, "session": os.getpid(), "error": "Only the user who plays can control it."}


def test_fifty_callers_at_once(desk: Desk, control: RemoteControl) -> None:
    answers: list[dict[str, Any]] = []
    start = threading.Barrier(50)

    def call(number: int) -> None:
        start.wait()
        answers.append(ask("forward" if number % 2 else "status"))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["ok"] for answer in answers] == [True] * 50
    assert desk.obeyed == ["forward"] * 25


@pytest.mark.slow
def test_silent_callers_keep_nobody_waiting_and_are_let_go(desk: Desk, door: Door, control: RemoteControl) -> None:
    [(_, file)] = remote._sessions(door)
    silent = [door.reach(file)[0] for _ in range(60)]
    assert ask("pause")["ok"]
    for connection in silent:
        connection.settimeout(5)
        assert json.loads(remote._all_of(connection))["error"].startswith("The line does not end")
        connection.close()
    assert desk.obeyed == ["pause"]


@pytest.mark.slow
def test_commands_arrive_within_120_ms_while_others_are_silent(desk: Desk, door: Door, control: RemoteControl) -> None:
    [(_, file)] = remote._sessions(door)
    silent = [door.reach(file)[0] for _ in range(30)]
    took_s = []
    for _ in range(200):
        begun_s = time.perf_counter()
        ask("forward")
        took_s.append(time.perf_counter() - begun_s)
    for connection in silent:
        connection.close()
    assert len(desk.obeyed) == 200
    assert sorted(took_s)[-5] < 0.120


def test_a_real_session_obeys(door: Door) -> None:
    sink = MemorySink()

    def open_sink(first: Block) -> MemorySink:
        sink.write(first)
        return sink

    session = Session(open_sink, lead_in_ms=None, has_listener=True)
    session.perform(Desk().score)

    def state() -> str:
        return str(ask("status")["status"]["state"])

    with RemoteControl(session, lambda: status_of("Evening", session.snapshot()), door=door):
        assert state() == "lead-in"
        ask("next")
        ask("pause")
        assert eventually(lambda: state() == "paused")
        position_ms = ask("status")["status"]["position_ms"]
        ask("voice-down")
        ask("quit")
        assert session.wait(5)
        status = ask("status")["status"]
    assert (status["state"], status["voice_db"]) == ("stopped", -3.0)
    assert position_ms < status["total_ms"] == 172_500


def test_a_session_that_fails_to_tell_still_answers_the_next(door: Door) -> None:
    desk = Desk()
    moments = iter([ZeroDivisionError("none")])

    def describe() -> Any:
        for error in moments:
            raise error
        return desk.describe()

    with RemoteControl(desk, describe, door=door):
        with pytest.raises(VoiceroutineError, match="It failed: ZeroDivisionError"):
            ask("pause")
        assert ask("pause")["ok"]
    assert desk.obeyed == ["pause"]


def test_the_newest_session_obeys_and_any_can_be_chosen(door: Door) -> None:
    older, newer = Desk(), Desk()
    with RemoteControl(older, older.describe, door=door, pid=222):
        time.sleep(0.02)
        with RemoteControl(newer, newer.describe, door=door, pid=111):
            assert ask("pause")["session"] == 111
            assert ask("next", pid=222)["session"] == 222
        assert ask("repeat")["session"] == 222
        with pytest.raises(VoiceroutineError, match=r"^No session is playing with the process number 111\.$"):
            ask("pause", pid=111)
    assert (older.obeyed, newer.obeyed) == (["next", "repeat"], ["pause"])
    with pytest.raises(VoiceroutineError, match=r'^No session is playing; begin one with "voiceroutine play"\.$'):
        ask("pause")


def test_what_a_crash_left_behind_is_removed_and_passed_over(desk: Desk, door: Door, control: RemoteControl) -> None:
    [(_, file)] = remote._sessions(door)
    time.sleep(0.02)
    left = file.with_name(f"999{door.suffix}")
    door.open(left)[0].close()
    assert left.exists()
    assert ask("pause")["session"] == os.getpid()
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_a_process_number_may_come_again(door: Door) -> None:
    desk = Desk()
    with RemoteControl(desk, desk.describe, door=door):
        [(_, file)] = remote._sessions(door)
    door.open(file)[0].close()
    with RemoteControl(desk, desk.describe, door=door) as control:
        assert control.trouble == ""
        assert ask("pause")["ok"]


def test_nothing_is_left_after_the_session(desk: Desk, door: Door) -> None:
    with RemoteControl(desk, desk.describe, door=door):
        [(_, file)] = remote._sessions(door)
    assert [*file.parent.iterdir()] == []
    assert not any(thread.name == "remote" for thread in threading.enumerate())


@needs_unix
@pytest.mark.slow
def test_a_session_that_was_stopped_does_not_make_anybody_hang(own_folders: Path) -> None:
    """It is reached, as the system itself takes calls for it, but it doesn't answer."""
    folder = own_folders / "run" / "voiceroutine"
    folder.mkdir(mode=0o700)
    listening, _ = UnixDoor().open(folder / "77.sock")
    with listening, pytest.raises(VoiceroutineError, match=r"^The session with the process number 77 does not answer"):
        ask("pause")


@needs_unix
def test_folder_and_socket_are_the_users_only(desk: Desk, own_folders: Path) -> None:
    before = os.umask(0)
    try:
        with RemoteControl(desk, desk.describe):
            [(_, file)] = remote._sessions(UnixDoor())
            assert file == own_folders / "run" / "voiceroutine" / f"{os.getpid()}.sock"
            assert [stat.S_IMODE(one.stat().st_mode) for one in (file.parent, file)] == [0o700, 0o600]
    finally:
        os.umask(before)


def is_linked(folder: Path) -> None:
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)


def is_open_to_others(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)


def is_a_file(folder: Path) -> None:
    folder.touch()


def is_another_users(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, NOBODY, NOBODY)


def is_replaceable(folder: Path) -> None:
    folder.parent.chmod(0o777)


@needs_unix
@pytest.mark.parametrize(
    "is_bad",
    [is_linked, is_open_to_others, is_a_file, pytest.param(is_another_users, marks=needs_root), is_replaceable],
)
def test_a_folder_that_others_could_change_is_not_used(
    desk: Desk, own_folders: Path, is_bad: Callable[[Path], None]
) -> None:
    is_bad(own_folders / "run" / "voiceroutine")
    with RemoteControl(desk, desk.describe) as control:
        assert control.trouble == ""
        [(_, file)] = remote._sessions(UnixDoor())
        assert file.parent == own_folders / "voiceroutine" / "control"
        assert ask("pause")["ok"]


@needs_unix
def test_a_folder_with_a_long_name_is_passed_over(
    desk: Desk, own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = own_folders / ("x" * 100)
    long.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    with RemoteControl(desk, desk.describe):
        assert ask("pause")["ok"]
    monkeypatch.setenv("XDG_STATE_HOME", str(long))
    with RemoteControl(desk, desk.describe) as control:
        assert control.trouble == "It can't be controlled from outside: there is no folder that is only the user's."
        with pytest.raises(VoiceroutineError, match="No session is playing"):
            ask("next")
    assert desk.obeyed == ["pause"]


AS_NOBODY = """
import json, os, socket, sys
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
def tried(what):
    try:
        return what()
    except OSError as error:
        return type(error).__name__
def call():
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(sys.argv[1])
        connection.sendall(b"pause\\n")
        return connection.recv(4096).decode()
file = sys.argv[1]
print(json.dumps([
    tried(call), tried(lambda: os.listdir(os.path.dirname(file))), tried(lambda: os.stat(file) and "seen"),
    tried(lambda: os.unlink(file)), tried(lambda: open(file).read())
]))
"""


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run-time folder that other users can get to, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    shutil.rmtree(folder)


def as_nobody(file: Path) -> list[Any]:
    ended = subprocess.run([sys.executable, "-c", AS_NOBODY, str(file)], capture_output=True, text=True, check=True)
    answers: list[Any] = json.loads(ended.stdout)
    return answers


@needs_root
def test_another_user_can_neither_call_nor_look(desk: Desk, reachable: Path) -> None:
    with RemoteControl(desk, desk.describe):
        file = reachable / "voiceroutine" / f"{os.getpid()}.sock"
        assert file.is_socket()
        assert as_nobody(file) == ["PermissionError"] * 5
        assert ask("next")["ok"]
    assert desk.obeyed == ["next"]


@needs_root
def test_another_user_who_gets_through_is_refused(desk: Desk, reachable: Path) -> None:
    """The folder isn't all: the system tells who calls."""
    with RemoteControl(desk, desk.describe):
        file = reachable / "voiceroutine" / f"{os.getpid()}.sock"
        file.parent.chmod(0o755)
        file.chmod(0o666)
        answer, *_ = as_nobody(file)
        error = "Only the user who plays can control it."
        assert json.loads(answer) == {"ok": False, "session": os.getpid(), "error": error}
    assert desk.obeyed == []


@needs_root
def test_another_users_session_gets_no_command(reachable: Path) -> None:
    """Whoever puts a socket of theirs where ours should be learns nothing."""
    folder = reachable / "voiceroutine"
    folder.mkdir(mode=0o700)
    program = (
        "import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]);"
        "os.setgid(65534); os.setuid(65534); s.listen(); print(flush=True); c = s.accept()[0]; print(c.recv(99))"
    )
    file = folder / "5.sock"
    with subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(VoiceroutineError, match="No session is playing"):
            ask("pause")
        assert other.stdout.read() == "b''\n"


def test_control_says_what_it_did(desk: Desk, control: RemoteControl, command: Command) -> None:
    for word, said in [
        ("pause", "Paused."),
        ("toggle", "Going on."),
        ("toggle", "Paused."),
        ("mute", "The voice is silent; bells stay."),
        ("more", "10 seconds more."),
        ("quit", "The session ends."),
    ]:
        assert command("control", word) == (0, f"{said}\n", "")
    assert desk.obeyed == ["pause", "toggle", "toggle", "mute", "more", "quit"]


def test_control_has_words_for_everything(control: RemoteControl, command: Command) -> None:
    for word in COMMANDS:
        ended = command("control", word)
        assert (ended.status, ended.err) == (0, "")
        assert ended.out.endswith(".\n")


def test_control_without_a_command_says_what_goes_on(desk: Desk, control: RemoteControl, command: Command) -> None:
    assert command("control").out == "Evening: playing, 1:03 of 2:52\nNeck tilt, right, set 1 of 2: 12 s left\n"
    assert json.loads(command("control", "--json").out)["step"] == "Neck tilt"
    assert json.loads(command("control", "pause", "--json").out)["status"]["state"] == "playing"
    assert json.loads(command("control", "--json").out)["state"] == "paused"


def test_control_without_a_session(command: Command) -> None:
    no_session = 'No session is playing; begin one with "voiceroutine play".\n'
    assert command("control") == (1, "", no_session)
    assert command("control", "pause") == (1, "", no_session)
    assert command("control", "--session", "5").err == "No session is playing with the process number 5.\n"


def test_control_knows_its_commands(command: Command) -> None:
    ended = command("control", "puase")
    assert ended.status == 2
    assert 'There is no command "puase"; did you mean "pause"?' in ended.err
    listed = command("control", "--help").out
    assert [word for word in COMMANDS if f"  {word} " not in listed] == []


def test_the_page_shows_what_there_is(desk: Desk) -> None:
    page = (Path(__file__).parent.parent / "docs" / "remote-control.md").read_text(encoding="utf-8")
    assert [word for word in COMMANDS if f"`{word}`" not in page and f"control {word} " not in page] == []
    assert [state for state in get_args(player.State) if f"`{state}`" not in page] == []
    status, accepted, refused = (json.loads(one) for one in re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL))
    assert list(status) == list(asdict(desk.describe()))
    control = RemoteControl(desk, desk.describe, pid=4242)
    assert {**control.answer(b"pause\n"), "status": {"state": "playing"}} == accepted
    assert control.answer(b"puase\n") == refused


@pytest.mark.slow
def test_the_doctor_says_what_works(command: Command) -> None:
    out = command("doctor").out
    assert "works    control from another terminal: " in out
    assert "  media keys and headset buttons" in out
    assert "  stays awake while it plays: " in out
