"""Every test has folders of its own: no test reads or writes what the user has."""

from __future__ import annotations

import signal
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import pytest

from voiceroutine.cli import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def pytest_configure() -> None:
    """Let interrupts through: a shell that starts the tests in the background has them ignored, in children too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield new folders; asking pytest for one for each of thousands of tests takes longer than the tests."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def own_folders(homes: Iterator[Path], cache_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = next(homes)
    home.mkdir()
    for name in (
        "HOME",
        "USERPROFILE",
        "APPDATA",
        "LOCALAPPDATA",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "XDG_DATA_HOME",
    ):
        monkeypatch.setenv(name, str(home))
    (home / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))
    return home


class Ended(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run the command line in this process."""

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        status = run(list(arguments))
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return call
