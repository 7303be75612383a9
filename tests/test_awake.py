"""The machine stays awake while a session plays, and may sleep after it."""

from __future__ import annotations

import gc
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from bus import Desktop, eventually, running_bus

from voiceroutine.awake import awake, probe_awake

if TYPE_CHECKING:
    from pathlib import Path

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="a desktop's own bus")


def is_at_work() -> bool:
    return any(thread.name == "awake" for thread in threading.enumerate())


@linux_only
def test_without_a_desktop_nothing_happens_and_the_reason_is_known() -> None:
    with awake() as machine:
        assert machine.wait_until_decided(10)
    assert machine.how == ""
    tried = "org.freedesktop.PowerManagement, org.gnome.SessionManager"
    assert machine.trouble == f"nothing here can keep it awake (tried: {tried})"
    assert probe_awake() == (False, machine.trouble)
    assert not is_at_work()


def test_a_session_that_ends_at_once_leaves_nothing_behind() -> None:
    for _ in range(5):
        with awake():
            pass
    assert not is_at_work()


def test_a_missing_library_is_no_trouble_for_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wakepy", None)
    with awake() as machine:
        assert machine.wait_until_decided(10)
    assert machine.trouble.startswith("it failed: import of wakepy halted")


@pytest.mark.slow
@linux_only
def test_a_desktop_is_asked_and_let_go(tmp_path: Path) -> None:
    with running_bus(tmp_path), Desktop() as desktop:
        with awake() as machine:
            assert machine.wait_until_decided(10)
            assert desktop.calls == ["Inhibit"]
        assert desktop.calls == ["Inhibit", "Uninhibit"]
        assert (machine.how, machine.trouble) == ("org.gnome.SessionManager", "")
        assert probe_awake() == (True, "org.gnome.SessionManager")


@pytest.mark.slow
@linux_only
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_desktop_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    """Its bus is stopped, like a machine that is short of memory: nothing answers, and nothing fails."""
    with running_bus(tmp_path) as daemon:
        daemon.send_signal(19)
        begun_s = time.monotonic()
        with awake():
            assert time.monotonic() - begun_s < 0.5
        assert time.monotonic() - begun_s < 2
        daemon.send_signal(18)
        assert eventually(lambda: not is_at_work())
    # The library leaves a connection that brought nothing to the garbage collection, which warns of it.
    gc.collect()


@pytest.mark.slow
@linux_only
def test_a_desktop_that_dies_while_the_machine_is_kept_awake_is_no_trouble(tmp_path: Path) -> None:
    with running_bus(tmp_path) as daemon:
        with Desktop(), awake() as machine:
            assert machine.wait_until_decided(10)
            daemon.kill()
            daemon.wait()
        assert machine.how == "org.gnome.SessionManager"
    assert not is_at_work()
