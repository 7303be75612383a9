"""`voiceroutine doctor`."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import click

from voiceroutine import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Finding = tuple[bool, str]


@click.command("doctor")
def command() -> None:
    """Say what works on this machine, what is missing, and the command that adds it."""
    click.echo(f"voiceroutine {__version__}, Python {platform.python_version()}, {platform.platform()}\n")
    for part in (_voices, _outputs, _surroundings, _folders):
        for works, text in part():
            click.echo(f"{'works  ' if works else 'MISSING'}  {text}")
    _tell_settings()
    click.echo('\nA voice and one way of sound are enough. Without sound, "voiceroutine export" still makes files.')


def _voices() -> Iterator[Finding]:
    from voiceroutine.voices import engine_names, probe_engine

    for name in engine_names():
        probe = probe_engine(name)
        yield probe.ok, f"voice {name}: {probe.reason}"


def _outputs() -> Iterator[Finding]:
    from voiceroutine.sinks.device import probe_devices

    for probe in probe_devices():
        yield probe.ok, f"sound through {probe.name}" + (f": {probe.reason}" if probe.reason else "")


def _surroundings() -> Iterator[Finding]:
    from voiceroutine.awake import probe_awake
    from voiceroutine.mpris import probe_media_keys
    from voiceroutine.remote import where

    folder = where()
    yield folder is not None, f"control from another terminal: {folder or 'there is no folder that is only yours'}"
    works, reason = probe_media_keys()
    yield works, "media keys and headset buttons" + (f": {reason}" if reason else "")
    works, how = probe_awake()
    yield works, f"stays awake while it plays: {how}"


def _folders() -> Iterator[Finding]:
    from voiceroutine.clipcache import default_cache
    from voiceroutine.library import bundled_folder, user_folder

    for name in ("routines", "audio"):
        folder = bundled_folder(name)
        yield folder.is_dir(), f"bundled {name}: {folder}"
    cache = default_cache().folder
    yield _is_writable(cache), f'cache of spoken sentences: {cache} ("voiceroutine cache" says how much)'
    yield True, f"your own routines go into: {user_folder()}"


def _tell_settings() -> None:
    from voiceroutine.cli.config import setting_lines
    from voiceroutine.settings import survey

    surveyed = survey()
    click.echo(f'\nSettings, which "voiceroutine config" changes, in {surveyed.file}:')
    for line in setting_lines(surveyed):
        click.echo(f"  {line}")
    for problem in surveyed.problems:
        click.echo(f"WRONG    {problem}")


def _is_writable(folder: Path) -> bool:
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
