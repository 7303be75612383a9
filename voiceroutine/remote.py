"""Control of a session from another program of the same user: one line asks, one line of JSON answers.

A caller connects, sends the name of a command (or `status`) and a line feed, and reads the answer:

    {"ok": true, "session": 4242, "command": "pause", "status": {…}}       how it was just before
    {"ok": false, "session": 4242, "error": "There is no command …"}       and nothing has changed
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import selectors
import socket
import stat
import struct
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Protocol

from voiceroutine.beside import written_beside
from voiceroutine.errors import VoiceroutineError, did_you_mean, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from voiceroutine.player import Command
    from voiceroutine.status import Describe

COMMANDS: dict[Command, str] = {
    "toggle": "Pause, or go on.",
    "pause": "Pause.",
    "resume": "Go on.",
    "next": "Go to the next exercise.",
    "previous": "Go to the one before, or to the start of this one.",
    "repeat": "Repeat this side.",
    "forward": "Go 5 seconds forward.",
    "back": "Go 5 seconds back.",
    "more": "10 seconds more of what goes on now.",
    "mute": "Silence the voice, or bring it back; bells stay.",
    "voice-up": "The voice 3 dB louder.",
    "voice-down": "The voice 3 dB softer.",
    "chimes-up": "Chimes 3 dB louder.",
    "chimes-down": "Chimes 3 dB softer.",
    "quit": "End the session.",
}
STATUS = "status"

LONGEST_LINE_BYTES = 4096
LONGEST_WAIT_S = 1.0
MOST_CALLERS = 256

_ANSWER_WITHIN_S = 2.0
_REACH_WITHIN_S = 3.0
_CLOSING_S = 1.0
_LONGEST_ANSWER_BYTES = 1 << 20
# The shortest limit of all systems is 104 bytes with the zero at the end, on macOS.
_LONGEST_SOCKET_NAME_BYTES = 103
_LONGEST_NAME = ".4294967295.part"


class Controlled(Protocol):
    """What obeys commands, from any thread."""

    def send(self, command: Command) -> None:
        """Obey, soon."""


class Door(Protocol):
    """Where callers come in, which is what differs between systems."""

    suffix: str

    def folders(self) -> Iterator[Path]:
        """Yield the folders where a session may be found, the best first; only such as no other user can change."""

    def open(self, file: Path) -> tuple[socket.socket, str]:
        """Let callers find this session by a file; return what listens, and the secret that callers must begin with."""

    def reach(self, file: Path) -> tuple[socket.socket, str]:
        """Call the session of a file; return the connection and the secret to begin with.

        Raises:
            OSError: there is none, or it is another user's.
        """

    def is_own(self, connection: socket.socket) -> bool:
        """Whether the other end is this user, as far as the system tells."""


class UnixDoor:
    """A socket with a name, in a folder that only the user can enter; the system tells who calls."""

    suffix = ".sock"

    def folders(self) -> Iterator[Path]:
        """Yield the user's run-time folder, then the one for state."""
        candidates = (_runtime_folder(), _state_folder())
        return (one for one in candidates if len(os.fsencode(one / _LONGEST_NAME)) <= _LONGEST_SOCKET_NAME_BYTES)

    def open(self, file: Path) -> tuple[socket.socket, str]:
        """Listen; the name is there only once somebody answers."""
        part = file.with_name(f".{file.stem}.part")
        part.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX)
        try:
            listening.bind(str(part))
            part.chmod(0o600)
            listening.listen(128)
            part.replace(file)
        except BaseException:
            listening.close()
            raise
        return listening, ""

    def reach(self, file: Path) -> tuple[socket.socket, str]:
        """Connect."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_REACH_WITHIN_S)
            connection.connect(str(file))
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        return connection, ""

    def _check(self, connection: socket.socket) -> None:
        if not self.is_own(connection):
            raise PermissionError("another user answers")

    def is_own(self, connection: socket.socket) -> bool:
        """Compare users; where the system can't tell, the folder's permissions have to do."""
        peer = _peer_user(connection)
        return peer is None or peer == os.geteuid()


class LoopbackDoor:
    """A port of this machine, and a secret in a file that only the user can read: for systems without such sockets."""

    suffix = ".json"

    def folders(self) -> Iterator[Path]:
        """Yield the user's folder for state."""
        yield _state_folder()

    def open(self, file: Path) -> tuple[socket.socket, str]:
        """Listen, and write down where, and the secret."""
        secret = f"{secrets.token_hex(16)} "
        listening = socket.socket(socket.AF_INET)
        try:
            if sys.platform == "win32":
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            listening.bind(("127.0.0.1", 0))
            listening.listen(128)
            with written_beside(file) as part:
                part.chmod(0o600)
                part.write_text(json.dumps({"port": listening.getsockname()[1], "secret": secret}), encoding="ascii")
        except BaseException:
            listening.close()
            raise
        return listening, secret

    def reach(self, file: Path) -> tuple[socket.socket, str]:
        """Connect to where the file says."""
        try:
            found = json.loads(file.read_text(encoding="ascii"))
            address, secret = ("127.0.0.1", int(found["port"])), str(found["secret"])
            return socket.create_connection(address, timeout=_REACH_WITHIN_S), secret
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise ConnectionRefusedError("the file is not one of a session") from error

    def is_own(self, connection: socket.socket) -> bool:  # noqa: ARG002
        """Leave it to the secret."""
        return True


