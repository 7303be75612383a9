"""`voiceroutine voices`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voiceroutine.voices import VoiceInfo


@click.command("voices")
@click.option("--all", "is_all", is_flag=True, help="List the voices of every language.")
@click.option("--language", default="en", metavar="TAG", help="List the voices of one language.", show_default=True)
def command(is_all: bool, language: str) -> None:
    """List engines and voices, which one is used and why."""
    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import choose_engine, engine_names, probe_engine

    choice = choose_engine(VoiceSettings())
    click.echo(f"Used: {choice.engine.name} ({choice.why})\n")
    found = 0
    for name in engine_names():
        probe = probe_engine(name)
        click.echo(f"{name}: {probe.reason}" if probe.ok else f"{name}: doesn't work: {probe.reason}")
        for voice in _voices(name, "" if is_all else language) if probe.ok else ():
            click.echo(f"  {name}:{voice.name:<22} {voice.language}")
            found += 1
    if not found:
        click.echo(f'\nThere is no voice for the language "{language}". "voiceroutine voices --all" lists all.')


def _voices(engine: str, language: str) -> Iterator[VoiceInfo]:
    from voiceroutine.voices import load_engine

    for voice in load_engine(engine).voices():
        if not language or _first_part(voice.language) == _first_part(language):
            yield voice


def _first_part(language: str) -> str:
    return language.split("-", maxsplit=1)[0].lower()
