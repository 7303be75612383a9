"""Media keys, headset buttons and the desktop's own controls, on Linux: the session as a player on the session bus.

The interface is that of the MPRIS D-Bus Interface Specification, version 2.2
(https://specifications.freedesktop.org/mpris-spec/latest/): one "track", the whole session, whose title is what goes
on now.
"""

from __future__ import annotations

import math
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from voiceroutine.player import LEVEL_STEP_DB, LOUDEST_DB, QUIETEST_DB
from voiceroutine.status import ENDS, STANDSTILLS, Status
from voiceroutine.transport import SEEK_MS
from voiceroutine.units import gain_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from voiceroutine.player import Command
    from voiceroutine.remote import Controlled
    from voiceroutine.status import Describe

    Variant = tuple[str, Any]
    Reply = tuple[str, tuple[Any, ...]]

PATH = "/org/mpris/MediaPlayer2"
ROOT = "org.mpris.MediaPlayer2"
PLAYER = "org.mpris.MediaPlayer2.Player"
PROPERTIES = "org.freedesktop.DBus.Properties"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
PEER = "org.freedesktop.DBus.Peer"
TRACK = "/org/voiceroutine/session"

MOST_STEPS = 60
JUMP_MS = 700

_LOOK_S = 0.2
_CONNECT_WITHIN_S = 1.0
_CLOSING_S = 0.5
_PROBE_S = 2.0

_COMMAND_OF: Mapping[str, Command] = {
    "PlayPause": "toggle",
    "Play": "resume",
    "Pause": "pause",
    "Stop": "quit",
    "Next": "next",
    "Previous": "previous",
}


class MediaKeys:
    """Offers a session to the desktop while the context lasts.

    Without a bus, or when the bus goes away, nothing happens; then `trouble` says why. All of it runs in a thread of
    its own, which nothing waits for.

    Args:
        session: obeys the commands.
        describe: tells what goes on; called from another thread.
    """

    def __init__(self, session: Controlled, describe: Describe) -> None:
        self.trouble = ""
        self._player = Player(session, describe)
        self._is_offered = Event()
        self._is_closing = Event()
        self._socket: socket.socket | None = None
        self._thread = Thread(target=self._run, name="mpris", daemon=True)

    def __enter__(self) -> MediaKeys:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closing.set()
        if self._socket is not None:
            # A thread that waits for the bus sees the end of the line at once.
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(_CLOSING_S)

    def wait_until_offered(self, timeout_s: float) -> bool:
        """Wait until the desktop can see the session, or it is clear that it won't; return whether it can."""
        self._is_offered.wait(timeout_s)
        return self._is_offered.is_set() and not self.trouble

    def _run(self) -> None:
        try:
            from jeepney.bus import get_bus
            from jeepney.io.blocking import DBusConnection, prep_socket

            self._socket = prep_socket(get_bus("SESSION"), timeout=_CONNECT_WITHIN_S)
            with self._socket, DBusConnection(self._socket) as connection:
                _take_name(connection)
                self._is_offered.set()
                while not self._is_closing.is_set():
                    self._turn(connection)
        except Exception as error:  # noqa: BLE001  a desktop that can't control a session is no reason to end it
            self.trouble = "" if self._is_closing.is_set() else _reason(error)
        finally:
            self._is_offered.set()

    def _turn(self, connection: Any) -> None:
        """Answer one message, or look what has changed."""
        from jeepney import MessageType

        try:
            message = connection.receive(timeout=_LOOK_S)
        except TimeoutError:
            message = None
        if message is not None and message.header.message_type == MessageType.method_call:
            answer = _answer_to(message, self._player)
            if answer is not None:
                connection.send(answer)
        for signal in self._player.news(time.monotonic()):
            connection.send(_signal_of(signal))


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Something to tell everybody on the bus."""

    interface: str
    name: str
    signature: str
    body: tuple[Any, ...]


class Refusal(Exception):  # noqa: N818  a call that can't be obeyed is none of the program's errors
    """A call that is not obeyed, with the name that the bus has for it."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = f"org.freedesktop.DBus.Error.{name}"