def usual_door() -> Door:
    """Return the way in that this system has."""
    return UnixDoor() if hasattr(socket, "AF_UNIX") and sys.platform != "win32" else LoopbackDoor()


class RemoteControl:
    """Lets other programs of the same user control a session, while the context lasts.

    Trouble never harms the session: then nobody can call, and `trouble` says why.

    Args:
        session: obeys the commands.
        describe: tells what goes on; called from another thread.
        door: where callers come in.
        pid: the process that callers choose it by.
    """

    def __init__(
        self, session: Controlled, describe: Describe, *, door: Door | None = None, pid: int | None = None
    ) -> None:
        self.trouble = ""
        self._session = session
        self._describe = describe
        self._door = door or usual_door()
        self._pid = pid or os.getpid()
        self._file: Path | None = None
        self._secret = ""
        self._is_closing = Event()
        self._bell_pull: socket.socket | None = None
        self._thread: Thread | None = None

    def __enter__(self) -> RemoteControl:
        try:
            self._open()
        except Exception as error:  # noqa: BLE001  a session that nobody can control still plays
            self.trouble = f"It can't be controlled from outside: {getattr(error, 'strerror', None) or error}."
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closing.set()
        if self._bell_pull is not None:
            self._bell_pull.close()
        if self._thread is not None:
            self._thread.join(_CLOSING_S)
        if self._file is not None:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)

    def answer(self, line: bytes, *, is_own: bool = True) -> dict[str, Any]:
        """Do what a line asks for, and return what to answer; where it is no command, nothing changes."""
        try:
            command = _command_in(line, self._secret, is_own=is_own)
            status = asdict(self._describe())
            if command is not None:
                self._session.send(command)
        except ValueError as error:
            return {"ok": False, "session": self._pid, "error": str(error)}
        except Exception as error:  # noqa: BLE001  whatever it is, the next caller gets an answer
            return {"ok": False, "session": self._pid, "error": f"It failed: {error!r}"}
        return {"ok": True, "session": self._pid, "command": command or STATUS, "status": status}

    def _open(self) -> None:
        folder = next(iter(_private_folders(self._door, makes=True)), None)
        if folder is None:
            raise OSError("there is no folder that is only the user's")
        file = folder / f"{self._pid}{self._door.suffix}"
        listening, self._secret = self._door.open(file)
        self._file = file
        listening.setblocking(False)
        bell, self._bell_pull = socket.socketpair()
        self._thread = Thread(target=self._receive, args=(listening, bell), name="remote", daemon=True)
        self._thread.start()

    def _receive(self, listening: socket.socket, bell: socket.socket) -> None:
        with listening, bell, selectors.DefaultSelector() as selector:
            selector.register(listening, selectors.EVENT_READ)
            selector.register(bell, selectors.EVENT_READ)
            callers: dict[socket.socket, _Caller] = {}
            while not self._is_closing.is_set():
                ready = {key.fileobj for key, _ in selector.select(_wait_s(callers.values()))}
                if listening in ready:
                    self._admit(listening, selector, callers)
                for connection, caller in [*callers.items()]:
                    if not self._is_kept(caller, is_ready=connection in ready):
                        selector.unregister(connection)
                        callers.pop(connection).close()
            for caller in callers.values():
                caller.close()

    def _admit(
        self, listening: socket.socket, selector: selectors.BaseSelector, callers: dict[socket.socket, _Caller]
    ) -> None:
        try:
            connection, _ = listening.accept()
        except OSError:
            # Without a file descriptor left, the caller stays in line and would be announced without end.
            self._is_closing.wait(0.05)
            return
        if len(callers) >= MOST_CALLERS:
            connection.close()
            return
        connection.setblocking(False)
        callers[connection] = _Caller(connection)
        selector.register(connection, selectors.EVENT_READ)

    def _is_kept(self, caller: _Caller, *, is_ready: bool) -> bool:
        """Hear a caller out, and answer once that is over; return whether it stays on the line."""
        try:
            if is_ready:
                caller.hear()
            if caller.has_asked and not caller.is_answered:
                answer = self.answer(bytes(caller.heard), is_own=self._door.is_own(caller.connection))
                caller.say(json.dumps(answer).encode() + b"\n")
        except OSError:
            return False
        return not caller.is_gone


