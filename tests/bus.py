"""A session bus of a test's own, and what a desktop does on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
 <type>session</type>
 <listen>unix:path={socket}</listen>
 <auth>EXTERNAL</auth>
 <policy context="default">
  <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
 </policy>
</busconfig>
"""


def need(*programs: str) -> None:
    """Skip where a program is missing, except in CI: there it is a failure."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"missing: {', '.join(missing)} (Debian: apt install dbus playerctl)")
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}")


@contextmanager
def running_bus(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a bus, and lead this process and its children to it."""
    need("dbus-daemon")
    file = folder / "bus.conf"
    file.write_text(CONFIGURATION.format(socket=folder / "bus"))
    command = ["dbus-daemon", "--nofork", "--print-address", f"--config-file={file}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon, pytest.MonkeyPatch.context() as patch:
        assert daemon.stdout is not None
        patch.setenv("DBUS_SESSION_BUS_ADDRESS", daemon.stdout.readline().strip())
        try:
            yield daemon
        finally:
            daemon.kill()


def eventually(is_so: Callable[[], bool]) -> bool:
    """Wait until it is so, for 5 s at most; return whether it is."""
    until_s = time.monotonic() + 5
    while not is_so() and time.monotonic() < until_s:
        time.sleep(0.02)
    return is_so()


class Desktop:
    """Keeps awake whoever asks, as GNOME's session manager does, and writes down who did."""

    def __init__(self) -> None:
        from jeepney import message_bus
        from jeepney.io.blocking import open_dbus_connection

        self.calls: list[str] = []
        self._connection: Any = open_dbus_connection()
        self._connection.send_and_get_reply(message_bus.RequestName("org.gnome.SessionManager"), timeout=2)
        self._thread = Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.sock.shutdown(2)
        self._thread.join()
        self._connection.close()

    def _serve(self) -> None:
        from jeepney import HeaderFields, MessageType, new_method_return

        with suppress(OSError):
            while True:
                message = self._connection.receive()
                if message.header.message_type != MessageType.method_call:
                    continue
                member = message.header.fields[HeaderFields.member]
                self.calls.append(member)
                signature, body = ("u", (7,)) if member == "Inhibit" else (None, ())
                self._connection.send(new_method_return(message, signature, body))