class Player:
    """What the bus sees: properties, methods and signals; knows nothing of connections."""

    def __init__(self, session: Controlled, describe: Describe) -> None:
        self._session = session
        self._describe = describe
        self._told: dict[str, Variant] | None = None
        self._position_ms = 0
        self._looked_s = 0.0

    def call(self, interface: str, member: str, signature: str, body: tuple[Any, ...]) -> Reply:
        """Obey a call and return the reply's signature and body.

        Raises:
            Refusal: there is no such thing.
        """
        obey, wanted = self._methods().get((interface, member), (None, ""))
        if obey is None:
            raise Refusal("UnknownMethod", f"There is no method {member} of {interface or 'any interface'}.")
        if signature != wanted:
            raise Refusal("InvalidArgs", f'{member} takes "{wanted}", not "{signature}".')
        return obey(*body)

    def news(self, now_s: float) -> list[Signal]:
        """Return what has changed since the last time, which is everything at first.

        Args:
            now_s: of a clock that never jumps.
        """
        status = self._describe()
        now = _of_player(status)
        position = now.pop("Position")[1]
        before, self._told = self._told, now
        jumped = self._has_jumped(status, now_s)
        if before is None:
            return []
        changed = {name: value for name, value in now.items() if value != before.get(name)}
        body: tuple[Any, ...] = (PLAYER, changed, [])
        news = [Signal(interface=PROPERTIES, name="PropertiesChanged", signature="sa{sv}as", body=body)] * bool(changed)
        return news + [Signal(interface=PLAYER, name="Seeked", signature="x", body=(position,))] * jumped

    def _has_jumped(self, status: Status, now_s: float) -> bool:
        moved_ms = status.position_ms - self._position_ms
        passed_ms = (now_s - self._looked_s) * 1000
        self._position_ms, self._looked_s = status.position_ms, now_s
        return not -JUMP_MS < moved_ms < passed_ms + JUMP_MS

    def _methods(self) -> Mapping[tuple[str, str], tuple[Callable[..., Reply], str]]:
        sent = {(PLAYER, name): (lambda word=word: self._sent(word), "") for name, word in _COMMAND_OF.items()}
        return {
            **sent,
            (PLAYER, "Seek"): (self._seek, "x"),
            (PLAYER, "SetPosition"): (self._set_position, "ox"),
            (PLAYER, "OpenUri"): (_refuse_uri, "s"),
            (ROOT, "Quit"): (lambda: self._sent("quit"), ""),
            (ROOT, "Raise"): (lambda: ("", ()), ""),
            (PROPERTIES, "Get"): (self._get, "ss"),
            (PROPERTIES, "GetAll"): (lambda interface: ("a{sv}", (self._all(interface),)), "s"),
            (PROPERTIES, "Set"): (self._set, "ssv"),
            (INTROSPECTABLE, "Introspect"): (lambda: ("s", (INTROSPECTION,)), ""),
            (PEER, "Ping"): (lambda: ("", ()), ""),
        }

    def _sent(self, *commands: Command) -> Reply:
        for command in commands:
            self._session.send(command)
        return "", ()

    def _seek(self, offset_us: int) -> Reply:
        """Go by whole steps of 5 s, at least one."""
        steps = min(MOST_STEPS, max(1, round(abs(offset_us) / 1000 / SEEK_MS))) if offset_us else 0
        way: Command = "forward" if offset_us > 0 else "back"
        return self._sent(*[way] * steps)

    def _set_position(self, track: str, position_us: int) -> Reply:
        status = self._describe()
        if track != TRACK or not 0 <= position_us <= status.total_ms * 1000:
            return "", ()
        offset_us = position_us - status.position_ms * 1000
        return self._seek(offset_us) if abs(offset_us) >= SEEK_MS * 500 else ("", ())

    def _get(self, interface: str, name: str) -> Reply:
        found = self._all(interface).get(name)
        if found is None:
            raise Refusal("UnknownProperty", f"There is no property {name} of {interface}.")
        return "v", (found,)

    def _all(self, interface: str) -> dict[str, Variant]:
        if interface == ROOT:
            return dict(_OF_ROOT)
        if interface == PLAYER:
            return _of_player(self._describe())
        raise Refusal("UnknownInterface", f"There is no interface {interface}.")

    def _set(self, interface: str, name: str, value: Variant) -> Reply:
        known = self._all(interface)
        if name not in known:
            raise Refusal("UnknownProperty", f"There is no property {name} of {interface}.")
        if name == "Rate":
            return "", ()
        if name != "Volume":
            raise Refusal("PropertyReadOnly", f"{name} can't be set.")
        if value[0] != "d" or not math.isfinite(value[1]):
            raise Refusal("InvalidArgs", "Volume is a number.")
        return self._sent(*_level_commands(self._describe().voice_db, value[1]))


def _level_commands(voice_db: float, wanted: float) -> list[Command]:
    """Return the steps of 3 dB, of voice and chimes together, that come nearest to a wanted gain."""
    wanted_db = 20 * math.log10(wanted) if wanted > 0 else QUIETEST_DB
    steps = round((min(LOUDEST_DB, max(QUIETEST_DB, wanted_db)) - voice_db) / LEVEL_STEP_DB)
    pair: list[Command] = ["voice-up", "chimes-up"] if steps > 0 else ["voice-down", "chimes-down"]
    return pair * abs(steps)


def _refuse_uri(uri: str) -> Reply:  # noqa: ARG001
    raise Refusal("NotSupported", "Nothing else can be opened.")


_OF_ROOT: Mapping[str, Variant] = {
    "CanQuit": ("b", True),
    "CanRaise": ("b", False),
    "HasTrackList": ("b", False),
    "Identity": ("s", "voiceroutine"),
    "SupportedUriSchemes": ("as", []),
    "SupportedMimeTypes": ("as", []),
}


