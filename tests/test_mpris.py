"""The session as the desktop sees it: keys, buttons and what is shown beside them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import fromstring

import pytest
from bus import eventually, need, running_bus
from desk import Desk

from voiceroutine.levels import Levels
from voiceroutine.mpris import (
    INTROSPECTABLE,
    PLAYER,
    PROPERTIES,
    ROOT,
    TRACK,
    MediaKeys,
    Player,
    Refusal,
    Signal,
    probe_media_keys,
)
from voiceroutine.mpris import PATH as OBJECT
from voiceroutine.player import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voiceroutine.player import State

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="MPRIS is of Linux")
NAME = f"org.mpris.MediaPlayer2.voiceroutine.instance{os.getpid()}"


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.at("work", "right", after_ms=18_000)
    return desk


@pytest.fixture
def player(desk: Desk) -> Player:
    return Player(desk, desk.describe)


def value_of(player: Player, name: str, interface: str = PLAYER) -> Any:
    _, (variant,) = player.call(PROPERTIES, "Get", "ss", (interface, name))
    return variant[1]


@pytest.mark.parametrize(
    ("call", "commands"),
    [
        (("PlayPause", ""), ["toggle"]),
        (("Play", ""), ["resume"]),
        (("Pause", ""), ["pause"]),
        (("Stop", ""), ["quit"]),
        (("Next", ""), ["next"]),
        (("Previous", ""), ["previous"]),
        (("Seek", "x", 5_000_000), ["forward"]),
        (("Seek", "x", -10_000_000), ["back"] * 2),
        (("Seek", "x", 1_000_000), ["forward"]),
        (("Seek", "x", 0), []),
        (("Seek", "x", 2**62), ["forward"] * 60),
        (("SetPosition", "ox", TRACK, 81_400_000), ["forward"] * 4),
        (("SetPosition", "ox", TRACK, 62_000_000), []),
        (("SetPosition", "ox", TRACK, -1), []),
        (("SetPosition", "ox", TRACK, 10**12), []),
        (("SetPosition", "ox", "/another", 0), []),
    ],
)
def test_what_each_method_asks_of_the_session(
    desk: Desk, player: Player, call: tuple[Any, ...], commands: list[str]
) -> None:
    member, signature, *body = call
    assert player.call(PLAYER, member, signature, tuple(body)) == ("", ())
    assert desk.obeyed == commands


def test_quit_ends_the_session_and_raise_has_no_window(desk: Desk, player: Player) -> None:
    player.call(ROOT, "Raise", "", ())
    assert value_of(player, "CanRaise", ROOT) is False
    player.call(ROOT, "Quit", "", ())
    assert desk.obeyed == ["quit"]


@pytest.mark.parametrize(
    ("volume", "commands"),
    [
        (1.0, []),
        (0.5, ["voice-down", "chimes-down"] * 2),
        (2.0, ["voice-up", "chimes-up"] * 2),
        (0.0, ["voice-down", "chimes-down"] * 10),
        (100.0, ["voice-up", "chimes-up"] * 4),
        (-1.0, ["voice-down", "chimes-down"] * 10),
    ],
)
def test_volume_is_reached_in_steps(desk: Desk, player: Player, volume: float, commands: list[str]) -> None:
    player.call(PROPERTIES, "Set", "ssv", (PLAYER, "Volume", ("d", volume)))
    assert desk.obeyed == commands


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ((PLAYER, "Explode", ""), "UnknownMethod: There is no method Explode of org.mpris.MediaPlayer2.Player."),
        (("", "Pause", ""), "UnknownMethod: There is no method Pause of any interface."),
        ((PLAYER, "Seek", "s", "far"), 'InvalidArgs: Seek takes "x", not "s".'),
        ((PLAYER, "Pause", "s", "now"), 'InvalidArgs: Pause takes "", not "s".'),
        ((PLAYER, "OpenUri", "s", "file:///x"), "NotSupported: Nothing else can be opened."),
        ((PROPERTIES, "Get", "ss", PLAYER, "Mood"), f"UnknownProperty: There is no property Mood of {PLAYER}."),
        ((PROPERTIES, "GetAll", "s", "a.b"), "UnknownInterface: There is no interface a.b."),
        ((PROPERTIES, "Set", "ssv", PLAYER, "Metadata", ("s", "")), "PropertyReadOnly: Metadata can't be set."),
        ((PROPERTIES, "Set", "ssv", "a.b", "Mood", ("s", "")), "UnknownInterface: There is no interface a.b."),
        ((PROPERTIES, "Set", "ssv", PLAYER, "Volume", ("s", "loud")), "InvalidArgs: Volume is a number."),
        ((PROPERTIES, "Set", "ssv", PLAYER, "Volume", ("d", float("nan"))), "InvalidArgs: Volume is a number."),
    ],
)  # fmt: skip
def test_what_can_not_be_obeyed_is_told_and_changes_nothing(
    desk: Desk, player: Player, call: tuple[Any, ...], error: str
) -> None:
    interface, member, signature, *body = call
    with pytest.raises(Refusal) as caught:
        player.call(interface, member, signature, tuple(body))
    assert f"{caught.value.name}: {caught.value}" == f"org.freedesktop.DBus.Error.{error}"
    assert desk.obeyed == []


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("lead-in", "Playing"),
        ("playing", "Playing"),
        ("counting in", "Playing"),
        ("waiting", "Playing"),
        ("recovering", "Playing"),
        ("paused", "Paused"),
        ("your turn", "Paused"),
        ("done", "Stopped"),
        ("stopped", "Stopped"),
        ("failed", "Stopped"),
    ],
)
def test_every_state_has_a_status(desk: Desk, player: Player, state: State, shown: str) -> None:
    desk.be(state)
    assert value_of(player, "PlaybackStatus") == shown


def test_what_is_shown(desk: Desk, player: Player) -> None:
    assert value_of(player, "Metadata") == {
        "mpris:trackid": ("o", TRACK),
        "mpris:length": ("x", 172_500_000),
        "xesam:title": ("s", "Neck tilt, right"),
        "xesam:album": ("s", "Evening"),
    }
    assert value_of(player, "Position") == desk.moment.position_ms * 1000
    desk.moment = replace(desk.moment, levels=Levels(voice_db=-6.0))
    assert value_of(player, "Volume") == pytest.approx(0.501, abs=0.001)


def test_before_there_is_a_timeline_it_starts(desk: Desk, player: Player) -> None:
    desk.moment = Snapshot(state="lead-in", position_ms=-5_000, index=0)
    assert value_of(player, "Metadata")["xesam:title"] == ("s", "Starting")
    assert value_of(player, "Position") == 0


def test_only_what_changes_is_told(desk: Desk, player: Player) -> None:
    def after(passed_ms: int) -> list[Signal]:
        desk.go_to(desk.moment.position_ms + passed_ms)
        return player.news(passed_ms / 1000)

    assert player.news(0) == []
    assert after(200) == []
    desk.send("pause")
    [told] = player.news(0.4)
    assert (told.name, told.body) == ("PropertiesChanged", (PLAYER, {"PlaybackStatus": ("s", "Paused")}, []))
    assert player.news(9.0) == []
    desk.send("forward")
    [told] = player.news(9.2)
    assert (told.name, told.body) == ("Seeked", (desk.moment.position_ms * 1000,))
    desk.at("work", "left")
    names = [told.name for told in player.news(9.4)]
    assert names == ["PropertiesChanged", "Seeked"]


def test_without_a_bus_nothing_happens(desk: Desk) -> None:
    with MediaKeys(desk, desk.describe) as keys:
        assert not keys.wait_until_offered(10)
    assert keys.trouble in {"there is no session bus here", "the package jeepney is missing"}


@linux_only
def test_without_a_bus_the_doctor_says_so() -> None:
    assert probe_media_keys() == (False, "there is no session bus here")


def test_without_the_package_nothing_happens(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jeepney.io.blocking", None)
    with MediaKeys(desk, desk.describe) as keys:
        assert not keys.wait_until_offered(10)
    assert keys.trouble == "the package jeepney.io.blocking is missing"


@linux_only
@pytest.mark.parametrize("address", ["unix:path=/nowhere/bus", "tcp:host=localhost,port=1", "nonsense", ""])
def test_a_bus_that_is_not_there_is_no_trouble(desk: Desk, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    with MediaKeys(desk, desk.describe) as keys:
        assert not keys.wait_until_offered(10)
    assert keys.trouble.startswith("the session bus can't be used (")


@pytest.fixture
def offered(desk: Desk, tmp_path: Path) -> Iterator[MediaKeys]:
    need("playerctl", "dbus-send")
    with running_bus(tmp_path), MediaKeys(desk, desk.describe) as keys:
        assert keys.wait_until_offered(10), keys.trouble
        yield keys


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def playerctl(*arguments: str) -> str:
    return run("playerctl", "--player", "voiceroutine", *arguments)


def dbus_send(path: str, member: str, *arguments: str, name: str = NAME) -> str:
    return run("dbus-send", "--session", "--print-reply=literal", f"--dest={name}", path, member, *arguments)


@pytest.mark.slow
@linux_only
def test_playerctl_controls_and_shows_the_session(desk: Desk, offered: MediaKeys) -> None:
    assert playerctl("status") == "Playing"
    shown = playerctl("metadata", "--format", "{{title}}|{{album}}|{{duration(mpris:length)}}|{{duration(position)}}")
    assert shown == "Neck tilt, right|Evening|2:52|1:03"
    for argument in ("play-pause", "pause", "play", "next", "previous", "stop"):
        playerctl(argument)
    assert desk.obeyed == ["toggle", "pause", "resume", "next", "previous", "quit"]
    assert playerctl("status") == "Stopped"


@pytest.mark.slow
@linux_only
def test_playerctl_seeks_and_sets_the_volume(desk: Desk, offered: MediaKeys) -> None:
    playerctl("position", "10+")
    playerctl("position", "5-")
    assert desk.obeyed == ["forward", "forward", "back"]
    playerctl("volume", "0.5")
    assert desk.obeyed[3:] == ["voice-down", "chimes-down"] * 2
    assert float(playerctl("volume")) == pytest.approx(0.501, abs=0.001)


@pytest.mark.slow
@linux_only
def test_the_bus_sees_every_property_and_method(desk: Desk, offered: MediaKeys) -> None:
    described = fromstring(dbus_send(OBJECT, f"{INTROSPECTABLE}.Introspect"))
    for interface in (ROOT, PLAYER):
        told = dbus_send(OBJECT, f"{PROPERTIES}.GetAll", f"string:{interface}")
        named = [one.get("name") for one in described.findall(f"interface[@name='{interface}']/property")]
        assert [name for name in named if f"{name} " not in told] == []
    listed = {one.get("name") for one in described.findall("interface/*")}
    assert {"PlayPause", "Seek", "SetPosition", "Seeked", "PlaybackStatus", "CanGoNext", "Identity"} <= listed
    assert "voiceroutine" in dbus_send(OBJECT, f"{PROPERTIES}.Get", f"string:{ROOT}", "string:Identity")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        dbus_send("/somewhere", f"{PLAYER}.Pause")
    refused = "Error org.freedesktop.DBus.Error.UnknownObject: There is nothing but /org/mpris/MediaPlayer2."
    assert caught.value.stderr.strip() == refused
    assert desk.obeyed == []


@pytest.mark.slow
@linux_only
def test_who_watches_is_told_of_changes(desk: Desk, offered: MediaKeys) -> None:
    command = ["playerctl", "--player", "voiceroutine", "--follow", "metadata", "--format", "{{status}} {{title}}"]
    seen: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        lines = watching.stdout
        reader = threading.Thread(target=lambda: seen.extend(line.strip() for line in lines))
        reader.start()
        assert eventually(lambda: seen[-1:] == ["Playing Neck tilt, right"])
        desk.send("pause")
        assert eventually(lambda: seen[-1:] == ["Paused Neck tilt, right"])
        desk.at("work", "left")
        assert eventually(lambda: seen[-1:] == ["Paused Neck tilt, left"])
        watching.kill()
        reader.join()


@pytest.mark.slow
@linux_only
def test_a_command_arrives_within_120_ms(desk: Desk, offered: MediaKeys) -> None:
    from jeepney import DBusAddress, new_method_call
    from jeepney.io.blocking import open_dbus_connection

    took_s = []
    with open_dbus_connection() as connection:
        for _ in range(100):
            call = new_method_call(DBusAddress("/org/mpris/MediaPlayer2", NAME, PLAYER), "Pause")
            begun_s = time.perf_counter()
            connection.send_and_get_reply(call, timeout=5)
            took_s.append(time.perf_counter() - begun_s)
    assert desk.obeyed == ["pause"] * 100
    assert sorted(took_s)[-3] < 0.120


@pytest.mark.slow
@linux_only
def test_it_leaves_the_bus_at_once(desk: Desk, tmp_path: Path) -> None:
    with running_bus(tmp_path):
        with MediaKeys(desk, desk.describe) as keys:
            assert keys.wait_until_offered(10)
            begun_s = time.monotonic()
        assert time.monotonic() - begun_s < 0.4
        assert keys.trouble == ""
        assert not any(thread.name == "mpris" for thread in threading.enumerate())
        if shutil.which("dbus-send"):
            bus = "org.freedesktop.DBus"
            assert NAME not in dbus_send("/org/freedesktop/DBus", f"{bus}.ListNames", name=bus)


@pytest.mark.slow
@linux_only
def test_a_bus_that_dies_takes_nothing_with_it(desk: Desk, tmp_path: Path) -> None:
    with running_bus(tmp_path) as daemon, MediaKeys(desk, desk.describe) as keys:
        assert keys.wait_until_offered(10)
        daemon.kill()
        daemon.wait()
        assert eventually(lambda: keys.trouble != "")
    assert keys.trouble.startswith("the session bus can't be used (")


@pytest.mark.slow
@linux_only
def test_a_bus_that_hangs_holds_nobody_up(desk: Desk, tmp_path: Path) -> None:
    with running_bus(tmp_path) as daemon:
        daemon.send_signal(19)
        begun_s = time.monotonic()
        with MediaKeys(desk, desk.describe):
            assert time.monotonic() - begun_s < 0.5
        assert time.monotonic() - begun_s < 1.5
        daemon.send_signal(18)
        assert eventually(lambda: not any(thread.name == "mpris" for thread in threading.enumerate()))
