"""The machine stays awake while a session plays; the screen may go dark."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

_LETTING_GO_S = 1.0
_PROBE_S = 5.0


class Awake:
    """Keeps the machine awake while the context lasts, where the system lets it; never in the way of sound.

    All of it happens in a thread of its own: asking a desktop may take its time, and nothing waits for it.

    Attributes:
        how: what keeps the machine awake, like "org.gnome.SessionManager"; empty as long as nothing does.
        trouble: why nothing does; empty as long as that isn't known.
    """

    def __init__(self) -> None:
        self.how = ""
        self.trouble = ""
        self._is_decided = Event()
        self._is_over = Event()
        self._thread = Thread(target=self._hold, name="awake", daemon=True)

    def __enter__(self) -> Awake:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join(_LETTING_GO_S)

    def wait_until_decided(self, timeout_s: float) -> bool:
        """Wait until it is known whether the machine is kept awake; return whether it is known."""
        return self._is_decided.wait(timeout_s)

    def _hold(self) -> None:
        try:
            from wakepy import keep

            with keep.running(on_fail="pass") as mode:
                self.how = mode.method.name if mode.method else ""
                tried = ", ".join(one.method_name for one in mode.result.list_methods())
                self.trouble = "" if self.how else f"nothing here can keep it awake (tried: {tried or 'nothing'})"
                self._is_decided.set()
                self._is_over.wait()
        except Exception as error:  # noqa: BLE001  a machine that may fall asleep is no reason to fall silent
            self.trouble = self.trouble or f"it failed: {error}"
        finally:
            self._is_decided.set()


def awake() -> Awake:
    """Return a context that keeps the machine awake."""
    return Awake()


def probe_awake() -> tuple[bool, str]:
    """Return whether the machine can be kept awake, and how or why not; takes some seconds at most."""
    with awake() as trial:
        if not trial.wait_until_decided(_PROBE_S):
            return False, f"no answer within {_PROBE_S:g} seconds"
        return bool(trial.how), trial.how or trial.trouble