class _Caller:
    """A connection: a line comes in, an answer goes out, and the other end hangs up."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.heard = bytearray()
        self.until_s = time.monotonic() + LONGEST_WAIT_S
        self.is_answered = False
        self._has_hung_up = False

    @property
    def has_asked(self) -> bool:
        is_too_long = len(self.heard) > LONGEST_LINE_BYTES
        return b"\n" in self.heard or is_too_long or self._has_hung_up or self._is_late

    @property
    def is_gone(self) -> bool:
        return self.is_answered and (self._has_hung_up or self._is_late)

    @property
    def _is_late(self) -> bool:
        return time.monotonic() >= self.until_s

    def hear(self) -> None:
        """Take what has come; after the answer nobody listens, but who still talks would lose it by a reset."""
        chunk = self.connection.recv(LONGEST_LINE_BYTES + 1)
        self._has_hung_up = not chunk
        if not self.is_answered:
            self.heard += chunk

    def say(self, answer: bytes) -> None:
        self.is_answered = True
        self.until_s = time.monotonic() + LONGEST_WAIT_S
        self.connection.sendall(answer)
        self.connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.connection.close()


def _wait_s(callers: Iterable[_Caller]) -> float | None:
    first_s = min((caller.until_s for caller in callers), default=None)
    return None if first_s is None else max(0.0, first_s - time.monotonic())


def _command_in(line: bytes, secret: str, *, is_own: bool) -> Command | None:
    """Return the command of a line, or nothing if it only asks for the status.

    Raises:
        ValueError: it isn't one; the text says why.
    """
    if len(line) > LONGEST_LINE_BYTES:
        raise ValueError(f"The line is longer than {LONGEST_LINE_BYTES:,} bytes.")
    if not line.endswith(b"\n"):
        raise ValueError(f"The line does not end, with a line feed, within {LONGEST_WAIT_S:g} s.")
    if not is_own or not hmac.compare_digest(line[: len(secret)], secret.encode()):
        raise ValueError("Only the user who plays can control it.")
    try:
        words = line[len(secret) :].decode().strip()
    except UnicodeDecodeError:
        raise ValueError("The line is not text in UTF-8.") from None
    command = next((one for one in COMMANDS if one == words), None)
    if command is None and words != STATUS:
        raise ValueError(unknown_command(words))
    return command


def unknown_command(word: str) -> str:
    """Write that there is no such command, and which one may have been meant."""
    everything = [*COMMANDS, STATUS]
    hint = did_you_mean(word[:40].lower(), everything) or f"there are: {', '.join(everything)}"
    return f'There is no command "{visible(word[:40])}"; {hint}'


def ask(command: str, *, pid: int | None = None) -> dict[str, Any]:
    """Send a command to a session of this user's, and return its answer.

    Args:
        command: one of `COMMANDS`, or `STATUS`.
        pid: the session's process; without one, the session that began last.

    Raises:
        VoiceroutineError: there is no such session, it doesn't answer, or it refuses.
    """
    session, connection, secret = _reached(pid)
    with connection:
        try:
            connection.settimeout(_ANSWER_WITHIN_S)
            connection.sendall(f"{secret}{command}\n".encode())
            answer = json.loads(_all_of(connection))
        except (OSError, ValueError) as error:
            raise VoiceroutineError(f"The session with the process number {session} does not answer.") from error
    if not isinstance(answer, dict) or not answer.get("ok"):
        why = answer.get("error") if isinstance(answer, dict) else ""
        raise VoiceroutineError(visible(str(why or "The session's answer can't be understood.")))
    return answer


def _all_of(connection: socket.socket) -> bytes:
    received = bytearray()
    while len(received) <= _LONGEST_ANSWER_BYTES and not received.endswith(b"\n"):
        chunk = connection.recv(65_536)
        if not chunk:
            break
        received += chunk
    return bytes(received)


def _reached(pid: int | None) -> tuple[int, socket.socket, str]:
    door = usual_door()
    for number, file in _sessions(door):
        if pid not in (None, number):
            continue
        with suppress(OSError):
            return number, *_called(door, file)
    if pid is None:
        raise VoiceroutineError('No session is playing; begin one with "voiceroutine play".')
    raise VoiceroutineError(f"No session is playing with the process number {pid}.")


def _called(door: Door, file: Path) -> tuple[socket.socket, str]:
    """Call a session; remove what it left behind if it is no more."""
    try:
        return door.reach(file)
    except ConnectionRefusedError:
        file.unlink(missing_ok=True)
        raise


def _sessions(door: Door) -> list[tuple[int, Path]]:
    """Return the process and the file of every session that is or was, the one that began last first."""
    found = []
    for folder in _private_folders(door, makes=False):
        for file in folder.glob(f"*{door.suffix}"):
            with suppress(OSError, ValueError):
                found.append((file.lstat().st_mtime_ns, int(file.stem), file))
    return [(pid, file) for _, pid, file in sorted(found, reverse=True)]


def where() -> Path | None:
    """Return the folder where a session that begins now would be found; nothing if none is safe."""
    return next(iter(_private_folders(usual_door(), makes=True)), None)


def _private_folders(door: Door, *, makes: bool) -> Iterator[Path]:
    for folder in door.folders():
        with suppress(OSError):
            if makes:
                folder.mkdir(mode=0o700, exist_ok=True)
            if _is_private(folder):
                yield folder


def _is_private(folder: Path) -> bool:
    """Whether a folder is the user's, nobody else can enter it, and nobody else can put another in its place."""
    if sys.platform == "win32":
        return folder.is_dir()
    own, above = folder.lstat(), folder.parent.stat()
    is_own = stat.S_ISDIR(own.st_mode) and own.st_uid == os.geteuid() and not own.st_mode & 0o077
    is_replaceable = above.st_mode & stat.S_IWOTH and not above.st_mode & stat.S_ISVTX
    return is_own and above.st_uid in (0, os.geteuid()) and not is_replaceable


def _runtime_folder() -> Path:
    """Return a folder of ours in the user's run-time folder, which the system makes and empties."""
    written = os.environ.get("XDG_RUNTIME_DIR", "")
    user = os.geteuid() if sys.platform != "win32" else 0
    return (Path(written) if Path(written).is_absolute() else Path(f"/run/user/{user}")) / "voiceroutine"


def _state_folder() -> Path:
    import platformdirs

    above = platformdirs.user_state_path("voiceroutine", appauthor=False)
    with suppress(OSError):
        above.mkdir(parents=True, exist_ok=True)
    return above / "control"


def _peer_user(connection: socket.socket) -> int | None:
    """Return the number of the user at the other end, or nothing where the system doesn't tell."""
    if sys.platform == "linux":
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("iII", credentials)[1])
    return _peer_user_of_bsd(connection)


def _peer_user_of_bsd(connection: socket.socket) -> int | None:
    """Ask as macOS and the BSDs want it."""
    import ctypes

    user, group = ctypes.c_uint32(), ctypes.c_uint32()
    try:
        failed = ctypes.CDLL(None).getpeereid(connection.fileno(), ctypes.byref(user), ctypes.byref(group))
    except (OSError, AttributeError):
        return None
    return None if failed else user.value
