"""`voiceroutine config`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.settings import Found, Setting, Survey, Value

# Engines whose voices may be named by a path.
_BY_PATH = {"piper", "recordings"}


@click.command("config")
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.option("--unset", is_flag=True, help="Take NAME out of the file.")
@click.option("--json", "as_json", is_flag=True, help="Print it for programs.")
def command(name: str | None, value: str | None, unset: bool, as_json: bool) -> int:
    """Show your settings, or change one.

    Without NAME all of them are listed, with where each comes from. A flag goes before a setting, and an environment
    variable like VOICEROUTINE_RATE before the file.

    \b
    voice     who speaks, ENGINE[:NAME]; "voiceroutine voices" lists them
    rate      words a minute, 80 to 400
    language  which translation of a routine, where there is one
    profile   how much is said: bell, quiet, normal or coach
    device    the sound device, by name or number
    delay     time to reach the mat, like 10s
    no_ui     on: plain lines instead of the screen
    history   on: keep a log of your sessions on this machine

    The table [me] of the same file, which is written by hand, has exercises that you never want, a favourite voice,
    the side that comes first, and your pace.
    """  # noqa: D301  click knows the sign of a paragraph that isn't filled
    if unset and (name is None or value is not None):
        raise click.UsageError("--unset takes a NAME out: voiceroutine config NAME --unset")
    if name is not None and (unset or value is not None):
        _change(name, value, as_json=as_json)
        return 0
    return _show(name, as_json=as_json)


def setting_lines(surveyed: Survey) -> Iterator[str]:
    """Yield every setting with its value and where it comes from, and the variables that go before it somewhere."""
    for name, found in surveyed.found.items():
        yield f"{name:<9} {found.text:<22} {_origin(found)}"
        for command, variable in _commands_own(found.setting):
            yield f"{'':<9} {os.environ[variable]:<22} {variable}, for {command} alone"
    for name, value in surveyed.me.values().items():
        words = ", ".join(value) if isinstance(value, tuple) else str(value)
        yield f"{name:<10} {words:<21} config.toml, [me]"
        if name == "never":
            yield from _about_never(surveyed.me.never)


def _about_never(never: Sequence[str]) -> Iterator[str]:
    """Yield a line for each name that may be misspelled: what it means is done all the same."""
    from voiceroutine.choosing import plain
    from voiceroutine.errors import RoutineError, did_you_mean
    from voiceroutine.library import default_library

    try:
        names = default_library().exercise_names()
    except RoutineError:
        return
    known = {plain(name) for name in names}
    for name in never:
        if plain(name) not in known:
            hint = did_you_mean(name, sorted(names)) or 'see "voiceroutine exercises"'
            yield f'{"":<10} "{name}" is no exercise of the library; {hint}'


def _show(name: str | None, *, as_json: bool) -> int:
    from voiceroutine.settings import setting_named, survey

    setting = setting_named(name) if name is not None else None
    surveyed = survey()
    found = surveyed.found[setting.name] if setting else None
    if as_json:
        click.echo(json.dumps(_data(found) if found else _all_data(surveyed), ensure_ascii=False, indent=1))
    elif found:
        click.echo(found.text)
    else:
        for line in setting_lines(surveyed):
            click.echo(line)
        click.echo(f"\nThe file: {surveyed.file}" + ("" if surveyed.file.exists() else " (not there yet)"))
        click.echo("To change one: voiceroutine config NAME VALUE")
    for problem in surveyed.problems:
        click.echo(problem, err=True)
    return 2 if surveyed.problems else 0


def _change(name: str, words: str | None, *, as_json: bool) -> None:
    from voiceroutine.settings import setting_named, settings_file, survey, value_to_write

    setting = setting_named(name)
    if setting.name == "voice" and words is not None:
        words = _checked_voice(words)
    value = None if words is None else value_to_write(setting, words)
    _write(settings_file(), setting.name, value)
    found = survey().found[setting.name]
    if as_json:
        click.echo(json.dumps(_data(found), ensure_ascii=False, indent=1))
        return
    click.echo(f"{setting.name}: {found.text} ({_origin(found)})")
    if found.source == "environment":
        click.echo(f"The file is changed, but the variable {found.where} goes before it.", err=True)


def _checked_voice(words: str) -> str:
    """Return a voice as it is found from every folder."""
    from voiceroutine.errors import SettingError, did_you_mean
    from voiceroutine.voices import engine_names

    engine, _, name = words.partition(":")
    known = ("auto", *engine_names())
    if engine and engine not in known:
        hint = did_you_mean(engine.lower(), known) or f"there are: {', '.join(known)}"
        raise SettingError(f'voice: there is no voice engine "{engine}"\n    {hint}')
    return f"{engine}:{Path(name).absolute()}" if engine in _BY_PATH and name and Path(name).exists() else words


def _write(file: Path, name: str, value: Value | None) -> None:
    import shutil

    from voiceroutine.beside import written_beside
    from voiceroutine.errors import SettingError
    from voiceroutine.settings import readable_text, rewritten

    before = readable_text(file)
    after = rewritten(before, name, value)
    if after == before:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(file) as part:
            part.write_text(after, encoding="utf-8", newline="")
            if file.exists():
                shutil.copymode(file, part)
    except OSError as error:
        raise SettingError(f"{file} could not be written, and is as it was: {error.strerror or error}.") from error


def _origin(found: Found) -> str:
    return {"environment": found.where, "file": "config.toml", "default": "default"}[found.source]


def _commands_own(setting: Setting) -> Iterator[tuple[str, str]]:
    from voiceroutine.cli.defaults import FLAGS

    for command, names in FLAGS.items():
        variable = f"VOICEROUTINE_{command}_{setting.name}".upper()
        if setting.name in names and os.environ.get(variable):
            yield command, variable


def _data(found: Found) -> dict[str, Any]:
    value = found.text if found.setting.name == "delay" and found.value is not None else found.value
    return {
        "name": found.setting.name,
        "value": value,
        "otherwise": found.setting.otherwise,
        "source": found.source,
        "where": found.where or None,
        "variable": found.setting.variable,
    }


def _all_data(surveyed: Survey) -> dict[str, Any]:
    return {
        "file": str(surveyed.file),
        "settings": [_data(found) for found in surveyed.found.values()],
        "me": surveyed.me.values(),
        "problems": [str(problem) for problem in surveyed.problems],
    }
