"""The user's settings as defaults of flags; nothing is read before a command asks for one of its flags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from functools import cached_property
from typing import Any, cast

import click

FLAGS = {
    "play": ("voice", "rate", "language", "profile", "device", "delay", "no_ui"),
    "export": ("voice", "rate", "language", "profile"),
    "show": ("voice", "rate", "language", "profile"),
    "voices": ("voice", "rate", "language", "device"),
    "exercises": ("language",),
}
"""Which settings are the defaults of which command's flags."""

ME_FLAGS = ("side_first", "pace")
"""Which keys of the table `[me]` are the defaults of flags, of the commands that have them."""
PERSONAL = ("play", "export", "show")


def user_defaults() -> MutableMapping[str, Any]:
    """Return the defaults of every command."""
    # Click calls it a mutable mapping, and only ever looks up in it.
    return cast("MutableMapping[str, Any]", {command: _Defaults(command, names) for command, names in FLAGS.items()})


class _Defaults(Mapping[str, Any]):
    """The defaults of one command; those of the flags that aren't settings can be asked for without reading any."""

    def __init__(self, command: str, names: tuple[str, ...]) -> None:
        self._names = (*names, *(ME_FLAGS if command in PERSONAL else ()))

    def __getitem__(self, name: str) -> Any:
        # Click asks for defaults to complete a line and to write a help too; those don't depend on the settings.
        if name not in self._names or click.get_current_context().resilient_parsing:
            raise KeyError(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @cached_property
    def _values(self) -> dict[str, Any]:
        from voiceroutine.settings import current, me

        found = {name: one.value for name, one in current().items() if one.value is not None}
        values = {**me().values(), **found}
        return {name: values[name] for name in self._names if name in values}