def _of_player(status: Status) -> dict[str, Variant]:
    return {
        "PlaybackStatus": ("s", _playback(status)),
        "Metadata": ("a{sv}", _metadata(status)),
        "Position": ("x", max(0, status.position_ms) * 1000),
        "Volume": ("d", gain_of(status.voice_db)),
        "Rate": ("d", 1.0),
        "MinimumRate": ("d", 1.0),
        "MaximumRate": ("d", 1.0),
        **{f"Can{what}": ("b", True) for what in ("GoNext", "GoPrevious", "Play", "Pause", "Seek", "Control")},
    }


def _playback(status: Status) -> str:
    if status.state in ENDS:
        return "Stopped"
    return "Paused" if status.state in STANDSTILLS else "Playing"


def _metadata(status: Status) -> dict[str, Variant]:
    return {
        "mpris:trackid": ("o", TRACK),
        "mpris:length": ("x", status.total_ms * 1000),
        "xesam:title": ("s", status.name.replace("\0", "")),
        "xesam:album": ("s", status.title.replace("\0", "")),
    }


INTROSPECTION = f"""<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
<node>
 <interface name="{INTROSPECTABLE}"><method name="Introspect"><arg type="s" direction="out"/></method></interface>
 <interface name="{PEER}"><method name="Ping"/></interface>
 <interface name="{PROPERTIES}">
  <method name="Get">
   <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="v" direction="out"/>
  </method>
  <method name="GetAll"><arg type="s" direction="in"/><arg type="a{{sv}}" direction="out"/></method>
  <method name="Set">
   <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="v" direction="in"/>
  </method>
  <signal name="PropertiesChanged"><arg type="s"/><arg type="a{{sv}}"/><arg type="as"/></signal>
 </interface>
 <interface name="{ROOT}">
  <method name="Raise"/>
  <method name="Quit"/>
  {"".join(f'<property name="{name}" type="{value[0]}" access="read"/>' for name, value in _OF_ROOT.items())}
 </interface>
 <interface name="{PLAYER}">
  {"".join(f'<method name="{name}"/>' for name in _COMMAND_OF)}
  <method name="Seek"><arg name="Offset" type="x" direction="in"/></method>
  <method name="SetPosition"><arg type="o" direction="in"/><arg type="x" direction="in"/></method>
  <method name="OpenUri"><arg type="s" direction="in"/></method>
  <signal name="Seeked"><arg name="Position" type="x"/></signal>
  {
    "".join(
        f'<property name="{name}" type="{value[0]}" access="{"readwrite" if name in {"Rate", "Volume"} else "read"}"/>'
        for name, value in _of_player(Status(state="", title="", position_ms=0)).items()
    )
}
 </interface>
</node>
"""


def _take_name(connection: Any) -> None:
    from jeepney import message_bus
    from jeepney.wrappers import unwrap_msg

    request = message_bus.RequestName(f"{ROOT}.voiceroutine.instance{os.getpid()}")
    unwrap_msg(connection.send_and_get_reply(request, timeout=_CONNECT_WITHIN_S))


def _answer_to(message: Any, player: Player) -> Any:
    """Return what to answer to a call, or nothing if nobody wants to know."""
    from jeepney import MessageFlag, new_error, new_method_return

    try:
        signature, body = _obeyed(message, player)
        answer = new_method_return(message, signature or None, body)
    except Refusal as refusal:
        answer = new_error(message, refusal.name, "s", (str(refusal),))
    return None if message.header.flags & MessageFlag.no_reply_expected else answer


def _obeyed(message: Any, player: Player) -> Reply:
    from jeepney import HeaderFields

    fields = message.header.fields
    if fields.get(HeaderFields.path) != PATH:
        raise Refusal("UnknownObject", f"There is nothing but {PATH}.")
    interface, member = fields.get(HeaderFields.interface, ""), fields.get(HeaderFields.member, "")
    return player.call(interface, member, fields.get(HeaderFields.signature, ""), tuple(message.body))


def _signal_of(signal: Signal) -> Any:
    from jeepney import DBusAddress, new_signal

    return new_signal(DBusAddress(PATH, interface=signal.interface), signal.name, signal.signature, signal.body)


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return "there is no session bus here"
    if isinstance(error, ImportError):
        return f"the package {error.name} is missing"
    return f"the session bus can't be used ({error})"


def probe_media_keys() -> tuple[bool, str]:
    """Return whether a session could be offered to the desktop, and why not; takes some seconds at most."""
    if sys.platform != "linux":
        return False, "only on Linux"
    verdict: list[str] = []
    thread = Thread(target=lambda: verdict.append(_probe_bus()), name="mpris-probe", daemon=True)
    thread.start()
    thread.join(_PROBE_S)
    reason = verdict[0] if verdict else f"no answer within {_PROBE_S:g} seconds"
    return not reason, reason


def _probe_bus() -> str:
    try:
        from jeepney.io.blocking import open_dbus_connection

        open_dbus_connection(auth_timeout=_CONNECT_WITHIN_S).close()
    except Exception as error:  # noqa: BLE001  told, whatever it is
        return _reason(error)
    return ""
